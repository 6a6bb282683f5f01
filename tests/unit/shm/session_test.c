// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Both ends in one process, two and more threads: everything that passes between them.
#include <CUnit/CUnit.h>
#include <string.h>
#include <sys/mman.h>

#include "suites.h"

struct pair {
	struct mini_dp dp;
	struct mini_cp cp;
	struct mini_record *record;
	struct mini_store *store;
	char path[64];
};

static bool is_attached(struct mini_cp *cp)
{
	struct fog_dpclient_status s;

	fog_dpclient_status(cp->client, &s);
	return s.state == FOG_DPCLIENT_ATTACHED;
}

static void pair_start(struct pair *p, uint64_t goal)
{
	p->record = mini_shared(sizeof(*p->record));
	p->store = mini_shared(sizeof(*p->store));
	strcpy(p->path, mini_path());
	CU_ASSERT_EQUAL_FATAL(mini_dp_start(&p->dp, p->path, 0, p->record, goal), 0);
	CU_ASSERT_EQUAL_FATAL(mini_cp_start(&p->cp, p->path, p->store), 0);
	MINI_WAIT(is_attached(&p->cp));
	CU_ASSERT_TRUE_FATAL(is_attached(&p->cp));
}

static void pair_stop(struct pair *p)
{
	mini_cp_stop(&p->cp);
	mini_dp_stop(&p->dp);
	CU_ASSERT_EQUAL(p->store->gaps, 0);
	CU_ASSERT_EQUAL(p->store->corrupt, 0);
	munmap(p->record, sizeof(*p->record));
	munmap(p->store, sizeof(*p->store));
}

static void test_config(void)
{
	struct pair p;
	struct fog_blob *blob = mini_shared(sizeof(*blob));
	struct fog_dpclient_ack ack;

	pair_start(&p, 0);
	fog_dpclient_config_ack(p.cp.client, &ack);
	CU_ASSERT_EQUAL(ack.status, -ENODATA);
	mini_blob(blob, 7, 'a');
	CU_ASSERT_EQUAL(fog_dpclient_config_set(p.cp.client, blob, sizeof(*blob)), 0);
	CU_ASSERT_EQUAL(fog_dpclient_config_wait(p.cp.client, 20000, &ack), 0);
	CU_ASSERT_EQUAL(ack.status, 0);
	CU_ASSERT_EQUAL(ack.generation, 7);
	CU_ASSERT_STRING_EQUAL(ack.text, "");
	CU_ASSERT_EQUAL(memcmp(p.record->checksum, blob->checksum, 32), 0);

	mini_blob(blob, 8, 'x');
	CU_ASSERT_EQUAL(fog_dpclient_config_set(p.cp.client, blob, sizeof(*blob)), 0);
	CU_ASSERT_EQUAL(fog_dpclient_config_wait(p.cp.client, 20000, &ack), 0);
	CU_ASSERT_EQUAL(ack.status, -EINVAL);
	CU_ASSERT_STRING_EQUAL(ack.text, "node x is refused: call it something else");

	// What is in force already is not sent again.
	uint32_t sent = p.record->configs;
	mini_blob(blob, 7, 'a');
	CU_ASSERT_EQUAL(fog_dpclient_config_set(p.cp.client, blob, sizeof(*blob)), 0);
	CU_ASSERT_EQUAL(fog_dpclient_config_wait(p.cp.client, 20000, &ack), 0);
	CU_ASSERT_EQUAL(ack.status, 0);
	CU_ASSERT_EQUAL(p.record->configs, sent);

	CU_ASSERT_EQUAL(fog_dpclient_config_set(p.cp.client, blob, sizeof(*blob) - 1), -EINVAL);
	blob->abi++;
	CU_ASSERT_EQUAL(fog_dpclient_config_set(p.cp.client, blob, sizeof(*blob)), -EINVAL);
	pair_stop(&p);
	munmap(blob, sizeof(*blob));
}

static struct fog_dpclient_key key_of(uint64_t epoch)
{
	struct fog_dpclient_key k = {.epoch = epoch};

	memset(k.private_key, (int)(0x50 + epoch), 32);
	memset(k.public_key, (int)(0x90 + epoch), 32);
	memset(k.delay_key, (int)(0xd0 + epoch), 32);
	return k;
}

static int key_state(const struct pair *p, uint64_t epoch)
{
	const struct fog_dpclient_key k = key_of(epoch);
	struct fog_dpclient_ack ack;

	fog_dpclient_key_ack(p->cp.client, k.public_key, &ack);
	return ack.status;
}

