// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's sessions: what installing and removing say, what the statistics show, when a worn key is
// told of. Its session with the control plane is real, with nobody at the other end.
#include "../../../dataplane/manager_link.h"

#include <errno.h>
#include <rte_cycles.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "../../../dataplane/manager.h"
#include "../../../dataplane/manager_conf.h"
#include "../run.h"
#include "rig.h"

static struct fog_manager *m;
static struct fog_blob_launch launch = {.worker_count = 2, .links = FOG_LINKS_NOISE};
static struct fog_link_stats seen[FOG_LINK_SLOTS];

static int config(void *ctx, const void *blob, size_t len, char *text, size_t text_len)
{
	return -EPROTO; // nobody is attached
}

static void manager_make(void)
{
	static const struct fog_session_ops ops = {.config = config};
	char path[64];

	m = calloc(1, sizeof(*m));
	m->crypto = fog_crypto_ops_get(NULL);
	m->qsbr = calloc(1, rte_rcu_qsbr_get_memsize(1));
	rte_rcu_qsbr_init(m->qsbr, 1);
	snprintf(path, sizeof(path), "/tmp/fogt-link-%d.sock", (int)getpid());
	struct fog_session_params params = {
	        .socket_path = path,
	        .allowed_uid = geteuid(),
	        .group_gid = getegid(),
	        .worker_count = 2,
	        .deliver_slots = 2,
	        .deliver_len = sizeof(struct fog_deliver),
	        .inject_slots = 2,
	        .inject_len = sizeof(struct fog_inject),
	        .build = "test",
	};
	CU_ASSERT_EQUAL_FATAL(fog_session_create(&params, &ops, m, &m->session, &m->stats), 0);
	m->stats->tsc_hz = rte_get_tsc_hz();
	CU_ASSERT_EQUAL_FATAL(manager_link_open(m, &launch), 0);
}

static void manager_free(void)
{
	manager_retired_poll(m);
	CU_ASSERT_PTR_NULL(m->retired);
	manager_link_close(m);
	fog_session_destroy(m->session);
	free(m->qsbr);
	free(m);
}

static struct fog_link_session session(uint32_t slot, uint8_t node)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_NODE,
	        .rx_index = 0xabc00000 + (slot << FOG_LINK_SUB_BITS),
	        .tx_index = 0x12300000,
	        .rx_count = 3,
	        .initiator = 1,
	        .node_id = {node},
	        .static_key = {node, 1},
	        .ip = {.family = 4, .addr = {10, 0, 0, node}},
	        .port = 9001,
	        .rekey_packets = 3,
	        .reject_packets = 5,
	};

	randombytes_buf(s.rx_key, sizeof(s.rx_key));
	randombytes_buf(s.tx_key, sizeof(s.tx_key));
	return s;
}

static const struct fog_link_stats *stats_of(uint32_t slot)
{
	CU_ASSERT_EQUAL_FATAL(
	        fog_stats_copy(&m->stats->link_sequence, m->stats->link, seen, sizeof(seen)), 0
	);
	return &seen[slot];
}

