// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Birth and end of a node, and what it tells about itself.
#include "node.h"

#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../log/log.h"
#include "node_betanet.h"
#include "node_cover.h"
#include "node_directory.h"
#include "node_epochs.h"
#include "node_filter.h"
#include "node_history.h"
#include "node_links.h"
#include "node_loops.h"
#include "node_mail.h"
#include "node_platform.h"
#include "node_services.h"

int fog_node_state_path(const struct fog_node *n, const char *file, char *path, size_t len)
{
	int r = snprintf(path, len, "%s/control%s%s", n->config->state_dir, *file ? "/" : "", file);

	return r < 0 || (size_t)r >= len ? -ENAMETOOLONG : 0;
}

// The state folder belongs to root; the control plane gets a folder of its own in it.
static int node_make_state(struct fog_node *n)
{
	char path[FOG_CONFIG_PATH_LEN + 32];
	int r = fog_node_state_path(n, "", path, sizeof(path));

	if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0 && geteuid() == 0 && n->config->user[0] != '\0' &&
	    lchown(path, n->config->uid, n->config->gid) < 0)
		r = -errno;
	if (r < 0)
		LOG_ERR("%s: cannot make the control plane's state folder: %s: make the folder "
		        "above it, or start as root",
		        path, strerror(-r));
	return r;
}

int fog_node_create(
        const char *config_path, const char *run_dir, const char *state_dir, struct fog_node **out
)
{
	char text[512] = "";
	struct fog_node *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return -ENOMEM;
	pthread_mutex_init(&n->change, NULL);
	pthread_rwlock_init(&n->lock, NULL);
	n->directory_fd = -1;
	n->run_dir = run_dir;
	n->state_dir = state_dir;
	snprintf(n->config_path, sizeof(n->config_path), "%s", config_path);
	r = node_config_read(n, &n->config);
	if (r < 0)
		goto err;
	n->started = n->config;
	fog_log_level_set((enum fog_log_level)n->config->log.level);
	if (n->config->test.key_seed != 0)
		r = fog_identity_open_test(
		        n->config->state_dir, n->config->test.key_seed, &n->identity, text,
		        sizeof(text)
		);
	else
		r = fog_identity_open(n->config->state_dir, &n->identity, text, sizeof(text));
	if (r < 0) {
		LOG_ERR("identity: %s", text);
		goto err;
	}
	r = node_make_state(n);
	if (r < 0)
		goto err;
	*out = n;
	return 0;
err:
	fog_node_destroy(n);
	return r;
}

// SURB keys live as long as mix keys do: without the mix keys of the mixes' epoch no reply arrives, and
// after a reboot of ours none can be opened. Test nodes leave the keyring alone.
static int node_store_secret(const struct fog_node *n, uint8_t secret[32])
{
	static const char label[] = "fogline store secret v1";
	char text[256];
	int r = 0;

	if (n->started->test.key_seed != 0 && n->key != NULL)
		crypto_generichash(
		        secret, 32, (const uint8_t *)label, sizeof(label) - 1, n->key->private_key,
		        32
		);
	else
		r = fog_keyring_secret(n->config->instance, secret, text, sizeof(text));
	if (r < 0)
		LOG_ERR("the secret of the store: %s", text);
	return r;
}

static void node_open_key(struct fog_node *n)
{
	uint64_t seed = n->started->test.key_seed;
	int created = 0, r;

	if (seed != 0)
		r = fog_epoch_key_open_test(
		        seed, FOG_NODE_EPOCH, &n->key, n->key_text, sizeof(n->key_text)
		);
	else
		r = fog_epoch_key_open(
		        n->config->instance, FOG_NODE_EPOCH, &n->key, &created, n->key_text,
		        sizeof(n->key_text)
		);

	if (r < 0) {
		n->key = NULL;
		LOG_ERR("mix key: %s", n->key_text);
		return;
	}
	n->key_text[0] = '\0';
	LOG_INFO(
	        "mix key of epoch %d %s", FOG_NODE_EPOCH,
	        seed != 0         ? "is that of test.key_seed: everybody knows it"
	                : created ? "made: a topology with 'links: none' has to list it"
	                          : "found in the keyring"
	);
}

static int node_open_store(struct fog_node *n)
{
	char path[FOG_CONFIG_PATH_LEN + 32];
	uint8_t secret[32];
	int r = fog_node_state_path(n, "store.db", path, sizeof(path));

	if (r < 0)
		return r;
	bool have = node_store_secret(n, secret) == 0;
	r = fog_store_open(&n->store, path, have ? secret : NULL);
	sodium_memzero(secret, sizeof(secret));
	return r;
}

