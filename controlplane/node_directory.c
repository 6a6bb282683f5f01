// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Its life: the object, the network file, the topology that follows.
#include "node_directory.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../log/log.h"
#include "node_directory_plan.h"
#include "node_directory_private.h"
#include "now.h"

enum { STALE_MS = 30 * 1000 }; // the thread moves four times a second

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

int node_directory_create(struct fog_node *n, int fd)
{
	struct node_directory *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		LOG_ERR("the directory: no memory: free some");
		return -ENOMEM;
	}
	d->node = n;
	pthread_mutex_init(&d->lock, NULL);
	d->withdrawn = directory_was_withdrawn(n);
	n->directory = d;
	d->serve_fd = fd;
	d->port = fd >= 0 ? directory_port(fd) : 0;
	return 0;
}

int node_directory_serve_start(void *node)
{
	struct fog_node *n = node;
	struct node_directory *d = n->directory;
	struct fog_serve_params params = {.fd = d->serve_fd, .tls_seed = n->identity->tls_seed};

	if (d->serve_fd < 0)
		return 0;
	int r = fog_serve_create(&params, &directory_serve_ops, d, &d->serve);
	if (r < 0)
		LOG_ERR("the public listener does not start: %s: free memory, or leave "
		        "directory.listen out",
		        strerror(-r));
	else
		d->serve_fd = -1;
	return r;
}

void node_directory_serve_stop(void *node)
{
	struct node_directory *d = ((struct fog_node *)node)->directory;

	if (d->serve != NULL)
		d->serve_fd = fog_serve_release(d->serve);
	d->serve = NULL;
}

