// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Letters through a whole network in memory: wrapped here, unwrapped hop by hop with the private
// keys of the nodes, taken in by an inbox, answered by the SURB, and taken in at home.
#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/inbox.h"
#include "../../../controlplane/mixnet/sender.h"
#include "config_text.h"

enum { NODES = 5 };

static const char *const names[NODES] = {"gateway", "mix1", "mix2", "mix3", "service"};
static uint8_t private_key[NODES][32];
static struct fog_topology *net;
static const struct fog_crypto_ops *ops;
static char folder[64];
static char text[FOG_SENDER_TEXT_LEN];
static struct fog_parcel parcel;

static int make_net(void)
{
	static struct fog_report report;
	static char yaml[4096];
	size_t at = (size_t
	)snprintf(yaml, sizeof(yaml), "network: {name: t, links: none}\nnodes:\n");

	for (int i = 0; i < NODES; i++) {
		uint8_t id[32] = {(uint8_t)(i + 1)}, public_key[32];
		char a[65], b[65];
		randombytes_buf(private_key[i], 32);
		crypto_scalarmult_base(public_key, private_key[i]);
		at += (size_t)snprintf(
		        yaml + at, sizeof(yaml) - at,
		        "  - {name: %s, id: %s, mix_key: %s, address: 10.0.0.%d, role: %s%s}\n",
		        names[i], sodium_bin2hex(a, 65, id, 32),
		        sodium_bin2hex(b, 65, public_key, 32), i + 1,
		        i == 0                   ? "gateway"
		                : i == NODES - 1 ? "service"
		                                 : "mix",
		        i == 1           ? ", layer: 1"
		                : i == 2 ? ", layer: 2"
		                : i == 3 ? ", layer: 3"
		                         : ""
		);
	}
	int r = fog_topology_load_text("t.yaml", yaml, at, &net, &report);
	if (r < 0)
		fputs(report.text, stderr);
	return r;
}

static const struct fog_topology_node *node(int i)
{
	return fog_topology_find_name(net, names[i]);
}

// Carry a packet from its first hop to its end. Returns the index of the last node, and what that
// node would deliver, in 'd' and 'data'.
static int carry(
        const struct fog_parcel *p, int sender, struct fog_deliver *d, uint8_t *data, int *hops
)
{
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_route route;
	int at = sender;

	memcpy(packet, p->packet, p->packet_len);
	for (int i = 0; p->inject_type == FOG_INJECT_FORWARD && i < NODES; i++) {
		if (memcmp(node(i)->id, p->first_hop, 32) == 0)
			at = i;
	}
	for (*hops = 1; *hops <= NODES; (*hops)++) {
		enum fog_drop drop = fog_sphinx_unwrap(
		        ops, &net->geometry, private_key[at], packet, p->packet_len, &route, NULL
		);
		CU_ASSERT_EQUAL(drop, FOG_DROP_NONE);
		if (drop != FOG_DROP_NONE)
			return -1;
		if (!route.has_next_hop)
			break;
		for (int i = 0; i < NODES; i++) {
			if (memcmp(node(i)->id, route.next_hop, 32) == 0)
				at = i;
		}
	}
	memset(d, 0, sizeof(*d));
	memcpy(d->recipient, route.recipient, 32);
	memcpy(d->surb_id, route.surb_id, 16);
	d->flags = (route.has_recipient ? FOG_DELIVER_RECIPIENT : 0u) |
	        (route.has_surb ? FOG_DELIVER_SURB : 0u);
	d->data_len = (uint32_t)(FOG_SPHINX_TAG_LEN + net->geometry.payload_len);
	memcpy(data, packet + net->geometry.header_len, d->data_len);
	return at;
}

static struct fog_letter letter(const char *to, const char *words)
{
	return (struct fog_letter){.to = to, .data = (const uint8_t *)words, .len = strlen(words)};
}

