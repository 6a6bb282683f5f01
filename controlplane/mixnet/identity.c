// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "testkeys.h"

#define IDENTITY_KEY "identity.key"
#define IDENTITY_PUB "identity.pub"

enum { IDENTITY_LEN = crypto_sign_SECRETKEYBYTES }; // seed and public key

struct identity_text {
	const char *dir;
	char *text;
	size_t len;
};

__attribute__((format(printf, 3, 4))) static int identity_fail(
        const struct identity_text *t, int error, const char *format, ...
)
{
	int n = snprintf(t->text, t->len, "%s: ", t->dir);
	va_list args;

	va_start(args, format);
	if (n >= 0 && (size_t)n < t->len)
		vsnprintf(t->text + n, t->len - (size_t)n, format, args);
	va_end(args);
	return error;
}

void fog_identity_node_id(const uint8_t public_key[32], uint8_t node_id[FOG_ID_LEN])
{
	crypto_generichash(node_id, FOG_ID_LEN, public_key, 32, NULL, 0);
}

// Like mkdir -p: only the last folder is ours, so only that one is closed to others.
static int identity_mkdir(const char *dir)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(path, 0711) < 0)
		return errno == EEXIST ? 0 : -errno;
	// Whatever the umask: the control plane's own folder below has to be reached.
	return chmod(path, 0711) < 0 ? -errno : 0;
}

// Open the folder, made when it is missing. Nobody else may be able to put files into it.
static int identity_dir(const struct identity_text *t)
{
	struct stat st;

	int ret = identity_mkdir(t->dir);
	if (ret < 0)
		return identity_fail(
		        t, ret, "cannot be made: %s: choose another state_dir", strerror(-ret)
		);
	int fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int error = -errno;
		if (fd >= 0)
			close(fd);
		return identity_fail(t, error, "cannot be opened: %s", strerror(-error));
	}
	if (st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		return fd;
	close(fd);
	return identity_fail(
	        t, -EPERM,
	        "owner %u, mode %04o: others could change the identity: chown %u and chmod 711 it",
	        st.st_uid, st.st_mode & 07777, geteuid()
	);
}

