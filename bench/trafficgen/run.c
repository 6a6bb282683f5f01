// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "run.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_ring.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../controlplane/mixnet/testkeys.h"
#include "../../dataplane/tsc.h"
#include "interrupt.h"
#include "ports.h"
#include "report.h"
#include "tell.h"

enum {
	RUN_RING = 8192, // frames between both threads
	RUN_LCORE = 1,
	RUN_NAP_US = 100,
	RUN_AFTER_MS = 200, // after the last packet has come: are there copies?
	RUN_STALL_MS = 10000, // a port that takes nothing for so long takes nothing any more
};

struct run {
	const struct options *o;
	struct route route;
	struct maker *maker;
	struct pool pool;
	struct ports ports;
	struct io io;
	struct sink sink;
};

static uint64_t run_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int run_sink_key(struct run *r)
{
	uint8_t public_key[32];

	fog_test_mix_key(r->o->sink_seed, r->sink.private_key);
	crypto_scalarmult_base(public_key, r->sink.private_key);
	if (memcmp(public_key, r->route.last->mix_key, sizeof(public_key)) == 0)
		return 0;
	tell_error(
	        "%s: the mix_key of %s is not that of test.key_seed %llu: the generator is the sink and "
	        "needs its key; take the topology of a test network, or give --sink-seed",
	        r->route.topology->file, r->route.last->name, (unsigned long long)r->o->sink_seed
	);
	return -EINVAL;
}

static int run_delays(const struct run *r, struct pool_delays *d)
{
	const struct fog_topology *t = r->route.topology;

	fog_delay_key_seeded(&d->key, r->o->delay_seed);
	return fog_delay_law_init(&d->law, t->delay_mean_us, t->delay_max_us, t->delay_cap_ms);
}

static int run_pool(struct run *r)
{
	struct pool_delays delays;
	struct frame_spec spec;
	uint64_t count = r->o->reuse ? r->o->pool : r->o->count;
	int ret;

	if ((ret = options_frames(r->o, &r->route, &spec)) < 0 ||
	    (ret = ports_addresses(&r->ports, r->o, &spec)) < 0 ||
	    (ret = maker_open(&r->maker, &r->route, &spec)) < 0)
		return ret;
	if (r->o->delay_seed != 0 && (ret = run_delays(r, &delays)) < 0)
		return ret;
	return pool_open(
	        &r->pool, r->maker, (uint32_t)(count < r->o->count ? count : r->o->count),
	        r->o->delay_seed != 0 ? &delays : NULL
	);
}

static int run_threads_prepare(struct run *r, uint64_t tsc_hz)
{
	r->io.tx = r->ports.tx;
	r->io.rx = r->ports.rx;
	r->io.buffers = r->ports.pools.pool[0];
	r->io.pool = &r->pool;
	r->io.total = r->o->count;
	r->io.window = r->o->window != 0 ? r->o->window : UINT64_MAX;
	r->io.tsc_hz = tsc_hz;
	r->io.udp_port = r->route.last->port;
	r->io.packet_len = r->maker->geo->packet_len;
	pacer_init(&r->io.pacer, (double)tsc_hz / r->o->rate, r->o->poisson);
	r->io.arrived =
	        rte_ring_create("arrived", RUN_RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (r->io.arrived == NULL) {
		tell_error(
		        "no memory for a ring: %s: free some, or lower --pool",
		        rte_strerror(rte_errno)
		);
		return -ENOMEM;
	}
	r->sink.ops = r->maker->ops;
	r->sink.geo = r->maker->geo;
	r->sink.pool = &r->pool;
	r->sink.udp_port = r->route.last->port;
	r->sink.tsc_hz = tsc_hz;
	r->sink.owed_known = r->o->delay_seed != 0;
	memcpy(r->sink.id, r->route.last->id, sizeof(r->sink.id));
	return 0;
}

// Longest time that a packet may be under way: the longest delay at each appliance, and a second.
static uint64_t run_linger_ms(const struct run *r)
{
	if (r->o->linger_ms != 0)
		return r->o->linger_ms;
	return 1000 + (uint64_t)(r->route.hops - 1) * r->route.topology->delay_max_us / 1000;
}

// When sending is given up. With a window, each packet that comes back gives it more time.
static uint64_t run_give_up(const struct run *r, uint64_t now)
{
	if (r->o->window != 0)
		return now + run_linger_ms(r);
	return now + 2 * (r->o->count * 1000 / r->o->rate) + RUN_STALL_MS;
}

static void run_tell_stalled(const struct run *r)
{
	if (r->o->window != 0)
		tell_error(
		        "%llu packets are under way and none comes back: given up; see what the "
		        "appliance drops, or wait longer with --linger",
		        (unsigned long long)r->o->window
		);
	else
		tell_error("the port does not take packets at this rate: given up");
}

// Judge what comes until everything has come, or nothing more can.
static void run_watch(struct run *r)
{
	uint64_t give_up = run_give_up(r, run_ms()), complete = 0, end = 0;

	while (!interrupt_seen()) {
		unsigned n = sink_take(&r->sink, r->io.arrived);
		uint64_t now = run_ms();

		if (n > 0) {
			atomic_store_explicit(&r->io.back, r->sink.received, memory_order_relaxed);
			if (r->o->window != 0)
				give_up = run_give_up(r, now);
			continue;
		}
		if (atomic_load_explicit(&r->io.all_sent, memory_order_acquire)) {
			if (end == 0)
				end = now + run_linger_ms(r);
			if (complete == 0 && r->sink.received == r->io.total)
				complete = now + RUN_AFTER_MS;
			if (now >= end || (complete != 0 && now >= complete))
				return;
		} else if (now >= give_up) {
			run_tell_stalled(r);
			return;
		}
		usleep(RUN_NAP_US);
	}
}

static int run_go(struct run *r)
{
	if (rte_eal_remote_launch(io_main, &r->io, RUN_LCORE) < 0) {
		tell_error(
		        "lcore %d does not start: give --cpus of two that are online", RUN_LCORE
		);
		return -EBUSY;
	}
	run_watch(r);
	atomic_store_explicit(&r->io.stop, true, memory_order_release);
	rte_eal_wait_lcore(RUN_LCORE);
	while (sink_take(&r->sink, r->io.arrived) > 0)
		;
	return 0;
}

static int run_prepare(struct run *r)
{
	struct fog_tsc_mark mark = fog_tsc_mark();
	int ret = route_open(&r->route, r->o->topology, r->o->first, r->o->last);

	if (ret < 0 || (ret = run_sink_key(r)) < 0 ||
	    (ret = ports_open(&r->ports, r->o, &r->route)) < 0 || (ret = run_pool(r)) < 0)
		return ret;
	return run_threads_prepare(r, fog_tsc_hz(&mark));
}

int run_main(const struct options *o)
{
	struct run *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	int code = 1;

	if (r == NULL) {
		tell_error("no memory: free some");
		return 1;
	}
	memset(r, 0, sizeof(*r));
	r->o = o;
	interrupt_watch();
	if (run_prepare(r) == 0 && run_go(r) == 0)
		code = report_run(o, &r->route, &r->pool, &r->io, &r->sink);
	rte_ring_free(r->io.arrived);
	if (r->ports.tx != NULL)
		ports_close(&r->ports);
	pool_close(&r->pool);
	maker_close(r->maker);
	route_close(&r->route);
	free(r);
	return code;
}
