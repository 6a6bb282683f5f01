// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The mix keys that the data plane is to have: first it hears which live, then it gets those that it
// lacks, one at a time.
#include <sodium.h>
#include <stdio.h>

#include "../log/log.h"
#include "dpclient_internal.h"

// Everything is to be said again. Under the lock.
static void keys_unsettle(struct fog_dpclient *c)
{
	for (unsigned i = 0; i < c->keys->n; i++) {
		c->keys->ack[i] = (struct fog_dpclient_ack){.status = -EINPROGRESS};
		c->keys->wait_ms[i] = c->keys->due_ms[i] = 0;
	}
	c->keep_due = c->keys_known;
	c->key_retry_ms = 0;
}

static int keys_check(const struct fog_dpclient_key *keys, unsigned n)
{
	if (n > FOG_MIX_KEYS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			if ((uint8_t)keys[i].epoch == (uint8_t)keys[j].epoch)
				return -EINVAL;
	return 0;
}

static bool key_named(const struct fog_dpclient *c, const uint8_t id[32])
{
	for (unsigned i = 0; i < c->keys->n; i++)
		if (memcmp(c->keys->msg[i].public_key, id, 32) == 0)
			return true;
	return false;
}

static bool key_wanted(const struct fog_dpclient *c, const uint8_t id[32])
{
	return !c->keys_withheld && key_named(c, id);
}

static bool key_in_force(const struct fog_dpclient *c, const uint8_t id[32])
{
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++)
		if (memcmp(c->status.key_id[i], id, 32) == 0)
			return true;
	return false;
}

int fog_dpclient_keys_set(struct fog_dpclient *c, const struct fog_dpclient_key *keys, unsigned n)
{
	int ret = keys_check(keys, n);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&c->lock);
	struct dpclient_keys *k = c->keys;
	// Then what is there is known, and stays when it is in the new set.
	bool sure = c->status.state == FOG_DPCLIENT_ATTACHED && !c->keys_withheld && !c->keep_due &&
	        c->key_asked != REQUEST_KEEP;
	sodium_memzero(k, sizeof(*k));
	for (unsigned i = 0; i < n; i++) {
		struct fog_msg_key *m = &k->msg[i];
		m->h = (struct fog_msg_header){.type = FOG_MSG_KEY_INSTALL, .size = sizeof(*m)};
		m->epoch = keys[i].epoch;
		memcpy(m->private_key, keys[i].private_key, 32);
		memcpy(m->public_key, keys[i].public_key, 32);
		memcpy(m->delay_key, keys[i].delay_key, 32);
	}
	k->n = n;
	c->keys_known = true;
	keys_unsettle(c);
	for (unsigned i = 0; i < n && sure; i++)
		if (key_in_force(c, keys[i].public_key))
			k->ack[i].status = 0;
	pthread_mutex_unlock(&c->lock);
	dpclient_kick(c);
	return 0;
}

void fog_dpclient_keys_withhold(struct fog_dpclient *c, bool withhold)
{
	pthread_mutex_lock(&c->lock);
	if (c->keys_withheld != withhold) {
		c->keys_withheld = withhold;
		keys_unsettle(c);
	}
	pthread_mutex_unlock(&c->lock);
	dpclient_kick(c);
}

void fog_dpclient_key_ack(
        struct fog_dpclient *c, const uint8_t public_key[32], struct fog_dpclient_ack *out
)
{
	*out = (struct fog_dpclient_ack){.status = -ENODATA};
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; !c->keys_withheld && i < c->keys->n; i++)
		if (memcmp(c->keys->msg[i].public_key, public_key, 32) == 0)
			*out = c->keys->ack[i];
	pthread_mutex_unlock(&c->lock);
}

void dpclient_keys_forget(struct fog_dpclient *c)
{
	c->key_asked = REQUEST_NONE;
	keys_unsettle(c);
}

// A key that is on its way is as good as there, and after an attach what is there is only known for sure
// when KEYS_KEEP has been answered: a table that was being made may have brought one more key.
bool fog_dpclient_key_gone(struct fog_dpclient *c, const uint8_t public_key[32])
{
	pthread_mutex_lock(&c->lock);
	bool asked = c->key_asked == REQUEST_KEEP ||
	        (c->key_asked == REQUEST_INSTALL && memcmp(c->key_asked_id, public_key, 32) == 0);
	bool gone = c->status.state == FOG_DPCLIENT_ATTACHED && c->keys_known && !c->keep_due &&
	        !asked && !key_named(c, public_key) && !key_in_force(c, public_key);
	pthread_mutex_unlock(&c->lock);
	return gone;
}