static void test_default_path(void)
{
	struct fog_letter l = letter("service", "hello");
	uint8_t data[FOG_SPHINX_PACKET_MAX];
	struct fog_message m;
	struct fog_deliver d;
	int hops;

	CU_ASSERT_EQUAL_FATAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), 0);
	CU_ASSERT_EQUAL(parcel.inject_type, FOG_INJECT_UNWRAP);
	CU_ASSERT_EQUAL(parcel.hops, 5);
	for (int i = 0; i < 5; i++)
		CU_ASSERT_STRING_EQUAL(parcel.hop[i], names[i]);
	CU_ASSERT_EQUAL(carry(&parcel, 0, &d, data, &hops), 4);
	CU_ASSERT_EQUAL(hops, 5);
	CU_ASSERT_EQUAL(d.flags, FOG_DELIVER_RECIPIENT);
	CU_ASSERT_EQUAL(memcmp(d.recipient, node(4)->id, 32), 0);
	CU_ASSERT_EQUAL_FATAL(fog_message_decode(&net->geometry, data + 32, &m), 0);
	CU_ASSERT_EQUAL(m.len, 5);
	CU_ASSERT_EQUAL(memcmp(m.data, "hello", 5), 0);
	CU_ASSERT_PTR_NULL(m.surb);
}

static void test_given_path(void)
{
	const char *const path[] = {"mix2", "service"}, *const wrong[] = {"mix2", "mix1"};
	const char *const unknown[] = {"nobody", "service"};
	struct fog_letter l = letter("service", "short way");
	uint8_t recipient[32] = {0xaa}, data[FOG_SPHINX_PACKET_MAX];
	struct fog_deliver d;
	int hops;

	l.path = path;
	l.path_len = 2;
	l.recipient = recipient;
	CU_ASSERT_EQUAL_FATAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), 0);
	CU_ASSERT_EQUAL(parcel.inject_type, FOG_INJECT_FORWARD);
	CU_ASSERT_EQUAL(memcmp(parcel.first_hop, node(2)->id, 32), 0);
	CU_ASSERT_EQUAL(carry(&parcel, 0, &d, data, &hops), 4);
	CU_ASSERT_EQUAL(hops, 2);
	CU_ASSERT_EQUAL(memcmp(d.recipient, recipient, 32), 0);
	l.path = wrong;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -EINVAL);
	l.path = unknown;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -ENOENT);
	l.path_len = 6;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -E2BIG);
}

static void test_limits(void)
{
	static const uint8_t bytes[1000];
	struct fog_letter l = {.to = "service", .data = bytes, .len = 896};
	char id[65];

	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), 0);
	l.len = 897;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -EMSGSIZE);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "896"));
	l.want_surb = true;
	l.len = 324;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), 0);
	l.len = 325;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -EMSGSIZE);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "324"));
	l.to = "nobody";
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -ENOENT);
	l.to = sodium_bin2hex(id, sizeof(id), node(4)->id, 32);
	l.len = 1;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), 0);
	CU_ASSERT_STRING_EQUAL(parcel.hop[parcel.hops - 1], "service");
}

