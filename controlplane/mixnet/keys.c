// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "keys.h"

#include <errno.h>
#include <inttypes.h>
#include <keyutils.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testkeys.h"
#include "topology.h"

enum { KEYS_NAME_LEN = 96 };

// What the kernel grants: everything to who holds the keyring, and to the same user what a
// restarted process needs to find, read and remove the key even when its session keyring doesn't
// lead to the user's (as under systemd's KeyringMode=private). Nothing to group and others.
#define KEYS_PERMISSIONS (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH)

struct keys_text {
	const char *name;
	char *text;
	size_t len;
};

static void keys_name(char name[KEYS_NAME_LEN], const char *instance, uint64_t epoch)
{
	snprintf(name, KEYS_NAME_LEN, "fogline:%s:mix:%" PRIu64, instance, epoch);
}

static void keys_name_store(char name[KEYS_NAME_LEN], const char *instance)
{
	snprintf(name, KEYS_NAME_LEN, "fogline:%s:store", instance);
}

static int keys_fail(const struct keys_text *t, int error, const char *what, const char *mend)
{
	snprintf(t->text, t->len, "key %s: %s: %s: %s", t->name, what, strerror(-error), mend);
	return error;
}

// An errno of the kernel's key calls, explained.
static int keys_fail_errno(const struct keys_text *t, const char *what)
{
	int error = -errno;

	if (error == -ENOSYS || error == -EOPNOTSUPP)
		return keys_fail(
		        t, -ENOSYS, what,
		        "the kernel has no keyrings: run one with CONFIG_KEYS=y, and allow "
		        "add_key and keyctl in containers"
		);
	if (error == -EPERM || error == -EACCES)
		return keys_fail(
		        t, -EACCES, what,
		        "the key is another user's, or a container's seccomp profile forbids "
		        "add_key and keyctl: allow them"
		);
	if (error == -EDQUOT)
		return keys_fail(
		        t, error, what,
		        "this user has too many keys: raise kernel.keys.maxkeys and "
		        "kernel.keys.maxbytes"
		);
	return keys_fail(t, error, what, "see keyrings(7)");
}

// An errno of the keyring: the key is not there, or no more.
static bool keys_gone(int error)
{
	return error == ENOKEY || error == EKEYEXPIRED || error == EKEYREVOKED;
}

// 'key' lies in locked memory. Returns 0, -ENOENT, or a failure that is explained.
static int keys_fetch(const struct keys_text *t, struct fog_epoch_key *key)
{
	long serial = keyctl_search(KEY_SPEC_USER_KEYRING, "user", t->name, 0);

	if (serial < 0 && keys_gone(errno))
		return -ENOENT;
	if (serial < 0)
		return keys_fail_errno(t, "cannot be searched for");
	// Read one byte more than is ours, so that a longer key doesn't look right.
	uint8_t *payload = sodium_malloc(33);
	if (payload == NULL)
		return keys_fail(t, -ENOMEM, "no memory", "free some");
	long len = keyctl_read((key_serial_t)serial, (char *)payload, 33);
	int ret = 0;
	if (len < 0)
		ret = keys_fail_errno(t, "cannot be read");
	else if (len != 32)
		ret = keys_fail(
		        t, -EBADMSG, "is not 32 bytes long",
		        "it is not ours: remove it with 'keyctl unlink'"
		);
	else
		memcpy(key->private_key, payload, 32);
	sodium_free(payload);
	return ret;
}

static int keys_create(const struct keys_text *t, struct fog_epoch_key *key)
{
	randombytes_buf(key->private_key, 32);
	// Possessor and nobody else may read it until the permissions below are set.
	key_serial_t serial = add_key("user", t->name, key->private_key, 32, KEY_SPEC_USER_KEYRING);
	if (serial < 0)
		return keys_fail_errno(t, "cannot be put into the user's keyring");
	if (keyctl_setperm(serial, KEYS_PERMISSIONS) == 0)
		return 0;
	int ret = keys_fail_errno(t, "cannot be protected");
	keyctl_unlink(serial, KEY_SPEC_USER_KEYRING);
	return ret;
}

// A key without content, in locked memory.
static int keys_new(const struct keys_text *t, uint64_t epoch, struct fog_epoch_key **out)
{
	struct fog_epoch_key *key;

	*out = NULL;
	if (sodium_init() < 0 || (key = calloc(1, sizeof(*key))) == NULL)
		return keys_fail(t, -ENOMEM, "no memory", "free some");
	key->epoch = epoch;
	key->private_key = sodium_malloc(32);
	if (key->private_key == NULL || sodium_mlock(key->private_key, 32) < 0) {
		fog_epoch_key_close(key);
		return keys_fail(
		        t, -ENOMEM, "memory cannot be locked",
		        "raise the limit (LimitMEMLOCK=, ulimit -l)"
		);
	}
	*out = key;
	return 0;
}