// Lock the folder itself: the lock goes with the process, whatever its end.
static int identity_lock(const struct identity_text *t, int dir)
{
	if (flock(dir, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return identity_fail(
		        t, -EBUSY,
		        "another control plane uses this folder: stop it, or give each instance "
		        "its own state_dir"
		);
	return identity_fail(t, -errno, "cannot be locked: %s", strerror(errno));
}

static int write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

// Write a whole file under another name, then give it its name if that is free: there is never half
// a key, and never a second one. The folder is locked, so the other name is nobody else's.
static int file_create(
        int dir, const char *name, const void *data, size_t len, mode_t mode, bool replace
)
{
	char temporary[32];
	int ret, fd;

	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	unlinkat(dir, temporary, 0); // of a start that was killed
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	ret = fchmod(fd, mode) < 0 ? -errno : write_all(fd, data, len);
	close(fd);
	if (ret == 0 && renameat2(dir, temporary, dir, name, replace ? 0 : RENAME_NOREPLACE) < 0)
		ret = -errno;
	if (ret == 0 && fsync(dir) < 0)
		ret = -errno;
	if (ret < 0)
		unlinkat(dir, temporary, 0);
	return ret;
}

// Read exactly 'len' bytes. Returns 0, -ENOENT, -EPERM, -EBADMSG, -errno, explained.
static int key_read(const struct identity_text *t, int dir, uint8_t *key)
{
	struct stat st;
	int ret = 0, fd = openat(dir, IDENTITY_KEY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		ret = identity_fail(t, -errno, IDENTITY_KEY " cannot be read: %s", strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		ret = identity_fail(
		        t, -EPERM,
		        IDENTITY_KEY
		        " has owner %u and mode %04o: if nobody else has read it, chown %u and "
		        "chmod 600 it",
		        st.st_uid, st.st_mode & 07777, geteuid()
		);
	else if (st.st_size != IDENTITY_LEN || read(fd, key, IDENTITY_LEN) != IDENTITY_LEN)
		ret = identity_fail(
		        t, -EBADMSG,
		        IDENTITY_KEY
		        " has %lld bytes, not %d: restore it from your backup; without one, move "
		        "it away and the node becomes a new one",
		        (long long)st.st_size, IDENTITY_LEN
		);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int key_create(const struct identity_text *t, int dir, uint8_t *key)
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];

	crypto_sign_keypair(public_key, key);
	int ret = file_create(dir, IDENTITY_KEY, key, IDENTITY_LEN, 0600, false);
	if (ret < 0)
		return identity_fail(t, ret, IDENTITY_KEY " cannot be made: %s", strerror(-ret));
	return 0;
}

// The file holds seed and public key; a public key that isn't the seed's means a damaged file.
static int key_check(const struct identity_text *t, const uint8_t *key)
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
	uint8_t *derived = sodium_malloc(IDENTITY_LEN);

	if (derived == NULL)
		return identity_fail(t, -ENOMEM, "no memory");
	crypto_sign_seed_keypair(public_key, derived, key);
	int same = sodium_memcmp(derived, key, IDENTITY_LEN);
	sodium_free(derived);
	if (same == 0)
		return 0;
	return identity_fail(
	        t, -EBADMSG,
	        IDENTITY_KEY
	        " is damaged: restore it from your backup; without one, move it away and the "
	        "node becomes a new one"
	);
}

static int public_write(const struct identity_text *t, int dir, const uint8_t public_key[32])
{
	char line[2 * 32 + 2];

	sodium_bin2hex(line, sizeof(line), public_key, 32);
	line[64] = '\n';
	int ret = file_create(dir, IDENTITY_PUB, line, 65, 0644, true);
	return ret < 0
	        ? identity_fail(t, ret, IDENTITY_PUB " cannot be written: %s", strerror(-ret))
	        : 0;
}

static int key_derive(const struct identity_text *t, int dir, uint64_t seed, uint8_t *key)
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES], bytes[crypto_sign_SEEDBYTES];

	if (faccessat(dir, IDENTITY_KEY, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return identity_fail(
		        t, -EEXIST,
		        IDENTITY_KEY " is a real node's, and test.key_seed would put a key that "
		                     "everybody knows in its place: give the test another "
		                     "state_dir, or remove test.key_seed"
		);
	fog_test_identity_seed(seed, bytes);
	crypto_sign_seed_keypair(public_key, key, bytes);
	return 0;
}

static void identity_label(const uint8_t seed[32], const char *label, uint8_t out[32])
{
	crypto_generichash(out, 32, (const uint8_t *)label, strlen(label), seed, 32);
}

static int identity_derive(const struct identity_text *t, struct fog_identity *id)
{
	id->link_private = sodium_malloc(32);
	id->vrf_seed = sodium_malloc(32);
	id->tls_seed = sodium_malloc(32);
	uint8_t *whole = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	if (id->link_private == NULL || id->vrf_seed == NULL || id->tls_seed == NULL ||
	    whole == NULL) {
		sodium_free(whole);
		return identity_fail(
		        t, -ENOMEM,
		        "memory cannot be locked: raise the limit (LimitMEMLOCK=, ulimit -l)"
		);
	}
	identity_label(id->secret_key, "fogline link key v1", id->link_private);
	crypto_scalarmult_base(id->link_public, id->link_private);
	identity_label(id->secret_key, "fogline vrf key v1", id->vrf_seed);
	crypto_sign_seed_keypair(id->vrf_public, whole, id->vrf_seed);
	identity_label(id->secret_key, "fogline tls key v1", id->tls_seed);
	crypto_sign_seed_keypair(id->tls_public, whole, id->tls_seed);
	sodium_free(whole);
	sodium_mprotect_readonly(id->link_private);
	sodium_mprotect_readonly(id->vrf_seed);
	sodium_mprotect_readonly(id->tls_seed);
	return 0;
}

// 'seed' 0: from the folder.
static int identity_open(
        const char *state_dir, uint64_t seed, struct fog_identity **out, char *text, size_t text_len
)
{
	const struct identity_text t = {.dir = state_dir, .text = text, .len = text_len};
	struct fog_identity *id;
	int ret;

	*out = NULL;
	if (sodium_init() < 0 || (id = calloc(1, sizeof(*id))) == NULL)
		return identity_fail(&t, -ENOMEM, "no memory");
	if ((ret = id->lock_fd = identity_dir(&t)) < 0 ||
	    (ret = identity_lock(&t, id->lock_fd)) < 0)
		goto err;
	id->secret_key = sodium_malloc(IDENTITY_LEN);
	if (id->secret_key == NULL || sodium_mlock(id->secret_key, IDENTITY_LEN) < 0) {
		ret = identity_fail(
		        &t, -ENOMEM,
		        "memory cannot be locked: raise the limit (LimitMEMLOCK=, ulimit -l)"
		);
		goto err;
	}
	if (seed != 0)
		ret = key_derive(&t, id->lock_fd, seed, id->secret_key);
	else if ((ret = key_read(&t, id->lock_fd, id->secret_key)) == -ENOENT)
		ret = key_create(&t, id->lock_fd, id->secret_key);
	if (ret < 0 || (ret = key_check(&t, id->secret_key)) < 0)
		goto err;
	memcpy(id->public_key, id->secret_key + crypto_sign_SEEDBYTES, sizeof(id->public_key));
	fog_identity_node_id(id->public_key, id->node_id);
	if ((ret = identity_derive(&t, id)) < 0)
		goto err;
	sodium_mprotect_readonly(id->secret_key);
	if ((ret = public_write(&t, id->lock_fd, id->public_key)) < 0)
		goto err;
	*out = id;
	return 0;
err:
	fog_identity_close(id);
	return ret;
}

int fog_identity_restore(const char *state_dir, const uint8_t *key, char *text, size_t text_len)
{
	const struct identity_text t = {.dir = state_dir, .text = text, .len = text_len};
	int dir = identity_dir(&t), ret;

	if (dir < 0)
		return dir;
	if ((ret = identity_lock(&t, dir)) < 0 || (ret = key_check(&t, key)) < 0)
		goto out;
	ret = file_create(dir, IDENTITY_KEY, key, IDENTITY_LEN, 0600, false);
	if (ret < 0)
		identity_fail(
		        &t, ret, IDENTITY_KEY " cannot be made: %s%s", strerror(-ret),
		        ret == -EEXIST ? ": this folder has an identity; move it away first if "
		                         "this node shall be the other one"
		                       : ""
		);
	else
		ret = public_write(&t, dir, key + crypto_sign_SEEDBYTES);
out:
	close(dir);
	return ret;
}

static int identity_put_aside(const struct identity_text *t, int dir, char *kept)
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(kept, FOG_IDENTITY_KEPT_LEN, IDENTITY_KEY ".OLD-%Y%m%dT%H%M%SZ", &utc);
	if (renameat2(dir, IDENTITY_KEY, dir, kept, RENAME_NOREPLACE) < 0)
		return identity_fail(
		        t, -errno, IDENTITY_KEY " cannot be put aside: %s: %s", strerror(errno),
		        errno == EEXIST ? "another one was in this second: try again"
		                        : "mend the folder's rights or its file system"
		);
	return fsync(dir) < 0 ? -errno : 0;
}

int fog_identity_rotate(const char *state_dir, char *kept, char *text, size_t text_len)
{
	const struct identity_text t = {.dir = state_dir, .text = text, .len = text_len};
	uint8_t *key = sodium_malloc(IDENTITY_LEN);
	int dir, ret;

	if (sodium_init() < 0 || key == NULL)
		return identity_fail(&t, -ENOMEM, "no memory");
	if ((ret = dir = identity_dir(&t)) < 0)
		goto out;
	// What is put aside has to be a whole key: else nobody could go back to it.
	if ((ret = identity_lock(&t, dir)) == 0 && (ret = key_read(&t, dir, key)) == -ENOENT)
		identity_fail(&t, ret, "there is no identity here: nothing to rotate");
	if (ret == 0 && (ret = key_check(&t, key)) == 0 &&
	    (ret = identity_put_aside(&t, dir, kept)) == 0 && (ret = key_create(&t, dir, key)) == 0)
		ret = public_write(&t, dir, key + crypto_sign_SEEDBYTES);
	close(dir);
out:
	sodium_free(key);
	return ret;
}

int fog_identity_open(const char *state_dir, struct fog_identity **out, char *text, size_t text_len)
{
	return identity_open(state_dir, 0, out, text, text_len);
}

int fog_identity_open_test(
        const char *state_dir, uint64_t seed, struct fog_identity **out, char *text, size_t text_len
)
{
	return identity_open(state_dir, seed, out, text, text_len);
}

void fog_identity_close(struct fog_identity *id)
{
	if (id == NULL)
		return;
	sodium_free(id->secret_key); // wipes
	sodium_free(id->link_private);
	sodium_free(id->vrf_seed);
	sodium_free(id->tls_seed);
	if (id->lock_fd >= 0)
		close(id->lock_fd);
	free(id);
}

int fog_identity_public(const char *state_dir, uint8_t public_key[32], uint8_t node_id[FOG_ID_LEN])
{
	char path[4096], line[66];
	size_t len;

	if ((size_t)snprintf(path, sizeof(path), "%s/" IDENTITY_PUB, state_dir) >= sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, line, sizeof(line));
	close(fd);
	if (n != 65 || line[64] != '\n' ||
	    sodium_hex2bin(public_key, 32, line, 64, NULL, &len, NULL) != 0 || len != 32)
		return -EBADMSG;
	fog_identity_node_id(public_key, node_id);
	return 0;
}
