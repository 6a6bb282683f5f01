// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "fetcher.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum fetcher_state { FETCHER_IDLE, FETCHER_WANTED, FETCHER_DONE };

struct client_fetcher {
	pthread_t thread;
	pthread_mutex_t lock; // guards all below
	pthread_cond_t wanted;
	bool end;
	int fd;
	enum fetcher_state state;
	struct fog_fetch_peer peer;
	char path[64];
	size_t max;
	struct fog_fetch_answer answer;
	int error;
	char text[FOG_FETCH_TEXT_LEN];
};

// Nobody else touches the question while it is WANTED, so it is answered without the lock.
static void *fetcher_run(void *arg)
{
	struct client_fetcher *f = arg;

	pthread_mutex_lock(&f->lock);
	while (!f->end) {
		if (f->state != FETCHER_WANTED) {
			pthread_cond_wait(&f->wanted, &f->lock);
			continue;
		}
		pthread_mutex_unlock(&f->lock);
		f->text[0] = '\0';
		f->error = fog_fetch(&f->peer, f->path, NULL, 0, f->max, &f->answer, f->text);
		pthread_mutex_lock(&f->lock);
		f->state = FETCHER_DONE;
		(void)eventfd_write(f->fd, 1);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

// Signals are the program's.
static int fetcher_start(struct client_fetcher *f)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&f->thread, NULL, fetcher_run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int client_fetcher_create(struct client_fetcher **out)
{
	struct client_fetcher *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wanted, NULL);
	f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = f->fd < 0 ? -errno : fetcher_start(f);
	if (r < 0) {
		if (f->fd >= 0)
			close(f->fd);
		free(f);
		return r;
	}
	*out = f;
	return 0;
}

void client_fetcher_destroy(struct client_fetcher *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->end = true;
	pthread_cond_signal(&f->wanted);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	if (f->state == FETCHER_DONE && f->error == 0)
		free(f->answer.data);
	pthread_cond_destroy(&f->wanted);
	pthread_mutex_destroy(&f->lock);
	close(f->fd);
	free(f);
}

int client_fetcher_fd(const struct client_fetcher *f)
{
	return f->fd;
}

bool client_fetcher_busy(struct client_fetcher *f)
{
	pthread_mutex_lock(&f->lock);
	bool busy = f->state != FETCHER_IDLE;
	pthread_mutex_unlock(&f->lock);
	return busy;
}

void client_fetcher_begin(
        struct client_fetcher *f, const struct fog_fetch_peer *peer, const char *path, size_t max
)
{
	pthread_mutex_lock(&f->lock);
	f->peer = *peer;
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->max = max;
	f->state = FETCHER_WANTED;
	pthread_cond_signal(&f->wanted);
	pthread_mutex_unlock(&f->lock);
}

bool client_fetcher_take(
        struct client_fetcher *f, struct fog_fetch_answer *answer, int *error,
        char text[FOG_FETCH_TEXT_LEN]
)
{
	eventfd_t count;

	pthread_mutex_lock(&f->lock);
	bool done = f->state == FETCHER_DONE;
	if (done) {
		(void)eventfd_read(f->fd, &count);
		*answer = f->answer;
		*error = f->error;
		memcpy(text, f->text, FOG_FETCH_TEXT_LEN);
		f->state = FETCHER_IDLE;
	}
	pthread_mutex_unlock(&f->lock);
	return done;
}