static struct fog_store *open_store(const char *name)
{
	static const uint8_t secret[32] = {1};
	struct fog_store *s = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s.db", folder, name);
	CU_ASSERT_EQUAL(fog_store_open(&s, path, secret), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct fog_store_received last;
static uint8_t last_data[2000];

static void keep(void *ctx, const struct fog_store_received *m)
{
	last = *m;
	memcpy(last_data, m->data, m->len);
	++*(int *)ctx;
}

static int count(struct fog_store *s)
{
	int n = 0;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	fog_store_list(s, 0, 200, keep, &n);
	CU_ASSERT_EQUAL(fog_store_end(s, 0), 0);
	return n;
}

// What the sender does with a parcel that carries a SURB, without a data plane.
static int64_t put(struct fog_store *s)
{
	struct fog_store_sent sent = {.packet = parcel.packet, .packet_len = parcel.packet_len};
	int64_t id = 0;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_send(s, &sent, &id), 0);
	CU_ASSERT_EQUAL(fog_store_surb_put(s, parcel.surb_id, id, &parcel.keys), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	return id;
}

static void test_surb_round_trip(void)
{
	static const uint8_t boot[16] = {1};
	struct fog_store *home = open_store("home"), *away = open_store("away");
	struct fog_inbox *in_home, *in_away;
	struct fog_letter question = letter("service", "question?"),
	                  reply = letter(NULL, "answer!");
	struct fog_inbox_counts counts;
	uint8_t data[FOG_SPHINX_PACKET_MAX];
	struct fog_deliver d;
	int hops;

	CU_ASSERT_EQUAL(fog_inbox_create(home, ops, &in_home), 0);
	CU_ASSERT_EQUAL(fog_inbox_create(away, ops, &in_away), 0);
	question.want_surb = true;
	CU_ASSERT_EQUAL_FATAL(fog_letter_wrap(ops, net, node(0), &question, &parcel, text), 0);
	int64_t sent_id = put(home);
	CU_ASSERT_EQUAL(carry(&parcel, 0, &d, data, &hops), 4);
	CU_ASSERT_EQUAL(fog_inbox_deliver(in_away, &net->geometry, 0, boot, 1, &d, data), 0);
	CU_ASSERT_EQUAL(fog_inbox_deliver(in_away, &net->geometry, 0, boot, 1, &d, data), 0);
	CU_ASSERT_EQUAL(count(away), 1);
	CU_ASSERT_TRUE(last.can_reply);

	reply.reply_to = last.id;
	CU_ASSERT_EQUAL(fog_store_begin(away), 0);
	CU_ASSERT_EQUAL(fog_letter_reply(ops, net, node(4)->id, away, &reply, &parcel, text), 0);
	struct fog_parcel second;
	CU_ASSERT_EQUAL(
	        fog_letter_reply(ops, net, node(4)->id, away, &reply, &second, text), -EALREADY
	);
	CU_ASSERT_EQUAL(fog_store_end(away, 1), 0);
	CU_ASSERT_EQUAL(parcel.inject_type, FOG_INJECT_UNWRAP); // the first hop back is the service
	CU_ASSERT_EQUAL(carry(&parcel, 4, &d, data, &hops), 0);
	CU_ASSERT_EQUAL(hops, 5);
	CU_ASSERT_TRUE(d.flags & FOG_DELIVER_SURB);

	// One byte changed on its way: counted, and the keys are gone with it. So try a copy first
	// whose SURB nobody knows.
	struct fog_deliver stranger = d;
	stranger.surb_id[0] ^= 1;
	CU_ASSERT_EQUAL(fog_inbox_deliver(in_home, &net->geometry, 0, boot, 1, &stranger, data), 0);
	CU_ASSERT_EQUAL(count(home), 0);
	CU_ASSERT_EQUAL(fog_inbox_deliver(in_home, &net->geometry, 0, boot, 2, &d, data), 0);
	CU_ASSERT_EQUAL(count(home), 1);
	CU_ASSERT_EQUAL(last.in_reply_to, sent_id);
	CU_ASSERT_EQUAL(last.len, 7);
	CU_ASSERT_EQUAL(memcmp(last_data, "answer!", 7), 0);
	// The same reply under a new number: its keys have been used up.
	CU_ASSERT_EQUAL(fog_inbox_deliver(in_home, &net->geometry, 0, boot, 3, &d, data), 0);
	fog_inbox_counts(in_home, &counts);
	CU_ASSERT_EQUAL(counts.received, 1);
	CU_ASSERT_EQUAL(counts.replies, 1);
	CU_ASSERT_EQUAL(counts.unknown_surb, 2);
	fog_inbox_counts(in_away, &counts);
	CU_ASSERT_EQUAL(counts.received, 1);
	CU_ASSERT_EQUAL(counts.duplicates, 1);
	fog_inbox_destroy(in_home);
	fog_inbox_destroy(in_away);
	fog_store_close(home);
	fog_store_close(away);
}

static bool unknown[NODES];

static int some_keys(
        void *ctx, const struct fog_topology_node *n, uint64_t epoch, uint8_t public_key[32]
)
{
	for (int i = 0; i < NODES; i++)
		if (n == node(i) && unknown[i])
			return -ENOENT;
	CU_ASSERT_EQUAL(epoch, 29401234);
	memcpy(public_key, n->mix_key, 32);
	return 0;
}

static bool over;

static bool surb_over(void *ctx, uint64_t epoch)
{
	CU_ASSERT_EQUAL(epoch, 29401234);
	return over;
}

static uint64_t whole_epoch(void *ctx, uint8_t low)
{
	return 29401234 - (29401234 & 0xff) + low;
}

// Keys by epoch: nobody without one is a hop, and a SURB says of which epoch it is.
static void test_epochs(void)
{
	static const uint8_t boot[16] = {3};
	const struct fog_letter_keys keys = {.epoch = 29401234, .mix_key = some_keys};
	struct fog_letter l = letter("service", "hello"), reply = letter(NULL, "answer");
	uint8_t data[FOG_SPHINX_PACKET_MAX];
	struct fog_store *away = open_store("epochs");
	struct fog_inbox *in;
	struct fog_message m;
	struct fog_deliver d;
	int hops;

	l.keys = &keys;
	unknown[2] = true; // the only mix of its layer
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -ENOKEY);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "whose key of this epoch is known"));
	unknown[2] = false;
	unknown[4] = true; // the destination
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), -ENOKEY);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "no mix key of service is known for epoch 29401234"));
	unknown[4] = false;
	l.want_surb = true;
	CU_ASSERT_EQUAL_FATAL(fog_letter_wrap(ops, net, node(0), &l, &parcel, text), 0);
	CU_ASSERT_EQUAL(parcel.epoch, 29401234);
	CU_ASSERT_EQUAL(carry(&parcel, 0, &d, data, &hops), 4);
	CU_ASSERT_EQUAL_FATAL(fog_message_decode(&net->geometry, data + 32, &m), 0);
	CU_ASSERT_EQUAL(m.surb_epoch, 29401234 & 0xff);
	CU_ASSERT_EQUAL(fog_inbox_create(away, ops, &in), 0);
	fog_inbox_epoch_set(in, whole_epoch, NULL);
	CU_ASSERT_EQUAL(fog_inbox_deliver(in, &net->geometry, 0, boot, 1, &d, data), 0);
	CU_ASSERT_EQUAL(count(away), 1);
	reply.reply_to = last.id;
	reply.surb_dead = surb_over;
	over = true;
	CU_ASSERT_EQUAL(fog_store_begin(away), 0);
	CU_ASSERT_EQUAL(
	        fog_letter_reply(ops, net, node(4)->id, away, &reply, &parcel, text), -ESTALE
	);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "was made for key epoch 29401234, which is over"));
	CU_ASSERT_EQUAL(fog_store_end(away, 0), 0);
	over = false;
	CU_ASSERT_EQUAL(fog_store_begin(away), 0);
	CU_ASSERT_EQUAL(fog_letter_reply(ops, net, node(4)->id, away, &reply, &parcel, text), 0);
	CU_ASSERT_EQUAL(fog_store_end(away, 1), 0);
	CU_ASSERT_EQUAL(parcel.epoch, 29401234);
	fog_inbox_destroy(in);
	fog_store_close(away);
}