static bool key_known(const struct pair *p, uint64_t epoch)
{
	const struct fog_dpclient_key k = key_of(epoch);
	struct fog_dpclient_status s;
	unsigned n = 0;

	fog_dpclient_status(p->cp.client, &s);
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++)
		n += memcmp(s.key_id[i], k.public_key, 32) == 0;
	return n == 1;
}

// A key for which there was no room is asked for again, without a new set and without end.
static void test_key_room(void)
{
	const struct fog_dpclient_key key[] = {key_of(3), key_of(4)};
	struct pair p;

	pair_start(&p, 0);
	p.record->refuse_status = -ENOSPC;
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, key, 2), 0);
	MINI_WAIT(key_state(&p, 3) == -ENOSPC && key_state(&p, 4) == -ENOSPC);
	CU_ASSERT_EQUAL(key_state(&p, 3), -ENOSPC);
	CU_ASSERT_EQUAL(key_state(&p, 4), -ENOSPC);
	p.record->refuse_status = -ENOMEM;
	MINI_WAIT(key_state(&p, 3) == -ENOMEM && key_state(&p, 4) == -ENOMEM);
	CU_ASSERT_EQUAL(key_state(&p, 3), -ENOMEM);
	p.record->refuse_status = 0;
	MINI_WAIT(key_state(&p, 3) == 0 && key_state(&p, 4) == 0);
	CU_ASSERT_EQUAL(key_state(&p, 3), 0);
	CU_ASSERT_EQUAL(key_state(&p, 4), 0);
	CU_ASSERT(key_known(&p, 3) && key_known(&p, 4));
	// What is wrong with a key does not pass.
	const struct fog_dpclient_key bad = key_of(5);
	p.record->refuse_status = -EINVAL;
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, &bad, 1), 0);
	MINI_WAIT(key_state(&p, 5) == -EINVAL);
	CU_ASSERT_EQUAL(key_state(&p, 5), -EINVAL);
	pair_stop(&p);
}

static void test_keys(void)
{
	const struct fog_dpclient_key key[] = {key_of(3), key_of(4), key_of(5)};
	struct pair p;

	pair_start(&p, 0);
	CU_ASSERT_EQUAL(key_state(&p, 3), -ENODATA);
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, key, 2), 0);
	MINI_WAIT(key_state(&p, 3) == 0 && key_state(&p, 4) == 0);
	CU_ASSERT_EQUAL(key_state(&p, 4), 0);
	CU_ASSERT_EQUAL(p.record->installs, 2);
	CU_ASSERT_EQUAL(p.record->kept, 2);
	CU_ASSERT_EQUAL(memcmp(p.record->key_private, key[1].private_key, 32), 0);
	CU_ASSERT_EQUAL(memcmp(p.record->key_id, key[1].public_key, 32), 0);
	CU_ASSERT_EQUAL(memcmp(p.record->key_delay, key[1].delay_key, 32), 0);
	CU_ASSERT_TRUE(key_known(&p, 3) && key_known(&p, 4));

	// A new connection to the same life of the data plane needs no key, but says which live.
	uint32_t attaches = p.store->attaches, keeps = p.record->keeps;
	p.dp.fault = 1;
	MINI_WAIT(p.store->attaches > attaches && is_attached(&p.cp) && p.record->keeps > keeps);
	MINI_WAIT(key_state(&p, 4) == 0);
	CU_ASSERT_EQUAL(key_state(&p, 4), 0);
	CU_ASSERT_EQUAL(p.record->keeps, keeps + 1);
	CU_ASSERT_EQUAL(p.record->installs, 2);
	CU_ASSERT_EQUAL(p.store->ring_faults, 1);

	// A new data plane needs them.
	mini_dp_stop(&p.dp);
	CU_ASSERT_EQUAL_FATAL(mini_dp_start(&p.dp, p.path, 0, p.record, 0), 0);
	MINI_WAIT(p.record->installs == 4 && key_state(&p, 4) == 0);
	CU_ASSERT_EQUAL(p.record->installs, 4);

	// One goes, one stays, one comes.
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, key + 1, 2), 0);
	CU_ASSERT_EQUAL(key_state(&p, 4), 0); // without a gap
	MINI_WAIT(key_state(&p, 5) == 0);
	CU_ASSERT_EQUAL(key_state(&p, 5), 0);
	CU_ASSERT_EQUAL(key_state(&p, 3), -ENODATA);
	CU_ASSERT_EQUAL(p.record->destroys, 1);
	CU_ASSERT_EQUAL(p.record->installs, 5);
	CU_ASSERT_TRUE(!key_known(&p, 3) && key_known(&p, 4) && key_known(&p, 5));

	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, NULL, 0), 0);
	MINI_WAIT(p.record->destroys == 3);
	CU_ASSERT_EQUAL(p.record->destroys, 3);
	CU_ASSERT_EQUAL(key_state(&p, 5), -ENODATA);
	pair_stop(&p);
}

