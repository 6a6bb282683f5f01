// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "manager.h"
#include "manager_conf.h"

static bool retire_destroy(void *object)
{
	return fog_mix_key_destroy_step(object);
}

// Whether the table of a dead key is still being given back, a slice a round.
static bool key_dying(const struct fog_manager *m)
{
	for (const struct fog_retired *r = m->retired; r != NULL; r = r->next)
		if (r->free == retire_destroy)
			return true;
	return false;
}

static bool retire_close(void *object)
{
	fog_mix_key_close(object);
	return false;
}

// Publish another set of keys. Returns 0, or -ENOMEM: nothing has changed.
static int keys_set(struct fog_manager *m, struct fog_mix_key *const *key, unsigned n)
{
	struct manager_key was = m->keys, *k = &m->keys;

	memset(k->alarm, 0, sizeof(k->alarm));
	k->count = n;
	for (unsigned i = 0; i < n; i++) {
		k->conf[i] = k->key[i] = key[i];
		for (unsigned j = 0; j < was.count; j++)
			if (was.key[j] == key[i])
				k->alarm[i] = was.alarm[j];
	}
	int ret = manager_conf_rebuild(m);
	if (ret < 0)
		*k = was;
	else
		manager_key_report(m);
	return ret;
}

static int key_add(struct fog_manager *m, struct fog_mix_key *fresh)
{
	struct fog_mix_key *key[FOG_MIX_KEYS_MAX];
	unsigned n = m->keys.count, at = n;

	while (at > 0 && m->keys.key[at - 1]->epoch > fresh->epoch)
		at--;
	memcpy(key, m->keys.key, at * sizeof(key[0]));
	key[at] = fresh;
	memcpy(key + at + 1, m->keys.key + at, (n - at) * sizeof(key[0]));
	return keys_set(m, key, n + 1);
}

// Whether the keys at hand leave room for this one. Returns 0 (it is here), 1 (to be made) or -errno.
static int key_admit(
        const struct manager_key *k, const struct fog_msg_key *msg, char *text, size_t text_len
)
{
	for (unsigned i = 0; i < k->count; i++) {
		if (k->key[i]->epoch == msg->epoch &&
		    memcmp(k->key[i]->public_key, msg->public_key, 32) == 0)
			return 0;
		// Packets name their epoch by its low byte.
		if ((uint8_t)k->key[i]->epoch == (uint8_t)msg->epoch ||
		    memcmp(k->key[i]->public_key, msg->public_key, 32) == 0) {
			snprintf(
			        text, text_len,
			        "the key of epoch %llu has to go before this one can come: restart "
			        "fog-controlplane",
			        (unsigned long long)k->key[i]->epoch
			);
			return -EEXIST;
		}
	}
	if (k->count < FOG_MIX_KEYS_MAX)
		return 1;
	snprintf(text, text_len, "%u mix keys are here: restart fog-controlplane", k->count);
	return -ENOSPC;
}

int manager_on_key_install(void *ctx, const struct fog_msg_key *msg, char *text, size_t text_len)
{
	struct fog_manager *m = ctx;
	const struct fog_blob_launch *launch = &m->blob->launch;
	struct manager_key *k = &m->keys;
	const struct fog_mix_key_params params = {
	        .replay_dir = launch->replay_dir,
	        .replay_capacity = launch->replay_capacity,
	        .delay_seed = launch->delay_seed,
	        .epoch = msg->epoch,
	        .private_key = msg->private_key,
	        .public_key = msg->public_key,
	        .delay_key = msg->delay_key,
	};
	int ret = key_admit(k, msg, text, text_len);

	if (ret <= 0)
		return ret;
	// Whoever asked for the one that is being made has gone, or the session would not have let this
	// one through: its successor wants the same first, or will ask for it again.
	if (k->making != NULL && k->making->epoch == msg->epoch &&
	    memcmp(k->making->public_key, msg->public_key, 32) == 0)
		return -EINPROGRESS;
	// Its memory is what the new one gets: hosts have room for as many tables as keys may live.
	if (key_dying(m)) {
		snprintf(text, text_len, "the replay table of a dead key is being given back");
		return -EBUSY;
	}
	fog_mix_key_close(k->making);
	k->making = NULL;
	ret = fog_mix_key_begin(&params, &k->making, text, text_len);
	if (ret == 0)
		return -EINPROGRESS;
	LOG_LIMITED(LOG_ERR, "mix key refused: %s", text);
	return ret;
}