static void test_bad_deliveries(void)
{
	static const uint8_t boot[16] = {2};
	struct fog_store *s = open_store("bad");
	struct fog_letter question = letter("service", "question?");
	uint8_t data[FOG_SPHINX_PACKET_MAX] = {0};
	struct fog_inbox_counts counts;
	struct fog_inbox *in;
	struct fog_deliver d = {
	        .flags = FOG_DELIVER_RECIPIENT,
	        .data_len = (uint32_t)(32 + net->geometry.payload_len)};

	CU_ASSERT_EQUAL(fog_inbox_create(s, ops, &in), 0);
	data[32] = 0x40; // an unknown flag
	CU_ASSERT_EQUAL(fog_inbox_deliver(in, &net->geometry, 0, boot, 1, &d, data), 0);
	data[32] = 0;
	d.data_len--; // of another geometry
	CU_ASSERT_EQUAL(fog_inbox_deliver(in, &net->geometry, 0, boot, 2, &d, data), 0);
	d.data_len++;
	// A reply that was changed on its way.
	question.want_surb = true;
	CU_ASSERT_EQUAL(fog_letter_wrap(ops, net, node(0), &question, &parcel, text), 0);
	put(s);
	memcpy(d.surb_id, parcel.surb_id, 16);
	d.flags |= FOG_DELIVER_SURB;
	CU_ASSERT_EQUAL(fog_inbox_deliver(in, &net->geometry, 0, boot, 3, &d, data), 0);
	fog_inbox_counts(in, &counts);
	CU_ASSERT_EQUAL(counts.malformed, 2);
	CU_ASSERT_EQUAL(counts.bad_reply, 1);
	CU_ASSERT_EQUAL(counts.received, 0);
	CU_ASSERT_EQUAL(count(s), 0);
	fog_inbox_destroy(in);
	fog_store_close(s);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"chosen path", test_default_path},
	        {"given path", test_given_path},
	        {"limits", test_limits},
	        {"question and answer by SURB", test_surb_round_trip},
	        {"keys by epoch", test_epochs},
	        {"deliveries that are no message", test_bad_deliveries},
	        CU_TEST_INFO_NULL,
	};
	char command[96];

	snprintf(folder, sizeof(folder), "/tmp/fog-letter-XXXXXX");
	if (fog_crypto_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	ops = fog_crypto_ops_get(NULL);
	if (make_net() < 0)
		return 1;
	int r = check_run("letter", tests);
	fog_topology_free(net);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
