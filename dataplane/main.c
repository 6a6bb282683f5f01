// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-dataplane: arguments only; everything else is in launch.c.
#include <getopt.h>
#include <stdio.h>

#include "launch.h"
#include "log.h"

static int usage(FILE *to, int code)
{
	fprintf(to,
	        "usage: fog-dataplane --blob FILE --run-dir DIR [--crypto NAME] [--accept-replays]\n"
	        "       [--log-format FORMAT]\n"
	        "  --blob FILE       configuration compiled by `fogctl config compile`\n"
	        "  --run-dir DIR     where dp.sock is made, for fog-controlplane\n"
	        "  --crypto NAME     ref, avx2 or avx512 instead of the best one for this CPU\n"
	        "  --accept-replays  let packets through that were seen before: for benches that\n"
	        "                    send the same ones again; refused with production: true\n"
	        "  --log-format FORMAT  text, journal (systemd's prefixes) or json; auto when left out\n"
	);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"blob", required_argument, NULL, 'b'},
	        {"run-dir", required_argument, NULL, 'r'},
	        {"crypto", required_argument, NULL, 'c'},
	        {"accept-replays", no_argument, NULL, 'a'},
	        {"log-format", required_argument, NULL, 'l'},
	        {"help", no_argument, NULL, 'h'},
	        {0},
	};
	struct fog_launch_options o = {0};
	int c, format;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			o.blob_path = optarg;
			break;
		case 'r':
			o.run_dir = optarg;
			break;
		case 'c':
			o.crypto = optarg;
			break;
		case 'a':
			o.accept_replays = true;
			break;
		case 'l':
			if ((format = fog_log_format_parse(optarg)) < 0)
				return usage(stderr, 2);
			fog_log_format_set((enum fog_log_format)format);
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (o.blob_path == NULL || o.run_dir == NULL || optind != argc)
		return usage(stderr, 2);
	return fog_launch(&o);
}