static void keys_finish(struct fog_epoch_key *key)
{
	crypto_scalarmult_base(key->public_key, key->private_key);
	sodium_mprotect_readonly(key->private_key);
}

int fog_epoch_key_fetch(
        const char *instance, uint64_t epoch, struct fog_epoch_key **out, char *text,
        size_t text_len
)
{
	char name[KEYS_NAME_LEN];
	const struct keys_text t = {.name = name, .text = text, .len = text_len};
	struct fog_epoch_key *key;
	int ret;

	*out = NULL;
	keys_name(name, instance, epoch);
	if ((ret = keys_new(&t, epoch, &key)) < 0)
		return ret;
	if ((ret = keys_fetch(&t, key)) < 0) {
		fog_epoch_key_close(key);
		return ret;
	}
	keys_finish(key);
	*out = key;
	return 0;
}

int fog_keyring_secret(const char *instance, uint8_t secret[32], char *text, size_t text_len)
{
	char name[KEYS_NAME_LEN];
	const struct keys_text t = {.name = name, .text = text, .len = text_len};
	struct fog_epoch_key *key;
	int ret;

	keys_name_store(name, instance);
	if ((ret = keys_new(&t, 0, &key)) < 0)
		return ret;
	if ((ret = keys_fetch(&t, key)) == -ENOENT)
		ret = keys_create(&t, key);
	if (ret == 0)
		memcpy(secret, key->private_key, 32);
	fog_epoch_key_close(key);
	return ret;
}

int fog_epoch_key_open(
        const char *instance, uint64_t epoch, struct fog_epoch_key **out, int *created, char *text,
        size_t text_len
)
{
	char name[KEYS_NAME_LEN];
	const struct keys_text t = {.name = name, .text = text, .len = text_len};
	struct fog_epoch_key *key;
	int ret, fresh = 0;

	*out = NULL;
	keys_name(name, instance, epoch);
	if ((ret = keys_new(&t, epoch, &key)) < 0)
		return ret;
	if ((ret = keys_fetch(&t, key)) == -ENOENT) {
		ret = keys_create(&t, key);
		fresh = 1;
	}
	if (ret < 0) {
		fog_epoch_key_close(key);
		return ret;
	}
	keys_finish(key);
	if (created != NULL)
		*created = fresh;
	*out = key;
	return 0;
}

int fog_epoch_key_open_test(
        uint64_t seed, uint64_t epoch, struct fog_epoch_key **out, char *text, size_t text_len
)
{
	const struct keys_text t = {.name = "of test.key_seed", .text = text, .len = text_len};
	int ret = keys_new(&t, epoch, out);

	if (ret < 0)
		return ret;
	fog_test_mix_key(seed, (*out)->private_key);
	keys_finish(*out);
	return 0;
}

void fog_epoch_key_close(struct fog_epoch_key *key)
{
	if (key == NULL)
		return;
	sodium_free(key->private_key); // wipes
	free(key);
}

static int keys_destroy(const char *name)
{
	long serial = keyctl_search(KEY_SPEC_USER_KEYRING, "user", name, 0);

	if (serial < 0)
		return keys_gone(errno) ? -ENOENT : -errno;
	// Invalidate makes it unreadable at once, for holders of its number too; the kernel wipes it.
	if (keyctl_invalidate((key_serial_t)serial) < 0)
		return -errno;
	keyctl_unlink((key_serial_t)serial, KEY_SPEC_USER_KEYRING); // may be collected already
	return 0;
}

int fog_epoch_key_destroy(const char *instance, uint64_t epoch)
{
	char name[KEYS_NAME_LEN];

	keys_name(name, instance, epoch);
	return keys_destroy(name);
}

int fog_keyring_secret_destroy(const char *instance)
{
	char name[KEYS_NAME_LEN];

	keys_name_store(name, instance);
	return keys_destroy(name);
}

int fog_epoch_key_announced(
        const struct fog_epoch_key *key, const struct fog_topology_node *self, char *text,
        size_t text_len
)
{
	if (text_len > 0)
		text[0] = '\0';
	if (self == NULL) {
		snprintf(
		        text, text_len,
		        "this node is not in the topology: add its node ID and mix key to the "
		        "topology file"
		);
		return -ENOENT;
	}
	if (memcmp(self->mix_key, key->public_key, sizeof(key->public_key)) == 0)
		return 0;
	char hex[65];
	sodium_bin2hex(hex, sizeof(hex), key->public_key, sizeof(key->public_key));
	snprintf(
	        text, text_len,
	        "mix key of epoch %" PRIu64
	        " is not announced: the topology file has another mix_key for %s, put %s there "
	        "on all nodes",
	        key->epoch, self->name, hex
	);
	return -ESTALE;
}
