// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mix keys by epoch, as the manager hands them to a worker: which key opens which packet, what comes
// when one goes, which tables stay, and a rollover under load.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../dataplane/manager_conf.h"
#include "../../../drivers/port_ops.h"
#include "key_rig.h"

enum {
	BIG_TABLE = 1 << 20, // tags: three slices
	SLICE_BLOCKS = (8 << 20) / 512,
	LOAD = 300, // packets of each part of the rollover
	ROLLOVERS = 3,
};

static uint64_t dropped(struct key_rig *k, enum fog_drop reason)
{
	return rig_snapshot(k->rig)->drop[reason];
}

// Packets that leave when these are put in, each with the epoch beside it.
static unsigned sent(
        struct key_rig *k, unsigned n, const uint64_t *epoch, uint8_t packet[][KEY_PACKET]
)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_TRUE_FATAL(key_rig_inject(k, epoch[i], packet[i]));
	return rig_run(k->rig, NULL, NULL);
}

static uint64_t claimed(const struct key_rig *k, unsigned key)
{
	return k->m->keys.count > key ? fog_replay_count(k->m->keys.key[key]->replay) : UINT64_MAX;
}

// One chunk holds packets of two keys. Each is opened with its own and remembered in its own table; a
// third epoch's has no key, and a wrong label opens nothing.
static void test_two(void)
{
	const uint64_t mixed[] = {0x1fe, 0x1ff, 0x1ff, 0x1fe, 0x1ff};
	struct key_rig *k = key_rig_create(KEY_CAPACITY);
	uint8_t packet[5][KEY_PACKET], third[1][KEY_PACKET];

	for (unsigned i = 0; i < 5; i++)
		key_rig_packet(k, mixed[i], packet[i]);
	// No key at all: they wait in the ring.
	CU_ASSERT_EQUAL(sent(k, 5, mixed, packet), 0);
	CU_ASSERT_EQUAL(rig_snapshot(k->rig)->injected, 0);
	key_rig_install(k, 0x1ff);
	key_rig_install(k, 0x1fe); // the older one comes later
	CU_ASSERT_EQUAL(k->m->keys.key[0]->epoch, 0x1fe);
	CU_ASSERT_EQUAL(rig_run(k->rig, NULL, NULL), 5);
	CU_ASSERT_EQUAL(claimed(k, 0), 2);
	CU_ASSERT_EQUAL(claimed(k, 1), 3);
	CU_ASSERT_EQUAL(sent(k, 5, mixed, packet), 0);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_REPLAY), 5);
	key_rig_packet(k, 0x200, third[0]);
	CU_ASSERT_EQUAL(sent(k, 1, (const uint64_t[]){0x200}, third), 0);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_EPOCH), 1);
	CU_ASSERT_EQUAL(sent(k, 1, (const uint64_t[]){0x1ff}, third), 0);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_BAD_MAC), 1);
	CU_ASSERT_EQUAL(rig_snapshot(k->rig)->drops, 7);
	key_rig_destroy(k);
}

// What a packet owes follows from the delay key that came with its mix key.
static void test_delays(void)
{
	struct key_rig *k = key_rig_create(KEY_CAPACITY);
	const uint64_t epoch[] = {7, 8};
	uint64_t owed[2];

	key_rig_install(k, 7);
	key_rig_install(k, 8);
	for (unsigned i = 0; i < 2; i++) {
		struct fog_msg_key key = key_rig_key(epoch[i]);
		struct fog_sphinx_route route;
		struct fog_sphinx_hop hop;
		struct fog_aes_key delay;
		uint8_t packet[1][KEY_PACKET];
		uint64_t before = rig_snapshot(k->rig)->owed_us.sum;

		key_rig_packet(k, epoch[i], packet[0]);
		CU_ASSERT_EQUAL(sent(k, 1, &epoch[i], packet), 1);
		owed[i] = rig_snapshot(k->rig)->owed_us.sum - before;
		CU_ASSERT_EQUAL(
		        fog_sphinx_unwrap(
		                k->rig->w->crypto, &k->m->geo, key.private_key, packet[0],
		                KEY_PACKET, &route, &hop
		        ),
		        FOG_DROP_NONE
		);
		fog_aes_key_init(&delay, key.delay_key, 32);
		CU_ASSERT_EQUAL(
		        owed[i],
		        fog_delay_owed(&k->m->conf->law, &delay, fog_sphinx_replay_tag(&hop), 0)
		);
	}
	key_rig_destroy(k);
}

