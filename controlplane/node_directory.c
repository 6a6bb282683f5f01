// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <fog_version.h> // made from git describe during the build
#include <inttypes.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../log/log.h"
#include "http/snapshot.h"
#include "link/hello.h"
#include "node_directory_private.h"
#include "now.h"
#include "vrf/delay.h"
#include "vrf/vrf.h"

enum {
	BEACON_CERTAIN_AFTER =
	        8, // a consensus comes in the first eighth of its epoch, or not at all
	FIGURES_DIGITS = 100, // figures keep two digits
};

static_assert((int)FOG_EXCHANGE_KEYS >= (int)FOG_DESCRIPTOR_MIX_MAX, "keys of a descriptor");

static const char withdrawn_file[] = "withdrawn";

static uint16_t directory_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} a = {0};

	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) < 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.six.sin6_port : a.four.sin_port);
}

static bool directory_was_withdrawn(const struct fog_node *n)
{
	char path[FOG_CONFIG_PATH_LEN + 32];

	return fog_node_state_path(n, withdrawn_file, path, sizeof(path)) == 0 &&
	        access(path, F_OK) == 0;
}

int node_directory_create(struct fog_node *n, int fd)
{
	struct fog_serve_params params = {.fd = fd, .tls_seed = n->identity->tls_seed};
	struct node_directory *d = calloc(1, sizeof(*d));
	pthread_condattr_t attr;
	int r = 0;

	if (d == NULL)
		return -ENOMEM;
	d->node = n;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &attr);
	pthread_condattr_destroy(&attr);
	d->withdrawn = directory_was_withdrawn(n);
	n->directory = d;
	if (fd >= 0) {
		d->port = directory_port(fd);
		r = fog_serve_create(&params, &directory_serve_ops, d, &d->serve);
	}
	if (r < 0) {
		close(fd);
		LOG_ERR("the public listener does not start: %s: free memory, or leave "
		        "directory.listen out",
		        strerror(-r));
	}
	return r;
}

static void directory_stop(struct node_directory *d)
{
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (d->running)
		pthread_join(d->thread, NULL);
	d->running = false;
}

void node_directory_destroy(struct fog_node *n)
{
	struct node_directory *d = n->directory;

	if (d == NULL)
		return;
	fog_serve_destroy(d->serve); // its threads ask us
	directory_stop(d);
	fog_view_destroy(d->view);
	fog_topology_free(d->network);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
	n->directory = NULL;
}

static int directory_open_view(
        const struct fog_node *n, const struct fog_topology *network, struct fog_view **out
)
{
	char path[FOG_CONFIG_PATH_LEN + 32];
	int r = fog_node_state_path(n, "consensus", path, sizeof(path));

	if (r == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r < 0)
		LOG_ERR("%s: %s: make the state folder writable", path, strerror(-r));
	return r < 0 ? r : fog_view_create(network, path, out);
}

static int directory_start(struct node_directory *d)
{
	int r = pthread_create(&d->thread, NULL, directory_run, d);

	d->running = r == 0;
	if (r != 0)
		LOG_ERR("no thread for the directory: %s: raise LimitNPROC", strerror(r));
	return -r;
}

int node_directory_network(struct fog_node *n, struct fog_topology *network)
{
	struct node_directory *d = n->directory;
	struct fog_view *view = NULL;
	int r = network != NULL ? directory_open_view(n, network, &view) : 0;

	if (r < 0)
		return r;
	// It is in the middle of a question at most, and gives up within FOG_FETCH_PATIENCE_MS.
	directory_stop(d);
	pthread_mutex_lock(&d->lock);
	struct fog_view *old_view = d->view;
	struct fog_topology *old = d->network;
	d->view = view;
	d->network = network;
	memset(d->peer, 0, sizeof(d->peer));
	d->sequence = d->poll_ms = d->figures_epoch = 0;
	d->serial++;
	d->stop = false;
	if (network != NULL)
		d->schedule = fog_schedule_of(network);
	for (unsigned i = 0; network != NULL && i < network->authority_count; i++)
		snprintf(
		        d->peer[i].said.name, sizeof(d->peer[i].said.name), "%s",
		        network->authority[i].name
		);
	pthread_mutex_unlock(&d->lock);
	fog_view_destroy(old_view);
	fog_topology_free(old);
	d->seen = false;
	d->seen_sequence = d->counted_epoch = 0;
	return network != NULL ? directory_start(d) : 0;
}

