// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread that speaks with authorities and with listeners of other nodes, with all of them at once, so that those who
// can't be reached hold up nobody. It holds the lock only to read what it needs and to write what has come.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "node_directory_plan.h"
#include "node_directory_private.h"
#include "now.h"

enum {
	STEP_MS = 250,
	OTHER_MS = 1000, // then another authority is asked for proofs
	AGAIN_MS = 500, // a source that has not answered by then is joined by another
	ASKED_MAX = 4, // for a consensus at once
	AT_ONCE_MAX =
	        4, // nodes without a late one that are followed by the next source without a pause
	ANSWER_MAX = 16 << 10,
	SOURCES_MAX = FOG_AUTHORITIES_MAX + 16,
};

static_assert(FOG_AUTHORITIES_MAX + ASKED_MAX + 1 <= FOG_FETCH_MANY_MAX, "all at once");
static_assert(SOURCES_MAX <= 64, "a bit mask of them");

// What the thread has asked of somebody and not been answered yet.
struct fetch_ask {
	bool busy;
	int authority; // its number, or -1
	uint64_t ticket; // of its circuit breaker
	uint64_t sequence; // of the descriptor that an authority was given
	struct fog_fetch_peer peer;
};

struct fetch {
	struct node_directory *d;
	struct fetch_ask announce[FOG_AUTHORITIES_MAX]; // by authority
	struct fetch_ask consensus[ASKED_MAX];
	uint64_t poll_ms; // next question for a consensus
	unsigned at_once; // questions that followed on a node's 'no', since the last pause
	struct fetch_ask proofs;
	uint64_t proofs_ms; // next question for proofs that an authority lied
	struct directory_avoid avoid;
};

static struct fog_fetch_peer fetch_authority(const struct fog_authority *a)
{
	struct fog_fetch_peer peer = {.address = a->address, .port = a->port};

	memcpy(peer.tls_key, a->tls_key, sizeof(peer.tls_key));
	return peer;
}

