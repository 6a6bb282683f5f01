// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "key_rig.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "../../../dataplane/manager_conf.h"

enum { EPOCHS = 64, SLICES_MAX = 16 };

static int config(void *ctx, const void *blob, size_t len, char *text, size_t text_len)
{
	return -EPROTO; // nobody is attached
}

static void session_make(struct key_rig *k)
{
	static const struct fog_session_ops ops = {.config = config};
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fogt-keys-%d.sock", (int)getpid());
	struct fog_session_params params = {
	        .socket_path = path,
	        .allowed_uid = geteuid(),
	        .group_gid = getegid(),
	        .worker_count = 1,
	        .deliver_slots = 2,
	        .deliver_len = sizeof(struct fog_deliver),
	        .inject_slots = 2,
	        .inject_len = sizeof(struct fog_inject),
	        .build = "test",
	};
	CU_ASSERT_EQUAL_FATAL(
	        fog_session_create(&params, &ops, k->m, &k->m->session, &k->m->stats), 0
	);
}

struct key_rig *key_rig_create(uint64_t replay_capacity)
{
	struct key_rig *k = calloc(1, sizeof(*k));
	struct fog_manager *m = calloc(1, sizeof(*m));

	k->m = m;
	k->rig = rig_create(RIG_NO_KEY, 512);
	snprintf(k->dir, sizeof(k->dir), "%s", k->rig->replay_dir);
	struct fog_blob_launch *launch = &k->rig->blob->launch;
	snprintf(launch->replay_dir, sizeof(launch->replay_dir), "%s", k->dir);
	launch->replay_capacity = replay_capacity;
	m->qsbr = calloc(1, rte_rcu_qsbr_get_memsize(1));
	rte_rcu_qsbr_init(m->qsbr, 1);
	m->geo = k->rig->w->geo;
	m->payload_len = (uint16_t)m->geo.packet_len;
	m->ports[0] = k->rig->port;
	m->port_count = 1;
	m->workers[0] = k->rig->w;
	m->worker_count = 1;
	m->blob = k->rig->blob;
	k->rig->w->qsbr = m->qsbr;
	session_make(k);
	CU_ASSERT_EQUAL_FATAL(manager_conf_rebuild(m), 0);
	return k;
}

bool key_rig_retire(struct key_rig *k)
{
	for (unsigned i = 0; i < SLICES_MAX && k->m->retired != NULL; i++)
		manager_retired_poll(k->m);
	return k->m->retired != NULL;
}

void key_rig_destroy(struct key_rig *k)
{
	struct fog_manager *m = k->m;

	key_rig_keep(k, 0, NULL, false);
	CU_ASSERT_FALSE(key_rig_retire(k));
	CU_ASSERT_EQUAL(rmdir(k->dir), 0); // nothing is left
	fog_conf_free(m->conf);
	fog_session_destroy(m->session);
	rig_destroy(k->rig);
	free(m->qsbr);
	free(m);
	free(k);
}

struct fog_msg_key key_rig_key(uint64_t epoch)
{
	static struct fog_msg_key key[EPOCHS];
	struct fog_msg_key *m = &key[epoch % EPOCHS];

	if (m->h.size == 0) {
		m->h = (struct fog_msg_header){FOG_MSG_KEY_INSTALL, sizeof(*m)};
		randombytes_buf(m->private_key, sizeof(m->private_key));
		randombytes_buf(m->delay_key, sizeof(m->delay_key));
		crypto_scalarmult_base(m->public_key, m->private_key);
	}
	struct fog_msg_key found = *m;
	found.epoch = epoch;
	return found;
}

int key_rig_begin(struct key_rig *k, uint64_t epoch)
{
	struct fog_msg_key m = key_rig_key(epoch);
	char text[204] = "";
	int ret = manager_on_key_install(k->m, &m, text, sizeof(text));

	CU_ASSERT_EQUAL(text[0] != '\0', ret < 0 && ret != -EINPROGRESS); // names the mend
	return ret;
}

unsigned key_rig_install(struct key_rig *k, uint64_t epoch)
{
	unsigned slices = 1;

	CU_ASSERT_EQUAL(key_rig_begin(k, epoch), -EINPROGRESS);
	while (manager_key_poll(k->m))
		slices++;
	CU_ASSERT_EQUAL(key_rig_begin(k, epoch), 0); // it is there
	return slices;
}

void key_rig_keep(struct key_rig *k, unsigned n, const uint64_t *epoch, bool withhold)
{
	struct fog_msg_keys_keep m = {.count = n, .withhold = withhold};
	char text[204] = "";

	for (unsigned i = 0; i < n; i++) {
		struct fog_msg_key key = key_rig_key(epoch[i]);
		m.epoch[i] = epoch[i];
		memcpy(m.public_key[i], key.public_key, 32);
	}
	CU_ASSERT_EQUAL(manager_on_keys_keep(k->m, &m, text, sizeof(text)), 0);
	key_rig_retire(k);
}

const char *key_rig_table(uint64_t epoch)
{
	static char name[64];
	struct fog_msg_key key = key_rig_key(epoch);
	char hex[17];

	sodium_bin2hex(hex, sizeof(hex), key.public_key, 8);
	snprintf(name, sizeof(name), "replay-%llu-%s", (unsigned long long)epoch, hex);
	return name;
}

bool key_rig_file(const struct key_rig *k, const char *name, const char *suffix)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s%s", k->dir, name, suffix);
	return access(path, F_OK) == 0;
}

void key_rig_packet(struct key_rig *k, uint64_t epoch, uint8_t packet[KEY_PACKET])
{
	struct fog_msg_key key = key_rig_key(epoch);

	memcpy(k->rig->public_key[0], key.public_key, 32);
	rig_packet(k->rig, 1, packet);
}

bool key_rig_inject(struct key_rig *k, uint64_t epoch, const uint8_t packet[KEY_PACKET])
{
	struct fog_inject in = {.data_len = KEY_PACKET, .epoch = (uint8_t)epoch};
	int err;
	uint8_t *at = fog_ring_reserve(&k->rig->inject, &err);

	if (at == NULL)
		return false;
	memcpy(at, &in, sizeof(in));
	memcpy(at + sizeof(in), packet, KEY_PACKET);
	fog_ring_commit(&k->rig->inject, FOG_INJECT_UNWRAP, (uint32_t)sizeof(in) + KEY_PACKET);
	return true;
}
