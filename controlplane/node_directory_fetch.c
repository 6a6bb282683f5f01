// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread that speaks with authorities and with listeners of other nodes. It waits for them, so it
// holds the lock only to read what it needs and to write what has come.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "directory/fetch.h"
#include "node_directory_private.h"
#include "now.h"

enum {
	STEP_MS = 250,
	RETRY_MS = 1000,
	RETRY_MAX_MS = 60 * 1000,
	POLL_MIN_MS = 500,
	POLL_MAX_MS = 60 * 1000,
	ANSWER_MAX = 16 << 10,
	SOURCES_MAX = FOG_AUTHORITIES_MAX + 16,
};

// Half to one and a half times as long, so that nodes don't come all at once.
static uint64_t fetch_jitter(uint64_t ms)
{
	return ms / 2 + randombytes_uniform((uint32_t)ms + 1);
}

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

// Give authority 'i' our descriptor, which it lacks.
static void fetch_announce(struct node_directory *d, unsigned i)
{
	struct fog_fetch_peer peer = fetch_authority(&d->network->authority[i]);
	struct node_directory_authority said = {.answer = NODE_DIRECTORY_UNREACHABLE};
	uint64_t sequence = d->sequence;
	struct fog_fetch_answer answer = {0};
	uint8_t data[FOG_DESCRIPTOR_MAX];
	char text[FOG_FETCH_TEXT_LEN] = "";
	size_t len = d->descriptor_len;

	memcpy(data, d->descriptor, len);
	pthread_mutex_unlock(&d->lock);
	int r = fog_fetch(&peer, "/directory/descriptors", data, len, ANSWER_MAX, &answer, text);
	if (r < 0) {
		snprintf(said.text, sizeof(said.text), "%s", text);
	} else if (answer.status >= 200 && answer.status < 300) {
		said.answer = NODE_DIRECTORY_TAKEN;
	} else if (answer.status >= 500 || answer.status == 429) {
		fetch_refused(&said, &answer);
	} else {
		said.answer = NODE_DIRECTORY_REFUSED;
		fetch_refused(&said, &answer);
	}
	free(answer.data);
	pthread_mutex_lock(&d->lock);
	struct directory_peer *p = &d->peer[i];
	memcpy(said.name, p->said.name, sizeof(said.name));
	if (said.answer == NODE_DIRECTORY_REFUSED && strcmp(said.code, p->said.code) != 0)
		LOG_WARN(
		        "authority %s refuses our descriptor (%s): %s", said.name, said.code,
		        said.text
		);
	else if (said.answer != p->said.answer && said.answer == NODE_DIRECTORY_UNREACHABLE)
		LOG_WARN("authority %s can't be reached: %s", said.name, said.text);
	p->said = said;
	p->gap_ms = p->gap_ms == 0 ? RETRY_MS : 2 * p->gap_ms;
	if (p->gap_ms > RETRY_MAX_MS)
		p->gap_ms = RETRY_MAX_MS;
	if (said.answer == NODE_DIRECTORY_TAKEN)
		p->gap_ms = 0;
	p->due_ms = fog_now_ms() + fetch_jitter(p->gap_ms);
	if (said.answer == NODE_DIRECTORY_TAKEN)
		p->sequence = sequence;
}

