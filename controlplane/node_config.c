// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How a node follows its files and its data plane: load, check, compile, hand over.
#include "node_config.h"
#include "../log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/confine.h"
#include "node_cover.h"
#include "node_directory.h"
#include "node_epochs.h"
#include "node_filter.h"
#include "node_history.h"
#include "node_links.h"

// A path that was derived from the folder in the file moves with it.
static int config_move(char *path, size_t size, const char *from, const char *to)
{
	char moved[FOG_CONFIG_PATH_LEN * 2];
	size_t len = strlen(from);

	if (strncmp(path, from, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return 0;
	snprintf(moved, sizeof(moved), "%s%s", to, path + len);
	if (strlen(moved) >= size)
		return -ENAMETOOLONG;
	memcpy(path, moved, strlen(moved) + 1);
	return 0;
}

static int config_override(const struct fog_node *n, struct fog_config *c)
{
	int r = 0;

	if (n->run_dir != NULL) {
		char from[sizeof(c->run_dir)];
		memcpy(from, c->run_dir, sizeof(from));
		r = config_move(c->rest.unix_path, sizeof(c->rest.unix_path), from, n->run_dir);
		if (r == 0)
			r = config_move(c->run_dir, sizeof(c->run_dir), from, n->run_dir);
	}
	if (r == 0 && n->state_dir != NULL) {
		char from[sizeof(c->state_dir)];
		memcpy(from, c->state_dir, sizeof(from));
		r = config_move(
		        c->accounts.key_file, sizeof(c->accounts.key_file), from, n->state_dir
		);
		if (r == 0)
			r = config_move(c->state_dir, sizeof(c->state_dir), from, n->state_dir);
	}
	return r;
}

// Beyond what an offline check may refuse: here the user must exist. Without a number for him the
// process would stay root.
static int config_check_here(
        const struct fog_config *c, const struct fog_topology *t, struct fog_report *report
)
{
	int r = fog_config_check(c, t, NULL, report);

	if (r == 0 && !c->user_found) {
		fog_report_error(
		        report, c->file, 0,
		        "user: this host has no user '%s': create it with 'useradd --system "
		        "--no-create-home %s', or name another",
		        c->user, c->user
		);
		r = -EINVAL;
	}
	return r;
}

int node_config_read(const struct fog_node *n, struct fog_config **out)
{
	struct fog_report *report = calloc(1, sizeof(*report));
	struct fog_config *c = NULL;
	int r = -ENOMEM;

	if (report == NULL)
		return r;
	r = fog_config_load(n->config_path, &c, report);
	if (r == 0)
		r = config_check_here(c, NULL, report);
	if (r == 0)
		r = config_override(n, c);
	if (report->len > 0 && r < 0)
		LOG_LINES(FOG_LOG_ERROR, report->text);
	else if (report->len > 0)
		LOG_LINES(FOG_LOG_WARNING, report->text);
	else if (r < 0)
		LOG_ERR("%s: %s: free memory and try again", n->config_path, strerror(-r));
	free(report);
	if (r < 0)
		fog_config_free(c);
	else
		*out = c;
	return r;
}

// The generation depends on the content only, so a restart of this process changes nothing at the
// data plane.
static int node_hand_over(
        struct fog_node *n, const struct fog_config *config, struct fog_report *report
)
{
	struct fog_dpclient_status status;
	struct fog_blob *blob = NULL;
	uint64_t generation = 0;
	uint8_t content[32];
	size_t len = 0;
	int r;

	r = fog_config_compile(config, n->topology, n->identity->node_id, 0, &blob, &len, report);
	if (r < 0)
		return r;
	crypto_generichash(content, sizeof(content), (const uint8_t *)blob, len, NULL, 0);
	free(blob);
	blob = NULL;
	fog_dpclient_status(n->dp, &status);
	r = fog_store_begin(n->store);
	if (r == 0) {
		r = fog_store_generation(n->store, content, status.generation, &generation);
		int e = fog_store_end(n->store, r == 0);
		r = r < 0 ? r : e;
	}
	if (r == 0)
		r = fog_config_compile(
		        config, n->topology, n->identity->node_id, generation, &blob, &len, report
		);
	if (r == 0)
		r = fog_dpclient_config_set(n->dp, blob, len);
	if (r == 0) {
		pthread_rwlock_wrlock(&n->lock);
		n->generation = generation;
		memcpy(n->checksum, blob->checksum, sizeof(n->checksum));
		pthread_rwlock_unlock(&n->lock);
	}
	free(blob);
	return r;
}

int node_publish(struct fog_node *n, struct fog_report *report)
{
	struct fog_config *effective = NULL;
	int r = node_filter_effective(n, &effective, report);

	if (r == 0 && n->topology != NULL)
		r = node_hand_over(n, effective, report);
	if (r == 0)
		node_filter_compiled(n, effective);
	free(effective);
	return r;
}

static void node_topology_say(struct fog_node *n, const char *text)
{
	pthread_rwlock_wrlock(&n->lock);
	bool news = strcmp(n->topology_text, text) != 0;
	snprintf(n->topology_text, sizeof(n->topology_text), "%s", text);
	pthread_rwlock_unlock(&n->lock);
	if (news && text[0] != '\0')
		LOG_WARN("topology: %s", text);
}

// The first finding is enough for /readyz; the log gets them all, once.
static void node_topology_refused(struct fog_node *n, const char *path, struct fog_report *report)
{
	char text[sizeof(n->topology_text)];
	bool found = report->errors > 0;

	snprintf(
	        text, sizeof(text), "%.*s", found ? (int)strcspn(report->text, "\n") : 0,
	        report->text
	);
	if (text[0] == '\0')
		snprintf(text, sizeof(text), "%s cannot be put in force now: see the log", path);
	if (found && strcmp(text, n->topology_text) != 0)
		LOG_LINES(FOG_LOG_WARNING, report->text);
	node_topology_say(n, text);
}

// Paths are chosen here and end at the data plane, which hears of a new node later: until then it would drop what
// is sent over it. In a network with a directory nodes come in time, so the view says who is on paths. Returns
// whether there is such a node.
static bool topology_hold(
        const struct fog_node *n, struct fog_topology *fresh, const struct fog_topology *old
)
{
	struct fog_dpclient_geometry geometry;
	bool held = false;

	// Without a data plane nothing is sent.
	if (old == NULL || fresh->authority_count > 0 ||
	    fog_dpclient_geometry(n->dp, &geometry) < 0)
		return false;
	for (unsigned i = 0; i < fresh->node_count; i++) {
		struct fog_topology_node *node = &fresh->node[i];
		const struct fog_topology_node *known = fog_topology_find(old, node->id);
		node->off_path = (known == NULL || known->off_path) &&
		        memcmp(node->id, n->identity->node_id, FOG_ID_LEN) != 0;
		held |= node->off_path;
	}
	return held;
}

static void topology_release(struct fog_node *n)
{
	struct fog_dpclient_ack ack;

	if (!n->topology_held)
		return;
	fog_dpclient_config_ack(n->dp, &ack);
	if (ack.status != 0 || ack.generation != n->generation)
		return;
	pthread_rwlock_wrlock(&n->lock);
	for (unsigned i = 0; i < n->topology->node_count; i++)
		n->topology->node[i].off_path = false;
	pthread_rwlock_unlock(&n->lock);
	n->topology_held = false;
}

// Takes 'fresh' over, whether it succeeds or not.
static int node_topology_install(
        struct fog_node *n, struct fog_topology *fresh, struct fog_report *report
)
{
	struct fog_topology *old;
	int r = fog_config_check(n->config, fresh, NULL, report);

	if (r < 0) {
		fog_topology_free(fresh);
		return r;
	}
	bool held = topology_hold(n, fresh, n->topology);
	pthread_rwlock_wrlock(&n->lock);
	old = n->topology;
	n->topology = fresh;
	pthread_rwlock_unlock(&n->lock);
	r = node_publish(n, report);
	if (r < 0) {
		pthread_rwlock_wrlock(&n->lock);
		n->topology = old;
		pthread_rwlock_unlock(&n->lock);
		old = fresh;
		// Nothing is wrong with the file (the store is full, say): look at it again. To what a consensus
		// says the directory comes back.
		memset(&n->topology_seen, 0, sizeof(n->topology_seen));
	} else {
		n->topology_held = held;
		node_epochs_topology(n, old);
	}
	fog_topology_free(old);
	return r;
}

// What the file says, or, in a network with a directory, what its consensus says. Takes 'file' over only
// when it succeeds.
static int node_topology_network(
        struct fog_node *n, struct fog_topology *file, struct fog_topology **out
)
{
	bool directory = file->authority_count > 0;
	int r = directory || node_directory_file(n) != NULL
	        ? node_directory_network(n, directory ? file : NULL)
	        : 0;

	*out = r < 0 ? NULL : directory ? node_directory_topology(n) : file;
	return r == 0 && *out == NULL ? -ENOMEM : r;
}

// A topology that the check refuses is not taken: the old one stays in force.
static int node_topology_load(struct fog_node *n, const char *path, struct fog_report *report)
{
	struct fog_topology *file = NULL, *fresh = NULL;
	int r = fog_topology_load(path, &file, report);

	if (r == 0)
		r = fog_config_check(n->config, file, NULL, report);
	if (r == 0)
		r = node_topology_network(n, file, &fresh);
	if (r < 0) {
		if (node_directory_file(n) != file)
			fog_topology_free(file);
		return r;
	}
	r = node_topology_install(n, fresh, report);
	if (r == 0 && node_directory_file(n) != NULL)
		node_directory_installed(n, true);
	return r;
}

void node_topology_follow(struct fog_node *n)
{
	struct fog_report *report = calloc(1, sizeof(*report));

	pthread_mutex_lock(&n->change);
	struct fog_topology *fresh = node_directory_topology(n);
	bool installed = false, same = false;
	if (report == NULL || fresh == NULL) {
		fog_topology_free(fresh);
	} else if (n->topology != NULL && memcmp(fresh->checksum, n->topology->checksum, 32) == 0) {
		// The same nodes, in another epoch: its keys count.
		pthread_rwlock_wrlock(&n->lock);
		n->topology->epoch = fresh->epoch;
		pthread_rwlock_unlock(&n->lock);
		fog_topology_free(fresh);
		installed = same = true;
	} else if (node_topology_install(n, fresh, report) == 0) {
		installed = true;
		LOG_INFO(
		        "topology of the consensus: %u nodes, config generation %llu",
		        n->topology->node_count, (unsigned long long)n->generation
		);
	} else {
		node_topology_refused(n, n->config->topology, report);
	}
	// Of the same nodes nothing is news, unless others were refused meanwhile.
	bool before = node_directory_installed(n, installed);
	if (installed && !(same && before))
		node_topology_say(n, "");
	pthread_mutex_unlock(&n->change);
	free(report);
}

// Whether the file needs a look: it is another one than last time, or so young that another write
// within the same tick of the clock would not show.
static bool node_topology_touched(struct fog_node *n, const char *path)
{
	struct stat st = {0}, *seen = &n->topology_seen;
	struct timespec now;
	bool same;

	if (stat(path, &st) < 0)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	same = st.st_ino == seen->st_ino && st.st_size == seen->st_size &&
	        memcmp(&st.st_mtim, &seen->st_mtim, sizeof(st.st_mtim)) == 0;
	*seen = st;
	return !same || st.st_mtim.tv_sec + 2 > now.tv_sec;
}

void fog_node_topology_poll(struct fog_node *n, bool force)
{
	struct fog_report *report;
	int r;

	pthread_mutex_lock(&n->change);
	topology_release(n);
	const char *path = n->config->topology;
	const struct fog_topology *file = node_directory_file(n);
	r = node_topology_touched(n, path) || force
	        ? fog_topology_changed(path, file != NULL ? file : n->topology)
	        : 0;
	if (r < 0) {
		char text[FOG_CONFIG_PATH_LEN + 128];
		snprintf(text, sizeof(text), "%s: %s: waiting for it", path, strerror(-r));
		node_topology_say(n, text);
	} else if (r > 0 || force) {
		report = calloc(1, sizeof(*report));
		if (report != NULL && node_topology_load(n, path, report) == 0) {
			node_topology_say(n, "");
			LOG_INFO(
			        "topology %s: %u nodes, config generation %llu", path,
			        n->topology->node_count, (unsigned long long)n->generation
			);
		} else if (report != NULL) {
			node_topology_refused(n, path, report);
		}
		free(report);
	}
	pthread_mutex_unlock(&n->change);
}

// Put 'fresh' in the place of the running configuration. Under 'change'; takes 'fresh' over only
// when it succeeds.
static int node_config_apply(
        struct fog_node *n, struct fog_config *fresh, enum fog_reload *change,
        struct fog_report *report
)
{
	struct fog_config *old = n->config;
	char names[512];
	int r = n->topology != NULL ? fog_config_check(fresh, n->topology, NULL, report) : 0;

	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&n->lock);
	n->config = fresh;
	pthread_rwlock_unlock(&n->lock);
	r = node_publish(n, report);
	if (r < 0) {
		pthread_rwlock_wrlock(&n->lock);
		n->config = old;
		pthread_rwlock_unlock(&n->lock);
		return r;
	}
	if (node_key_hand(n) < 0)
		LOG_WARN("the data plane keeps the mix key as it is: restart it");
	*change = fog_config_reload_class(old, fresh);
	fog_config_changes(old, fresh, names, sizeof(names));
	LOG_WITH(
	        FOG_LOG_DEBUG, LOG_FIELDS(LOG_TEXT("keys", names)),
	        "what is configured differently by now"
	);
	// A level that was set by hand stays until the configured one is another.
	if (old->log.level != fresh->log.level)
		fog_log_level_set((enum fog_log_level)fresh->log.level);
	// What was recorded before is kept no longer either.
	if (fresh->production && !fresh->trace.allow)
		fog_tracer_stop(n->tracer, n->dp);
	if (old != n->started)
		fog_config_free(old);
	return 0;
}

int fog_node_config_reload(struct fog_node *n)
{
	struct fog_report *report = calloc(1, sizeof(*report));
	enum fog_reload change = FOG_RELOAD_RUN;
	struct fog_config *fresh = NULL;
	int r = -ENOMEM;

	pthread_mutex_lock(&n->change);
	if (report != NULL)
		r = node_config_read(n, &fresh);
	if (r == 0) {
		r = node_production_check(n, fresh, report);
		if (r == 0)
			r = node_config_apply(n, fresh, &change, report);
		if (r < 0) {
			LOG_LINES(FOG_LOG_ERROR, report->text);
			fog_config_free(fresh);
		}
	}
	if (r == 0)
		node_history_reloaded(n);
	if (r == 0)
		LOG_INFO("configuration reloaded");
	else
		LOG_ERR("the configuration that was in force stays in force");
	pthread_mutex_unlock(&n->change);
	free(report);
	return r;
}

int node_folder_sync(const char *path)
{
	char folder[FOG_CONFIG_PATH_LEN];

	fog_confine_folder(folder, path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

// Write the whole file beside the old one, make it durable, then swap: a reader sees either.
static int config_write(const char *path, const char *text, size_t len)
{
	char fresh[FOG_CONFIG_PATH_LEN + 16];
	struct stat st;
	int r = 0, fd;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (stat(path, &st) == 0)
		(void)!fchmod(fd, st.st_mode & 0777);
	for (size_t at = 0; at < len && r == 0;) {
		ssize_t n = write(fd, text + at, len - at);
		if (n < 0)
			r = -errno;
		else
			at += (size_t)n;
	}
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r == 0)
		r = node_folder_sync(path);
	if (r < 0)
		unlink(fresh);
	return r;
}

// Whether 'text' may take the place of what is in force. Under 'change'. The caller frees *fresh.
static int config_judge(
        struct fog_node *n, const char *text, size_t len, const uint8_t expected[32],
        const struct fog_config_origin *origin, struct fog_config **fresh, struct fog_report *report
)
{
	int r = expected != NULL && memcmp(expected, n->config->checksum, 32) != 0 ? -ESTALE : 0;

	if (r == 0)
		r = fog_config_load_text(n->config_path, text, len, fresh, report);
	if (r == 0)
		r = config_check_here(*fresh, n->topology, report);
	if (r == 0)
		r = config_override(n, *fresh);
	if (r == 0)
		r = node_production_check(n, *fresh, report);
	// What comes back was in force a moment ago.
	if (r == 0 && !origin->rollback)
		r = fog_config_remote_check(n->config, *fresh, report);
	return r == 0 ? node_filter_check(n, *fresh, report) : r;
}

// Under 'change'; takes 'fresh' over only when it succeeds.
static int config_replace(
        struct fog_node *n, const char *text, size_t len, struct fog_config *fresh,
        enum fog_reload *change, struct fog_report *report
)
{
	// The file first: what is in force must never be lost by a restart.
	int r = config_write(n->config_path, text, len);

	if (r < 0)
		return r;
	r = node_config_apply(n, fresh, change, report);
	if (r < 0) {
		const char *old = node_history_text(n, &len);
		int e = old != NULL ? config_write(n->config_path, old, len) : -ENOENT;
		if (e < 0)
			LOG_ERR("%s: %s: it has a text that is not in force: put the old one back",
			        n->config_path, strerror(-e));
	}
	return r;
}

int fog_node_config_put(
        struct fog_node *n, const char *text, size_t len, const uint8_t expected[32],
        const struct fog_config_origin *origin, uint64_t *generation, enum fog_reload *change,
        struct fog_report *report
)
{
	struct fog_config *fresh = NULL;
	uint8_t seen[32];
	int r;

	node_history_turn(n);
	pthread_mutex_lock(&n->change);
	r = config_judge(n, text, len, expected, origin, &fresh, report);
	memcpy(seen, n->config->checksum, sizeof(seen));
	pthread_mutex_unlock(&n->change);
	// The store may take its time, the control thread must not wait for it.
	if (r == 0)
		r = node_history_begin(n, origin, text, len);
	pthread_mutex_lock(&n->change);
	if (r == 0 && memcmp(seen, n->config->checksum, sizeof(seen)) != 0)
		r = -ESTALE; // its file was read again meanwhile
	if (r == 0)
		r = config_replace(n, text, len, fresh, change, report);
	if (r < 0)
		fog_config_free(fresh);
	*generation = n->generation;
	pthread_mutex_unlock(&n->change);
	node_history_done(n, r == 0);
	return r;
}

static void node_attached(void *ctx, const struct fog_msg_welcome *w)
{
	struct fog_node *n = ctx;

	// Before the client looks what this data plane lacks.
	pthread_mutex_lock(&n->change);
	if (node_key_hand(n) < 0)
		LOG_WARN("the data plane keeps the mix key as it is: restart it");
	pthread_mutex_unlock(&n->change);
	pthread_rwlock_rdlock(&n->lock);
	uint64_t generation = n->generation;
	pthread_rwlock_unlock(&n->lock);
	// A data plane that knows a later generation means that our state was lost.
	if (w->generation > generation && generation > 0) {
		struct fog_report *report = calloc(1, sizeof(*report));
		pthread_mutex_lock(&n->change);
		if (report != NULL && node_publish(n, report) < 0)
			LOG_LINES(FOG_LOG_WARNING, report->text);
		pthread_mutex_unlock(&n->change);
		free(report);
	}
	node_links_attached(n, w);
	fog_sender_flush(n->sender);
}

// How the data plane that delivers was launched, not what the topology says by now: a message must
// not be lost because the network is about to change its packets. -EAGAIN when neither is known.
static int node_delivered_geometry(struct fog_node *n, struct fog_geometry *geometry)
{
	struct fog_dpclient_geometry from;

	fog_dpclient_delivered_geometry(n->dp, &from);
	if (fog_geometry_init(geometry, from.slots, from.payload_len) == 0)
		return 0;
	pthread_rwlock_rdlock(&n->lock);
	int r = n->topology != NULL ? 0 : -EAGAIN;
	if (r == 0)
		*geometry = n->topology->geometry;
	pthread_rwlock_unlock(&n->lock);
	return r;
}

static int node_delivered(
        void *ctx, uint32_t worker, const uint8_t boot_id[16], uint64_t seq,
        const struct fog_deliver *d, const uint8_t *data
)
{
	struct fog_node *n = ctx;
	struct fog_geometry geometry;

	if (fog_loops_deliver(n->loops, d, data) || node_cover_deliver(n, d, data))
		return 0;
	int r = node_delivered_geometry(n, &geometry);

	if (r == 0)
		r = fog_inbox_deliver(n->inbox, &geometry, worker, boot_id, seq, d, data);
	if (r < 0)
		node_cover_deliveries_wait(n);
	return r;
}

static void node_event(void *ctx, uint32_t type, const struct fog_evt *e)
{
	node_links_event(ctx, type, e);
	if (type == FOG_EVT_LINK)
		LOG_INFO("port %u: link %s", e->index, e->value ? "up" : "down");
	else if (type == FOG_EVT_REPLAY_FILL)
		LOG_WARN(
		        "replay table is %u %% full: at 100 %% packets are dropped as replay_full; "
		        "raise replay.capacity or lower workers.max_rate, which counts from the next "
		        "mix key",
		        e->value
		);
	else if (type == FOG_EVT_RING_FAULT)
		LOG_WARN("data plane found a ring of ours faulty (worker %u)", e->index);
	else if (type == FOG_EVT_TRACE_STATE)
		fog_tracer_answer(((struct fog_node *)ctx)->tracer, e);
}

static void node_trace(void *ctx, uint32_t type, const union fog_trace_entry *record)
{
	struct fog_node *n = ctx;

	fog_tracer_record(n->tracer, type, record);
}

static void node_detached(void *ctx, const char *why)
{
	struct fog_node *n = ctx;

	fog_tracer_detached(n->tracer);
	node_links_detached(n);
	fog_loops_detached(n->loops);
}

const struct fog_dpclient_ops node_dpclient_ops = {
        .attached = node_attached,
        .delivered = node_delivered,
        .event = node_event,
        .detached = node_detached,
        .trace = node_trace,
        .punt = node_links_punt,
        .link_ack = node_links_ack,
        .hold = node_links_settling,
};
