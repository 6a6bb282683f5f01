// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Send and receive messages.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_directory.h"
#include "../../node_epochs.h"
#include "../../now.h"
#include "../page.h"
#include "../refusal.h"
#include "letter.h"
#include "view.h"

static void messages_unavailable(struct http_response *res, const char *code, const char *text)
{
	http_reply_problem(res, 503, code, "see /readyz", "%s", text);
	res->retry_after_s = 1;
}

static void messages_refused(
        struct fog_node *n, struct http_response *res, int r, bool reply, const char *text
)
{
	switch (r) {
	case -EMSGSIZE:
		http_reply_problem(
		        res, 413, "message_too_long", "split it: one message is one packet", "%s",
		        text
		);
		break;
	case -ENOENT:
		http_reply_problem(
		        res, reply ? 404 : 422, reply ? "no_such_message" : "no_path",
		        reply ? NULL : "see /v1/nodes", "%s", text
		);
		break;
	case -ESTALE:
		http_reply_problem(
		        res, 410, "surb_expired", "a reply must be sent within the epoch", "%s",
		        text
		);
		break;
	case -ENOKEY:
		http_reply_problem(res, 503, "no_mix_key", "see /v1/epochs", "%s", text);
		res->retry_after_s = 1;
		break;
	case -EHOSTDOWN:
		http_reply_problem(res, 503, "off_path", "see /v1/nodes", "%s", text);
		res->retry_after_s = (int)node_directory_settles_s(n);
		break;
	case -EALREADY:
		http_reply_problem(res, 409, "surb_used", NULL, "%s", text);
		break;
	case -ENODATA:
		http_reply_problem(res, 422, "no_surb", NULL, "%s", text);
		break;
	case -EIO:
	case -ENOSPC:
		http_reply_problem(
		        res, 500, "store_failed", "see the control plane's log", "%s",
		        "the message store takes nothing now; nothing was sent"
		);
		break;
	case -ENOMEM:
		http_reply_error(res, r, NULL);
		break;
	default:
		http_reply_problem(res, 422, "no_path", "see /v1/nodes", "%s", text);
	}
}

// Everything about one POST while it is worked on.
struct messages_post {
	struct letter_body body;
	struct fog_parcel parcel;
	char text[FOG_SENDER_TEXT_LEN];
};

static json_t *messages_answer(const struct messages_post *p, int64_t id)
{
	json_t *path = json_null();

	if (p->parcel.hops > 0)
		path = json_array();
	for (unsigned i = 0; i < p->parcel.hops; i++)
		json_array_append_new(path, json_string(p->parcel.hop[i]));
	return json_pack(
	        "{s:I s:o s:I s:b}", "id", (json_int_t)id, "path", path, "bytes",
	        (json_int_t)p->parcel.bytes, "surb", p->parcel.has_surb
	);
}

// Inside the sender's transaction. Returns 0 to commit, else what ends it.
static int messages_transact(
        struct fog_node *n, const struct http_request *req, struct messages_post *p,
        struct http_response *res, int64_t *id
)
{
	bool reply = p->body.letter.reply_to > 0;
	int r = 0;

	if (reply) {
		r = fog_letter_reply(
		        n->ops, n->topology, n->identity->node_id, n->store, &p->body.letter,
		        &p->parcel, p->text
		);
		if (r < 0)
			messages_refused(n, res, r, true, p->text);
	}
	if (r == 0) {
		r = fog_sender_put(n->sender, &p->parcel, id);
		if (r < 0)
			messages_refused(n, res, r, reply, p->text);
	}
	if (r < 0)
		return r;
	http_reply_json(res, 202, messages_answer(p, *id));
	if (req->idempotency_key == NULL || res->status != 202)
		return 0;
	struct fog_store_answer answer = {.status = res->status, .body = res->body};
	r = fog_store_answer_put(
	        n->store, req->caller.actor, req->idempotency_key, req->digest, &answer
	);
	if (r < 0)
		messages_refused(n, res, r, reply, p->text);
	res->kept = r == 0;
	return r;
}

// Whether the data plane runs another packet format than the topology has by now.
static bool messages_wait_for_restart(struct fog_node *n)
{
	const struct fog_geometry *g = &n->topology->geometry;
	struct fog_dpclient_geometry now;

	return fog_dpclient_geometry(n->dp, &now) == 0 && now.slots != 0 &&
	        (now.slots != g->slots || now.payload_len != g->payload_len);
}