// Give one authority what it lacks, so that those who can't be reached hold up no question for a consensus
// for longer than one of them. Returns whether there was one.
static bool fetch_announce_next(struct node_directory *d)
{
	for (unsigned i = 0; i < d->network->authority_count; i++) {
		if (d->sequence == 0 || d->peer[i].sequence == d->sequence ||
		    fog_now_ms() < d->peer[i].due_ms)
			continue;
		fetch_announce(d, i);
		return true;
	}
	return false;
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

static void fetch_take(struct node_directory *d, const struct fog_fetch_answer *a, uint64_t now)
{
	bool news = false;
	int r = fog_view_take(d->view, a->data, a->len, now, &news);

	if (news) {
		d->serial++;
		LOG_INFO("a new consensus is here");
	}
	if (r > FOG_REFUSAL_NONE && r != FOG_REFUSAL_EXPIRED && r != FOG_REFUSAL_ROLLBACK)
		LOG_WARN(
		        "a consensus is not taken (%s): %s", fog_refusal_label((enum fog_refusal)r),
		        fog_refusal_text((enum fog_refusal)r)
		);
	else if (r < 0)
		LOG_ERR("a consensus can't be kept: %s: free space in the state folder",
		        strerror(-r));
}

// Ask one of the sources for the consensus of 'epoch'; for the newest one when we have none.
static void fetch_consensus(struct node_directory *d, uint64_t epoch, uint64_t now)
{
	struct fog_fetch_peer source[SOURCES_MAX];
	unsigned count = fetch_sources(d, now, source);
	struct fog_fetch_peer peer = source[randombytes_uniform(count)];
	struct fog_fetch_answer answer = {0};
	char path[64], text[FOG_FETCH_TEXT_LEN];

	if (fog_view_at(d->view, now) != NULL)
		snprintf(path, sizeof(path), "/directory/consensus/%" PRIu64, epoch);
	else
		snprintf(path, sizeof(path), "/directory/consensus");
	pthread_mutex_unlock(&d->lock);
	int r = fog_fetch(&peer, path, NULL, 0, FOG_CONSENSUS_MAX, &answer, text);
	pthread_mutex_lock(&d->lock);
	if (r == 0 && answer.status == 200 && !d->stop)
		fetch_take(d, &answer, now);
	free(answer.data);
}

// From 7/8 of an epoch on the next consensus is made; this one's is there at its start, or soon.
static void fetch_poll(struct node_directory *d)
{
	uint64_t now_ns = fog_clock_now_ns(d->node->clock), now_ms = fog_now_ms();
	uint64_t epoch = fog_schedule_epoch(&d->schedule, now_ns);
	uint64_t into_ns = now_ns - fog_schedule_start(&d->schedule, epoch);
	uint64_t length_ms = d->schedule.epoch_ns / 1000000;
	bool next = into_ns >= d->schedule.epoch_ns / 8 * 7;
	uint64_t want = next ? epoch + 1 : epoch, gap = length_ms / 64;

	if (fog_view_exact(d->view, want) != NULL) {
		// Whoever has it waits for the next one's time, and comes some time after.
		uint64_t until = fog_schedule_start(&d->schedule, want) +
		        d->schedule.epoch_ns / 8 * 7;
		if (until > now_ns)
			d->poll_ms = now_ms + (until - now_ns) / 1000000 +
			        fetch_jitter(length_ms / 64);
		return;
	}
	// The time of the next one may begin sooner than the last poll was put off to.
	if (now_ms < d->poll_ms)
		return;
	if (!next && into_ns > d->schedule.epoch_ns / 8 && fog_view_at(d->view, epoch) != NULL)
		gap = length_ms / 8; // it seems that there will be none
	gap = gap < POLL_MIN_MS ? POLL_MIN_MS : gap > POLL_MAX_MS ? POLL_MAX_MS : gap;
	uint64_t again = now_ms + fetch_jitter(gap);
	if (!next) {
		uint64_t due = now_ms +
		        (fog_schedule_start(&d->schedule, epoch) + d->schedule.epoch_ns / 8 * 7 -
		         now_ns) /
		                1000000 +
		        fetch_jitter(length_ms / 64);
		again = again < due ? again : due;
	}
	d->poll_ms = again;
	fetch_consensus(d, want, epoch);
}

void *directory_run(void *arg)
{
	struct node_directory *d = arg;

	pthread_mutex_lock(&d->lock);
	while (!d->stop) {
		bool more = fetch_announce_next(d);
		if (!d->stop)
			fetch_poll(d);
		struct timespec until = fog_deadline(STEP_MS);
		if (!d->stop && !more)
			pthread_cond_timedwait(&d->wake, &d->lock, &until);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}