static void keep_answered(struct fog_dpclient *c, const struct fog_msg_ack *m)
{
	unsigned n = 0;

	if (m->status < 0) {
		LOG_WARN(
		        "the data plane keeps keys that are to be destroyed: %.*s",
		        (int)sizeof(m->text) - 1, m->text
		);
		c->keep_due = true; // until it is done: what is dead must not stay
		c->key_retry_ms = fog_now_ms() + DPCLIENT_KEY_RETRY_MS;
		return;
	}
	// A set that came meanwhile is sent next, and may want what this one did not.
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++)
		if (c->keys_kept & 1u << i)
			memmove(c->status.key_id[n++], c->status.key_id[i], 32);
	memset(c->status.key_id[n], 0, (FOG_MIX_KEYS_MAX - n) * sizeof(c->status.key_id[0]));
}

// Room for a key's replay table may come: a file is removed, another process ends.
static bool key_lacks_room(int status)
{
	return status == -ENOSPC || status == -ENOMEM;
}

static void key_later(struct fog_dpclient *c, unsigned i)
{
	struct dpclient_keys *k = c->keys;
	uint64_t wait = 2 * k->wait_ms[i];

	if (wait < DPCLIENT_KEY_WAIT_MIN_MS)
		wait = DPCLIENT_KEY_WAIT_MIN_MS;
	k->wait_ms[i] = wait < DPCLIENT_KEY_WAIT_MAX_MS ? wait : DPCLIENT_KEY_WAIT_MAX_MS;
	k->due_ms[i] = fog_now_ms() + k->wait_ms[i];
	if (!c->key_room_told)
		LOG_WARN(
		        "the data plane has no room for the mix key of epoch %llu: %s; it is asked "
		        "again until it has",
		        (unsigned long long)k->msg[i].epoch, k->ack[i].text
		);
	c->key_room_told = true;
}

static void install_answered(struct fog_dpclient *c, const struct fog_msg_ack *m)
{
	if (m->status >= 0 && !key_in_force(c, c->key_asked_id))
		for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++)
			if (sodium_is_zero(c->status.key_id[i], 32)) {
				memcpy(c->status.key_id[i], c->key_asked_id, 32);
				break;
			}
	if (m->status == -EBUSY)
		c->key_retry_ms = fog_now_ms() + DPCLIENT_KEY_RETRY_MS;
	for (unsigned i = 0; i < c->keys->n; i++) {
		struct fog_dpclient_ack *ack = &c->keys->ack[i];
		if (memcmp(c->keys->msg[i].public_key, c->key_asked_id, 32) != 0)
			continue;
		// A set that came meanwhile is asked about anew.
		if (!c->keep_due && m->status != -EBUSY)
			ack->status = m->status < 0 ? m->status : 0;
		snprintf(ack->text, sizeof(ack->text), "%.*s", (int)sizeof(m->text) - 1, m->text);
		if (key_lacks_room(m->status))
			key_later(c, i);
		else if (m->status >= 0)
			c->key_room_told = false;
	}
}

int dpclient_key_answered(struct fog_dpclient *c, const struct fog_msg_ack *m)
{
	if (c->key_asked == REQUEST_NONE)
		return -EPROTO;
	if (c->key_asked == REQUEST_KEEP)
		keep_answered(c, m);
	else
		install_answered(c, m);
	c->key_asked = REQUEST_NONE;
	return 0;
}

static int keep_send(struct fog_dpclient *c)
{
	struct fog_msg_keys_keep m = {
	        .h = {.type = FOG_MSG_KEYS_KEEP, .size = sizeof(m)},
	        .count = c->keys->n,
	        .withhold = c->keys_withheld,
	};

	for (unsigned i = 0; i < c->keys->n; i++) {
		m.epoch[i] = c->keys->msg[i].epoch;
		memcpy(m.public_key[i], c->keys->msg[i].public_key, 32);
	}
	c->keys_kept = 0;
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++)
		c->keys_kept |= (unsigned)key_wanted(c, c->status.key_id[i]) << i;
	c->keep_due = false;
	c->key_asked = REQUEST_KEEP;
	return fog_sock_send(c->sock, &m, sizeof(m), NULL, 0);
}

int dpclient_keys_sync(struct fog_dpclient *c)
{
	if (c->key_asked != REQUEST_NONE)
		return 0;
	if (c->keep_due)
		return fog_now_ms() < c->key_retry_ms ? 0 : keep_send(c);
	for (unsigned i = 0; !c->keys_withheld && i < c->keys->n; i++) {
		const struct fog_msg_key *m = &c->keys->msg[i];
		int status = c->keys->ack[i].status;
		if (status != -EINPROGRESS && !key_lacks_room(status))
			continue;
		if (key_in_force(c, m->public_key)) {
			c->keys->ack[i].status = 0;
			continue;
		}
		if (fog_now_ms() < c->keys->due_ms[i])
			continue; // there may be room for another one
		if (fog_now_ms() < c->key_retry_ms)
			return 0;
		c->key_asked = REQUEST_INSTALL;
		memcpy(c->key_asked_id, m->public_key, 32);
		return fog_sock_send(c->sock, m, sizeof(*m), NULL, 0);
	}
	return 0;
}
