// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "seal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_LEN = 32, NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };

static_assert(SEAL_MORE == NONCE_LEN + crypto_aead_xchacha20poly1305_ietf_ABYTES);

struct seal {
	uint8_t box[KEY_LEN], hash[KEY_LEN];
};

static void seal_derive(uint8_t out[KEY_LEN], const uint8_t key[KEY_LEN], const char *purpose)
{
	crypto_generichash(out, KEY_LEN, (const uint8_t *)purpose, strlen(purpose), key, KEY_LEN);
}

static int key_sync_folder(const char *path)
{
	char folder[4096];
	int r = 0;

	if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
		return -ENAMETOOLONG;
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		return 0;
	slash[slash == folder] = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

// The file gets its name when it is whole, so nobody ever reads half a key, and of two who make one the first wins.
static int key_make(const char *path)
{
	uint8_t key[KEY_LEN];
	char part[4096];
	int r = 0;

	if ((size_t)snprintf(part, sizeof(part), "%s.%d.new", path, getpid()) >= sizeof(part))
		return -ENAMETOOLONG;
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	randombytes_buf(key, sizeof(key));
	ssize_t n = write(fd, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
	if (n != KEY_LEN)
		r = n < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) < 0 &&
	    errno != EEXIST)
		r = -errno;
	unlink(part); // is there no more when it has got its name
	return r == 0 ? key_sync_folder(path) : r;
}

// One byte more than a key has, to see that there is none.
static int key_read(const char *path, uint8_t key[KEY_LEN + 1])
{
	struct stat st;
	int r = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077) != 0)
		r = -EPERM;
	else if (read(fd, key, KEY_LEN + 1) != KEY_LEN)
		r = -EINVAL;
	close(fd);
	return r;
}

static int key_say(const char *path, int r, char *error, size_t len)
{
	if (r == -EPERM)
		snprintf(
		        error, len,
		        "%s: the platform's key must be closed to everybody but its owner: chown it to user %u and chmod 0600 it",
		        path, geteuid()
		);
	else if (r == -EINVAL)
		snprintf(
		        error, len,
		        "%s: the platform's key has %d bytes, this file has not: put it back from the backup",
		        path, KEY_LEN
		);
	else if (r == -ENOENT)
		snprintf(
		        error, len,
		        "%s: the key that made this store is missing: put it back from the backup, or copy it from another control plane",
		        path
		);
	else
		snprintf(
		        error, len,
		        "%s: cannot read the platform's key: %s: give its folder to user %u", path,
		        strerror(-r), geteuid()
		);
	return r;
}

int seal_open(struct seal **out, const char *path, bool make, char *error, size_t error_len)
{
	uint8_t *key = sodium_malloc(KEY_LEN + 1);
	struct seal *s = sodium_malloc(sizeof(*s));
	int r = -ENOMEM;

	if (key == NULL || s == NULL) {
		snprintf(
		        error, error_len,
		        "no locked memory for the platform's key: raise LimitMEMLOCK"
		);
		goto out;
	}
	r = key_read(path, key);
	if (r == -ENOENT && make) {
		r = key_make(path);
		if (r == 0)
			r = key_read(path, key);
	}
	if (r < 0) {
		key_say(path, r, error, error_len);
		goto out;
	}
	seal_derive(s->box, key, "fogline platform seal");
	seal_derive(s->hash, key, "fogline platform hash");
	*out = s;
	s = NULL;
out:
	sodium_free(key);
	sodium_free(s);
	return r;
}

void seal_close(struct seal *s)
{
	sodium_free(s);
}

void seal_box(
        const struct seal *s, const char *context, const uint8_t *plain, size_t len, uint8_t *out
)
{
	randombytes_buf(out, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	        out + NONCE_LEN, NULL, plain, len, (const uint8_t *)context, strlen(context), NULL,
	        out, s->box
	);
}

int seal_unbox(
        const struct seal *s, const char *context, const uint8_t *box, size_t len, uint8_t *out
)
{
	if (len < SEAL_MORE)
		return -EBADMSG;
	int r = crypto_aead_xchacha20poly1305_ietf_decrypt(
	        out, NULL, NULL, box + NONCE_LEN, len - NONCE_LEN, (const uint8_t *)context,
	        strlen(context), box, s->box
	);
	return r == 0 ? 0 : -EBADMSG;
}

void seal_hash(
        const struct seal *s, const char *context, const void *data, size_t len, uint8_t *out,
        size_t out_len
)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, s->hash, sizeof(s->hash), out_len);
	// With its NUL, so that no context is the beginning of another one with its data.
	crypto_generichash_update(&st, (const uint8_t *)context, strlen(context) + 1);
	crypto_generichash_update(&st, data, len);
	crypto_generichash_final(&st, out, out_len);
	sodium_memzero(&st, sizeof(st));
}
