// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A view in a folder of its own, and consensuses that follow on each other.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include "../../../controlplane/directory/view.h"
#include "../run.h"
#include "parts.h"

enum { NODES = 12, CHAIN = 8, EPOCH = PARTS_EPOCH };

static struct parts *p;
static struct fog_consensus *chain[CHAIN]; // of EPOCH and those after
static struct fog_view *view;
static char dir[64];

// Node 3 leaves after EPOCH + 2, the last one comes with EPOCH + 4.
static inline void rig_begin(void)
{
	p = parts_make(NODES);
	for (unsigned i = 0; i < CHAIN; i++) {
		struct fog_consensus *previous = i > 0 ? chain[i - 1] : NULL;
		if (i == 3)
			p->node[3].d.flags = FOG_DESCRIPTOR_WITHDRAWN;
		if (i == 4)
			parts_node_make(p, p->count++);
		if (i > 0)
			parts_renew_all(p, EPOCH + i, previous);
		chain[i] = parts_consensus(p, EPOCH + i, previous);
		CU_ASSERT_PTR_NOT_NULL_FATAL(chain[i]);
	}
	snprintf(dir, sizeof(dir), "/tmp/fog-view-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL_FATAL(fog_view_create(&p->net, dir, &view), 0);
}

// How many files there are, each removed if 'away'.
static inline unsigned rig_files(bool away)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (away)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	return n;
}

static inline void rig_end(void)
{
	fog_view_destroy(view);
	rig_files(true);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	for (unsigned i = 0; i < CHAIN; i++)
		fog_consensus_free(chain[i]);
	parts_free(p);
}
