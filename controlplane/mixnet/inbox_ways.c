// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Deliveries that are not for the node itself: thrown away, sent back, or put into a client's mailbox.
//
// Stored mail is answered through the store (mailbox_answer.c). Echoes and refusals of mail are worth no
// disk: they leave at once or not at all, one packet for one packet, and so many a second.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../now.h"
#include "inbox_private.h"
#include "recipient.h"

void fog_inbox_ways_set(struct fog_inbox *in, const struct fog_inbox_ways *ways)
{
	in->ways = *ways;
	in->has_ways = true;
	in->budget = FOG_INBOX_ANSWERS_RATE;
	fog_recipient_drop(in->drop);
	fog_recipient_echo(in->echo);
}

enum inbox_way inbox_way(const struct fog_inbox *in, const struct fog_deliver *d)
{
	if (!in->has_ways || !(d->flags & FOG_DELIVER_RECIPIENT) ||
	    memcmp(d->recipient, in->ways.self, FOG_ID_LEN) == 0)
		return INBOX_TO_NODE;
	if (memcmp(d->recipient, in->drop, FOG_ID_LEN) == 0)
		return INBOX_TO_NOBODY;
	if (memcmp(d->recipient, in->echo, FOG_ID_LEN) == 0)
		return INBOX_TO_ECHO;
	return in->ways.serves(in->ways.ctx) ? INBOX_TO_MAIL : INBOX_TO_NODE;
}

// Make the packet that answers a message. Returns false when it has no SURB, or one that is worth nothing.
static bool answer_make(
        const struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_message *m,
        const uint8_t *data, size_t len, struct fog_parcel *back
)
{
	uint64_t epoch;

	back->packet_len = 0;
	if (m->surb == NULL)
		return false;
	epoch = in->epoch != NULL ? in->epoch(in->epoch_ctx, m->surb_epoch) : FOG_LETTER_EPOCH;
	if (in->ways.over(in->ways.ctx, epoch))
		return false;
	if (fog_letter_answer(in->ops, geo, in->ways.self, m->surb, epoch, data, len, back) == 0)
		return true;
	back->packet_len = 0;
	return false;
}

int inbox_echo(
        struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_deliver *d,
        const uint8_t *data, struct fog_parcel *back
)
{
	struct fog_message m;

	if ((d->flags & FOG_DELIVER_SURB) ||
	    fog_message_decode(geo, data + FOG_SPHINX_TAG_LEN, &m) < 0)
		return INBOX_MALFORMED;
	return answer_make(in, geo, &m, m.data, m.len, back) ? INBOX_ECHOED : INBOX_ECHO_REFUSED;
}

// Answer once the mail is on disk.
static int mail_answer_stored(
        struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_message *m
)
{
	static const uint8_t stored = FOG_MAIL_STORED;
	struct fog_store_answer_packet a;
	struct fog_parcel back;

	if (!answer_make(in, geo, m, &stored, 1, &back))
		return 0;
	a.inject_type = back.inject_type;
	a.epoch = back.epoch;
	a.len = back.packet_len;
	memcpy(a.first_hop, back.first_hop, sizeof(a.first_hop));
	memcpy(a.packet, back.packet, back.packet_len);
	int r = fog_mailboxes_answer(in->ways.mail, &a);
	fog_parcel_wipe(&back);
	return r;
}

static int mail_end(
        struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_message *m, int r,
        struct fog_parcel *back
)
{
	const uint8_t answer = r == -ENOENT ? FOG_MAIL_NO_MAILBOX : FOG_MAIL_FULL;

	if (r == 0)
		r = mail_answer_stored(in, geo, m);
	else if (r == -ENOENT || r == -EDQUOT)
		answer_make(in, geo, m, &answer, 1, back);
	return r == -ENOENT ? INBOX_NO_MAILBOX : r == -EDQUOT || r == 0 ? INBOX_MAIL : r;
}

int inbox_mail(
        struct fog_inbox *in, const struct fog_geometry *geo, const struct fog_deliver *d,
        const uint8_t *data, struct fog_parcel *back
)
{
	struct fog_message m = {0};
	int r;

	if (d->flags & FOG_DELIVER_SURB) {
		r = fog_mailboxes_put(
		        in->ways.mail, d->recipient, FOG_MAIL_REPLY, d->surb_id, sizeof(d->surb_id),
		        data, d->data_len
		);
	} else {
		if (fog_message_decode(geo, data + FOG_SPHINX_TAG_LEN, &m) < 0)
			return INBOX_MALFORMED;
		r = fog_mailboxes_put(
		        in->ways.mail, d->recipient, FOG_MAIL_MESSAGE, NULL, 0, m.data, m.len
		);
	}
	return mail_end(in, geo, &m, r, back);
}

bool inbox_answer_now(struct fog_inbox *in, const struct fog_parcel *back)
{
	uint64_t now_ms = fog_now_ms();

	if (now_ms - in->budget_ms >= 1000) {
		in->budget_ms = now_ms;
		in->budget = FOG_INBOX_ANSWERS_RATE;
	}
	if (in->budget == 0)
		return false;
	in->budget--;
	return in->ways.inject(in->ways.ctx, back) == 0;
}
