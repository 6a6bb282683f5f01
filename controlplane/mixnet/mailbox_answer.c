// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Answers to the senders of mail leave when the mail is on disk. One wait for the disk covers all answers
// that were committed before it, so a slow disk makes them later and no fewer.
//
// A crash between handing an answer over and forgetting it makes the next start hand it over again; the
// replay check of its first hop drops the copy.
#include <errno.h>
#include <stdlib.h>

#include "../../log/log.h"
#include "../now.h"
#include "mailbox_private.h"

enum {
	ANSWER_BATCH = 128, // answers read, and forgotten, in one transaction
	ANSWER_RETRY_MS = 250, // while the data plane takes none
	ANSWER_GATHER_MS = 5, // others that come right behind share the wait for the disk
};

static int answers_read(
        struct fog_mailboxes *m, int64_t last, struct fog_store_answer_packet *list, unsigned *n
)
{
	int64_t after = 0;
	int r = fog_store_begin(m->store);

	*n = 0;
	if (r < 0)
		return r;
	while (r == 0 && *n < ANSWER_BATCH) {
		r = fog_store_mail_answer_next(m->store, after, &list[*n]);
		if (r == 0 && list[*n].id > last)
			r = -ENOENT;
		if (r == 0)
			after = list[(*n)++].id;
	}
	fog_store_end(m->store, 0);
	return r == -ENOENT ? 0 : r;
}

static int answers_forget(struct fog_mailboxes *m, int64_t id)
{
	int r = fog_store_begin(m->store);

	if (r < 0)
		return r;
	r = fog_store_mail_answers_done(m->store, id);
	int e = fog_store_end(m->store, r == 0);
	return r < 0 ? r : e;
}

// Hand the first 'n' of a list over, in their order. Returns how many are dealt with.
static unsigned answers_inject(
        struct fog_mailboxes *m, const struct fog_store_answer_packet *list, unsigned n
)
{
	uint64_t answered = 0, lost = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		int r = m->ops->inject(m->ctx, &list[i]);
		if (r == -ESTALE || r == -EMSGSIZE)
			lost++;
		else if (r < 0)
			break;
		else
			answered++;
	}
	pthread_mutex_lock(&m->lock);
	m->counts.answered += answered;
	m->counts.answers_lost += lost;
	pthread_mutex_unlock(&m->lock);
	return i;
}

static int answers_last(struct fog_mailboxes *m, int64_t *last)
{
	int r = fog_store_begin(m->store);

	if (r < 0)
		return r;
	*last = fog_store_mail_answers_last(m->store);
	fog_store_end(m->store, 0);
	return *last < 0 ? (int)*last : 0;
}

// Everything that waits by now. Returns 0 (nothing is left of it) or what stopped it.
static int answers_flush(struct fog_mailboxes *m, struct fog_store_answer_packet *list)
{
	int64_t last = 0;
	unsigned n = 0;
	int r = answers_last(m, &last);

	if (r < 0 || last == 0)
		return r;
	r = fog_store_sync(m->store);
	while (r == 0 && (r = answers_read(m, last, list, &n)) == 0 && n > 0) {
		unsigned gone = answers_inject(m, list, n);
		if (gone > 0)
			r = answers_forget(m, list[gone - 1].id);
		if (r == 0 && gone < n)
			r = -EAGAIN;
	}
	return r;
}

// Wait until something is to be done. Returns false when the thread is to end.
static bool answers_wait(struct fog_mailboxes *m, bool retry)
{
	struct timespec until = fog_deadline(ANSWER_RETRY_MS);

	pthread_mutex_lock(&m->lock);
	if (retry)
		while (!m->stopping && pthread_cond_timedwait(&m->wake, &m->lock, &until) == 0)
			;
	while (!m->stopping && !m->pending && !retry)
		pthread_cond_wait(&m->wake, &m->lock);
	until = fog_deadline(ANSWER_GATHER_MS);
	while (!m->stopping && pthread_cond_timedwait(&m->wake, &m->lock, &until) == 0)
		;
	m->pending = false;
	bool go_on = !m->stopping;
	pthread_mutex_unlock(&m->lock);
	return go_on;
}

static void *answers_run(void *arg)
{
	struct fog_mailboxes *m = arg;
	struct fog_store_answer_packet *list = calloc(ANSWER_BATCH, sizeof(*list));
	bool retry = false;

	if (list == NULL) {
		LOG_ERR("mail: no memory for answers: senders get none until there is some");
		pthread_mutex_lock(&m->lock);
		m->ended = true;
		pthread_mutex_unlock(&m->lock);
		return NULL;
	}
	while (answers_wait(m, retry))
		retry = answers_flush(m, list) < 0;
	sodium_memzero(list, ANSWER_BATCH * sizeof(*list));
	free(list);
	return NULL;
}

void mailbox_answer_create(struct fog_mailboxes *m)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
}

void mailbox_answer_destroy(struct fog_mailboxes *m)
{
	fog_mailboxes_stop(m);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
}

int fog_mailboxes_start(struct fog_mailboxes *m)
{
	if (m->started)
		return 0;
	pthread_mutex_lock(&m->lock);
	m->pending = true; // what an earlier life left behind
	m->stopping = m->ended = false;
	pthread_mutex_unlock(&m->lock);
	int r = -pthread_create(&m->thread, NULL, answers_run, m);
	m->started = r == 0;
	return r;
}

bool fog_mailboxes_answers(struct fog_mailboxes *m)
{
	pthread_mutex_lock(&m->lock);
	bool answers = !m->stopping && !m->ended;
	pthread_mutex_unlock(&m->lock);
	return answers;
}

void fog_mailboxes_stop(struct fog_mailboxes *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (m->started)
		pthread_join(m->thread, NULL);
	m->started = false;
}