static void fetch_refused(struct node_directory_authority *said, const struct fog_fetch_answer *a)
{
	json_t *body = json_loadb((const char *)a->data, a->len, JSON_REJECT_DUPLICATES, NULL);
	const char *code = json_string_value(json_object_get(body, "code"));
	const char *text = json_string_value(json_object_get(body, "detail"));

	snprintf(said->code, sizeof(said->code), "%s", code != NULL ? code : "malformed");
	if (text != NULL)
		snprintf(said->text, sizeof(said->text), "%s", text);
	else
		snprintf(
		        said->text, sizeof(said->text), "it answers with HTTP status %ld", a->status
		);
	// It goes into logs and answers.
	for (char *p = said->text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	for (char *p = said->code; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	json_decref(body);
}

// It has been asked, if it is an authority.
static void fetch_enter(struct fetch *f, struct fetch_ask *a)
{
	if (a->authority >= 0)
		fog_breaker_insist(&f->d->breaker[a->authority], fog_now_ms(), &a->ticket);
}

static void fetch_leave(struct fetch *f, struct fetch_ask *a, const struct fog_fetch_done *done)
{
	bool success = done->error == 0 && done->answer.status < 500;

	if (a->authority >= 0)
		fog_breaker_leave(&f->d->breaker[a->authority], a->ticket, success, fog_now_ms());
}

// Give each authority our descriptor, when it's time.
static void fetch_announce(struct fetch *f)
{
	struct node_directory *d = f->d;
	uint64_t now_ms = fog_now_ms();

	for (unsigned i = 0; i < d->network->authority_count; i++) {
		struct fetch_ask *a = &f->announce[i];
		if (d->sequence == 0 || a->busy || now_ms < d->peer[i].due_ms)
			continue;
		// Nobody else can be told in its place, and we wait longer each time (directory_plan_retry).
		*a = (struct fetch_ask
		){.busy = true,
		  .authority = (int)i,
		  .sequence = d->sequence,
		  .peer = fetch_authority(&d->network->authority[i])};
		if (fog_fetch_many_start(
		            d->fetch, &a->peer, "/directory/descriptors", d->descriptor,
		            d->descriptor_len, ANSWER_MAX, a
		    ) == 0)
			fetch_enter(f, a);
		else
			a->busy = false; // no memory: the next step tries again
	}
}

// Whether it is an answer, and not that somebody can't or won't answer now.
static bool fetch_final(const struct fog_fetch_answer *a)
{
	return a->status < 500 && a->status != 429;
}

// What an authority says to our descriptor; news go into the log.
static void fetch_said(
        const struct fog_fetch_done *done, const struct node_directory_authority *before,
        struct node_directory_authority *said
)
{
	memcpy(said->name, before->name, sizeof(said->name));
	said->answer = NODE_DIRECTORY_UNREACHABLE;
	if (done->error < 0) {
		snprintf(said->text, sizeof(said->text), "%s", done->text);
	} else if (done->answer.status >= 200 && done->answer.status < 300) {
		said->answer = NODE_DIRECTORY_TAKEN;
	} else {
		if (fetch_final(&done->answer))
			said->answer = NODE_DIRECTORY_REFUSED;
		fetch_refused(said, &done->answer);
	}
	if (said->answer == NODE_DIRECTORY_REFUSED && strcmp(said->code, before->code) != 0)
		LOG_WARN(
		        "authority %s refuses our descriptor (%s): %s", said->name, said->code,
		        said->text
		);
	else if (said->answer != before->answer && said->answer == NODE_DIRECTORY_UNREACHABLE)
		LOG_WARN("authority %s can't be reached: %s", said->name, said->text);
}

static void fetch_announced(struct fetch *f, unsigned i, const struct fog_fetch_done *done)
{
	struct directory_peer *p = &f->d->peer[i];
	struct node_directory_authority said = {0};

	fetch_said(done, &p->said, &said);
	p->said = said;
	// Whoever was given an older one is given the new one at once.
	if (f->announce[i].sequence != f->d->sequence)
		return;
	uint64_t now_ms = fog_now_ms();
	uint32_t dice = randombytes_random();
	p->gap_ms = said.answer == NODE_DIRECTORY_TAKEN ? 0 : directory_plan_retry(p->gap_ms);
	uint64_t wait_ms = said.answer == NODE_DIRECTORY_TAKEN
	        ? directory_plan_again(&f->d->schedule, fog_clock_now_ns(f->d->node->clock), dice)
	        : directory_plan_jitter(p->gap_ms, dice);
	p->due_ms = wait_ms == UINT64_MAX ? UINT64_MAX : now_ms + wait_ms;
}

// Where a consensus may be had: from authorities, and from nodes, so that many readers are no load for few.
static unsigned fetch_sources(
        const struct node_directory *d, uint64_t now, struct fog_fetch_peer *out
)
{
	const struct fog_consensus *c = fog_view_at(d->view, now);
	unsigned count = 0;

	for (unsigned i = 0; i < d->network->authority_count; i++)
		out[count++] = fetch_authority(&d->network->authority[i]);
	// From a random place on, so that all listeners come to be asked.
	unsigned from = c != NULL && c->node_count > 0 ? randombytes_uniform(c->node_count) : 0;
	for (unsigned i = 0; c != NULL && i < c->node_count && count < SOURCES_MAX; i++) {
		const struct fog_descriptor *n = &c->node[(from + i) % c->node_count].descriptor;
		if (n->directory_port == 0 ||
		    memcmp(n->node_id, d->node->identity->node_id, FOG_ID_LEN) == 0)
			continue;
		out[count] = (struct fog_fetch_peer
		){.address = n->address, .port = n->directory_port};
		memcpy(out[count++].tls_key, n->tls_key, 32);
	}
	return count;
}

// As fog_view_take. Who wants the lock waits for the disk only while proofs of a contradiction are kept
// (fog_view_take_prepared); the view stays as long as this thread.
static int fetch_keep(struct node_directory *d, const struct fog_fetch_answer *a, bool *news)
{
	struct fog_clock *clock = d->node->clock;
	struct fog_view_fresh *fresh;

	if (fog_view_knows(d->view, a->data, a->len))
		return fog_view_take(d->view, a->data, a->len, fog_clock_now_ns(clock), news);
	*news = false;
	int r = fog_view_prepare(
	        d->view, &d->lock, a->data, a->len, fog_clock_now_ns(clock), &fresh
	);
	if (r == FOG_REFUSAL_NONE)
		r = fog_view_take_prepared(d->view, fresh, fog_clock_now_ns(clock), news);
	return r;
}

// Returns whether the source has answered as it should. Called and left with the lock.
static bool fetch_take(struct node_directory *d, const struct fog_fetch_answer *a)
{
	bool news;
	int r = fetch_keep(d, a, &news);

	if (news) {
		d->serial++;
		LOG_INFO("a new consensus is here");
	}
	// Somebody may be behind without meaning any harm.
	if (r == FOG_REFUSAL_EXPIRED || r == FOG_REFUSAL_ROLLBACK)
		LOG_INFO(
		        "a consensus is not taken (%s): %s", fog_refusal_label((enum fog_refusal)r),
		        fog_refusal_text((enum fog_refusal)r)
		);
	else if (r > FOG_REFUSAL_NONE)
		LOG_WARN(
		        "a consensus is not taken (%s): %s", fog_refusal_label((enum fog_refusal)r),
		        fog_refusal_text((enum fog_refusal)r)
		);
	else if (r < 0)
		LOG_ERR("a consensus can't be kept: %s: free space in the state folder",
		        strerror(-r));
	return r <= FOG_REFUSAL_NONE;
}

// Its number, or -1: it is no authority.
static int fetch_authority_of(const struct node_directory *d, const struct fog_fetch_peer *peer)
{
	for (unsigned i = 0; i < d->network->authority_count; i++)
		if (memcmp(d->network->authority[i].tls_key, peer->tls_key, 32) == 0)
			return (int)i;
	return -1;
}

static void fetch_answered(struct fetch *f, struct fetch_ask *a, const struct fog_fetch_done *done)
{
	struct node_directory *d = f->d;
	uint64_t now_ns = fog_clock_now_ns(d->node->clock), now_ms = fog_now_ms();
	bool fine = done->error == 0 && fetch_final(&done->answer);

	if (fine && done->answer.status == 200) {
		fine = fetch_take(d, &done->answer);
	} else if (fine && directory_plan_late(&d->schedule, now_ns) && fetch_authority_of(d, &a->peer) < 0) {
		// A node may be as late as we are: the next one, at once, but not without end.
		fine = f->at_once++ >= AT_ONCE_MAX;
		f->poll_ms = now_ms;
	}
	bool some = fog_view_at(d->view, directory_epoch(d)) != NULL;
	// While none counts, all are asked one after the other; else there is time.
	if (fine && some) {
		f->at_once = 0;
		f->poll_ms = now_ms +
		        directory_plan_gap(&d->schedule, now_ns, some, randombytes_random());
	} else {
		directory_plan_avoid(&f->avoid, &a->peer, now_ms);
	}
}

// A place for one more question; NULL: enough are under way.
static struct fetch_ask *fetch_place(struct fetch *f)
{
	for (unsigned i = 0; i < ASKED_MAX; i++)
		if (!f->consensus[i].busy)
			return &f->consensus[i];
	return NULL;
}

static uint64_t fetch_asked(const struct fetch *f, const struct fog_fetch_peer *source, unsigned n)
{
	uint64_t asked = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < ASKED_MAX; k++)
			if (f->consensus[k].busy && f->consensus[k].peer.port == source[i].port &&
			    memcmp(&f->consensus[k].peer.address, &source[i].address,
			           sizeof(source[i].address)) == 0)
				asked |= UINT64_C(1) << i;
	return asked;
}

// The sources that their circuit breakers keep us from: authorities come first among them.
static uint64_t fetch_refused_now(struct node_directory *d, uint64_t now_ms)
{
	uint64_t refused = 0;

	for (unsigned i = 0; i < d->network->authority_count; i++)
		if (fog_breaker_refuses(&d->breaker[i], now_ms))
			refused |= UINT64_C(1) << i;
	return refused;
}

// Ask one of the sources for the consensus of 'epoch'; for the newest one when we have none.
static void fetch_consensus(struct fetch *f, uint64_t epoch, uint64_t now_ns, uint64_t now_ms)
{
	struct fog_fetch_peer source[SOURCES_MAX];
	struct node_directory *d = f->d;
	struct fetch_ask *a = fetch_place(f);
	char path[64] = "/directory/consensus";

	f->poll_ms = now_ms + AGAIN_MS;
	if (a == NULL)
		return;
	bool some = fog_view_at(d->view, directory_epoch(d)) != NULL;
	unsigned count = fetch_sources(d, directory_epoch(d), source);
	uint64_t asked = fetch_asked(f, source, count), refused = fetch_refused_now(d, now_ms);
	uint32_t dice = randombytes_random();
	unsigned i = directory_plan_source(source, count, asked | refused, &f->avoid, now_ms, dice);
	// There is nobody else.
	if (i == count)
		i = directory_plan_source(source, count, asked, &f->avoid, now_ms, dice);
	if (i == count) {
		// All have been tried: they get another chance after a while.
		f->poll_ms = now_ms +
		        directory_plan_gap(&d->schedule, now_ns, some, randombytes_random());
		f->avoid = (struct directory_avoid){0};
		return;
	}
	if (some)
		snprintf(path, sizeof(path), "/directory/consensus/%" PRIu64, epoch);
	*a = (struct fetch_ask){.busy = true, .peer = source[i], .authority = -1};
	if (i < d->network->authority_count)
		a->authority = (int)i;
	if (fog_fetch_many_start(d->fetch, &a->peer, path, NULL, 0, FOG_CONSENSUS_MAX, a) == 0)
		fetch_enter(f, a);
	else
		a->busy = false;
}

// From 7/8 of an epoch on the next consensus is made; this one's is there at its start, or soon.
static void fetch_poll(struct fetch *f)
{
	struct node_directory *d = f->d;
	uint64_t now_ns = fog_clock_now_ns(d->node->clock), now_ms = fog_now_ms();
	uint64_t want = directory_plan_want(&d->schedule, now_ns);

	if (fog_view_exact(d->view, want) != NULL) {
		uint64_t rest =
		        directory_plan_rest(&d->schedule, want, now_ns, randombytes_random());
		f->poll_ms = now_ms + rest;
	} else if (now_ms >= f->poll_ms) {
		fetch_consensus(f, want, now_ns, now_ms);
	}
}

// One authority in turn says what it knows of liars: they may be among those who are asked for a consensus.
static void fetch_proofs(struct fetch *f)
{
	struct node_directory *d = f->d;
	uint64_t now_ns = fog_clock_now_ns(d->node->clock), now_ms = fog_now_ms();
	uint32_t dice = randombytes_random();

	if (f->proofs.busy || now_ms < f->proofs_ms)
		return;
	f->proofs_ms = now_ms + directory_plan_gap(&d->schedule, now_ns, true, dice);
	// The first from a random one on that answers, as far as that is known.
	unsigned count = d->network->authority_count, i = randombytes_uniform(count);
	uint64_t refused = fetch_refused_now(d, now_ms);
	for (unsigned n = 0; n < count && (refused >> i & 1) != 0; n++)
		i = (i + 1) % count;
	f->proofs = (struct fetch_ask
	){.busy = true, .authority = (int)i, .peer = fetch_authority(&d->network->authority[i])};
	if (fog_fetch_many_start(
	            d->fetch, &f->proofs.peer, "/directory/equivocations", NULL, 0,
	            FOG_VIEW_PROOFS_MAX * FOG_EQUIVOCATION_LEN, &f->proofs
	    ) == 0)
		fetch_enter(f, &f->proofs);
	else
		f->proofs.busy = false;
}

// What time it is, if it is an authority that has answered.
static void fetch_hear(struct node_directory *d, const struct fetch_ask *a, int64_t date_s)
{
	int authority = fetch_authority_of(d, &a->peer);

	if (authority >= 0)
		fog_clocks_hear(
		        &d->clocks, (unsigned)authority, date_s, fog_clock_now_ns(d->node->clock)
		);
}

// Called and left with the lock.
static void fetch_wait(struct fetch *f)
{
	struct node_directory *d = f->d;
	struct fog_fetch_done done;

	pthread_mutex_unlock(&d->lock);
	fog_fetch_many_wait(d->fetch, STEP_MS);
	pthread_mutex_lock(&d->lock);
	while (!d->stop && fog_fetch_many_take(d->fetch, &done)) {
		struct fetch_ask *a = done.what;
		fetch_hear(d, a, done.answer.date_s);
		fetch_leave(f, a, &done);
		if (a >= f->announce && a < f->announce + FOG_AUTHORITIES_MAX)
			fetch_announced(f, (unsigned)(a - f->announce), &done);
		else if (a == &f->proofs && !directory_take_proofs(d, &done))
			f->proofs_ms = fog_now_ms() +
			        directory_plan_jitter(OTHER_MS, randombytes_random());
		else if (a != &f->proofs)
			fetch_answered(f, a, &done);
		a->busy = false;
		free(done.answer.data);
	}
}

void *directory_run(void *arg)
{
	struct fetch f = {.d = arg};

	pthread_mutex_lock(&f.d->lock);
	while (!f.d->stop) {
		f.d->stepped_ms = fog_now_ms();
		fetch_announce(&f);
		fetch_poll(&f);
		fetch_proofs(&f);
		fetch_wait(&f);
	}
	pthread_mutex_unlock(&f.d->lock);
	return NULL;
}