const struct fog_topology *node_directory_file(const struct fog_node *n)
{
	return n->directory != NULL ? n->directory->network : NULL;
}

// What the file says, before a consensus says which nodes there are.
static struct fog_topology *directory_bare(const struct fog_topology *network)
{
	struct fog_topology *t = malloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	*t = *network;
	t->lines = NULL;
	t->node = calloc(1, sizeof(t->node[0]));
	if (t->node == NULL) {
		fog_topology_free(t);
		return NULL;
	}
	return t;
}

static bool directory_before(const struct node_directory *d, uint64_t now_ns, uint64_t epoch)
{
	struct fog_schedule_view v = fog_schedule_look(&d->schedule, now_ns);

	return epoch > 0 && fog_schedule_lives(&v, epoch - 1);
}

static uint64_t directory_epoch(const struct node_directory *d)
{
	return fog_schedule_epoch(&d->schedule, fog_clock_now_ns(d->node->clock));
}

struct fog_topology *node_directory_topology(struct fog_node *n)
{
	struct node_directory *d = n->directory;
	struct fog_topology *t = NULL;

	pthread_mutex_lock(&d->lock);
	uint64_t now_ns = fog_clock_now_ns(n->clock);
	uint64_t epoch = fog_schedule_epoch(&d->schedule, now_ns);
	bool before = directory_before(d, now_ns, epoch);
	int r = fog_view_topology(d->view, epoch, before, &t);
	if (r == -ENODATA)
		t = directory_bare(d->network);
	d->seen = t != NULL;
	d->seen_epoch = epoch;
	d->seen_before = before;
	d->seen_serial = d->serial;
	pthread_mutex_unlock(&d->lock);
	return t;
}

// Proofs that nodes have put into their descriptors, for audits. In a transaction, under 'lock'.
static void directory_keep_proofs(
        struct node_directory *d, const struct fog_consensus_node *c, const uint8_t network[32]
)
{
	const struct fog_descriptor *n = &c->descriptor;
	struct fog_store *store = d->node->store;
	uint8_t known[80], beacon[32], alpha[FOG_DELAY_ALPHA_LEN], beta[FOG_VRF_BETA_LEN];

	for (unsigned i = 0; i < n->proof_count; i++) {
		uint64_t epoch = n->proof[i].epoch;
		if (epoch == 0 || fog_store_proof_get(store, n->node_id, epoch, known) != -ENOENT)
			continue;
		fog_view_beacon(d->view, epoch - 1, beacon);
		size_t len = fog_delay_alpha(network, epoch, beacon, alpha);
		if (fog_vrf_verify(n->vrf_key, alpha, len, n->proof[i].proof, beta) == 0)
			fog_store_proof_put(store, n->node_id, epoch, n->proof[i].proof);
	}
}

static void directory_proofs(struct node_directory *d)
{
	uint64_t epoch = directory_epoch(d);
	uint8_t network[32];

	if (fog_store_begin(d->node->store) < 0)
		return;
	pthread_mutex_lock(&d->lock);
	const struct fog_consensus *c = fog_view_at(d->view, epoch + 1);
	fog_network_hash(d->network, network);
	for (unsigned i = 0; c != NULL && i < c->node_count; i++)
		directory_keep_proofs(d, &c->node[i], network);
	fog_view_prune(d->view, epoch);
	pthread_mutex_unlock(&d->lock);
	fog_store_end(d->node->store, 1);
}

// Under node->lock and 'lock'.
static void directory_about(const struct node_directory *d, struct fog_descriptor *about)
{
	const struct fog_config_node *c = &d->node->config->node;

	memset(about, 0, sizeof(*about));
	about->role = c->role;
	about->layer_wish = c->layer;
	about->bandwidth = c->bandwidth;
	about->flags = d->withdrawn ? FOG_DESCRIPTOR_WITHDRAWN : 0;
	memcpy(about->name, c->name, sizeof(about->name));
	memcpy(about->operator, c->operator, sizeof(about->operator));
	memcpy(about->family, c->family, sizeof(about->family));
	memcpy(about->region, c->region, sizeof(about->region));
	snprintf(about->software, sizeof(about->software), "%.23s", FOG_VERSION);
	about->as_number = c->as_number;
	about->protocol_minor = fog_protocol_minor;
	about->mix_port = c->port != 0 ? c->port : d->network->mix_port;
	about->address = c->address;
	if (d->serve != NULL) {
		about->directory_port = d->port;
		memcpy(about->tls_key, d->node->identity->tls_public, 32);
	}
}

