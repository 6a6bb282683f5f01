// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "../../../controlplane/config/report.h"
#include "../../../controlplane/directory/serve.h"
#include "../../../controlplane/node_links.h"
#include "../keyring.h"

static const char instance[] = "dirtest";

// Listens on a port of the kernel's choice, or on 'port'.
static int rig_listen(uint16_t *port, int backlog)
{
	struct sockaddr_in at = {
	        .sin_family = AF_INET,
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	        .sin_port = htons(*port),
	};
	void *generic = &at;
	socklen_t len = sizeof(at);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, generic, len) < 0 || listen(fd, backlog) < 0 ||
	    getsockname(fd, generic, &len) < 0)
		abort();
	*port = ntohs(at.sin_port);
	return fd;
}

static void rig_bytes(struct fog_serve_answer *out, const void *data, size_t len)
{
	out->status = 200;
	out->data = malloc(len + 1);
	out->len = len;
	if (len > 0)
		memcpy(out->data, data, len);
}

static void rig_request(
        void *ctx, const char *method, const char *path, const uint8_t *body, size_t len,
        struct fog_serve_answer *out
)
{
	struct rig_authority *a = ctx;

	pthread_mutex_lock(&a->lock);
	if (strcmp(method, "POST") == 0 && strcmp(path, "/directory/descriptors") == 0) {
		a->posts++;
		a->len = len <= sizeof(a->data) ? len : 0;
		memcpy(a->data, body, a->len);
		fog_descriptor_parse(a->data, a->len, &a->got);
		rig_bytes(out, a->body, a->body != NULL ? strlen(a->body) : 0);
		out->status = a->status;
	} else if (strncmp(path, "/directory/consensus", 20) == 0) {
		a->gets++;
		if (a->consensus != NULL)
			rig_bytes(out, a->consensus->data, a->consensus->len);
		else
			fog_serve_refuse(out, 404, "no_consensus", "not yet");
	} else {
		fog_serve_refuse(out, 404, "not_found", "nothing");
	}
	pthread_mutex_unlock(&a->lock);
}

void rig_mend(struct rig *rig, unsigned i)
{
	static const struct fog_serve_ops ops = {.request = rig_request};
	struct rig_authority *a = &rig->authority[i];

	for (unsigned k = 0; k < 4 && a->fd >= 0; k++)
		close(a->fill[k]);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->port = 0;
	struct fog_serve_params params = {
	        .fd = rig_listen(&a->port, 64),
	        .tls_seed = a->tls_seed,
	        .body_max = FOG_DESCRIPTOR_MAX,
	};
	if (fog_serve_create(&params, &ops, a, &a->serve) < 0)
		abort();
}

// A queue of connections that is full drops what asks for more.
void rig_hole(struct rig *rig, unsigned i)
{
	struct rig_authority *a = &rig->authority[i];
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	fog_serve_destroy(a->serve);
	a->serve = NULL;
	a->port = 0;
	a->fd = rig_listen(&a->port, 0);
	at.sin_port = htons(a->port);
	for (int k = 0; k < 4; k++) {
		a->fill[k] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(a->fill[k], (const void *)&at, sizeof(at));
	}
}

static void rig_write(const struct rig *rig, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	FILE *f = fopen(path, "we");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

void rig_network(struct rig *rig)
{
	char text[4096], hex[3][65], path[128];
	struct fog_report report = {0};
	int at = snprintf(
	        text, sizeof(text),
	        "network: {name: t, links: noise, mix_key: {epoch: %ds, overlap: 60s}}\n"
	        "directory:\n  threshold: %d\n  authorities:\n",
	        RIG_EPOCH_S, PARTS_THRESHOLD
	);

	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++) {
		const struct parts_keys *k = &rig->parts->authority[i];
		at += snprintf(
		        text + at, sizeof(text) - (size_t)at,
		        "    - {name: auth%u, identity: %s, vrf_key: %s, tls_key: %s, address: "
		        "127.0.0.1, port: %u}\n",
		        i + 1, sodium_bin2hex(hex[0], 65, k->identity, 32),
		        sodium_bin2hex(hex[1], 65, k->vrf_key, 32),
		        sodium_bin2hex(hex[2], 65, rig->authority[i].tls_key, 32),
		        rig->authority[i].port
		);
	}
	rig_write(rig, "topology.yaml", text);
	snprintf(path, sizeof(path), "%s/topology.yaml", rig->folder);
	fog_topology_free(rig->file);
	rig->file = NULL;
	if (fog_topology_load(path, &rig->file, &report) < 0)
		abort();
	rig->parts->net = *rig->file;
	fog_network_hash(&rig->parts->net, rig->parts->network);
}

static uint64_t rig_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void rig_begin(struct rig *rig)
{
	*rig = (struct rig){.folder = "/tmp/fog-dir-XXXXXX", .parts = parts_make(0)};
	if (mkdtemp(rig->folder) == NULL)
		abort();
	// Ahead of the host's clock, which may be put forward only.
	rig->epoch = rig_now_ms() / 1000 / RIG_EPOCH_S + 2;
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++) {
		struct rig_authority *a = &rig->authority[i];
		uint8_t secret[64];
		a->fd = -1;
		a->status = 200;
		pthread_mutex_init(&a->lock, NULL);
		randombytes_buf(a->tls_seed, 32);
		crypto_sign_seed_keypair(a->tls_key, secret, a->tls_seed);
		rig_mend(rig, i);
	}
	rig_network(rig);
	rig->parts->count = 5;
	for (unsigned i = 0; i < rig->parts->count; i++)
		parts_node_make(rig->parts, i);
}

void rig_forget_keys(void)
{
	check_forget_keys(instance);
}

