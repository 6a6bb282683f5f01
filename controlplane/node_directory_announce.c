// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a node announces to the authorities, and its leave.
#include <errno.h>
#include <fcntl.h>
#include <fog_version.h> // made from git describe during the build
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link/hello.h"
#include "node_directory_plan.h"
#include "node_directory_private.h"

static const char withdrawn_file[] = "withdrawn";

bool directory_was_withdrawn(const struct fog_node *n)
{
	char path[FOG_CONFIG_PATH_LEN + 32];

	return fog_node_state_path(n, withdrawn_file, path, sizeof(path)) == 0 &&
	        access(path, F_OK) == 0;
}

void directory_about(const struct node_directory *d, struct fog_descriptor *about)
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
	if (d->port != 0) {
		about->directory_port = d->port;
		memcpy(about->tls_key, d->node->identity->tls_public, 32);
	}
}

// A consensus that has taken us already, for the next epoch, is nothing that authorities build on before
// that epoch.
void directory_owe(struct node_directory *d)
{
	struct fog_consensus_owed owed = {0};
	const struct fog_consensus_owed *found = NULL;
	uint64_t epoch = directory_epoch(d);

	pthread_mutex_lock(&d->lock);
	for (unsigned ahead = 2; found == NULL && ahead-- > 0;) {
		const struct fog_consensus *c = fog_view_newest(d->view, epoch + ahead);
		if (c != NULL)
			found = fog_consensus_owed(c, d->node->identity->node_id);
	}
	if (found != NULL)
		owed = *found;
	pthread_mutex_unlock(&d->lock);
	fog_epochs_owe(d->node->epochs, owed.epoch, found != NULL ? owed.beacon : NULL);
}

void directory_announce(struct node_directory *d)
{
	struct fog_epochs_view v;
	struct fog_descriptor own;

	fog_epochs_look(d->node->epochs, &v);
	if (v.descriptor_len == 0 ||
	    fog_descriptor_parse(v.descriptor, v.descriptor_len, &own) < 0 ||
	    own.sequence == d->seen_sequence)
		return;
	pthread_mutex_lock(&d->lock);
	uint64_t now_ns = fog_clock_now_ns(d->node->clock);
	const struct fog_consensus *previous = fog_view_newest(d->view, directory_epoch(d));
	bool hold = directory_plan_hold(&d->schedule, now_ns, previous, &own);
	// What was announced in an earlier epoch is nothing for this one, either.
	d->sequence = hold ? 0 : own.sequence;
	if (!hold) {
		d->seen_sequence = own.sequence;
		d->descriptor_len = v.descriptor_len;
		memcpy(d->descriptor, v.descriptor, v.descriptor_len);
		for (unsigned i = 0; i < FOG_AUTHORITIES_MAX; i++)
			d->peer[i].due_ms = d->peer[i].gap_ms = 0;
		if (d->fetch != NULL)
			fog_fetch_many_wake(d->fetch);
	}
	pthread_mutex_unlock(&d->lock);
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
	if (r == 0)
		r = node_folder_sync(path);
	if (r < 0)
		return r;
	pthread_mutex_lock(&d->lock);
	d->withdrawn = withdrawn;
	pthread_mutex_unlock(&d->lock);
	return 0;
}
