// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread for one of the other authorities. It waits for the network with the lock given back.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../directory/fetch.h"
#include "../now.h"
#include "service_form.h"

enum {
	STEP_MS = 100,
	RETRY_MIN_MS = 200,
	RETRY_MAX_MS = 5000,
	POLL_MIN_MS = 500,
	ANSWER_MAX = 64 << 10,
	PROOFS_MAX = FOG_VIEW_PROOFS_MAX * FOG_EQUIVOCATION_LEN,
};

static int peer_fetch(
        struct service_peer *p, const char *path, const void *body, size_t len, size_t max,
        struct fog_fetch_answer *answer
)
{
	const struct fog_authority *to = &p->service->p.network->authority[p->number];
	struct fog_fetch_peer at = {.address = to->address, .port = to->port};
	char text[FOG_FETCH_TEXT_LEN];

	memcpy(at.tls_key, to->tls_key, 32);
	int r = fog_fetch(&at, path, body, len, max, answer, text);
	if (r < 0 && !p->silent)
		LOG_WARN("authority '%s': %s: the others go on without it", to->name, text);
	if (r == 0 && p->silent)
		LOG_INFO("authority '%s' answers again", to->name);
	p->silent = r < 0;
	p->answers = r == 0;
	return r;
}

// Returns 0 when there was nothing or it has arrived, -errno. Called and left with the lock.
static int peer_send(struct service_peer *p, bool *sent)
{
	struct service *s = p->service;
	struct fog_agreement_message m;
	struct fog_fetch_answer answer;

	*sent = fog_agreement_next(s->agreement, p->number, fog_clock_now_ns(s->clock), &m);
	if (!*sent)
		return 0;
	pthread_mutex_unlock(&s->lock);
	int r = peer_fetch(
	        p, m.kind == FOG_STATEMENT_VOTE ? "/directory/votes" : "/directory/signatures",
	        m.data, m.len, ANSWER_MAX, &answer
	);
	free(m.data);
	if (r == 0 && (answer.status >= 500 || answer.status == 429))
		r = -EAGAIN;
	else if (r == 0 && answer.status >= 400)
		LOG_INFO(
		        "authority '%s' does not take our word: %.200s",
		        s->p.network->authority[p->number].name, (const char *)answer.data
		);
	free(answer.data);
	pthread_mutex_lock(&s->lock);
	if (r == 0)
		fog_agreement_sent(s->agreement, p->number, m.token);
	return r;
}

static void peer_take_proofs(struct service_peer *p, const struct fog_fetch_answer *a)
{
	for (size_t at = 0; at + FOG_EQUIVOCATION_LEN <= a->len; at += FOG_EQUIVOCATION_LEN)
		fog_view_prove(p->service->view, a->data + at);
}

// Who wants the lock waits for the disk only while proofs of a contradiction are kept (fog_view_take_prepared).
static void peer_take(struct service_peer *p, const struct fog_fetch_answer *a)
{
	struct service *s = p->service;
	struct fog_view_fresh *fresh;
	bool news;

	if (fog_view_knows(s->view, a->data, a->len))
		return;
	if (fog_view_prepare(
	            s->view, &s->lock, a->data, a->len, fog_clock_now_ns(s->clock), &fresh
	    ) != FOG_REFUSAL_NONE)
		return;
	if (fog_view_take_prepared(s->view, fresh, fog_clock_now_ns(s->clock), &news) == 0 && news)
		LOG_INFO(
		        "authority '%s' had a consensus that we lacked",
		        s->p.network->authority[p->number].name
		);
}

// Called and left with the lock.
static int peer_ask(struct service_peer *p, bool proofs)
{
	struct fog_fetch_answer answer;

	pthread_mutex_unlock(&p->service->lock);
	int r = peer_fetch(
	        p, proofs ? "/directory/equivocations" : "/directory/consensus", NULL, 0,
	        proofs ? PROOFS_MAX : FOG_CONSENSUS_MAX, &answer
	);
	pthread_mutex_lock(&p->service->lock);
	if (r == 0 && answer.status == 200 && proofs)
		peer_take_proofs(p, &answer);
	else if (r == 0 && answer.status == 200)
		peer_take(p, &answer);
	free(answer.data);
	return r;
}

void *service_peer_run(void *user)
{
	struct service_peer *p = user;
	struct service *s = p->service;
	uint64_t epoch_ms = s->p.network->epoch_s * UINT64_C(1000);
	uint64_t poll_ms = epoch_ms / 32 > POLL_MIN_MS ? epoch_ms / 32 : POLL_MIN_MS;
	uint64_t ask_at = 0, proofs_at = 0, retry_ms = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		bool sent = false;
		int r = peer_send(p, &sent);
		if (r == 0 && fog_now_ms() >= ask_at &&
		    fog_agreement_lacks(s->agreement, fog_clock_now_ns(s->clock))) {
			ask_at = fog_now_ms() + poll_ms;
			r = peer_ask(p, false);
		}
		if (r == 0 && fog_now_ms() >= proofs_at) {
			proofs_at = fog_now_ms() + epoch_ms / 2;
			r = peer_ask(p, true);
		}
		if (r == 0 && sent)
			continue;
		retry_ms = r == 0 ? 0 : retry_ms == 0 ? RETRY_MIN_MS : retry_ms * 2;
		retry_ms = retry_ms > RETRY_MAX_MS ? RETRY_MAX_MS : retry_ms;
		struct timespec until = fog_deadline((int)retry_ms + STEP_MS);
		// A tick is no reason to try a dead one sooner.
		do {
			if (s->stop || pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0)
				break;
		} while (r < 0);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}