void rig_end(struct rig *rig)
{
	char command[96];

	rig_stop(rig);
	rig_forget_keys();
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++) {
		struct rig_authority *a = &rig->authority[i];
		fog_serve_destroy(a->serve);
		for (unsigned k = 0; k < 4 && a->fd >= 0; k++)
			close(a->fill[k]);
		if (a->fd >= 0)
			close(a->fd);
		pthread_mutex_destroy(&a->lock);
	}
	fog_topology_free(rig->file);
	parts_free(rig->parts);
	snprintf(command, sizeof(command), "rm -rf %s", rig->folder);
	if (system(command) != 0)
		abort();
}

void rig_stop(struct rig *rig)
{
	fog_node_destroy(rig->node);
	rig->node = NULL;
}

void rig_start(struct rig *rig, uint64_t epoch, unsigned part)
{
	char text[2048], path[128];
	uint64_t then_ms = epoch * RIG_EPOCH_S * 1000 + RIG_EPOCH_S * 1000 / 32 * part;

	rig_stop(rig);
	snprintf(
	        text, sizeof(text),
	        "instance: %s\nuser: \"\"\ndataplane_user: \"\"\nworkers: {cpus: [0]}\n"
	        "ports:\n  - {name: p0, driver: loop, device: a, addresses: [192.0.2.1]}\n"
	        "run_dir: %s\nstate_dir: %s/state\ntopology: %s/topology.yaml\n"
	        "node: {name: me, role: gateway, address: 192.0.2.1, operator: We and Co, as: 64511}\n"
	        "test: {clock_ahead: %llums}\n",
	        instance, rig->folder, rig->folder, rig->folder,
	        (unsigned long long)(then_ms - rig_now_ms())
	);
	rig_write(rig, "n.yaml", text);
	snprintf(path, sizeof(path), "%s/n.yaml", rig->folder);
	if (fog_node_create(path, NULL, NULL, &rig->node) < 0)
		abort();
	rig->listener = 0;
	rig->node->directory_fd = rig_listen(&rig->listener, 64);
	if (fog_node_start(rig->node) < 0)
		abort();
}

void rig_forget_key(uint64_t epoch)
{
	fog_epoch_key_destroy(instance, epoch);
}

void rig_tick(struct rig *rig)
{
	node_epochs_tick(rig->node);
	node_directory_tick(rig->node);
	usleep(20000);
}

struct fog_consensus *rig_consensus(
        struct rig *rig, uint64_t epoch, const struct fog_consensus *previous,
        const struct rig_authority *own
)
{
	struct parts *p = rig->parts;
	unsigned count = p->count;

	for (unsigned i = 0; i < count; i++) {
		if (previous != NULL && previous->epoch >= 2) {
			parts_renew(p, &p->node[i], epoch, previous);
			continue;
		}
		parts_mix_keys(&p->node[i].d, epoch, 3);
		parts_sign(&p->node[i]);
	}
	if (own != NULL) {
		memcpy(p->node[count].data, own->data, own->len);
		p->node[count].len = own->len;
		p->count++;
	}
	struct fog_consensus *c = parts_consensus(p, epoch, previous);
	p->count = count;
	if (c == NULL)
		abort();
	return c;
}

void rig_give(struct rig *rig, unsigned i, const struct fog_consensus *c)
{
	pthread_mutex_lock(&rig->authority[i].lock);
	rig->authority[i].consensus = c;
	pthread_mutex_unlock(&rig->authority[i].lock);
}

void rig_answer(struct rig *rig, unsigned i, unsigned status, const char *body)
{
	pthread_mutex_lock(&rig->authority[i].lock);
	rig->authority[i].status = status;
	rig->authority[i].body = body;
	pthread_mutex_unlock(&rig->authority[i].lock);
}

unsigned rig_posts(struct rig *rig, unsigned i)
{
	pthread_mutex_lock(&rig->authority[i].lock);
	unsigned n = rig->authority[i].posts;
	pthread_mutex_unlock(&rig->authority[i].lock);
	return n;
}

unsigned rig_gets(struct rig *rig, unsigned i)
{
	pthread_mutex_lock(&rig->authority[i].lock);
	unsigned n = rig->authority[i].gets;
	pthread_mutex_unlock(&rig->authority[i].lock);
	return n;
}

struct fog_descriptor rig_got(struct rig *rig, unsigned i)
{
	pthread_mutex_lock(&rig->authority[i].lock);
	struct fog_descriptor d = rig->authority[i].got;
	pthread_mutex_unlock(&rig->authority[i].lock);
	return d;
}

struct node_directory_view rig_look(struct rig *rig)
{
	struct node_directory_view v;

	CU_ASSERT_TRUE_FATAL(node_directory_look(rig->node, &v));
	return v;
}

enum node_directory_answer rig_said(struct rig *rig, unsigned i)
{
	return rig_look(rig).authority[i].answer;
}

struct rig_says {
	const char *code, *part;
	bool found;
};

static void rig_hear(void *ctx, const char *code, const char *text)
{
	struct rig_says *s = ctx;

	if (strcmp(code, s->code) == 0 && strstr(text, s->part) != NULL)
		s->found = true;
}

bool rig_unready(struct rig *rig, const char *code, const char *part)
{
	struct rig_says s = {.code = code, .part = part};

	node_unready_directory(rig->node, rig_hear, &s);
	return s.found;
}

bool rig_warns(struct rig *rig, const char *code, const char *part)
{
	struct rig_says s = {.code = code, .part = part};

	node_warn_directory(rig->node, rig_hear, &s);
	node_warn_links(rig->node, rig_hear, &s);
	return s.found;
}