bool manager_key_poll(struct fog_manager *m)
{
	struct fog_mix_key *key = m->keys.making;
	char text[200] = "";

	if (key == NULL)
		return key_dying(m);
	int ret = fog_mix_key_step(key, text, sizeof(text));
	if (ret > 0)
		return true;
	m->keys.making = NULL;
	if (ret == 0 && (ret = key_add(m, key)) < 0)
		snprintf(text, sizeof(text), "no memory for the configuration: raise memory.mib");
	if (ret < 0) {
		LOG_LIMITED(LOG_ERR, "mix key refused: %s", text);
		fog_mix_key_close(key);
	} else {
		LOG_LIMITED(
		        LOG_INFO, "mix key of epoch %llu installed, replay table %s with %llu tags",
		        (unsigned long long)key->epoch, key->replay_found ? "found" : "made",
		        (unsigned long long)fog_replay_count(key->replay)
		);
	}
	fog_session_key_done(m->session, ret, text);
	return false;
}

static bool key_listed(const struct fog_mix_key *key, const struct fog_msg_keys_keep *msg)
{
	for (uint32_t i = 0; i < msg->count; i++)
		if (key->epoch == msg->epoch[i] &&
		    memcmp(key->public_key, msg->public_key[i], 32) == 0)
			return true;
	return false;
}

int manager_on_keys_keep(
        void *ctx, const struct fog_msg_keys_keep *msg, char *text, size_t text_len
)
{
	struct fog_manager *m = ctx;
	struct manager_key was = m->keys;
	struct fog_mix_key *stay[FOG_MIX_KEYS_MAX];
	unsigned n = 0;

	if (was.making != NULL && (msg->withhold != 0 || !key_listed(was.making, msg))) {
		fog_mix_key_close(was.making);
		m->keys.making = NULL;
		fog_session_key_done(m->session, -ECANCELED, "the key is not wanted any more");
	}
	for (unsigned i = 0; i < was.count; i++)
		if (msg->withhold == 0 && key_listed(was.key[i], msg))
			stay[n++] = was.key[i];
	if (n < was.count && keys_set(m, stay, n) < 0) {
		snprintf(text, text_len, "no memory for the configuration: raise memory.mib");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < was.count; i++) {
		bool lives = key_listed(was.key[i], msg);
		if (lives && msg->withhold == 0)
			continue;
		LOG_LIMITED(
		        LOG_INFO, "mix key of epoch %llu %s", (unsigned long long)was.key[i]->epoch,
		        lives ? "given up, its replay table stays" : "destroyed"
		);
		manager_retire(m, lives ? retire_close : retire_destroy, was.key[i]);
	}
	fog_mix_key_sweep(
	        m->blob->launch.replay_dir, msg->count, msg->epoch,
	        (const uint8_t(*)[32])msg->public_key
	);
	return 0;
}

static void alarm_tell(struct fog_manager *m, unsigned i, const struct fog_stats_key *s)
{
	unsigned percent = fog_stats_fill(s->replay_count, s->replay_capacity);
	unsigned alarm = percent >= 100 ? 100 : percent >= FOG_REPLAY_ALARM ? FOG_REPLAY_ALARM : 0;

	if (alarm <= m->keys.alarm[i])
		return;
	m->keys.alarm[i] = alarm;
	LOG_WARN(
	        "replay table of epoch %llu is %u %% full, %llu of %llu packets: %s: raise "
	        "replay.capacity or lower workers.max_rate, which counts from the next mix key",
	        (unsigned long long)s->epoch, percent, (unsigned long long)s->replay_count,
	        (unsigned long long)s->replay_capacity,
	        alarm == 100 ? "all others are dropped as replay_full"
	                     : "when it is full all others are dropped as replay_full"
	);
	struct fog_evt evt = {.token = s->epoch, .value = percent};
	fog_session_event(m->session, FOG_EVT_REPLAY_FILL, &evt);
}

void manager_key_report(struct fog_manager *m)
{
	struct fog_stats_key fresh[FOG_MIX_KEYS_MAX] = {0};

	for (unsigned i = 0; i < m->keys.count; i++) {
		const struct fog_mix_key *key = m->keys.key[i];
		fresh[i].epoch = key->epoch;
		memcpy(fresh[i].public_key, key->public_key, 32);
		fresh[i].replay_count = fog_replay_count(key->replay);
		fresh[i].replay_capacity = fog_replay_capacity(key->replay);
		alarm_tell(m, i, &fresh[i]);
	}
	fog_stats_publish(&m->stats->key_sequence, m->stats->key, fresh, sizeof(fresh));
}

void manager_key_close(struct fog_manager *m)
{
	for (unsigned i = 0; i < m->keys.count; i++)
		fog_mix_key_close(m->keys.key[i]);
	fog_mix_key_close(m->keys.making);
	m->keys = (struct manager_key){0};
}
