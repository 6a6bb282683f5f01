// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "mail.h"

#include "metrics.h"

// Totals only: what waits for whom is nobody's business but theirs.
json_t *view_mail(struct fog_node *n)
{
	struct fog_mailboxes_counts c;
	struct fog_inbox_counts in;
	struct fog_store_boxes all = {0};
	bool known = fog_mailboxes_totals(n->mail, &all) == 0;

	fog_mailboxes_counts(n->mail, &c);
	fog_inbox_counts(n->inbox, &in);
	json_t *mail = json_pack(
	        "{s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I}", "stored", (json_int_t)c.stored,
	        "fetches", (json_int_t)c.fetches, "sent", (json_int_t)c.sent, "resent",
	        (json_int_t)c.resent, "full", (json_int_t)c.full, "no_mailbox",
	        (json_int_t)in.no_mailbox, "malformed", (json_int_t)c.malformed, "refused",
	        (json_int_t)c.refused, "answered", (json_int_t)c.answered, "answers_lost",
	        (json_int_t)c.answers_lost
	);

	const struct {
		const char *name;
		uint64_t value;
	} total[] = {
	        {"mailboxes", all.boxes},
	        {"waiting", all.mails},
	        {"waiting_bytes", all.bytes},
	        {"answers_waiting", all.answers},
	};

	for (size_t i = 0; i < sizeof(total) / sizeof(total[0]); i++)
		json_object_set_new(
		        mail, total[i].name,
		        known ? json_integer((json_int_t)total[i].value) : json_null()
		);
	return mail;
}

void metrics_mail(FILE *f, struct fog_node *n)
{
	struct fog_mailboxes_counts c;
	struct fog_inbox_counts in;
	struct fog_store_boxes all = {0};

	fog_mailboxes_counts(n->mail, &c);
	fog_inbox_counts(n->inbox, &in);
	if (fog_mailboxes_totals(n->mail, &all) == 0) {
		metrics_gauge(f, "mailboxes", "", "mailboxes of clients", (double)all.boxes);
		metrics_gauge(
		        f, "mail_waiting", "", "mails that wait for clients", (double)all.mails
		);
		metrics_gauge(
		        f, "mail_waiting_size", "bytes", "mails that wait for clients",
		        (double)all.bytes
		);
		metrics_gauge(
		        f, "mail_answers_waiting", "", "answers of stored mail that have not left",
		        (double)all.answers
		);
	}
	metrics_counter(f, "mail_stored", "", "mails stored for clients", c.stored);
	metrics_counter(f, "mail_sent", "", "mails sent to clients", c.sent);
	metrics_counter(f, "mail_resent", "", "of these, those sent before", c.resent);
	metrics_counter(f, "mail_fetches", "", "times that a client asked for mail", c.fetches);
	metrics_counter(f, "mail_full", "", "mails that found no room", c.full);
	metrics_counter(
	        f, "mail_no_mailbox", "", "mails for mailboxes that are not here", in.no_mailbox
	);
	metrics_counter(
	        f, "mail_malformed", "", "notices of clients of no known form", c.malformed
	);
	metrics_counter(
	        f, "mail_refused", "", "times that a client got no mailbox: there are too many",
	        c.refused
	);
	metrics_counter(
	        f, "mail_answered", "", "answers of stored mail that have left", c.answered
	);
	metrics_counter(
	        f, "mail_answers_lost", "", "answers that were given up: their epoch is over",
	        c.answers_lost
	);
	metrics_counter(f, "deliveries_dropped", "", "deliveries for nobody", in.dropped);
	metrics_counter(f, "echoes", "", "deliveries sent back", in.echoed);
	metrics_counter(
	        f, "echoes_refused", "", "echoes without a SURB that still counts", in.echo_refused
	);
	metrics_counter(
	        f, "answers_limited", "",
	        "echoes and refusals of mail not sent: too many, or no way to send them",
	        in.answers_limited
	);
}
