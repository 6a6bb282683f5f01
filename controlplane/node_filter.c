// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "config/prefix.h"
#include "store/mailbox.h"

// The store's content. Inside a transaction.
static int filter_read(struct fog_store *s, struct fog_filter_own *own)
{
	for (unsigned i = 0; i < FOG_FILTER_LIMITS; i++) {
		const struct fog_filter_row *row = &fog_filter_rows[i];
		int64_t value = 0;
		int r = fog_store_filter_get(s, row->key, &value);
		if (r < 0 && r != -ENOENT)
			return r;
		// A version with other ranges may have written it.
		own->set[i] = r == 0 && value >= row->min && value <= row->max;
		own->limit[i] = own->set[i] ? (uint32_t)value : 0;
	}
	int n = fog_store_deny_list(s, own->deny, FOG_DENY_MAX);
	own->deny_count = n > 0 ? (uint32_t)n : 0;
	return n < 0 ? n : 0;
}

static void filter_too_many(
        const struct fog_config *c, const struct fog_filter_own *own, char *text, size_t len
)
{
	snprintf(
	        text, len,
	        "filter.deny has %u prefixes and operators have denied %u more, %d are the most: "
	        "remove some",
	        c->filter.deny_count, own->deny_count, FOG_DENY_MAX
	);
}

int node_filter_load(struct fog_node *n)
{
	struct node_filter *f = calloc(1, sizeof(*f));
	char text[FOG_NODE_FILTER_TEXT];
	int r = f != NULL ? fog_store_begin(n->store) : -ENOMEM;

	if (r == 0) {
		r = filter_read(n->store, &f->own);
		fog_store_end(n->store, 0);
	}
	if (r == 0 && (r = fog_filter_merge(&n->config->filter, &f->own, &f->wanted)) < 0) {
		filter_too_many(n->config, &f->own, text, sizeof(text));
		LOG_ERR("%s: %s", n->config_path, text);
	}
	n->filter = f;
	return r;
}

// 'to' gets the filter of 'c' with what operators have set over it.
static int filter_over(
        const struct fog_node *n, const struct fog_config *c, struct fog_config_filter *to,
        struct fog_report *report
)
{
	char text[FOG_NODE_FILTER_TEXT];

	if (fog_filter_merge(&c->filter, &n->filter->own, to) == 0)
		return 0;
	filter_too_many(c, &n->filter->own, text, sizeof(text));
	fog_report_error(report, n->config_path, 0, "%s", text);
	return -EINVAL;
}

int node_filter_check(
        const struct fog_node *n, const struct fog_config *fresh, struct fog_report *report
)
{
	struct fog_config_filter *merged = malloc(sizeof(*merged));
	int r = merged != NULL ? filter_over(n, fresh, merged, report) : -ENOMEM;

	free(merged);
	return r;
}

