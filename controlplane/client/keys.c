// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_FILE "key"

enum { KEYS_SEED = 32 };

// Write the whole seed under another name and link it to its own, if that is free: whoever comes second
// takes the first one's.
static int keys_make(int dir, uint8_t *seed)
{
	char temporary[40];
	int r = 0;

	snprintf(temporary, sizeof(temporary), ".key.%u", (unsigned)getpid());
	unlinkat(dir, temporary, 0); // of one that was killed
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	randombytes_buf(seed, KEYS_SEED);
	ssize_t written = write(fd, seed, KEYS_SEED);
	if (written != KEYS_SEED)
		r = written < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && linkat(dir, temporary, dir, KEYS_FILE, 0) < 0 && errno != EEXIST)
		r = -errno;
	unlinkat(dir, temporary, 0);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r;
}

static int keys_read(int dir, uint8_t *seed, char *text, size_t text_len)
{
	int fd = openat(dir, KEYS_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
	} else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		snprintf(
		        text, text_len,
		        "the key of the client's folder is open to others: chown %u and chmod 600 it",
		        geteuid()
		);
		r = -EPERM;
	} else if (st.st_size != KEYS_SEED || read(fd, seed, KEYS_SEED) != KEYS_SEED) {
		snprintf(
		        text, text_len,
		        "the key of the client's folder has not %d bytes: put a backup there, or begin "
		        "with a new folder",
		        KEYS_SEED
		);
		r = -EBADMSG;
	}
	close(fd);
	return r;
}

static void keys_derive(const uint8_t *seed, const char *label, uint8_t out[32])
{
	crypto_generichash(out, 32, (const uint8_t *)label, strlen(label), seed, KEYS_SEED);
}

int client_keys_open(int dir, struct client_keys **out, char *text, size_t text_len)
{
	struct client_keys *k = calloc(1, sizeof(*k));
	uint8_t *seed = sodium_malloc(KEYS_SEED);
	int r = -ENOMEM;

	text[0] = '\0';
	if (k != NULL)
		k->secret = sodium_malloc(sizeof(*k->secret));
	if (k == NULL || seed == NULL || k->secret == NULL)
		goto err;
	r = keys_read(dir, seed, text, text_len);
	if (r == -ENOENT) {
		r = keys_make(dir, seed);
		if (r == 0)
			r = keys_read(dir, seed, text, text_len);
	}
	if (r < 0)
		goto err;
	keys_derive(seed, "fogline client link key v1", k->secret->link_private);
	keys_derive(seed, "fogline client mail key v1", k->secret->mail_private);
	keys_derive(seed, "fogline client store key v1", k->secret->store_key);
	crypto_scalarmult_base(k->link_public, k->secret->link_private);
	crypto_scalarmult_base(k->mail_public, k->secret->mail_private);
	sodium_free(seed);
	*out = k;
	return 0;
err:
	if (text[0] == '\0')
		snprintf(
		        text, text_len, "the client's key: %s%s", strerror(-r),
		        r == -ENOSPC || r == -EDQUOT ? ": free some space" : ""
		);
	sodium_free(seed);
	client_keys_close(k);
	return r;
}

void client_keys_close(struct client_keys *k)
{
	if (k == NULL)
		return;
	sodium_free(k->secret);
	free(k);
}
