// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "mixkey.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/delay.h"
#include "log.h"

static void delay_key_init(struct fog_mix_key *k, uint64_t seed)
{
	uint8_t key[32];

	if (seed != 0) {
		fog_delay_key_seeded(&k->delay, seed);
		return;
	}
	randombytes_buf(key, sizeof(key));
	fog_aes_key_init(&k->delay, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
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

// A start that was killed while it made a table leaves PATH.new behind; nobody else makes tables in
// this folder at this moment.
static void replay_sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);
		if (len > 4 && strncmp(e->d_name, "replay-", 7) == 0 &&
		    strcmp(e->d_name + len - 4, ".new") == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

static int replay_open(
        struct fog_mix_key *k, const char *dir, uint64_t capacity, char *text, size_t text_len
)
{
	char path[256], hex[17];
	int ret;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		ret = -errno;
		snprintf(text, text_len, "replay.dir %s: %s", dir, strerror(-ret));
		return ret;
	}
	replay_sweep(dir);
	sodium_bin2hex(hex, sizeof(hex), k->public_key, 8);
	snprintf(path, sizeof(path), "%s/replay-%llu-%s", dir, (unsigned long long)k->epoch, hex);
	ret = fog_replay_open(path, k->public_key, capacity, &k->replay, &k->replay_found);
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

int fog_mix_key_create(
        const char *replay_dir, uint64_t replay_capacity, uint64_t delay_seed, uint64_t epoch,
        const uint8_t private_key[32], const uint8_t public_key[32], struct fog_mix_key **out,
        char *text, size_t text_len
)
{
	uint8_t check[32];
	int ret;

	crypto_scalarmult_base(check, private_key);
	if (sodium_memcmp(check, public_key, sizeof(check)) != 0) {
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
	k->epoch = epoch;
	memcpy(k->private_key, private_key, 32);
	memcpy(k->public_key, public_key, 32);
	delay_key_init(k, delay_seed);
	ret = replay_open(k, replay_dir, replay_capacity, text, text_len);
	if (ret < 0) {
		sodium_free(k);
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

void fog_mix_key_destroy(struct fog_mix_key *k)
{
	if (k == NULL)
		return;
	int ret = fog_replay_destroy(k->replay);
	if (ret < 0)
		LOG_WARN(
		        "a dead key's replay table stays in replay.dir: %s: remove the file "
		        "replay-* "
		        "that is older than the others",
		        strerror(-ret)
		);
	sodium_free(k);
}