static void test_keys_refused(void)
{
	struct fog_dpclient_key key[FOG_MIX_KEYS_MAX + 1];
	struct pair p;

	pair_start(&p, 0);
	for (unsigned i = 0; i <= FOG_MIX_KEYS_MAX; i++)
		key[i] = key_of(i);
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, key, FOG_MIX_KEYS_MAX + 1), -EINVAL);
	key[1].epoch = 256; // the low byte of epoch 0
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, key, 2), -EINVAL);
	// A table that a dying data plane has locked is asked for until it is free.
	p.record->refuse_keys = 2;
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, key, 1), 0);
	MINI_WAIT(key_state(&p, 0) == 0);
	CU_ASSERT_EQUAL(key_state(&p, 0), 0);
	CU_ASSERT_EQUAL(p.record->refuse_keys, 0);
	pair_stop(&p);
}

// Kept from the data plane, which gives up what it has without destroying it.
static void test_keys_withheld(void)
{
	const struct fog_dpclient_key key = key_of(3);
	struct pair p;

	pair_start(&p, 0);
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, &key, 1), 0);
	MINI_WAIT(key_state(&p, 3) == 0);
	fog_dpclient_keys_withhold(p.cp.client, true);
	CU_ASSERT_EQUAL(key_state(&p, 3), -ENODATA);
	MINI_WAIT(p.record->withheld == 1);
	CU_ASSERT_EQUAL(p.record->kept, 1);
	CU_ASSERT_EQUAL(p.record->destroys, 0);
	fog_dpclient_keys_withhold(p.cp.client, false);
	MINI_WAIT(key_state(&p, 3) == 0);
	CU_ASSERT_EQUAL(p.record->installs, 2);
	CU_ASSERT_EQUAL(p.record->destroys, 0);
	pair_stop(&p);
}

// While a table is made, everything else goes on, and whoever takes over hears how it ended.
static void test_keys_slow(void)
{
	const struct fog_dpclient_key key = key_of(3);
	struct fog_dpclient_ack ack;
	struct fog_blob blob;
	struct pair p;

	pair_start(&p, 0);
	p.record->hold_keys = 1;
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, &key, 1), 0);
	MINI_WAIT(p.record->installs == 1);
	mini_blob(&blob, 7, 0);
	CU_ASSERT_EQUAL(fog_dpclient_config_set(p.cp.client, &blob, sizeof(blob)), 0);
	CU_ASSERT_EQUAL(fog_dpclient_config_wait(p.cp.client, 20000, &ack), 0);
	CU_ASSERT_EQUAL(ack.status, 0);
	CU_ASSERT_EQUAL(key_state(&p, 3), -EINPROGRESS);
	CU_ASSERT_FALSE(fog_dpclient_key_gone(p.cp.client, key.public_key));
	p.record->hold_keys = 0;
	MINI_WAIT(key_state(&p, 3) == 0);
	CU_ASSERT_EQUAL(key_state(&p, 3), 0);
	CU_ASSERT_FALSE(fog_dpclient_key_gone(p.cp.client, key.public_key));

	// Not wanted any more while its table is being made: it will be there once more.
	const struct fog_dpclient_key late = key_of(4);
	uint32_t destroys = p.record->destroys;
	p.record->hold_keys = 1;
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, &late, 1), 0);
	MINI_WAIT(p.record->installs == 2 && fog_dpclient_key_gone(p.cp.client, key.public_key));
	CU_ASSERT_TRUE(fog_dpclient_key_gone(p.cp.client, key.public_key));
	CU_ASSERT_EQUAL(fog_dpclient_keys_set(p.cp.client, NULL, 0), 0);
	CU_ASSERT_FALSE(fog_dpclient_key_gone(p.cp.client, late.public_key));
	p.record->hold_keys = 0;
	MINI_WAIT(fog_dpclient_key_gone(p.cp.client, late.public_key));
	CU_ASSERT_TRUE(fog_dpclient_key_gone(p.cp.client, late.public_key));
	CU_ASSERT_EQUAL(p.record->destroys, destroys + 2);
	pair_stop(&p);
}

