// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The filter of a configuration at the ports: who is exempt, ports without a filter, and what is in
// force when a port refuses. The ports are the test's, as no device refuses on demand.
#include <errno.h>

#include "../../../dataplane/manager_filter.h"
#include "../run.h"

enum { PORTS = 3, NODES = 3 };

static struct fog_manager manager;
static struct fog_port port[PORTS];
static struct fog_port_filter seen[PORTS]; // lists are only looked at while they are given
static uint32_t denied_last[PORTS];
static int refuse[PORTS];
static struct fog_ip exempt[PORTS][NODES];
static char text[256];

static int take(struct fog_port *p, const struct fog_port_filter *f)
{
	unsigned i = (unsigned)(p - port);

	if (refuse[i] != 0)
		return refuse[i];
	seen[i] = *f;
	denied_last[i] = f->deny_count > 0 ? f->deny[f->deny_count - 1].ip.addr[0] : 0;
	CU_ASSERT_TRUE_FATAL(f->exempt_count <= NODES);
	memcpy(exempt[i], f->exempt, f->exempt_count * sizeof(exempt[i][0]));
	return 0;
}

static const struct fog_port_ops with = {.name = "with", .set_filter = take};
static const struct fog_port_ops without = {.name = "without"};

// Nodes 10.0.0.1 (ourselves) to 10.0.0.3; 'deny' prefixes 1.0.0.0/8, 2.0.0.0/8, ...
static struct fog_blob *blob(uint32_t rate, uint32_t deny)
{
	struct fog_blob *b = calloc(
	        1,
	        sizeof(*b) + NODES * sizeof(struct fog_blob_node) + deny * sizeof(struct fog_prefix)
	);
	struct fog_blob_node *node = (void *)(b + 1);
	struct fog_prefix *list = (void *)(node + NODES);

	b->run.node_id[0] = 1;
	b->run.node_count = NODES;
	b->run.early_drop = 1;
	b->run.source_rate = rate;
	b->run.source_burst = 9;
	b->run.deny_count = deny;
	for (unsigned i = 0; i < NODES; i++) {
		node[i].id[0] = (uint8_t)(i + 1);
		node[i].ip = (struct fog_ip){.family = 4, .addr = {10, 0, 0, (uint8_t)(i + 1)}};
	}
	for (unsigned i = 0; i < deny; i++)
		list[i] = (struct fog_prefix
		){.ip = {.family = 4, .addr = {(uint8_t)(i + 1)}}, .len = 8};
	return b;
}

static void setup(void)
{
	memset(&manager, 0, sizeof(manager));
	memset(seen, 0, sizeof(seen));
	memset(refuse, 0, sizeof(refuse));
	for (unsigned i = 0; i < PORTS; i++) {
		port[i].ops = i == 1 ? &without : &with;
		snprintf(port[i].name, sizeof(port[i].name), "p%u", i);
		manager.ports[i] = &port[i];
	}
	manager.port_count = PORTS;
}

static void test_all(void)
{
	struct fog_blob *b = blob(7, 3);

	setup();
	CU_ASSERT_EQUAL(manager_filter_set(&manager, b, text, sizeof(text)), 0);
	for (unsigned i = 0; i < PORTS; i += 2) {
		CU_ASSERT_EQUAL(seen[i].early_drop, 1);
		CU_ASSERT_EQUAL(seen[i].source_rate, 7);
		CU_ASSERT_EQUAL(seen[i].source_burst, 9);
		CU_ASSERT_EQUAL(seen[i].deny_count, 3);
		CU_ASSERT_EQUAL(denied_last[i], 3);
		CU_ASSERT_EQUAL(seen[i].exempt_count, 2); // but not ourselves
		CU_ASSERT_EQUAL(exempt[i][0].addr[3], 2);
		CU_ASSERT_EQUAL(exempt[i][1].addr[3], 3);
	}
	CU_ASSERT_EQUAL(seen[1].source_rate, 0);
	free(b);
}

// The last port refuses: those before it get back what is in force.
static void test_refused(void)
{
	struct fog_blob *old = blob(7, 3), *fresh = blob(8, 4);

	setup();
	CU_ASSERT_EQUAL(manager_filter_set(&manager, old, text, sizeof(text)), 0);
	manager.blob = old;
	refuse[2] = -ENOMEM;
	CU_ASSERT_EQUAL(manager_filter_set(&manager, fresh, text, sizeof(text)), -ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "port p2 refuses the filter"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "4 denied prefixes"));
	CU_ASSERT_EQUAL(seen[0].source_rate, 7);
	CU_ASSERT_EQUAL(seen[0].deny_count, 3);
	CU_ASSERT_EQUAL(denied_last[0], 3);
	refuse[2] = 0;
	CU_ASSERT_EQUAL(manager_filter_set(&manager, fresh, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(seen[0].source_rate, 8);
	CU_ASSERT_EQUAL(seen[2].deny_count, 4);
	free(old);
	free(fresh);
}

// At the start there is nothing to go back to.
static void test_refused_at_start(void)
{
	struct fog_blob *b = blob(7, 0);

	setup();
	refuse[2] = -E2BIG;
	CU_ASSERT_EQUAL(manager_filter_set(&manager, b, text, sizeof(text)), -E2BIG);
	CU_ASSERT_EQUAL(seen[0].source_rate, 7);
	free(b);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"every port gets it", test_all},
	        {"a port refuses", test_refused},
	        {"a port refuses at the start", test_refused_at_start},
	        CU_TEST_INFO_NULL,
	};
	return check_run("filter at the ports", tests);
}