// A key goes: its packets are of no epoch, its table is no more, and the other's replays stay replays.
static void test_rollover(void)
{
	struct key_rig *k = key_rig_create(KEY_CAPACITY);
	const uint64_t epoch[] = {7, 8};
	uint8_t packet[2][KEY_PACKET];

	key_rig_install(k, 7);
	key_rig_packet(k, 7, packet[0]);
	CU_ASSERT_EQUAL(sent(k, 1, epoch, packet), 1);
	key_rig_install(k, 8);
	key_rig_packet(k, 8, packet[1]);
	CU_ASSERT_EQUAL(sent(k, 2, epoch, packet), 1);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_REPLAY), 1);
	key_rig_keep(k, 1, epoch + 1, false);
	CU_ASSERT_FALSE(key_rig_file(k, key_rig_table(7), ""));
	CU_ASSERT_TRUE(key_rig_file(k, key_rig_table(8), ""));
	CU_ASSERT_EQUAL(sent(k, 2, epoch, packet), 0);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_EPOCH), 1);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_REPLAY), 2);
	key_rig_destroy(k);
}

static int file_make(const struct key_rig *k, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", k->dir, name);
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CU_ASSERT_TRUE(fd >= 0);
	return fd;
}

// Tables of keys that died while nobody was there, whole or not; what is locked is somebody's.
static void test_sweep(void)
{
	struct key_rig *k = key_rig_create(KEY_CAPACITY);
	const uint64_t epoch[] = {8, 9};

	key_rig_install(k, 8);
	close(file_make(k, "replay-6-0123456789abcdef"));
	close(file_make(k, "replay-7-0123456789abcdef.new"));
	close(file_make(k, key_rig_table(9)));
	close(file_make(k, "notes"));
	int held = file_make(k, "replay-5-0123456789abcdef");
	CU_ASSERT_EQUAL(flock(held, LOCK_EX | LOCK_NB), 0);
	key_rig_keep(k, 2, epoch, false);
	CU_ASSERT_FALSE(key_rig_file(k, "replay-6-0123456789abcdef", ""));
	CU_ASSERT_FALSE(key_rig_file(k, "replay-7-0123456789abcdef", ".new"));
	CU_ASSERT_TRUE(key_rig_file(k, key_rig_table(8), ""));
	CU_ASSERT_TRUE(key_rig_file(k, key_rig_table(9), ""));
	CU_ASSERT_TRUE(key_rig_file(k, "notes", ""));
	CU_ASSERT_TRUE(key_rig_file(k, "replay-5-0123456789abcdef", ""));
	close(held);
	char path[192];
	snprintf(path, sizeof(path), "%s/notes", k->dir);
	unlink(path);
	key_rig_destroy(k);
}

// Given up, the key opens nothing; what its table remembers is there when it comes back.
static void test_withhold(void)
{
	struct key_rig *k = key_rig_create(KEY_CAPACITY);
	const uint64_t epoch[] = {8};
	uint8_t packet[1][KEY_PACKET];

	key_rig_install(k, 8);
	key_rig_packet(k, 8, packet[0]);
	CU_ASSERT_EQUAL(sent(k, 1, epoch, packet), 1);
	key_rig_keep(k, 1, epoch, true);
	CU_ASSERT_EQUAL(k->m->keys.count, 0);
	CU_ASSERT_TRUE(key_rig_file(k, key_rig_table(8), ""));
	key_rig_install(k, 8);
	CU_ASSERT_EQUAL(claimed(k, 0), 1);
	CU_ASSERT_EQUAL(sent(k, 1, epoch, packet), 0);
	CU_ASSERT_EQUAL(dropped(k, FOG_DROP_REPLAY), 1);
	key_rig_destroy(k);
}