int fog_node_start(struct fog_node *n)
{
	char path[FOG_CONFIG_PATH_LEN + 16];
	struct fog_dpclient_params params = {.socket_path = path, .build = FOG_VERSION};
	int r;

	n->ops = fog_crypto_ops_get(NULL);
	node_open_key(n);
	r = node_open_store(n);
	if (r == 0)
		r = node_platform_create(n);
	if (r == 0)
		r = node_history_create(n);
	if (r == 0)
		r = node_betanet_watch_create(n);
	if (r == 0)
		r = node_filter_load(n);
	if (r == 0)
		r = fog_inbox_create(n->store, n->ops, &n->inbox);
	if (r == 0)
		r = fog_tracer_create(&n->tracer);
	if (r == 0)
		r = node_links_create(n);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/dp.sock", n->config->run_dir);
	r = fog_dpclient_create(&params, &node_dpclient_ops, n, &n->dp);
	if (r < 0) {
		LOG_ERR("%s: cannot start the data-plane client: %s: shorten run_dir, or raise "
		        "LimitNOFILE",
		        path, strerror(-r));
		return r;
	}
	r = fog_timing_create(n->dp, &n->timing);
	if (r == 0)
		r = fog_sender_create(n->store, n->dp, &n->sender);
	if (r == 0)
		r = node_loops_create(n);
	if (r == 0)
		r = node_epochs_create(n);
	if (r == 0)
		r = node_directory_create(n, n->directory_fd);
	if (r == 0)
		r = node_mail_create(n);
	if (r < 0)
		return r;
	// Until the data plane is known, whether it is fit for the key is not either.
	n->key_withheld = true;
	fog_node_topology_poll(n, true);
	// Before anybody asks whether the node is ready.
	node_links_tick(n);
	r = node_key_hand(n);
	if (r < 0) {
		LOG_ERR("cannot keep the mix key in locked memory: raise RLIMIT_MEMLOCK");
		return r;
	}
	node_epochs_tick(n);
	r = node_cover_create(n);
	return r < 0 ? r : node_services_start(n);
}

void fog_node_destroy(struct fog_node *n)
{
	if (n == NULL)
		return;
	// A thread that hangs may touch all of it: the end of the process frees it.
	if (node_services_stop(n) < 0)
		return;
	node_directory_destroy(n); // its threads ask
	fog_loops_forget(n->loops); // its thread sends
	node_mail_destroy(n); // so does this one
	node_cover_stop(n); // likewise
	fog_sender_destroy(n->sender);
	fog_timing_destroy(n->timing);
	fog_dpclient_destroy(n->dp);
	node_links_destroy(n);
	fog_loops_destroy(n->loops);
	node_cover_destroy(n);
	fog_tracer_destroy(n->tracer);
	fog_inbox_destroy(n->inbox);
	fog_epochs_destroy(n->epochs);
	fog_exchange_destroy(n->exchange);
	fog_clock_destroy(n->clock);
	free(n->filter);
	node_services_destroy(n);
	node_betanet_watch_destroy(n);
	node_history_destroy(n);
	node_platform_destroy(n);
	fog_store_close(n->store);
	fog_certificate_close(n->certificate);
	fog_epoch_key_close(n->key);
	fog_identity_close(n->identity);
	fog_topology_free(n->topology);
	if (n->config != n->started)
		fog_config_free(n->config);
	fog_config_free(n->started);
	pthread_rwlock_destroy(&n->lock);
	pthread_mutex_destroy(&n->change);
	free(n);
}

const struct fog_topology_node *fog_node_self(const struct fog_node *n)
{
	return n->topology != NULL ? fog_topology_find(n->topology, n->identity->node_id) : NULL;
}

static unsigned node_unready_topology(struct fog_node *n, node_say *reason, void *ctx)
{
	char text[512] = "";
	const char *code = NULL;

	pthread_rwlock_rdlock(&n->lock);
	const struct fog_topology_node *self = fog_node_self(n);
	if (n->topology == NULL) {
		code = "no_topology";
		snprintf(text, sizeof(text), "%s", n->topology_text);
	} else if (n->key != NULL && n->topology->links == FOG_LINKS_NONE) {
		int r = fog_epoch_key_announced(n->key, self, text, sizeof(text));
		code = r == -ENOENT ? "not_in_topology" : r < 0 ? "key_not_announced" : NULL;
	} else if (self == NULL && n->topology->authority_count == 0) {
		code = "not_in_topology";
		snprintf(text, sizeof(text), "the topology does not list this node");
	}
	pthread_rwlock_unlock(&n->lock);
	if (code == NULL)
		return 0;
	reason(ctx, code, text);
	return 1;
}

static unsigned node_unready_data_plane(struct fog_node *n, node_say *reason, void *ctx)
{
	struct fog_dpclient_status status;
	struct fog_dpclient_ack ack;
	unsigned count = 0;

	fog_dpclient_status(n->dp, &status);
	if (status.state != FOG_DPCLIENT_ATTACHED) {
		reason(ctx, "no_data_plane",
		       status.why[0] != '\0' ? status.why : "no data plane is attached");
		return 1;
	}
	if (node_running(n).draining) {
		reason(ctx, "draining",
		       "the data plane drains: it ends when all that it holds has left");
		count++;
	}
	fog_dpclient_config_ack(n->dp, &ack);
	// What waits for a restart of the data plane is a warning: the old one goes on in force.
	if (ack.status != 0 && ack.status != -ENODATA && ack.status != -EXDEV) {
		reason(ctx, ack.status == -EINPROGRESS ? "config_pending" : "config_refused",
		       ack.text[0] != '\0' ? ack.text : "the data plane has not confirmed it yet");
		count++;
	}
	node_epochs_key_ack(n, &ack);
	if (ack.status != 0 && ack.status != -ENODATA) {
		reason(ctx, ack.status == -EINPROGRESS ? "key_pending" : "key_refused",
		       ack.text[0] != '\0' ? ack.text : "the data plane has not confirmed it yet");
		count++;
	}
	return count;
}