// What the thread has asked is broken off.
static void directory_stop(struct node_directory *d)
{
	if (d->fetch == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	fog_fetch_many_wake(d->fetch);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	pthread_mutex_lock(&d->lock);
	struct fog_fetch_many *fetch = d->fetch;
	d->fetch = NULL;
	pthread_mutex_unlock(&d->lock);
	fog_fetch_many_destroy(fetch);
}

// Of those that were asked, for those that will be. NULL: nobody. Under the lock, or without other threads.
static void directory_breakers(struct node_directory *d, const struct fog_topology *network)
{
	char name[FOG_BREAKER_NAME_LEN];

	for (unsigned i = 0; i < d->breakers; i++)
		fog_breaker_destroy(&d->breaker[i]);
	d->breakers = network != NULL ? network->authority_count : 0;
	for (unsigned i = 0; i < d->breakers; i++) {
		snprintf(name, sizeof(name), "authority %s", network->authority[i].name);
		fog_breaker_init(&d->breaker[i], name);
	}
}

void node_directory_destroy(struct fog_node *n)
{
	struct node_directory *d = n->directory;

	if (d == NULL)
		return;
	fog_serve_destroy(d->serve); // its threads ask us
	if (d->serve_fd >= 0)
		close(d->serve_fd);
	directory_stop(d);
	directory_breakers(d, NULL);
	fog_view_destroy(d->view);
	fog_topology_free(d->network);
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
	struct fog_fetch_many *fetch = NULL;
	int r = fog_fetch_many_create(&fetch);

	pthread_mutex_lock(&d->lock);
	d->fetch = fetch;
	d->stop = false;
	d->stepped_ms = fog_now_ms();
	pthread_mutex_unlock(&d->lock);
	if (r == 0)
		r = -pthread_create(&d->thread, NULL, directory_run, d);
	if (r < 0) {
		LOG_ERR("no thread for the directory: %s: raise LimitNPROC", strerror(-r));
		pthread_mutex_lock(&d->lock);
		d->fetch = NULL;
		pthread_mutex_unlock(&d->lock);
		fog_fetch_many_destroy(fetch);
	}
	return r;
}

int node_directory_fetch_start(void *node)
{
	struct fog_node *n = node;
	struct node_directory *d = n->directory;
	int r = 0;

	pthread_mutex_lock(&n->change);
	if (d->network != NULL && d->fetch == NULL)
		r = directory_start(d);
	pthread_mutex_unlock(&n->change);
	return r;
}

void node_directory_fetch_stop(void *node)
{
	struct fog_node *n = node;

	pthread_mutex_lock(&n->change);
	directory_stop(n->directory);
	pthread_mutex_unlock(&n->change);
}

int node_directory_network(struct fog_node *n, struct fog_topology *network)
{
	struct node_directory *d = n->directory;
	struct fog_view *view = NULL;
	int r = network != NULL ? directory_open_view(n, network, &view) : 0;

	if (r < 0)
		return r;
	directory_stop(d);
	pthread_mutex_lock(&d->lock);
	struct fog_view *old_view = d->view;
	struct fog_topology *old = d->network;
	d->view = view;
	d->network = network;
	memset(d->peer, 0, sizeof(d->peer));
	d->sequence = d->figures_epoch = 0;
	d->serial++;
	directory_breakers(d, network);
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
	d->installed = false;
	d->retry_ms = d->retry_gap_ms = 0;
	d->seen_sequence = d->counted_epoch = 0;
	return network != NULL ? directory_start(d) : 0;
}

int node_directory_fetch_health(void *node, char text[FOG_SERVICE_TEXT_LEN])
{
	struct node_directory *d = ((struct fog_node *)node)->directory;

	pthread_mutex_lock(&d->lock);
	bool active = d->network != NULL && d->fetch != NULL;
	uint64_t still_ms = fog_now_ms() - d->stepped_ms;
	pthread_mutex_unlock(&d->lock);
	if (!active || still_ms < STALE_MS)
		return 0;
	snprintf(
	        text, FOG_SERVICE_TEXT_LEN, "its thread has not moved for %llu s",
	        (unsigned long long)still_ms / 1000
	);
	return -ETIMEDOUT;
}

// Whether those who connect are let in: the kernel says how many wait.
int node_directory_serve_health(void *node, char text[FOG_SERVICE_TEXT_LEN])
{
	struct node_directory *d = ((struct fog_node *)node)->directory;
	uint32_t waiting = 0, room = 0;

	if (d->serve == NULL || fog_serve_queue(d->serve, &waiting, &room) < 0 || waiting < room)
		return 0;
	snprintf(
	        text, FOG_SERVICE_TEXT_LEN,
	        "%u connections wait to be let in: all there is room for", waiting
	);
	return -EBUSY;
}

unsigned node_directory_breakers(struct fog_node *n, struct fog_breaker_view *out, unsigned max)
{
	struct node_directory *d = n->directory;
	unsigned count = 0;

	if (d == NULL)
		return 0;
	pthread_mutex_lock(&d->lock);
	for (; count < d->breakers && count < max; count++)
		fog_breaker_look(&d->breaker[count], fog_now_ms(), &out[count]);
	pthread_mutex_unlock(&d->lock);
	return count;
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

uint64_t directory_epoch(const struct node_directory *d)
{
	return fog_schedule_epoch(&d->schedule, fog_clock_now_ns(d->node->clock));
}

static struct fog_view_moment directory_moment(const struct node_directory *d)
{
	return fog_view_moment(d->view, fog_clock_now_ns(d->node->clock));
}

struct fog_topology *node_directory_topology(struct fog_node *n)
{
	struct node_directory *d = n->directory;
	struct fog_topology *t = NULL;

	pthread_mutex_lock(&d->lock);
	struct fog_view_moment now = directory_moment(d);
	int r = fog_view_topology(d->view, &now, &t);
	if (r == -ENODATA)
		t = directory_bare(d->network);
	d->seen_moment = now;
	d->seen_serial = d->serial;
	pthread_mutex_unlock(&d->lock);
	return t;
}

bool node_directory_installed(struct fog_node *n, bool installed)
{
	struct node_directory *d = n->directory;
	bool before = d->installed;

	d->installed = installed;
	return before;
}

// What can't be put in force (a full store, say) is tried again ever more seldom, since each time is logged.
static void directory_follow(struct node_directory *d)
{
	node_topology_follow(d->node);
	d->retry_gap_ms = d->installed ? 0 : directory_plan_retry(d->retry_gap_ms);
	d->retry_ms = fog_now_ms() + d->retry_gap_ms;
}

void node_directory_tick(struct fog_node *n)
{
	struct node_directory *d = n->directory;
	struct fog_descriptor about;

	if (d == NULL || d->network == NULL)
		return;
	pthread_rwlock_rdlock(&n->lock);
	pthread_mutex_lock(&d->lock);
	struct fog_view_moment now = directory_moment(d);
	bool changed = d->serial != d->seen_serial || !fog_view_moment_same(&now, &d->seen_moment);
	directory_about(d, &about);
	pthread_mutex_unlock(&d->lock);
	pthread_rwlock_unlock(&n->lock);
	fog_epochs_about(n->epochs, &about);
	if (changed || (!d->installed && fog_now_ms() >= d->retry_ms))
		directory_follow(d);
	if (changed) {
		directory_owe(d);
		directory_proofs(d);
	}
	directory_announce(d);
	directory_figures(d, now.epoch);
}