static void test_stats(void)
{
	manager_make();
	struct fog_link_session s = session(7, 1), again = session(8, 1), other = session(10, 2);

	struct fog_link_session nobody = session(9, 0);
	CU_ASSERT_EQUAL(manager_link_install(m, &nobody), -EINVAL);
	CU_ASSERT_EQUAL(manager_link_install(m, &s), 0);
	const struct fog_link_stats *k = stats_of(7);
	CU_ASSERT_EQUAL(k->state, FOG_LINK_SENDING);
	CU_ASSERT_EQUAL(k->class, FOG_LINK_NODE);
	CU_ASSERT_EQUAL(k->rx_index, s.rx_index);
	CU_ASSERT_EQUAL(k->tx_index, s.tx_index);
	CU_ASSERT_EQUAL(k->rx_count, 3);
	CU_ASSERT_EQUAL(k->port, 9001);
	CU_ASSERT_EQUAL(memcmp(k->node_id, s.node_id, 32), 0);
	CU_ASSERT_EQUAL(memcmp(k->static_key, s.static_key, 32), 0);
	CU_ASSERT_EQUAL(memcmp(&k->ip, &s.ip, sizeof(s.ip)), 0);
	CU_ASSERT_TRUE(k->installed_ns > 0);
	CU_ASSERT_EQUAL(k->rx + k->tx + k->rx_ns, 0);
	CU_ASSERT_EQUAL(stats_of(8)->state, FOG_LINK_FREE);

	struct fog_link *l = fog_link_find(m->links.table, s.rx_index);
	uint64_t counter;
	CU_ASSERT_TRUE(fog_link_counter(l, 0, &counter));
	CU_ASSERT_TRUE(fog_link_counter(l, 1, &counter));
	fog_link_heard(m->links.table, l, 1);
	manager_link_poll(m, 0); // not due: a second has not passed, and no session was waiting
	CU_ASSERT_EQUAL(stats_of(7)->tx, 0);
	// Who comes and goes has nobody else's counters published.
	CU_ASSERT_EQUAL(manager_link_install(m, &other), 0);
	CU_ASSERT_EQUAL(stats_of(10)->state, FOG_LINK_SENDING);
	CU_ASSERT_EQUAL(manager_link_remove(m, other.rx_index), 0);
	CU_ASSERT_EQUAL(stats_of(10)->state, FOG_LINK_FREE);
	CU_ASSERT_EQUAL(stats_of(10)->rx_index, 0);
	CU_ASSERT_EQUAL(stats_of(7)->tx, 0);
	manager_link_poll(m, UINT64_MAX);
	CU_ASSERT_EQUAL(stats_of(7)->tx, 2);
	CU_ASSERT_EQUAL(stats_of(7)->rx, 1);
	CU_ASSERT_TRUE(stats_of(7)->rx_ns > 0);

	again.initiator = 0;
	CU_ASSERT_EQUAL(manager_link_install(m, &again), 0);
	CU_ASSERT_EQUAL(stats_of(8)->state, FOG_LINK_WAITING);
	fog_link_heard(m->links.table, fog_link_find(m->links.table, again.rx_index), 0);
	manager_link_poll(m, 0); // at once
	CU_ASSERT_EQUAL(stats_of(8)->state, FOG_LINK_SENDING);
	CU_ASSERT_EQUAL(stats_of(7)->state, FOG_LINK_OLD);

	CU_ASSERT_EQUAL(manager_link_remove(m, s.rx_index + 1), -ENOENT);
	CU_ASSERT_EQUAL(manager_link_remove(m, s.rx_index ^ 1u << 30), -ENOENT);
	CU_ASSERT_EQUAL(manager_link_remove(m, s.rx_index), 0);
	CU_ASSERT_EQUAL(manager_link_remove(m, s.rx_index), -ENOENT);
	CU_ASSERT_EQUAL(stats_of(7)->state, FOG_LINK_FREE);
	CU_ASSERT_PTR_NOT_NULL(m->retired); // workers may still hold it
	manager_free();
}

// Told once, and not to nobody.
static void test_rekey(void)
{
	manager_make();
	struct fog_link_session s = session(0, 1);
	uint64_t counter;

	CU_ASSERT_EQUAL(manager_link_install(m, &s), 0);
	struct fog_link *l = fog_link_find(m->links.table, s.rx_index);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(fog_link_counter(l, 0, &counter));
		CU_ASSERT_TRUE(fog_link_counter(l, 1, &counter));
	}
	// With nobody there an event is counted as dropped, which shows that it was made.
	_Atomic uint64_t *events = &m->stats->events_dropped;
	atomic_store(&m->stats->control_attached, 1);
	manager_link_poll(m, UINT64_MAX);
	CU_ASSERT_EQUAL(atomic_load(events), 0);
	CU_ASSERT_TRUE(fog_link_counter(l, 1, &counter)); // the third of one sub-session
	atomic_store(&m->stats->control_attached, 0);
	manager_link_poll(m, UINT64_MAX);
	CU_ASSERT_EQUAL(atomic_load(events), 0);
	atomic_store(&m->stats->control_attached, 1);
	manager_link_poll(m, UINT64_MAX);
	CU_ASSERT_EQUAL(atomic_load(events), 1);
	CU_ASSERT_TRUE(fog_link_counter(l, 1, &counter));
	manager_link_poll(m, UINT64_MAX);
	CU_ASSERT_EQUAL(atomic_load(events), 1);
	manager_free();
}

static void test_refused(void)
{
	manager_make();
	struct fog_link_session s = session(1, 1), other = session(1, 2), bad = session(2, 3);

	CU_ASSERT_EQUAL(manager_link_install(m, &s), 0);
	CU_ASSERT_EQUAL(manager_link_install(m, &other), -EEXIST);
	other.rx_index += 5u << FOG_LINK_SUB_BITS;
	memcpy(other.tx_key, s.tx_key, sizeof(s.tx_key));
	CU_ASSERT_EQUAL(manager_link_install(m, &other), -EEXIST);
	bad.rx_count = 0;
	CU_ASSERT_EQUAL(manager_link_install(m, &bad), -EINVAL);
	manager_link_close(m); // as a data plane of a network without links has it
	CU_ASSERT_EQUAL(manager_link_install(m, &s), -EINVAL);
	CU_ASSERT_EQUAL(manager_link_remove(m, s.rx_index), -ENOENT);
	manager_link_poll(m, UINT64_MAX);
	manager_free();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"statistics", test_stats},
	        {"worn keys", test_rekey},
	        {"refused", test_refused},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("fogt-manager-link") < 0)
		return 2;
	return check_run("manager's links", tests);
}