static void test_inject(void)
{
	uint8_t packet[MINI_PACKET + 64] = {0}, hop[FOG_ID_LEN];
	uint32_t number = 4000, arrived = 0;
	struct pair p;
	int ret = 0;

	pair_start(&p, 0);
	p.dp.inject_off = true;
	// Both rings, round robin, until nothing fits any more.
	uint32_t sent = 0;
	while (sent < 1000 && (ret = mini_cp_inject(&p.cp, sent)) == 0)
		sent++;
	CU_ASSERT_EQUAL(ret, -ENOBUFS);
	CU_ASSERT_EQUAL(sent, MINI_WORKERS * MINI_SLOTS);
	p.dp.inject_off = false;
	MINI_WAIT(p.record->packet[sent - 1] == 1 && p.record->packet[sent - 2] == 1);
	for (uint32_t i = 0; i < sent; i++)
		arrived += p.record->packet[i] == 1;
	CU_ASSERT_EQUAL(arrived, sent);

	memset(hop, 0x77, sizeof(hop));
	memcpy(packet, &number, sizeof(number));
	ret = fog_dpclient_inject(p.cp.client, FOG_INJECT_FORWARD, hop, 1, packet, MINI_PACKET);
	CU_ASSERT_EQUAL(ret, 0);
	MINI_WAIT(p.record->packet[number] == 1);
	CU_ASSERT_EQUAL(p.record->packet[number], 1);
	CU_ASSERT_EQUAL(memcmp(p.record->next_hop, hop, sizeof(hop)), 0);
	ret = fog_dpclient_inject(p.cp.client, FOG_INJECT_UNWRAP, NULL, 1, packet, sizeof(packet));
	CU_ASSERT_EQUAL(ret, -EMSGSIZE);

	mini_dp_stop(&p.dp);
	MINI_WAIT(!is_attached(&p.cp));
	CU_ASSERT_EQUAL(mini_cp_inject(&p.cp, 1), -ENOTCONN);
	CU_ASSERT_EQUAL(fog_dpclient_command(p.cp.client, FOG_CMD_PING, 1), -ENOTCONN);
	CU_ASSERT_EQUAL_FATAL(mini_dp_start(&p.dp, p.path, 0, p.record, 0), 0);
	pair_stop(&p);
}

static void test_events(void)
{
	struct pair p;
	struct fog_evt evt = {.value = 1};

	pair_start(&p, 0);
	CU_ASSERT_EQUAL(fog_dpclient_command(p.cp.client, FOG_CMD_PING, 0x1234567890), 0);
	MINI_WAIT(p.store->pong == 0x1234567890);
	CU_ASSERT_EQUAL(p.store->pong, 0x1234567890);
	MINI_WAIT(p.record->age_ms < 20000);
	CU_ASSERT_TRUE(p.record->age_ms < 20000);
	mini_cp_stop(&p.cp);
	MINI_WAIT(p.record->detaches == 1);
	CU_ASSERT_EQUAL(p.record->detaches, 1);
	p.dp.stop = true;
	pthread_join(p.dp.manager, NULL);
	CU_ASSERT_EQUAL(fog_session_control_age_ms(p.dp.session), UINT64_MAX);
	fog_session_event(p.dp.session, FOG_EVT_LINK, &evt);
	CU_ASSERT_EQUAL(p.dp.stats->events_dropped, 1);
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		pthread_join(p.dp.worker[w].thread, NULL);
	fog_session_destroy(p.dp.session);
}

// A store that refuses gets the same message again, and reconnects lose and double nothing.
static void test_deliver(void)
{
	enum { GOAL = 3000 };
	struct fog_dpclient_status status;
	struct pair p;

	pair_start(&p, GOAL);
	for (unsigned round = 0; round < 8; round++) {
		uint32_t refused = p.store->refused, attaches = p.store->attaches;
		p.cp.refuse = true;
		MINI_WAIT(p.store->refused > refused + 1);
		if (round % 2 == 1) {
			p.dp.fault = 1 + round % MINI_WORKERS;
			MINI_WAIT(p.store->attaches > attaches);
		}
		p.cp.refuse = false;
		uint64_t before = p.store->boot[0].last[0];
		MINI_WAIT(p.store->boot[0].last[0] > before || before == GOAL);
	}
	for (unsigned w = 0; w < MINI_WORKERS; w++) {
		MINI_WAIT(p.store->boot[0].last[w] == GOAL);
		CU_ASSERT_EQUAL(p.store->boot[0].last[w], GOAL);
	}
	CU_ASSERT_EQUAL(p.store->boots, 1);
	CU_ASSERT_EQUAL(p.store->duplicates, 0);
	CU_ASSERT_EQUAL(p.store->attaches, 5);
	fog_dpclient_status(p.cp.client, &status);
	CU_ASSERT_EQUAL(status.delivered, MINI_WORKERS * GOAL);
	CU_ASSERT_EQUAL(status.deliver_missing, 0);
	pair_stop(&p);
}

