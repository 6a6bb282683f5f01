// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What became of a message on its way out, as far as this node can know.
#include <errno.h>

#include "../../node.h"
#include "../http.h"
#include "view.h"

void http_get_sent(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_store_sent_state s;
	int64_t id = req->part_number[0];

	int r = fog_store_begin(n->store);
	if (r == 0) {
		r = fog_store_sent_get(n->store, id, &s);
		fog_store_end(n->store, 0);
	}
	if (r == -ENOENT)
		http_reply_problem(
		        res, 404, "no_such_message", NULL,
		        "no message of this number was sent, or it is forgotten"
		);
	else if (r < 0)
		http_reply_problem(
		        res, 500, "store_failed", "see the control plane's log",
		        "the message store cannot be read now"
		);
	else
		http_reply_json(
		        res, 200,
		        json_pack(
		                "{s:I s:o s:I s:o s:s}", "id", (json_int_t)id, "sent_at",
		                view_time_us(s.time_us), "bytes", (json_int_t)s.bytes, "reply_to",
		                s.reply_to > 0 ? json_integer(s.reply_to) : json_null(), "state",
		                s.waiting            ? "waiting"
		                        : s.given_up ? "given_up"
		                                     : "handed_over"
		        )
		);
}
