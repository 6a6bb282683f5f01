// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A worker without ports for targets that give its stages messages: geometry, crypto, buffers, links.
#pragma once

#include <rte_cycles.h>
#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../dataplane/link_stage.h"

enum { POOL = 63 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fog_worker *w;

// Also where NDEBUG is set.
static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void worker_end(void)
{
	char dir[128];

	fog_link_table_destroy(w->links); // sessions are where no leak checker looks for pointers
	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(dir);
}

// 'tsc_hz' 0: this machine's.
static void worker_make(const char *name, uint64_t tsc_hz)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "--file-prefix=fogt-fuzz-%s-%d", name, (int)getpid());
	char *args[] = {"fuzz",           "--no-shconf", "--no-huge",
	                "--no-telemetry", "--no-pci",    "--log-level=error",
	                "-m64",           "--lcores=0",  prefix};
	demand(rte_eal_init(RTE_DIM(args), args) >= 0 && fog_crypto_init() == 0);

	w = aligned_alloc(FOG_CACHE_LINE, RTE_ALIGN(sizeof(*w), (size_t)FOG_CACHE_LINE));
	demand(w != NULL);
	memset(w, 0, sizeof(*w));
	fog_geometry_named(&w->geo, "mtu");
	w->workers = 1;
	w->crypto = fog_crypto_ops_get(NULL);
	w->tsc_hz = tsc_hz > 0 ? tsc_hz : rte_get_tsc_hz();
	w->pool = rte_pktmbuf_pool_create("fuzz", POOL, 0, FOG_PKT_PRIV_SIZE, 2176, SOCKET_ID_ANY);
	w->links = fog_link_table_create(w->crypto, 1, w->tsc_hz);
	demand(w->pool != NULL && w->links != NULL);
	atexit(worker_end);
}