int node_filter_effective(
        const struct fog_node *n, struct fog_config **out, struct fog_report *report
)
{
	struct fog_config *c = malloc(sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	*c = *n->config;
	int r = filter_over(n, n->config, &c->filter, report);
	if (r == 0)
		*out = c;
	else
		free(c);
	return r;
}

// Another node of the network whose address 'p' holds, or NULL. Under 'lock' or 'change'.
static const struct fog_topology_node *filter_holds(
        const struct fog_node *n, const struct fog_prefix *p
)
{
	const struct fog_topology_node *self = fog_node_self(n);

	for (unsigned i = 0; n->topology != NULL && i < n->topology->node_count; i++) {
		const struct fog_topology_node *node = &n->topology->node[i];
		if (node != self && fog_prefix_holds(p, &node->address))
			return node;
	}
	return NULL;
}

static void filter_say_node(
        const struct fog_prefix *p, const struct fog_topology_node *node, const char *what,
        char text[FOG_NODE_FILTER_TEXT]
)
{
	char prefix[FOG_PREFIX_TEXT_LEN], address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(
	        node->address.family == 4 ? AF_INET : AF_INET6, node->address.addr, address,
	        sizeof(address)
	);
	snprintf(
	        text, FOG_NODE_FILTER_TEXT, "%s holds node '%s' (%s), whose packets %s dropped",
	        fog_prefix_print(p, prefix), node->name, address, what
	);
}

void node_filter_compiled(struct fog_node *n, const struct fog_config *effective)
{
	const struct fog_config_filter *wanted = &effective->filter;
	char text[FOG_NODE_FILTER_TEXT] = "";

	for (uint32_t i = 0; i < wanted->deny_count && text[0] == '\0'; i++) {
		const struct fog_topology_node *node = filter_holds(n, &wanted->deny[i]);
		if (node != NULL)
			filter_say_node(&wanted->deny[i], node, "are", text);
	}
	pthread_rwlock_wrlock(&n->lock);
	n->filter->wanted = *wanted;
	memcpy(n->filter->denied, text, sizeof(text));
	pthread_rwlock_unlock(&n->lock);
}

// Which of the running data plane's ports got DPDK where the file says auto: one bit each.
static uint32_t filter_auto_dpdk(struct fog_node *n)
{
	struct fog_dpclient_stats view;
	uint32_t found = 0;

	if (fog_dpclient_stats_get(n->dp, &view) < 0)
		return 0;
	for (uint32_t i = 0; i < view.stats->port_count && i < FOG_PORTS_MAX; i++)
		if (strncmp(view.stats->port[i].mode, "dpdk", 4) == 0)
			found |= 1u << i;
	fog_dpclient_stats_put(n->dp, &view);
	return found;
}

unsigned node_filter_warnings(struct fog_node *n, node_say *warn, void *ctx)
{
	uint32_t dpdk = filter_auto_dpdk(n);

	pthread_rwlock_rdlock(&n->lock);
	const struct fog_config_filter *wanted = &n->filter->wanted;
	bool limited = wanted->source_rate > 0 || wanted->deny_count > 0;
	char text[FOG_NODE_FILTER_TEXT];
	unsigned count = 0;

	if (n->filter->denied[0] != '\0') {
		warn(ctx, "node_denied", n->filter->denied);
		count++;
	}
	for (uint32_t i = 0; limited && i < n->config->port_count; i++) {
		uint32_t driver = n->config->port[i].driver;
		if (driver == FOG_DRIVER_AFXDP ||
		    (driver == FOG_DRIVER_AUTO && (dpdk & 1u << i) == 0))
			continue;
		snprintf(
		        text, sizeof(text),
		        "port %s has no filter (only those of driver afxdp have): it takes what "
		        "source_rate and the deny list keep out elsewhere",
		        n->config->port[i].name
		);
		warn(ctx, "port_without_filter", text);
		count++;
	}
	pthread_rwlock_unlock(&n->lock);
	return count;
}

// Inside a transaction.
static int filter_store(
        struct fog_store *s, const struct fog_filter_change *c, const struct fog_prefix **at
)
{
	int r = 0;

	for (unsigned i = 0; i < FOG_FILTER_LIMITS && r == 0; i++) {
		const char *key = fog_filter_rows[i].key;
		if (c->given[i])
			r = c->reset[i] ? fog_store_filter_delete(s, key)
			                : fog_store_filter_put(s, key, c->limit[i]);
	}
	for (uint32_t i = 0; i < c->count && r >= 0; i++) {
		*at = &c->prefix[i];
		r = c->remove ? fog_store_deny_delete(s, *at) : fog_store_deny_put(s, *at);
	}
	return r < 0 ? r : 0;
}

static void filter_refused(
        const struct fog_node *n, int r, const struct fog_prefix *at,
        char text[FOG_NODE_FILTER_TEXT]
)
{
	char prefix[FOG_PREFIX_TEXT_LEN];
	bool in_file = false;

	switch (r) {
	case -ENOENT:
		fog_prefix_print(at, prefix);
		fog_prefix_find(n->config->filter.deny, n->config->filter.deny_count, at, &in_file);
		snprintf(
		        text, FOG_NODE_FILTER_TEXT,
		        in_file ? "%s is denied by the configuration file: remove it there"
		                : "%s is not denied: see the list for what is",
		        prefix
		);
		break;
	case -E2BIG:
		snprintf(
		        text, FOG_NODE_FILTER_TEXT,
		        "%d denied prefixes are the most, those of the file among them: remove "
		        "some, or deny a shorter prefix that holds several",
		        FOG_DENY_MAX
		);
		break;
	default:
		snprintf(
		        text, FOG_NODE_FILTER_TEXT,
		        "the store takes nothing now: see the log of "
		        "the control plane"
		);
	}
}

static int filter_check_nodes(
        const struct fog_node *n, const struct fog_filter_change *c, char text[FOG_NODE_FILTER_TEXT]
)
{
	for (uint32_t i = 0; i < c->count && !c->remove && !c->force; i++) {
		const struct fog_topology_node *node = filter_holds(n, &c->prefix[i]);
		if (node == NULL)
			continue;
		filter_say_node(&c->prefix[i], node, "would be", text);
		return -EPERM;
	}
	return 0;
}

int fog_node_filter_change(
        struct fog_node *n, const struct fog_filter_change *c, uint64_t *generation,
        char text[FOG_NODE_FILTER_TEXT]
)
{
	struct fog_filter_own *own = calloc(1, sizeof(*own));
	struct fog_config_filter *merged = calloc(1, sizeof(*merged));
	struct fog_report *report = calloc(1, sizeof(*report));
	const struct fog_prefix *at = NULL;
	int r = own != NULL && merged != NULL && report != NULL ? 0 : -ENOMEM;

	text[0] = '\0';
	pthread_mutex_lock(&n->change);
	if (r == 0)
		r = filter_check_nodes(n, c, text);
	if (r == 0)
		r = fog_store_begin(n->store);
	else
		goto out;
	if (r < 0)
		goto refused;
	r = filter_store(n->store, c, &at);
	if (r == 0)
		r = filter_read(n->store, own);
	if (r == 0)
		r = fog_filter_merge(&n->config->filter, own, merged);
	int e = fog_store_end(n->store, r == 0);
	r = r < 0 ? r : e;
	if (r < 0)
		goto refused;
	pthread_rwlock_wrlock(&n->lock);
	n->filter->own = *own;
	pthread_rwlock_unlock(&n->lock);
	e = fog_store_sync(n->store);
	r = node_publish(n, report);
	*generation = n->generation;
	if (r == 0 && e < 0)
		snprintf(
		        text, FOG_NODE_FILTER_TEXT,
		        "it is in force, but a power cut would undo it: see the log of the control "
		        "plane"
		);
	r = r < 0 ? r : e;
	if (r == 0 || text[0] != '\0')
		goto out;
	snprintf(
	        text, FOG_NODE_FILTER_TEXT, "it is stored, but not in force yet: %.180s",
	        report->len > 0 ? report->text : strerror(-r)
	);
	goto out;
refused:
	filter_refused(n, r, at, text);
out:
	pthread_mutex_unlock(&n->change);
	free(report);
	free(merged);
	free(own);
	return r;
}