// Under node->lock (read), which keeps the topology in place.
static void messages_send(
        struct fog_node *n, const struct http_request *req, struct messages_post *p,
        struct http_response *res
)
{
	const struct fog_topology_node *self = fog_node_self(n);
	struct node_directory_view directory;
	int64_t id = 0;
	int r = 0;

	// A SURB has its path in itself.
	if (p->body.letter.reply_to == 0 && node_directory_look(n, &directory) &&
	    directory.consensus == 0) {
		messages_unavailable(
		        res, "no_consensus",
		        "no consensus counts, so nobody knows which nodes there are"
		);
		return;
	}
	if (self == NULL) {
		messages_unavailable(
		        res, "not_in_topology", "the topology is missing or does not list this node"
		);
		return;
	}
	if (messages_wait_for_restart(n)) {
		messages_unavailable(
		        res, "restart_data_plane",
		        "the topology has another packet geometry than the data plane runs: compile "
		        "the launch blob again and restart fog-dataplane"
		);
		return;
	}
	struct fog_letter_keys keys = {
	        .epoch = node_epoch_of_topology(n), .mix_key = node_mix_key, .ctx = n};
	p->body.letter.keys = node_epochs_active(n) ? &keys : NULL;
	p->body.letter.surb_dead = node_epoch_over;
	p->body.letter.surb_ctx = n;
	if (p->body.letter.reply_to == 0)
		r = fog_sender_wrap(
		        n->sender, n->ops, n->topology, self, &p->body.letter, &p->parcel, p->text
		);
	if (r < 0) {
		messages_refused(n, res, r, false, p->text);
		return;
	}
	r = fog_sender_begin(n->sender);
	if (r == -ENOTCONN)
		messages_unavailable(res, "no_data_plane", "no data plane is attached");
	else if (r == -ENOBUFS)
		messages_unavailable(res, "busy", "the data plane takes no more packets now");
	else if (r < 0)
		messages_refused(n, res, r, false, p->text);
	if (r < 0)
		return;
	r = messages_transact(n, req, p, res, &id);
	int e = fog_sender_end(n->sender, r == 0, &p->parcel, id);
	if (r == 0 && e < 0) {
		res->kept = false;
		messages_refused(n, res, e, false, p->text);
	}
}

void http_post_messages(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct messages_post *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		http_reply_error(res, -ENOMEM, NULL);
		return;
	}
	if (letter_parse(req->json, &p->body, res) == 0) {
		pthread_rwlock_rdlock(&n->lock);
		messages_send(n, req, p, res);
		pthread_rwlock_unlock(&n->lock);
	}
	letter_free(&p->body);
	fog_parcel_wipe(&p->parcel);
	free(p);
}

static void messages_each(void *page, const struct fog_store_received *m)
{
	char base64[sodium_base64_ENCODED_LEN(
	        FOG_SPHINX_PACKET_MAX, sodium_base64_VARIANT_ORIGINAL
	)];
	json_t *text = json_stringn(m->len > 0 ? (const char *)m->data : "", m->len);

	sodium_bin2base64(base64, sizeof(base64), m->data, m->len, sodium_base64_VARIANT_ORIGINAL);
	http_page_add(
	        page, m->id,
	        json_pack(
	                "{s:I s:o s:o s:I s:s s:o s:b s:o}", "id", (json_int_t)m->id, "received_at",
	                view_time_us(m->time_us), "recipient", view_hex(m->recipient, FOG_ID_LEN),
	                "bytes", (json_int_t)m->len, "data", base64, "text",
	                text != NULL ? text : json_null(), "surb", m->can_reply, "in_reply_to",
	                m->in_reply_to > 0 ? json_integer(m->in_reply_to) : json_null()
	        )
	);
}

static int messages_list(struct fog_node *n, struct http_page *page)
{
	int r = fog_store_begin(n->store);

	if (r < 0)
		return r;
	r = fog_store_list(n->store, page->from, (unsigned)page->limit, messages_each, page);
	fog_store_end(n->store, 0);
	return r;
}

void http_get_messages(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	int64_t end = (int64_t)fog_now_ms() + http_query_number(req, "wait") * 1000, left;
	struct http_page page;
	uint64_t seen, now;
	int r;

	http_page_begin(&page, req, "after");
	do {
		// The count first: a message that comes in between ends the wait at once.
		seen = fog_inbox_wait(n->inbox, 0, 0);
		now = seen;
		r = messages_list(n, &page);
		left = end - (int64_t)fog_now_ms();
		if (r == 0 && left > 0)
			now = fog_inbox_wait(n->inbox, seen, (int)left);
	} while (r == 0 && now > seen);
	if (r < 0) {
		http_page_drop(&page);
		messages_refused(n, res, r, false, "");
		return;
	}
	http_reply_json(res, 200, http_page_growing(&page, "messages"));
}
