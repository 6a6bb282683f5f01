// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "mixkey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/delay.h"
#include "log.h"

enum { TABLE_NAME_LEN = 64 };

static void delay_key_init(struct fog_mix_key *k, uint64_t seed, const uint8_t *from)
{
	uint8_t key[32];

	if (seed != 0) {
		fog_delay_key_seeded(&k->delay, seed);
		return;
	}
	if (from != NULL && !sodium_is_zero(from, sizeof(key)))
		memcpy(key, from, sizeof(key));
	else
		randombytes_buf(key, sizeof(key));
	fog_aes_key_init(&k->delay, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
}

static void table_name(char name[TABLE_NAME_LEN], uint64_t epoch, const uint8_t public_key[32])
{
	char hex[17];

	sodium_bin2hex(hex, sizeof(hex), public_key, 8);
	snprintf(name, TABLE_NAME_LEN, "replay-%llu-%s", (unsigned long long)epoch, hex);
}

static const char *replay_mend(int err)
{
	switch (err) {
	case -ENOTSUP:
		return "is not on tmpfs or hugetlbfs: set replay.dir to one";
	case -ESTALE:
		return "belongs to another key: remove the file, its key is gone";
	case -EBADMSG:
		// Without its table every packet of a living key could be sent again.
		return "is damaged or of another version, but its key may live: get a new mix key "
		       "(reboot) before you remove the file, or replays pass";
	case -EPERM:
		return "is not owned by us with mode 0600: remove it";
	case -EBUSY:
		return "is in use by another fog-dataplane: one instance, one replay.dir";
	case -ENOSPC:
	case -ENOMEM:
		return "does not fit: lower replay.capacity or give its file system more room";
	default:
		return strerror(-err);
	}
}

// Whether 'name' is a table of one of the keys, whole or a draft.
static bool table_lives(
        const char *name, unsigned n, const uint64_t epoch[], const uint8_t public_key[][32]
)
{
	char living[TABLE_NAME_LEN];

	for (unsigned i = 0; i < n; i++) {
		table_name(living, epoch[i], public_key[i]);
		if (strcmp(name, living) == 0)
			return true;
	}
	return false;
}

// Whoever has a table open holds its lock: a key of ours on its way out, or a data plane that was
// given the same folder.
static void table_remove(int dir, const char *replay_dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return;
	}
	if (unlinkat(dir, name, 0) < 0)
		LOG_WARN(
		        "a dead key's replay table %s/%s stays: %s: remove it", replay_dir, name,
		        strerror(errno)
		);
	else
		LOG_INFO("a dead key's replay table %s/%s is removed", replay_dir, name);
	if (fd >= 0)
		close(fd);
}

void fog_mix_key_sweep(
        const char *replay_dir, unsigned n, const uint64_t epoch[], const uint8_t public_key[][32]
)
{
	DIR *d = opendir(replay_dir);
	struct dirent *e;

	if (d == NULL) // there is none yet
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "replay-", 7) == 0 &&
		    !table_lives(e->d_name, n, epoch, public_key))
			table_remove(dirfd(d), replay_dir, e->d_name);
	closedir(d);
}

static int replay_begin(
        struct fog_mix_key *k, const char *dir, uint64_t capacity, char *text, size_t text_len
)
{
	char path[256], name[TABLE_NAME_LEN];
	int ret;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		ret = -errno;
		snprintf(text, text_len, "replay.dir %s: %s", dir, strerror(-ret));
		return ret;
	}
	table_name(name, k->epoch, k->public_key);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ret = fog_replay_begin(path, k->public_key, capacity, &k->replay, &k->replay_found);
	if (ret < 0)
		snprintf(text, text_len, "replay table %s %s", path, replay_mend(ret));
	else if (fog_replay_capacity(k->replay) != capacity)
		LOG_LIMITED(
		        LOG_WARN,
		        "replay table %s keeps the room for %llu packets that this mix key began with; "
		        "the new capacity of %llu counts from the next mix key",
		        path, (unsigned long long)fog_replay_capacity(k->replay),
		        (unsigned long long)capacity
		);
	return ret;
}

int fog_mix_key_begin(
        const struct fog_mix_key_params *p, struct fog_mix_key **out, char *text, size_t text_len
)
{
	uint8_t check[32];
	int ret;

	crypto_scalarmult_base(check, p->private_key);
	if (sodium_memcmp(check, p->public_key, sizeof(check)) != 0) {
		snprintf(text, text_len, "public key does not belong to the private key");
		return -EINVAL;
	}
	// Guard pages leave the object unaligned at its start; the AES rounds want 16 bytes.
	struct fog_mix_key *k = sodium_malloc((sizeof(*k) + 15u) & ~(size_t)15);
	if (k == NULL) {
		snprintf(
		        text, text_len, "no locked memory for the mix key: raise the memlock limit"
		);
		return -ENOMEM;
	}
	memset(k, 0, sizeof(*k));
	k->epoch = p->epoch;
	memcpy(k->private_key, p->private_key, 32);
	memcpy(k->public_key, p->public_key, 32);
	delay_key_init(k, p->delay_seed, p->delay_key);
	ret = replay_begin(k, p->replay_dir, p->replay_capacity, text, text_len);
	if (ret < 0) {
		sodium_free(k);
		return ret;
	}
	*out = k;
	return 0;
}

int fog_mix_key_step(struct fog_mix_key *k, char *text, size_t text_len)
{
	int ret = fog_replay_step(k->replay);

	if (ret < 0)
		snprintf(
		        text, text_len, "replay table of epoch %llu %s",
		        (unsigned long long)k->epoch, replay_mend(ret)
		);
	return ret;
}

int fog_mix_key_create(
        const struct fog_mix_key_params *p, struct fog_mix_key **out, char *text, size_t text_len
)
{
	struct fog_mix_key *k;
	int ret = fog_mix_key_begin(p, &k, text, text_len);

	if (ret < 0)
		return ret;
	while ((ret = fog_mix_key_step(k, text, text_len)) > 0)
		continue;
	if (ret < 0) {
		fog_mix_key_close(k);
		return ret;
	}
	*out = k;
	return 0;
}

void fog_mix_key_close(struct fog_mix_key *k)
{
	if (k == NULL)
		return;
	fog_replay_close(k->replay);
	sodium_free(k); // wipes
}

bool fog_mix_key_destroy_step(struct fog_mix_key *k)
{
	if (k == NULL)
		return false;
	struct fog_replay *table = k->replay;
	sodium_memzero(k, sizeof(*k));
	k->replay = table;
	int ret = fog_replay_destroy_step(table);
	if (ret > 0)
		return true;
	if (ret < 0)
		LOG_WARN(
		        "a dead key's replay table stays in replay.dir: %s: remove the file "
		        "replay-* "
		        "that is older than the others",
		        strerror(-ret)
		);
	sodium_free(k);
	return false;
}

void fog_mix_key_destroy(struct fog_mix_key *k)
{
	while (fog_mix_key_destroy_step(k))
		continue;
}