// 512-byte blocks of a file that has no name any more.
static uint64_t blocks(int fd)
{
	struct stat st = {0};

	CU_ASSERT_EQUAL(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks;
}

// So does giving back what it took; its name goes at once.
static void test_slices_back(void)
{
	struct key_rig *k = key_rig_create(BIG_TABLE);
	char path[160];

	key_rig_install(k, 7);
	snprintf(path, sizeof(path), "%s/%s", k->dir, key_rig_table(7));
	int fd = open(path, O_RDONLY);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	uint64_t whole = blocks(fd), left;
	struct fog_msg_keys_keep none = {0};
	char text[204] = "";
	CU_ASSERT_EQUAL(manager_on_keys_keep(k->m, &none, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(blocks(fd), whole);
	for (unsigned slice = 1; slice <= 3; slice++) {
		manager_retired_poll(k->m);
		CU_ASSERT_FALSE(key_rig_file(k, key_rig_table(7), ""));
		CU_ASSERT_PTR_NOT_NULL(k->m->retired);
		// A new one would find no room where there is room for two.
		CU_ASSERT_EQUAL(key_rig_begin(k, 8), -EBUSY);
		CU_ASSERT_TRUE(manager_key_poll(k->m));
		left = whole > slice * SLICE_BLOCKS ? whole - slice * SLICE_BLOCKS : 0;
		CU_ASSERT_EQUAL(blocks(fd), left);
	}
	CU_ASSERT_EQUAL(blocks(fd), 0);
	manager_retired_poll(k->m);
	CU_ASSERT_PTR_NULL(k->m->retired);
	CU_ASSERT_FALSE(manager_key_poll(k->m));
	key_rig_install(k, 8);
	close(fd);
	key_rig_destroy(k);
}

// A table of some size takes several rounds of the manager, and is a draft until it is whole.
static void test_slices(void)
{
	struct key_rig *k = key_rig_create(BIG_TABLE);
	const uint64_t epoch[] = {7, 8};

	CU_ASSERT_EQUAL(key_rig_install(k, 7), 3);
	CU_ASSERT_EQUAL(key_rig_begin(k, 8), -EINPROGRESS);
	CU_ASSERT_TRUE(manager_key_poll(k->m));
	CU_ASSERT_TRUE(key_rig_file(k, key_rig_table(8), ".new"));
	CU_ASSERT_FALSE(key_rig_file(k, key_rig_table(8), ""));
	CU_ASSERT_EQUAL(key_rig_begin(k, 8), -EINPROGRESS); // by the next control plane: goes on
	key_rig_keep(k, 2, epoch, false);
	CU_ASSERT_TRUE(manager_key_poll(k->m));
	CU_ASSERT_FALSE(manager_key_poll(k->m));
	CU_ASSERT_EQUAL(k->m->keys.count, 2);
	CU_ASSERT_TRUE(key_rig_file(k, key_rig_table(8), ""));
	// Not wanted any more before it was whole.
	CU_ASSERT_EQUAL(key_rig_begin(k, 9), -EINPROGRESS);
	CU_ASSERT_TRUE(manager_key_poll(k->m));
	key_rig_keep(k, 2, epoch, false);
	CU_ASSERT_FALSE(key_rig_file(k, key_rig_table(9), ".new"));
	CU_ASSERT_FALSE(manager_key_poll(k->m));
	CU_ASSERT_EQUAL(k->m->keys.count, 2);
	// Wanted, and given up before it was whole.
	CU_ASSERT_EQUAL(key_rig_begin(k, 9), -EINPROGRESS);
	CU_ASSERT_TRUE(manager_key_poll(k->m));
	key_rig_keep(k, 3, (const uint64_t[]){7, 8, 9}, true);
	CU_ASSERT_FALSE(manager_key_poll(k->m));
	CU_ASSERT_EQUAL(k->m->keys.count, 0);
	key_rig_install(k, 8);
	// A found one is read in slices, too.
	key_rig_keep(k, 1, epoch, true);
	CU_ASSERT_EQUAL(key_rig_install(k, 7), 3);
	key_rig_destroy(k);
}

static void test_refused(void)
{
	struct key_rig *k = key_rig_create(KEY_CAPACITY);
	struct fog_msg_key wrong = key_rig_key(1);
	char text[204] = "";

	wrong.public_key[0] ^= 1;
	CU_ASSERT_EQUAL(manager_on_key_install(k->m, &wrong, text, sizeof(text)), -EINVAL);
	for (uint64_t e = 1; e <= FOG_MIX_KEYS_MAX; e++)
		key_rig_install(k, e);
	CU_ASSERT_EQUAL(key_rig_begin(k, FOG_MIX_KEYS_MAX + 1), -ENOSPC);
	CU_ASSERT_EQUAL(key_rig_begin(k, 256 + 1), -EEXIST); // the same key
	struct fog_msg_key byte = key_rig_key(FOG_MIX_KEYS_MAX + 1);
	byte.epoch = 256 + 1; // the same low byte
	CU_ASSERT_EQUAL(manager_on_key_install(k->m, &byte, text, sizeof(text)), -EEXIST);
	CU_ASSERT_EQUAL(k->m->keys.count, FOG_MIX_KEYS_MAX);
	key_rig_destroy(k);
}

// What the statistics show of the keys, and that a filling table is told of once a key.
static void test_stats(void)
{
	struct key_rig *k = key_rig_create(10);
	struct fog_stats_key seen[FOG_MIX_KEYS_MAX];
	uint64_t epoch[9], count, capacity;
	uint8_t packet[9][KEY_PACKET];

	key_rig_install(k, 8);
	key_rig_install(k, 7);
	for (unsigned i = 0; i < 8; i++) {
		epoch[i] = 7;
		key_rig_packet(k, 7, packet[i]);
	}
	CU_ASSERT_EQUAL(sent(k, 8, epoch, packet), 8);
	uint64_t told = k->m->stats->events_dropped; // nobody is there to hear it
	manager_key_report(k->m);
	manager_key_report(k->m);
	CU_ASSERT_EQUAL(k->m->stats->events_dropped, told + 1);
	CU_ASSERT_EQUAL_FATAL(
	        fog_stats_copy(&k->m->stats->key_sequence, k->m->stats->key, seen, sizeof(seen)), 0
	);
	CU_ASSERT_EQUAL(seen[0].epoch, 7);
	CU_ASSERT_EQUAL(seen[0].replay_count, 8);
	CU_ASSERT_EQUAL(seen[1].epoch, 8);
	CU_ASSERT_EQUAL(seen[1].replay_count, 0);
	CU_ASSERT_EQUAL(seen[1].replay_capacity, 10);
	CU_ASSERT_EQUAL(seen[2].replay_capacity, 0);
	CU_ASSERT_EQUAL(memcmp(seen[1].public_key, key_rig_key(8).public_key, 32), 0);
	CU_ASSERT_EQUAL(fog_stats_fullest(k->m->stats, &count, &capacity), 0);
	CU_ASSERT_EQUAL(count, 8);
	key_rig_destroy(k);
}

// Rings of DPDK order by fences, and readers of the statistics look at what is being written and try
// again: TSan understands neither. Called by its runtime.
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:__rte_ring_\nrace:rte_pktmbuf_\nrace:rte_mempool_\nrace:fog_stats_copy\n"
	       "race:fog_stats_publish\n";
}

// Load: packets of two epochs in turn, then of the later one only, as long as it takes.
struct load {
	struct key_rig *k;
	uint8_t (*packet)[KEY_PACKET];
	atomic_uint may; // parts that the feeder may begin
	atomic_uint fed; // parts that are in the ring
};

static uint64_t load_epoch(unsigned part, unsigned i)
{
	return 7 + part / 2 + (part % 2 == 1 || i % 2 == 1);
}

static void *load_feed(void *arg)
{
	struct load *l = arg;

	for (unsigned part = 0; part < 2 * ROLLOVERS; part++) {
		while (atomic_load(&l->may) <= part)
			usleep(50);
		for (unsigned i = 0; i < LOAD; i++)
			while (!key_rig_inject(
			        l->k, load_epoch(part, i), l->packet[part * LOAD + i]
			))
				sched_yield();
		atomic_store(&l->fed, part + 1);
	}
	return NULL;
}

static unsigned load_take(struct key_rig *k)
{
	struct rte_mbuf *m[FOG_BURST];
	unsigned n = fog_loop_take(k->rig->port, 0, m, FOG_BURST);

	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_free(m[i]);
	return n;
}

// Whether 'n' packets have been taken from the ring and none of them waits to be opened.
static bool load_settled(const struct load *l, uint64_t n)
{
	static struct fog_worker_counters c;

	return fog_stats_worker_read(l->k->rig->shared, &c) == 0 && c.injected == n &&
	        c.in_batch == 0;
}

static void *load_work(void *worker)
{
	fog_worker_run(worker);
	return NULL;
}

// Three rollovers while a worker runs and its ring is never empty: everything that was made for a key
// that lived leaves.
static void test_load(void)
{
	struct load l = {.k = key_rig_create(BIG_TABLE)};
	struct rig *r = l.k->rig;
	pthread_t feeder, worker;
	unsigned out = 0;
	int asked;

	l.packet = calloc(2 * ROLLOVERS * LOAD, KEY_PACKET);
	for (unsigned i = 0; i < 2 * ROLLOVERS * LOAD; i++)
		key_rig_packet(l.k, load_epoch(i / LOAD, i % LOAD), l.packet[i]);
	key_rig_install(l.k, 7);
	key_rig_install(l.k, 8);
	r->w->idle = FOG_IDLE_BUSY;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&worker, NULL, load_work, r->w), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&feeder, NULL, load_feed, &l), 0);
	for (unsigned n = 0; n < ROLLOVERS; n++) {
		const uint64_t stays = 8 + n;
		atomic_store(&l.may, 2 * n + 1);
		// The old key may go when its last packet has been opened.
		while (atomic_load(&l.fed) < 2 * n + 1 || !load_settled(&l, (2 * n + 1) * LOAD))
			out += load_take(l.k);
		atomic_store(&l.may, 2 * n + 2);
		key_rig_keep(l.k, 1, &stays, false);
		while ((asked = key_rig_begin(l.k, stays + 1)) == -EBUSY) {
			out += load_take(l.k);
			key_rig_retire(l.k);
		}
		CU_ASSERT_EQUAL(asked, -EINPROGRESS);
		while (manager_key_poll(l.k->m))
			out += load_take(l.k);
		while (atomic_load(&l.fed) < 2 * n + 2)
			out += load_take(l.k);
		CU_ASSERT_EQUAL(l.k->m->keys.count, 2);
	}
	pthread_join(feeder, NULL);
	for (unsigned i = 0; i < 20000 && out < 2 * ROLLOVERS * LOAD; i++) {
		out += load_take(l.k);
		usleep(500);
	}
	CU_ASSERT_EQUAL(out, 2 * ROLLOVERS * LOAD);
	atomic_store(&r->w->stop, true);
	pthread_join(worker, NULL);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drops, 0);
	free(l.packet);
	key_rig_destroy(l.k);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"two keys at once", test_two},
	        {"delays", test_delays},
	        {"rollover", test_rollover},
	        {"tables of dead keys", test_sweep},
	        {"withheld", test_withhold},
	        {"table in slices", test_slices},
	        {"slices given back", test_slices_back},
	        {"refused", test_refused},
	        {"statistics", test_stats},
	        {"rollovers under load", test_load},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("manager_key") < 0)
		return 1;
	return check_run("manager_key", tests);
}
