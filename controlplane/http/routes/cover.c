// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover traffic: rates, stock, what became of loops, losses of links, alerts.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_cover.h"
#include "../http.h"
#include "metrics.h"
#include "view.h"

enum { LINKS_MAX = 4096 };

// Under node->lock. The name of a node (zeros: ours), or the first digits of its ID when it has gone.
static void cover_name(const struct fog_node *n, const uint8_t id[FOG_ID_LEN], char name[32])
{
	static const uint8_t we[FOG_ID_LEN];
	const struct fog_topology_node *node = NULL;

	if (memcmp(id, we, FOG_ID_LEN) == 0)
		id = n->identity->node_id;
	if (n->topology != NULL)
		node = fog_topology_find(n->topology, id);
	if (node != NULL)
		snprintf(name, 32, "%s", node->name);
	else
		snprintf(name, 32, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
}

static json_t *cover_mean(uint32_t us)
{
	return us > 0 ? json_integer(us) : json_null();
}

static json_t *cover_rates(struct fog_node *n)
{
	struct fog_cover_rates rates = {0};

	pthread_rwlock_rdlock(&n->lock);
	if (n->topology != NULL && n->topology->links == FOG_LINKS_NOISE)
		rates = n->topology->cover;
	pthread_rwlock_unlock(&n->lock);
	return json_pack(
	        "{s:o s:o s:o}", "loops_us", cover_mean(rates.loop_us), "drops_us",
	        cover_mean(rates.drop_us), "dummies_us", cover_mean(rates.dummy_us)
	);
}

static json_t *cover_epochs(const struct fog_cover_status *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->epoch_count; i++) {
		const struct fog_cover_epoch *e = &s->epoch[i];
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:I s:I s:I s:I s:I}", "epoch", (json_int_t)e->epoch, "sent",
		                (json_int_t)e->sent, "returned", (json_int_t)e->returned, "lost",
		                (json_int_t)e->lost, "unknown", (json_int_t)e->unknown
		        )
		);
	}
	return list;
}

static json_t *cover_links(struct fog_node *n)
{
	struct fog_losses_link *link = calloc(LINKS_MAX, sizeof(*link));
	unsigned count = link != NULL ? node_cover_links(n, link, LINKS_MAX) : 0;
	json_t *list = json_array();

	pthread_rwlock_rdlock(&n->lock);
	for (unsigned i = 0; i < count; i++) {
		char from[32], to[32];
		cover_name(n, link[i].from, from);
		cover_name(n, link[i].to, to);
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:s s:I s:I s:f}", "from", from, "to", to, "sent",
		                (json_int_t)link[i].sent, "lost", (json_int_t)link[i].lost, "loss",
		                link[i].loss
		        )
		);
	}
	pthread_rwlock_unlock(&n->lock);
	free(link);
	return list;
}

static json_t *cover_alerts(struct fog_node *n)
{
	struct fog_losses_alert alert[NODE_COVER_ALERTS_MAX];
	unsigned count = node_cover_alerts(n, alert, NODE_COVER_ALERTS_MAX);
	json_t *list = json_array();

	pthread_rwlock_rdlock(&n->lock);
	for (unsigned i = 0; i < count; i++) {
		char name[32];
		cover_name(n, alert[i].node, name);
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:s s:o s:I s:I s:I s:f s:f}", "code", "n1_attack", "node",
		                name, "node_id", view_hex(alert[i].node, FOG_ID_LEN), "since_epoch",
		                (json_int_t)alert[i].epoch, "sent", (json_int_t)alert[i].sent,
		                "lost", (json_int_t)alert[i].lost, "loss", alert[i].loss, "p",
		                alert[i].p
		        )
		);
	}
	pthread_rwlock_unlock(&n->lock);
	return list;
}

