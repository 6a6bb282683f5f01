// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../log/log.h"
#include "keep.h"
#include "service_form.h"

enum { SAID_EPOCHS = 64, BODY_MAX = FOG_AGREEMENT_RELAY + FOG_VOTE_MAX };

static int service_save(
        void *ctx, enum fog_statement_kind kind, uint64_t epoch, const void *data, size_t len
)
{
	return keep_save(((struct service *)ctx)->dir, kind, epoch, data, len);
}

static int service_load(
        void *ctx, enum fog_statement_kind kind, uint64_t epoch, uint8_t **data, size_t *len
)
{
	return keep_load(((struct service *)ctx)->dir, kind, epoch, data, len);
}

static bool service_denies(void *ctx, const uint8_t id[FOG_ID_LEN])
{
	const struct service *s = ctx;

	for (unsigned i = 0; i < s->denied_count; i++)
		if (memcmp(s->denied[i], id, FOG_ID_LEN) == 0)
			return true;
	return false;
}

int service_deny(struct service *s, const uint8_t (*ids)[FOG_ID_LEN], unsigned count)
{
	uint8_t(*copy)[FOG_ID_LEN] = calloc(count + 1, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(copy, ids, count * sizeof(*copy));
	pthread_mutex_lock(&s->lock);
	free(s->denied);
	s->denied = copy;
	s->denied_count = count;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int service_agreement(struct service *s)
{
	static const struct fog_agreement_ops ops = {
	        .save = service_save, .load = service_load, .denies = service_denies};
	const struct fog_agreement_params params = {
	        .network = s->p.network,
	        .self = s->p.self,
	        .secret_key = s->p.identity->secret_key,
	        .vrf_seed = s->p.identity->vrf_seed,
	        .view = s->view,
	        .ops = &ops,
	        .ctx = s,
	};

	return fog_agreement_create(&params, &s->agreement);
}

int service_create(const struct service_params *params, struct service **out)
{
	struct service *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->p = *params;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	s->dir = open(params->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = s->dir < 0 ? -errno : fog_view_create(params->network, params->dir, &s->view);
	if (r == 0)
		r = fog_clock_create(0, &s->clock);
	if (r == 0)
		r = service_agreement(s);
	if (r < 0) {
		LOG_ERR("state in %s: %s: make the folder readable and writable for this user",
		        params->dir, strerror(-r));
		service_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}

int service_start(struct service *s)
{
	static const struct fog_serve_ops ops = {.request = service_request};
	struct fog_ip peer[FOG_AUTHORITIES_MAX];
	const struct fog_serve_params params = {
	        .fd = s->p.listen_fd,
	        .tls_seed = s->p.identity->tls_seed,
	        .body_max = BODY_MAX,
	        .peer = peer,
	        .peer_count = s->p.network->authority_count,
	};

	for (unsigned i = 0; i < params.peer_count; i++)
		peer[i] = s->p.network->authority[i].address;
	service_tick(s); // a vote that comes before the first one would be refused for good
	int r = fog_serve_create(&params, &ops, s, &s->serve);

	for (unsigned i = 0; r == 0 && i < s->p.network->authority_count; i++) {
		s->peer[i].service = s;
		s->peer[i].number = i;
		if (i == s->p.self)
			continue;
		r = -pthread_create(&s->peer[i].thread, NULL, service_peer_run, &s->peer[i]);
		s->peer[i].running = r == 0;
		if (r < 0)
			LOG_ERR("no thread for authority '%s': %s: allow more threads",
			        s->p.network->authority[i].name, strerror(-r));
	}
	return r;
}

void service_say(struct service *s, char *text, size_t len)
{
	unsigned others = s->p.network->authority_count - 1, answer = 0;

	pthread_mutex_lock(&s->lock);
	uint64_t epoch = fog_clock_now_ns(s->clock) / 1000000000 / s->p.network->epoch_s;
	const struct fog_consensus *c = fog_view_at(s->view, epoch);
	for (unsigned i = 0; i < s->p.network->authority_count; i++)
		answer += s->peer[i].answers;
	if (c != NULL)
		snprintf(
		        text, len,
		        "consensus of epoch %" PRIu64 "%s: %u nodes; %u of %u others answer",
		        c->epoch, c->epoch < epoch ? ", none of this one" : "", c->node_count,
		        answer, others
		);
	else
		snprintf(
		        text, len,
		        "no consensus is good for epoch %" PRIu64 "; %u of %u others answer", epoch,
		        answer, others
		);
	pthread_mutex_unlock(&s->lock);
}

void service_tick(struct service *s)
{
	fog_clock_tick(s->clock, 0);
	uint64_t now = fog_clock_now_ns(s->clock);
	uint64_t epoch = now / 1000000000 / s->p.network->epoch_s;

	pthread_mutex_lock(&s->lock);
	fog_agreement_tick(s->agreement, now);
	// Once a consensus says that the clock is right: with what was signed gone, another could be signed.
	if (epoch > s->pruned && epoch > SAID_EPOCHS && fog_view_at(s->view, epoch) != NULL) {
		keep_prune(s->dir, epoch - SAID_EPOCHS);
		s->pruned = epoch;
	}
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void service_destroy(struct service *s)
{
	if (s == NULL)
		return;
	fog_serve_destroy(s->serve);
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < FOG_AUTHORITIES_MAX; i++)
		if (s->peer[i].running)
			pthread_join(s->peer[i].thread, NULL);
	fog_agreement_destroy(s->agreement);
	fog_view_destroy(s->view);
	fog_clock_destroy(s->clock);
	if (s->dir >= 0)
		close(s->dir);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->denied);
	free(s);
}
