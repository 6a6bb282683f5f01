// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whole workers in memory: real loop, key, replay table, delays, calendar and books, on a port of
// the loop driver. Each worker has frames of its own, distinct valid packets that all go on to one
// next hop; one round over them is a pass. Between passes the replay table gets another key, so
// that the same packets are new to it and every claim fills a word.
//
// Threads: a worker runs on its own lcore (fog_worker_run); its frames are fed and drained by one
// other thread, or by the worker's own between two rounds.
#pragma once

#include "../dataplane/worker.h"

enum { PIPE_WORKERS_MAX = 16 };

struct pipe;

struct pipe_params {
	unsigned workers;
	unsigned frames; // distinct packets of each worker
	const struct fog_crypto_ops *crypto;
	uint64_t replay_capacity; // tags; the table is filled to one half
	uint32_t delay_mean_us, delay_max_us;
	bool links; // frames are sealed when they are fed, and what leaves is sealed
};

// Start EAL with the calling thread on 'main_cpu' as lcore 0 and lcores 1 to 'workers' on cpu[]; on
// ordinary pages. Once a process. Returns 0 or -errno after a sentence on standard error.
int pipe_eal_start(int main_cpu, const int cpu[], unsigned workers);
void pipe_eal_stop(void);

// Takes a while: packets are made, the table is filled. Returns 0 or -errno after a sentence.
int pipe_create(const struct pipe_params *, struct pipe **);
void pipe_destroy(struct pipe *); // accepts NULL; workers must have stopped

struct fog_worker *pipe_worker(struct pipe *, unsigned worker);
const struct fog_geometry *pipe_geometry(const struct pipe *);
// A frame's packet, for who wants to unwrap it by himself.
const uint8_t *pipe_packet(const struct pipe *, unsigned worker, unsigned frame);
const uint8_t *pipe_private_key(const struct pipe *);

// Hand the next frames of the pass to the port, at most 'n', fewer when the port is full, the pass
// at its end or no buffer is left. Returns how many.
unsigned pipe_feed(struct pipe *, unsigned worker, unsigned n);
// Hand forged initiations to the port, from addresses of nobody and half of them with a right MAC1; needs
// links. Returns how many.
unsigned pipe_forge(struct pipe *, unsigned worker, unsigned n);
// Free what the worker has sent, and what it has punted.
void pipe_drain(struct pipe *, unsigned worker);
unsigned pipe_left(const struct pipe *, unsigned worker); // frames of this pass not fed yet
// Whether the worker has opened, or dropped, all that was fed.
bool pipe_done(const struct pipe *, unsigned worker);
// Begin a new pass; all workers must be done.
void pipe_pass(struct pipe *);
// Drops since the beginning, all workers: a bench of rejections would be fast.
uint64_t pipe_drops(const struct pipe *);