static json_t *cover_text(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

void http_get_cover(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_cover_status s;

	node_cover_status(n, &s);
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:{s:o s:I s:I s:I} s:{s:I s:I} s:{s:I s:I s:I s:I s:I s:I} s:o s:o "
	                "s:o s:o s:o}",
	                "rates", cover_rates(n), "stock", "packets",
	                s.workers > 0 ? json_integer((json_int_t)s.stock) : json_null(), "workers",
	                (json_int_t)s.workers, "low", (json_int_t)s.low, "high", (json_int_t)s.high,
	                "made", "loops", (json_int_t)s.loops_made, "drops",
	                (json_int_t)s.drops_made, "loops", "sent", (json_int_t)s.sent, "returned",
	                (json_int_t)s.returned, "lost", (json_int_t)s.lost, "unknown",
	                (json_int_t)s.unknown, "flying", (json_int_t)s.flying, "foreign",
	                (json_int_t)s.foreign, "epochs", cover_epochs(&s), "links", cover_links(n),
	                "alerts", cover_alerts(n), "no_loops", cover_text(s.no_loops), "paused",
	                cover_text(s.paused)
	        )
	);
}

static void metrics_cover_links(FILE *f, struct fog_node *n)
{
	struct fog_losses_link *link = calloc(LINKS_MAX, sizeof(*link));
	unsigned count = link != NULL ? node_cover_links(n, link, LINKS_MAX) : 0;

	metrics_family(
	        f, "link_loss", "ratio", "gauge",
	        "loss of a link and the node that it leads to, as loops of this node show it"
	);
	pthread_rwlock_rdlock(&n->lock);
	for (unsigned i = 0; i < count; i++) {
		char from[32], to[32];
		cover_name(n, link[i].from, from);
		cover_name(n, link[i].to, to);
		fprintf(f, "fog_link_loss_ratio{from=\"%s\",to=\"%s\"} %.6g\n", from, to,
		        link[i].loss);
	}
	pthread_rwlock_unlock(&n->lock);
	free(link);
}

static void metrics_cover_alerts(FILE *f, struct fog_node *n)
{
	struct fog_losses_alert alert[NODE_COVER_ALERTS_MAX];
	unsigned count = node_cover_alerts(n, alert, NODE_COVER_ALERTS_MAX);

	metrics_gauge(
	        f, "cover_alerts", "", "nodes at which loops get lost as in an n-1 attack", count
	);
	metrics_family(
	        f, "cover_alert_loss", "ratio", "gauge", "loss at a node that there is an alert of"
	);
	pthread_rwlock_rdlock(&n->lock);
	for (unsigned i = 0; i < count; i++) {
		char name[32];
		cover_name(n, alert[i].node, name);
		fprintf(f, "fog_cover_alert_loss_ratio{node=\"%s\"} %.6g\n", name, alert[i].loss);
	}
	pthread_rwlock_unlock(&n->lock);
}

void metrics_cover(FILE *f, struct fog_node *n)
{
	struct fog_cover_status s;

	node_cover_status(n, &s);
	metrics_family(f, "cover_made", "packets", "counter", "cover packets put into stock");
	fprintf(f, "fog_cover_made_packets_total{kind=\"loop\"} %" PRIu64 "\n", s.loops_made);
	fprintf(f, "fog_cover_made_packets_total{kind=\"drop\"} %" PRIu64 "\n", s.drops_made);
	metrics_family(f, "cover_loops", "", "counter", "loops of cover that left, by their fate");
	fprintf(f, "fog_cover_loops_total{fate=\"returned\"} %" PRIu64 "\n", s.returned);
	fprintf(f, "fog_cover_loops_total{fate=\"lost\"} %" PRIu64 "\n", s.lost);
	fprintf(f, "fog_cover_loops_total{fate=\"unknown\"} %" PRIu64 "\n", s.unknown);
	metrics_gauge(f, "cover_loops_flying", "", "loops of cover on their way", (double)s.flying);
	metrics_cover_alerts(f, n);
	metrics_cover_links(f, n);
}
