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
	struct fog_serve_params params = {.fd = fd, .tls_seed = n->identity->tls_seed};
	struct node_directory *d = calloc(1, sizeof(*d));
	int r = 0;

	if (d == NULL)
		return -ENOMEM;
	d->node = n;
	pthread_mutex_init(&d->lock, NULL);
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
	fog_fetch_many_destroy(d->fetch);
	d->fetch = NULL;
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
	int r = fog_fetch_many_create(&d->fetch);

	if (r == 0)
		r = -pthread_create(&d->thread, NULL, directory_run, d);
	if (r < 0) {
		LOG_ERR("no thread for the directory: %s: raise LimitNPROC", strerror(-r));
		fog_fetch_many_destroy(d->fetch);
		d->fetch = NULL;
	}
	return r;
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
	d->installed = false;
	d->retry_ms = d->retry_gap_ms = 0;
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
