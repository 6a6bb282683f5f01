// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../drivers/neigh.h"
#include "blob_check.h"
#include "log.h"
#include "manager_filter.h"
#include "manager_trace.h"
#include "resolve.h"

void manager_retire(struct fog_manager *m, bool (*free_fn)(void *), void *object)
{
	if (object == NULL)
		return;
	struct fog_retired *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		// Without the note the only safe moment is now: wait for the workers.
		rte_rcu_qsbr_synchronize(m->qsbr, RTE_QSBR_THRID_INVALID);
		while (free_fn(object))
			continue;
		return;
	}
	r->token = rte_rcu_qsbr_start(m->qsbr);
	r->free = free_fn;
	r->object = object;
	r->next = m->retired;
	m->retired = r;
}

void manager_retired_poll(struct fog_manager *m)
{
	struct fog_retired **at = &m->retired;

	while (*at != NULL) {
		struct fog_retired *r = *at;
		if (!rte_rcu_qsbr_check(m->qsbr, r->token, false) || r->free(r->object)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
	}
}

static bool retire_conf(void *object)
{
	fog_conf_free(object);
	return false;
}

struct fog_resolver manager_resolver(const struct fog_manager *m)
{
	return (struct fog_resolver){
	        .ports = m->ports,
	        .port_count = m->port_count,
	        .neigh = m->neigh,
	        .neighbours = m->host.neighbours,
	};
}

static int conf_build(struct fog_manager *m, const struct fog_blob *blob, struct fog_conf **out)
{
	const struct fog_resolver resolver = manager_resolver(m);
	struct fog_conf_env env = {
	        .resolver = &resolver,
	        .now_ms = manager_host_now_ms(),
	        .mix_port = blob->launch.mix_port,
	        .payload_len = m->payload_len,
	        .peer_id = m->peer,
	        .key_count = m->keys.count,
	        .key = m->keys.conf,
	        .tsc_hz = m->stats->tsc_hz,
	        .workers = blob->launch.worker_count,
	};
	return fog_conf_build(blob, &env, out);
}

static void conf_publish(struct fog_manager *m, struct fog_conf *fresh)
{
	struct fog_conf *old = m->conf;
	struct fog_stats *s = m->stats;

	m->conf = fresh;
	if (memcmp(s->peer, m->peer, sizeof(s->peer)) != 0)
		fog_stats_publish(&s->sequence, s->peer, m->peer, sizeof(s->peer));
	for (unsigned i = 0; i < m->worker_count; i++)
		atomic_store_explicit(&m->workers[i]->conf_next, fresh, memory_order_release);
	manager_retire(m, retire_conf, old);
	memcpy(s->checksum, fresh->checksum, sizeof(s->checksum));
	atomic_store_explicit(&s->next_hops, fresh->remote_count, memory_order_relaxed);
	atomic_store_explicit(&s->next_hops_ready, fresh->resolved_count, memory_order_relaxed);
	atomic_store_explicit(&s->generation, fresh->generation, memory_order_release);
}

int fog_manager_refresh(struct fog_manager *m)
{
	struct fog_conf *fresh;
	int ret = conf_build(m, m->blob, &fresh);

	if (ret < 0)
		return ret;
	if (m->conf != NULL &&
	    memcmp(fresh->node, m->conf->node, fresh->node_count * sizeof(fresh->node[0])) == 0) {
		fog_conf_free(fresh);
		return 0;
	}
	LOG_WITH(
	        FOG_LOG_DEBUG,
	        LOG_FIELDS(
	                LOG_NUMBER("next_hops", fresh->remote_count),
	                LOG_NUMBER("ready", fresh->resolved_count)
	        ),
	        "neighbours or routes have changed"
	);
	conf_publish(m, fresh);
	return 0;
}

int manager_conf_rebuild(struct fog_manager *m)
{
	struct fog_conf *fresh;
	int ret = conf_build(m, m->blob, &fresh);

	if (ret == 0)
		conf_publish(m, fresh);
	return ret;
}

void manager_log_level(struct fog_manager *m, uint32_t level)
{
	fog_log_level_set((enum fog_log_level)level);
	atomic_store_explicit(&m->stats->log_level, level, memory_order_relaxed);
}

// What a new configuration changes beside the workers' view. A log level that was set by hand stays
// until the configured one is another.
static void settings_apply(struct fog_manager *m, const struct fog_blob *fresh)
{
	if (m->blob != NULL)
		LOG_WITH(
		        FOG_LOG_DEBUG,
		        LOG_FIELDS(
		                LOG_NUMBER("nodes_before", m->blob->run.node_count),
		                LOG_NUMBER("nodes", fresh->run.node_count),
		                LOG_NUMBER("delay_mean_us", fresh->run.delay_mean_us),
		                LOG_NUMBER("production", fresh->run.production)
		        ),
		        "the configuration is another one"
		);
	if (m->blob == NULL || m->blob->run.log_level != fresh->run.log_level)
		manager_log_level(m, fresh->run.log_level);
	if (fresh->run.production && !fresh->run.trace_allow)
		manager_trace_forbid(m);
}

static int config_apply(
        struct fog_manager *m, const struct fog_blob *blob, char *text, size_t text_len
)
{
	struct fog_blob *copy = malloc(blob->size);
	struct fog_conf *fresh;

	if (copy == NULL) {
		snprintf(text, text_len, "no memory for the configuration: give the host more");
		return -ENOMEM;
	}
	memcpy(copy, blob, blob->size);
	int ret = conf_build(m, copy, &fresh);
	if (ret < 0) {
		snprintf(text, text_len, "cannot build the node table: %s", strerror(-ret));
		free(copy);
		return ret;
	}
	if ((ret = manager_filter_set(m, copy, text, text_len)) < 0) {
		fog_conf_free(fresh);
		free(copy);
		return ret;
	}
	settings_apply(m, copy);
	free(m->blob);
	m->blob = copy;
	conf_publish(m, fresh);
	return 0;
}

int manager_on_config(void *ctx, const void *data, size_t len, char *text, size_t text_len)
{
	struct fog_manager *m = ctx;
	const struct fog_blob *blob = data;
	int ret = fog_blob_check(data, len, text, text_len);

	if (ret == 0 && memcmp(&blob->launch, &m->blob->launch, sizeof(blob->launch)) != 0) {
		snprintf(
		        text, text_len,
		        "ports, workers, memory or geometry differ from the running ones: compile the "
		        "launch blob again and restart fog-dataplane"
		);
		ret = -EXDEV;
	}
	if (ret == 0 && blob->run.production && m->accept_replays) {
		snprintf(
		        text, text_len,
		        "this data plane lets replays through: restart fog-dataplane without "
		        "--accept-replays, or set production: false"
		);
		ret = -EPERM;
	}
	if (ret == 0)
		ret = config_apply(m, blob, text, text_len);
	if (ret < 0)
		LOG_LIMITED(LOG_WARN, "configuration refused: %s", text);
	else
		LOG_LIMITED(
		        LOG_INFO,
		        "configuration generation %llu in force, %u of %u next hops resolved",
		        (unsigned long long)m->conf->generation, m->conf->resolved_count,
		        m->conf->remote_count
		);
	return ret;
}

int fog_manager_start(struct fog_manager *m, const struct fog_blob *blob)
{
	char text[256] = "";
	int ret = config_apply(m, blob, text, sizeof(text));

	if (ret < 0)
		LOG_ERR("%s", text);
	return ret;
}

void manager_conf_free(struct fog_manager *m)
{
	fog_conf_free(m->conf);
	manager_key_close(m);
	free(m->blob);
	m->conf = NULL;
	m->blob = NULL;
}