// What a dead data plane left in its rings arrives, packets for it go to the next one, and a view
// of its counters stays readable.
static void test_data_plane_restart(void)
{
	struct fog_dpclient_stats view, none;
	struct fog_dpclient_ack ack;
	struct fog_blob *blob = mini_shared(sizeof(*blob));
	struct pair p;

	pair_start(&p, MINI_SLOTS);
	mini_blob(blob, 1, 'a');
	fog_dpclient_config_set(p.cp.client, blob, sizeof(*blob));
	fog_dpclient_config_wait(p.cp.client, 20000, &ack);
	CU_ASSERT_EQUAL_FATAL(fog_dpclient_stats_get(p.cp.client, &view), 0);
	CU_ASSERT_EQUAL(view.worker_count, MINI_WORKERS);
	MINI_WAIT(p.store->boot[0].last[0] == MINI_SLOTS && p.store->boot[0].last[1] == MINI_SLOTS);
	p.cp.refuse = true;
	p.dp.inject_off = true;
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		p.dp.worker[w].goal = 2 * MINI_SLOTS;
	MINI_WAIT(p.record->made[0] == 2 * MINI_SLOTS && p.record->made[1] == 2 * MINI_SLOTS);
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(mini_cp_inject(&p.cp, i), 0);
	mini_dp_stop(&p.dp);
	MINI_WAIT(!is_attached(&p.cp));
	CU_ASSERT_EQUAL(fog_dpclient_stats_get(p.cp.client, &none), -ENOTCONN);
	CU_ASSERT_EQUAL(view.stats->magic, FOG_ABI_MAGIC);

	p.cp.hold = true;
	CU_ASSERT_EQUAL_FATAL(mini_dp_start(&p.dp, p.path, 0, p.record, 5), 0);
	MINI_WAIT(p.record->configs == 2);
	CU_ASSERT_EQUAL(p.record->configs, 2); // resynchronised by itself
	CU_ASSERT_EQUAL(p.store->boots, 1);
	p.cp.refuse = false;
	MINI_WAIT(
	        p.store->boots == 2 && p.store->boot[1].last[1] == 5 &&
	        p.store->boot[1].last[0] == 5 && p.store->boot[0].last[0] == 2 * MINI_SLOTS &&
	        p.store->boot[0].last[1] == 2 * MINI_SLOTS
	);
	for (unsigned w = 0; w < MINI_WORKERS; w++) {
		CU_ASSERT_EQUAL(p.store->boot[0].last[w], 2 * MINI_SLOTS);
		CU_ASSERT_EQUAL(p.store->boot[1].last[w], 5);
	}
	CU_ASSERT_EQUAL(p.store->duplicates, 0);
	MINI_WAIT(p.cp.holds > 3);
	CU_ASSERT(p.cp.holds > 3);
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(p.record->packet[i], 0);
	p.cp.hold = false;
	for (uint32_t i = 0; i < 10; i++) {
		MINI_WAIT(p.record->packet[i] > 0);
		CU_ASSERT_EQUAL(p.record->packet[i], 1);
	}
	CU_ASSERT_EQUAL(view.stats->worker_count, MINI_WORKERS);
	fog_dpclient_stats_put(p.cp.client, &view);
	pair_stop(&p);
	munmap(blob, sizeof(*blob));
}

CU_TestInfo session_tests[] = {
        {"configuration, accepted, refused, unchanged", test_config},
        {"keys, kept over connections, destroyed", test_keys},
        {"keys without room", test_key_room},
        {"keys refused", test_keys_refused},
        {"keys withheld", test_keys_withheld},
        {"a key that takes long", test_keys_slow},
        {"inject, full, forwarded, too long, detached", test_inject},
        {"commands, events, heartbeat", test_events},
        {"deliver over refusals and reconnects", test_deliver},
        {"data plane restarted", test_data_plane_restart},
        CU_TEST_INFO_NULL,
};