// What the epochs have signed last goes to the authorities.
static void directory_announce(struct node_directory *d)
{
	struct fog_epochs_view v;
	struct fog_descriptor own;

	fog_epochs_look(d->node->epochs, &v);
	if (v.descriptor_len == 0 ||
	    fog_descriptor_parse(v.descriptor, v.descriptor_len, &own) < 0 ||
	    own.sequence == d->seen_sequence)
		return;
	d->seen_sequence = own.sequence;
	pthread_mutex_lock(&d->lock);
	d->sequence = own.sequence;
	d->descriptor_len = v.descriptor_len;
	memcpy(d->descriptor, v.descriptor, v.descriptor_len);
	for (unsigned i = 0; i < FOG_AUTHORITIES_MAX; i++)
		d->peer[i].due_ms = d->peer[i].gap_ms = 0;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

static uint64_t figures_round(uint64_t v)
{
	uint64_t unit = 1;

	while (v / unit >= FIGURES_DIGITS)
		unit *= 10;
	return v / unit * unit;
}

// At an epoch's end, how many packets there were in it, if the data plane was the same all along.
static void directory_figures(struct node_directory *d, uint64_t epoch)
{
	if (d->counted_epoch == epoch)
		return;
	struct snapshot *s = snapshot_take(d->node->dp);
	struct fog_worker_counters *sum = s != NULL && s->workers_valid ? snapshot_sum(s) : NULL;
	uint64_t packets = sum != NULL ? sum->tx : 0;

	if (d->counted_epoch + 1 == epoch && d->counted > 0 && packets >= d->counted) {
		pthread_mutex_lock(&d->lock);
		d->figures_epoch = epoch - 1;
		d->figures_packets = figures_round(packets - d->counted);
		pthread_mutex_unlock(&d->lock);
	}
	d->counted_epoch = epoch;
	d->counted = packets;
	free(sum);
	free(s);
}

void node_directory_tick(struct fog_node *n)
{
	struct node_directory *d = n->directory;
	struct fog_descriptor about;

	if (d == NULL || d->network == NULL)
		return;
	pthread_rwlock_rdlock(&n->lock);
	pthread_mutex_lock(&d->lock);
	uint64_t now_ns = fog_clock_now_ns(n->clock);
	uint64_t epoch = fog_schedule_epoch(&d->schedule, now_ns);
	bool news = d->serial != d->seen_serial;
	bool changed = news || !d->seen || epoch != d->seen_epoch ||
	        directory_before(d, now_ns, epoch) != d->seen_before;
	directory_about(d, &about);
	pthread_mutex_unlock(&d->lock);
	pthread_rwlock_unlock(&n->lock);
	fog_epochs_about(n->epochs, &about);
	if (changed)
		node_topology_follow(n);
	if (changed)
		directory_proofs(d);
	directory_announce(d);
	directory_figures(d, epoch);
}

bool node_directory_active(struct fog_node *n)
{
	struct node_directory *d = n->directory;

	if (d == NULL)
		return false;
	pthread_mutex_lock(&d->lock);
	bool active = d->network != NULL;
	pthread_mutex_unlock(&d->lock);
	return active;
}

// What depends on it must not be made before it is certain: for as long as the epoch's consensus may still
// come. Nobody asks for delays of long ago, and then it's what the consensuses we have say.
int node_directory_beacon(void *node, uint64_t epoch, uint8_t out[32])
{
	struct node_directory *d = ((struct fog_node *)node)->directory;

	pthread_mutex_lock(&d->lock);
	uint64_t now_ns = fog_clock_now_ns(d->node->clock);
	uint64_t certain = d->view == NULL ? UINT64_MAX
	                                   : fog_schedule_start(&d->schedule, epoch) +
	                d->schedule.epoch_ns / BEACON_CERTAIN_AFTER;
	bool known = d->view != NULL && fog_view_exact(d->view, epoch) != NULL;
	bool some = d->view != NULL && fog_view_at(d->view, directory_epoch(d)) != NULL;
	int r = known || (some && now_ns >= certain) ? 0 : -EAGAIN;
	if (r == 0)
		fog_view_beacon(d->view, epoch, out);
	pthread_mutex_unlock(&d->lock);
	return r;
}

int node_directory_mix_key(
        struct fog_node *n, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch,
        uint8_t public_key[32]
)
{
	struct node_directory *d = n->directory;
	int r = -ENOENT;

	pthread_mutex_lock(&d->lock);
	if (d->view != NULL)
		r = fog_view_mix_key(d->view, node_id, epoch, public_key);
	pthread_mutex_unlock(&d->lock);
	return r;
}

int node_directory_known(struct fog_node *n, unsigned i, struct fog_exchange_node *out)
{
	struct node_directory *d = n->directory;
	int r = -ENOENT;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&d->lock);
	const struct fog_consensus *c = d->view != NULL ? fog_view_at(d->view, directory_epoch(d))
	                                                : NULL;
	if (c != NULL && i < c->node_count) {
		const struct fog_consensus_node *node = &c->node[i];
		const struct fog_descriptor *s = &node->descriptor;
		uint64_t from = s->vrf_from < node->since + 2 ? s->vrf_from : node->since + 2;
		memcpy(out->name, s->name, sizeof(out->name));
		memcpy(out->id, s->node_id, FOG_ID_LEN);
		out->own = memcmp(s->node_id, n->identity->node_id, FOG_ID_LEN) == 0;
		out->known = out->acked = true;
		out->sequence = s->sequence;
		out->vrf_from = from;
		out->vrf_first_seen = from > 2 ? from - 2 : 0;
		for (unsigned k = 0; k < s->mix_count; k++) {
			out->key[out->key_count].epoch = s->mix[k].epoch;
			memcpy(out->key[out->key_count++].public_key, s->mix[k].public_key, 32);
		}
		r = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

int node_directory_withdraw(struct fog_node *n, bool withdrawn)
{
	struct node_directory *d = n->directory;
	char path[FOG_CONFIG_PATH_LEN + 32];
	int r = fog_node_state_path(n, withdrawn_file, path, sizeof(path));

	if (r < 0)
		return r;
	if (withdrawn) {
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		r = fsync(fd) < 0 ? -errno : 0;
		close(fd);
	} else if (unlink(path) < 0 && errno != ENOENT) {
		r = -errno;
	}
	if (r < 0)
		return r;
	pthread_mutex_lock(&d->lock);
	d->withdrawn = withdrawn;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

// The last epoch that a withdrawn node is in, once a consensus that leaves it out is known.
static void directory_last(
        const struct node_directory *d, uint64_t now, struct node_directory_view *out
)
{
	const uint8_t *id = d->node->identity->node_id;
	const struct fog_consensus *next = fog_view_exact(d->view, now + 1);

	if (next == NULL)
		next = fog_view_at(d->view, now);
	if (next == NULL || fog_consensus_find(next, id) != NULL)
		return;
	for (uint64_t epoch = next->epoch; epoch-- > 0 && epoch + 3 > next->epoch;) {
		const struct fog_consensus *c = fog_view_at(d->view, epoch);
		if (c == NULL || fog_consensus_find(c, id) == NULL)
			continue;
		out->last_epoch = epoch;
		out->gone_ns = fog_schedule_dead(&d->schedule, epoch);
		return;
	}
}

bool node_directory_look(struct fog_node *n, struct node_directory_view *out)
{
	struct node_directory *d = n->directory;

	memset(out, 0, sizeof(*out));
	if (d == NULL)
		return false;
	pthread_mutex_lock(&d->lock);
	bool active = d->network != NULL;
	if (active) {
		uint64_t now_ns = fog_clock_now_ns(n->clock);
		uint64_t epoch = fog_schedule_epoch(&d->schedule, now_ns);
		const struct fog_consensus *c = fog_view_at(d->view, epoch);
		out->epoch = epoch;
		out->consensus = c != NULL ? c->epoch : 0;
		out->until = c != NULL ? c->until : 0;
		out->listed = c != NULL && fog_consensus_find(c, n->identity->node_id) != NULL;
		out->late = c != NULL && c->epoch < epoch &&
		        now_ns - fog_schedule_start(&d->schedule, epoch) > d->schedule.epoch_ns / 8;
		out->withdrawn = d->withdrawn;
		if (d->withdrawn)
			directory_last(d, epoch, out);
		out->authorities = d->network->authority_count;
		for (unsigned i = 0; i < out->authorities; i++)
			out->authority[i] = d->peer[i].said;
	}
	pthread_mutex_unlock(&d->lock);
	return active;
}

int node_directory_use(
        struct fog_node *n, uint64_t epoch,
        void (*use)(void *ctx, const struct fog_consensus *, const struct fog_topology *), void *ctx
)
{
	struct node_directory *d = n->directory;
	int r = -ENODATA;

	if (d == NULL)
		return r;
	pthread_mutex_lock(&d->lock);
	if (d->network != NULL) {
		const struct fog_consensus *c = epoch == UINT64_MAX
		        ? fog_view_at(d->view, directory_epoch(d))
		        : fog_view_exact(d->view, epoch);
		r = c != NULL ? 0 : -ENOENT;
		if (c != NULL)
			use(ctx, c, d->network);
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

// What the authorities say to our descriptor, each in its own words.
static void directory_say_authorities(const struct node_directory_view *v, char *text, size_t len)
{
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < v->authorities && at < len; i++) {
		const struct node_directory_authority *a = &v->authority[i];
		const char *words = a->answer == NODE_DIRECTORY_TAKEN ? "has taken our descriptor"
		        : a->answer == NODE_DIRECTORY_WAITING         ? "has not been asked yet"
		                                                      : a->text;
		at += (size_t)snprintf(
		        text + at, len - at, "%s%s%s%s%s: %s", at > 0 ? "; " : "", a->name,
		        a->answer == NODE_DIRECTORY_REFUSED ? " (" : "", a->code,
		        a->answer == NODE_DIRECTORY_REFUSED ? ")" : "", words
		);
	}
}

unsigned node_unready_directory(struct fog_node *n, node_say *reason, void *ctx)
{
	char text[1024], said[800];
	struct node_directory_view v;

	if (!node_directory_look(n, &v) || v.listed)
		return 0;
	directory_say_authorities(&v, said, sizeof(said));
	if (v.consensus == 0) {
		snprintf(
		        text, sizeof(text),
		        "there is no consensus that is good for epoch %" PRIu64
		        ": is the clock right, and can enough authorities be reached? %s",
		        v.epoch, said
		);
		reason(ctx, "no_consensus", text);
	} else {
		snprintf(
		        text, sizeof(text),
		        "this node is not in the consensus of epoch %" PRIu64
		        "%s; authorities take descriptors until 5/8 of an epoch for the next one. %s",
		        v.consensus, v.withdrawn ? ", because it was withdrawn" : "", said
		);
		reason(ctx, "not_in_consensus", text);
	}
	return 1;
}

unsigned node_warn_directory(struct fog_node *n, node_say *warn, void *ctx)
{
	struct node_directory_view v;
	unsigned count = 0;
	char text[512];

	if (!node_directory_look(n, &v))
		return 0;
	if (v.late) {
		snprintf(
		        text, sizeof(text),
		        "no consensus of epoch %" PRIu64 " has come: that of epoch %" PRIu64
		        " counts for %" PRIu64
		        " more epoch(s); GET /v1/consensus says what each authority answered",
		        v.epoch, v.consensus, v.until - v.epoch
		);
		warn(ctx, "consensus_old", text);
		count++;
	}
	if (v.withdrawn) {
		warn(ctx, "withdrawn",
		     "this node asks the authorities to leave it out: DELETE /v1/node/withdraw takes "
		     "that back");
		count++;
	}
	for (unsigned i = 0; i < v.authorities; i++) {
		const struct node_directory_authority *a = &v.authority[i];
		if (a->answer != NODE_DIRECTORY_REFUSED)
			continue;
		bool clock = strcmp(a->code, "clock") == 0;
		snprintf(text, sizeof(text), "authority %s (%s): %s", a->name, a->code, a->text);
		warn(ctx, clock ? "clock_off" : "descriptor_refused", text);
		count++;
	}
	return count;
}