unsigned fog_node_unready(struct fog_node *n, node_say *reason, void *ctx)
{
	unsigned count = node_unready_topology(n, reason, ctx);

	if (n->key == NULL && !node_epochs_active(n)) {
		reason(ctx, "no_key", n->key_text);
		count++;
	}
	count += node_unready_directory(n, reason, ctx);
	count += node_unready_epochs(n, reason, ctx);
	count += node_unready_data_plane(n, reason, ctx);
	count += node_unready_links(n, reason, ctx);
	count += node_unready_services(n, reason, ctx);
	return count + node_unready_production(n, reason, ctx);
}

static unsigned node_warn_data_plane(const struct node_running *run, node_say *warn, void *ctx)
{
	unsigned percent = fog_stats_fill(run->replay_count, run->replay_capacity);
	unsigned count = 0;
	char text[256];

	if (run->accept_replays) {
		warn(ctx, "accept_replays",
		     "the data plane lets packets through that it has seen before: whoever sends one "
		     "again can follow it; restart fog-dataplane without --accept-replays");
		count++;
	}
	if (run->tracing) {
		warn(ctx, "trace_active",
		     "single packets are traced: whoever reads the records can tell which arrival became "
		     "which departure");
		count++;
	}
	if (percent >= FOG_REPLAY_ALARM) {
		snprintf(
		        text, sizeof(text),
		        "the replay table is %u %% full, %llu of %llu packets: %s: raise "
		        "replay.capacity or lower workers.max_rate, which counts from the next mix "
		        "key",
		        percent, (unsigned long long)run->replay_count,
		        (unsigned long long)run->replay_capacity,
		        percent >= 100 ? "all others are dropped as replay_full"
		                       : "when it is full all others are dropped as replay_full"
		);
		warn(ctx, percent >= 100 ? "replay_full" : "replay_alarm", text);
		count++;
	}
	return count;
}

static unsigned node_warn_certificate(struct fog_node *n, node_say *warn, void *ctx)
{
	char text[256];
	const char *code = n->certificate == NULL
	        ? NULL
	        : fog_certificate_warning(n->certificate, time(NULL), text, sizeof(text));

	if (code != NULL)
		warn(ctx, code, text);
	return code != NULL;
}

unsigned fog_node_warnings(struct fog_node *n, node_say *warn, void *ctx)
{
	struct node_running run = node_running(n);
	struct fog_dpclient_ack ack;
	unsigned count = node_warn_data_plane(&run, warn, ctx);

	count += node_platform_warnings(n, warn, ctx);
	fog_dpclient_config_ack(n->dp, &ack);
	if (ack.status == -EXDEV) {
		warn(ctx, "restart_data_plane",
		     "the configuration (with every change of the topology) waits for a restart of the data plane"
		);
		count++;
	}
	pthread_rwlock_rdlock(&n->lock);
	if (n->topology != NULL && n->topology->links == FOG_LINKS_NONE) {
		warn(ctx, "links_none",
		     "packets travel without link encryption: a network of this kind is for tests");
		count++;
	}
	if (run.seeded || n->config->test.delay_seed != 0) {
		warn(ctx, "delay_seed",
		     "delays follow a fixed test seed and can be foretold: remove test.delay_seed");
		count++;
	}
	if (n->started->test.key_seed != 0) {
		warn(ctx, "key_seed",
		     "identity and mix key are those of a test network and everybody knows them: remove "
		     "test.key_seed");
		count++;
	}
	if (n->topology != NULL && n->topology_text[0] != '\0') {
		warn(ctx, "topology_refused", n->topology_text);
		count++;
	}
	if (fog_config_reload_class(n->started, n->config) == FOG_RELOAD_CONTROL) {
		warn(ctx, "restart_control_plane",
		     "the configuration waits for a restart of the control plane");
		count++;
	}
	pthread_rwlock_unlock(&n->lock);
	count += node_warn_directory(n, warn, ctx);
	count += node_warn_epochs(n, warn, ctx);
	count += node_warn_links(n, warn, ctx);
	count += node_warn_cover(n, warn, ctx);
	count += node_filter_warnings(n, warn, ctx);
	count += node_warn_certificate(n, warn, ctx);
	count += node_warn_services(n, warn, ctx);
	count += node_warn_history(n, warn, ctx);
	return count + node_timing_warnings(n, warn, ctx);
}
