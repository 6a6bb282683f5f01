// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One node's links as a filter, for handshake_check.py: lines of words come in, what the links want done
// goes out, each answer ends with "ok".
//   node PRIVATE NETWORK CLIENTS MINOR [PEER-STATIC]   begin; the peer is node 1 of the topology
//   punt TYPE INDEX HEX | tick MS | time NS
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { LINE = 8192 };

static struct fog_links *links;
static uint8_t private_key[32];
static uint64_t now_ms, now_ns;
static uint32_t acks[16];
static unsigned ack_count;

static void print_hex(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
}

static size_t read_hex(const char *text, uint8_t *out, size_t room)
{
	size_t len = 0;

	if (text == NULL || sodium_hex2bin(out, room, text, strlen(text), NULL, &len, NULL) != 0)
		exit(2);
	return len;
}

static int on_install(void *ctx, const struct fog_link_session *s)
{
	printf("install %u %u %u %u %u ", s->class, s->rx_index, s->tx_index, s->rx_count,
	       s->initiator);
	print_hex(s->static_key, 32);
	printf(" ");
	print_hex(s->tx_key, 32);
	printf(" ");
	print_hex(s->rx_key, 32);
	printf("\n");
	acks[ack_count++ % 16] = s->rx_index;
	return 0;
}

static int on_remove(void *ctx, uint32_t rx_index)
{
	printf("remove %u\n", rx_index);
	return 0;
}

static int on_send(void *ctx, const struct fog_link_send *s)
{
	printf("send %u %u %u %u.%u ", s->type, s->kind, s->rx_index, s->ip.addr[3], s->port);
	print_hex(s->data, s->len);
	printf("\n");
	return 0;
}

static void on_notice(void *ctx, const uint8_t id[32], const uint8_t *data, size_t len)
{
	printf("notice ");
	print_hex(data, len);
	printf("\n");
}

static uint64_t on_now(void *ctx)
{
	return now_ns;
}

static const struct fog_links_ops ops = {
        .install = on_install,
        .remove = on_remove,
        .send = on_send,
        .notice = on_notice,
        .now_unix_ns = on_now,
};

static char *word(void)
{
	return strtok(NULL, " \n");
}

static uint64_t number(void)
{
	const char *text = word();

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void begin(void)
{
	struct fog_links_self self = {.link_private = private_key};
	struct fog_links_wanted w = {.topology = &topology, .client_rate = 7, .client_burst = 9};
	static const uint8_t boot[16] = {1};
	const char *peer;

	read_hex(word(), private_key, 32);
	crypto_scalarmult_base(self.link_public, private_key);
	read_hex(word(), w.network, 32);
	w.clients = (uint32_t)number();
	self.minor = (uint16_t)number();
	peer = word();
	topology.node_count = peer != NULL ? 2 : 1;
	if (peer != NULL)
		read_hex(peer, node[1].link_key, 32);
	node[1].id[0] = 1;
	node[1].address = (struct fog_ip){.family = 4, .addr = {10, 0, 0, 1}};
	node[1].port = 9001;
	fog_links_destroy(links);
	if (fog_links_create(&self, &ops, NULL, &links) < 0 ||
	    fog_links_configure(links, &w, now_ms) < 0)
		exit(2);
	fog_links_attached(links, boot, 2, now_ms);
	fog_links_seen(links, NULL, 0, now_ms);
}

static void punt(void)
{
	struct fog_link_punt p = {.ip = {.family = 4, .addr = {10, 0, 0, 77}}, .port = 4444};

	p.type = (uint32_t)number();
	p.rx_index = (uint32_t)number();
	p.len = (uint32_t)read_hex(word(), p.data, sizeof(p.data));
	fog_links_punt(links, &p, now_ms);
}

static void line_do(char *line)
{
	const char *what = strtok(line, " \n");

	if (what == NULL)
		return;
	if (strcmp(what, "node") == 0) {
		begin();
	} else if (strcmp(what, "punt") == 0) {
		punt();
	} else if (strcmp(what, "time") == 0) {
		now_ns = number();
	} else if (strcmp(what, "tick") == 0) {
		now_ms += number();
		fog_links_tick(links, now_ms);
	}
	for (unsigned i = 0; i < ack_count; i++)
		fog_links_link_ack(links, acks[i], 0, now_ms);
	ack_count = 0;
	printf("ok\n");
	fflush(stdout);
}

int main(void)
{
	static char line[LINE];

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL)
		line_do(line);
	fog_links_destroy(links);
	return 0;
}
