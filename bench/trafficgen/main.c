// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-trafficgen: packets for appliances under test.
#include <sodium.h>

#include "options.h"
#include "pcap.h"
#include "run.h"
#include "tell.h"

int main(int argc, char **argv)
{
	struct options o;
	int ret = options_read(&o, argc > 1 ? argv[1] : "", argc - 1, argv + 1);

	if (ret != 0)
		return ret > 0 ? 0 : 2;
	if (sodium_init() < 0 || fog_crypto_init() < 0) {
		tell_error("this CPU lacks AES-NI, SSE4.2 or PCLMUL: 'fogctl host check cpu' says "
		           "which");
		return 1;
	}
	return o.run ? run_main(&o) : pcap_main(&o);
}
