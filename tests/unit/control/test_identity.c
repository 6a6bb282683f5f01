// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The identity key: made once, kept, refused when anybody else could have it.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/identity.h"
#include "config_text.h"

static char root[] = "/tmp/fogline-test-XXXXXX";
static char dir[64], key_path[96], pub_path[96], text[512];

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void refused(int want, const char *expect)
{
	struct fog_identity *id = NULL;

	CU_ASSERT_EQUAL(fog_identity_open(dir, &id, text, sizeof(text)), want);
	CU_ASSERT_PTR_NULL(id);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, expect));
	if (strstr(text, expect) == NULL)
		printf("\nwanted '%s', got '%s'\n", expect, text);
	fog_identity_close(id);
}

static void test_made_and_kept(void)
{
	struct fog_identity *a = NULL, *b = NULL;
	uint8_t public_key[32], node_id[32], expected[32], signature[64];

	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(dir, &a, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(mode_of(dir) & ~0711u, 0);
	CU_ASSERT_EQUAL(mode_of(key_path), 0600);
	CU_ASSERT_EQUAL(mode_of(pub_path), 0644);
	crypto_generichash(expected, 32, a->public_key, 32, NULL, 0);
	CU_ASSERT_EQUAL(memcmp(a->node_id, expected, 32), 0);
	crypto_sign_detached(signature, NULL, (const uint8_t *)"x", 1, a->secret_key);
	CU_ASSERT_EQUAL(
	        crypto_sign_verify_detached(signature, (const uint8_t *)"x", 1, a->public_key), 0
	);
	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), 0);
	CU_ASSERT_EQUAL(memcmp(public_key, a->public_key, 32), 0);
	CU_ASSERT_EQUAL(memcmp(node_id, a->node_id, 32), 0);
	refused(-EBUSY, "another control plane uses this folder");
	memcpy(expected, a->public_key, 32);
	fog_identity_close(a);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(dir, &b, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(memcmp(b->public_key, expected, 32), 0);
	fog_identity_close(b);
	fog_identity_close(NULL);
}

// identity.pub is only a copy: it is written again from the key.
static void test_public_restored(void)
{
	struct fog_identity *id = NULL;
	uint8_t public_key[32], node_id[32];

	unlink(pub_path);
	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(dir, &id, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), 0);
	CU_ASSERT_EQUAL(memcmp(public_key, id->public_key, 32), 0);
	fog_identity_close(id);
	int fd = open(pub_path, O_WRONLY | O_TRUNC);
	CU_ASSERT_EQUAL(write(fd, "short\n", 6), 6);
	close(fd);
	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), -EBADMSG);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(dir, &id, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), 0);
	fog_identity_close(id);
}

static void test_modes(void)
{
	chmod(key_path, 0640);
	refused(-EPERM, "mode 0640");
	CU_ASSERT_EQUAL(mode_of(key_path), 0640); // refused, not mended behind the operator's back
	chmod(key_path, 0604);
	refused(-EPERM, "chmod 600");
	chmod(key_path, 0600);
	chmod(dir, 0731);
	refused(-EPERM, "others could change the identity");
	chmod(dir, 0711);
}

// Another owner, and an owner who starts as another user.
static void test_owner(void)
{
	if (geteuid() != 0) {
		puts("(skipped: needs root)");
		return;
	}
	CU_ASSERT_EQUAL(chown(key_path, 4321, 0), 0);
	refused(-EPERM, "owner 4321");
	CU_ASSERT_EQUAL(chown(key_path, 0, 0), 0);
	CU_ASSERT_EQUAL(chown(dir, 4321, 0), 0);
	refused(-EPERM, "owner 4321");
	CU_ASSERT_EQUAL(chown(dir, 0, 0), 0);
	pid_t child = fork();
	if (child == 0) {
		uint8_t public_key[32], node_id[32];
		if (chmod(root, 0755) < 0 || setgid(4321) < 0 || setuid(4321) < 0)
			_exit(10);
		// The public part is everybody's, the key isn't.
		if (fog_identity_public(dir, public_key, node_id) != 0)
			_exit(11);
		_exit(open(key_path, O_RDONLY) < 0 && errno == EACCES ? 0 : 12);
	}
	int status = -1;
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
}

static void test_symlink(void)
{
	char elsewhere[96];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", root);
	CU_ASSERT_EQUAL(rename(key_path, elsewhere), 0);
	CU_ASSERT_EQUAL(symlink(elsewhere, key_path), 0);
	refused(-ELOOP, "cannot be read");
	unlink(key_path);
	CU_ASSERT_EQUAL(rename(elsewhere, key_path), 0);
}

static void test_damaged(void)
{
	uint8_t whole[65] = {0}, bad[64];
	int fd = open(key_path, O_RDWR);

	CU_ASSERT_EQUAL(read(fd, whole, 65), 64);
	CU_ASSERT_EQUAL(ftruncate(fd, 63), 0);
	refused(-EBADMSG, "has 63 bytes, not 64");
	CU_ASSERT_EQUAL(pwrite(fd, whole, 65, 0), 65);
	refused(-EBADMSG, "has 65 bytes, not 64");
	CU_ASSERT_EQUAL(ftruncate(fd, 64), 0);
	for (int i = 0; i < 64; i += 21) {
		memcpy(bad, whole, 64);
		bad[i] ^= 1;
		CU_ASSERT_EQUAL(pwrite(fd, bad, 64, 0), 64);
		refused(-EBADMSG, "is damaged");
	}
	// A damaged key is never replaced.
	CU_ASSERT_EQUAL(pread(fd, whole, 64, 0), 64);
	CU_ASSERT_EQUAL(memcmp(whole, bad, 64), 0);
	bad[63] ^= 1;
	CU_ASSERT_EQUAL(pwrite(fd, bad, 64, 0), 64);
	close(fd);
	unlink(key_path);
}

// A start that was killed half way leaves no half key.
static void test_leftover(void)
{
	struct fog_identity *id = NULL;
	char left[128];

	snprintf(left, sizeof(left), "%s/.identity.key.new", dir);
	int fd = open(left, O_WRONLY | O_CREAT, 0600);
	CU_ASSERT_EQUAL(write(fd, "half", 4), 4);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(dir, &id, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(access(left, F_OK), -1);
	CU_ASSERT_EQUAL(mode_of(key_path), 0600);
	fog_identity_close(id);
}

static void test_folder(void)
{
	struct fog_identity *id = NULL;
	char deep[96];

	CU_ASSERT_EQUAL(fog_identity_open("/proc/none/state", &id, text, sizeof(text)), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "choose another state_dir"));
	snprintf(deep, sizeof(deep), "%s/a/b", root);
	mode_t mask = umask(077);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(deep, &id, text, sizeof(text)), 0);
	umask(mask);
	CU_ASSERT_EQUAL(mode_of(deep), 0711);
	fog_identity_close(id);
	unlink(strcat(deep, "/identity.key"));
	strcpy(strrchr(deep, '/'), "/identity.pub");
	unlink(deep);
	*strrchr(deep, '/') = '\0';
	CU_ASSERT_EQUAL(rmdir(deep), 0);
	*strrchr(deep, '/') = '\0';
	CU_ASSERT_EQUAL(rmdir(deep), 0);
	CU_ASSERT_EQUAL(fog_identity_open(key_path, &id, text, sizeof(text)), -ENOTDIR);
	CU_ASSERT_EQUAL(fog_identity_open(dir, &id, text, 8), 0);
	fog_identity_close(id);
}

// The same seed gives the same identity and leaves no key behind; a real node's folder refuses it.
static void test_seeded(void)
{
	struct fog_identity *one = NULL, *two = NULL;
	uint8_t first[32], public_key[32], node_id[32];

	CU_ASSERT_EQUAL(fog_identity_open_test(dir, 1, &one, text, sizeof(text)), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "another state_dir"));
	CU_ASSERT_PTR_NULL(one);
	unlink(key_path);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open_test(dir, 1, &one, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(fog_identity_open_test(dir, 1, &two, text, sizeof(text)), -EBUSY);
	memcpy(first, one->node_id, 32);
	CU_ASSERT_EQUAL(fog_identity_public(dir, public_key, node_id), 0);
	CU_ASSERT_EQUAL(memcmp(node_id, first, 32), 0);
	CU_ASSERT_NOT_EQUAL(access(key_path, F_OK), 0);
	fog_identity_close(one);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open_test(dir, 1, &one, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(memcmp(one->node_id, first, 32), 0);
	fog_identity_close(one);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open_test(dir, 2, &one, text, sizeof(text)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(one->node_id, first, 32), 0);
	fog_identity_close(one);
	// Without the seed the folder becomes a real node's.
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(dir, &one, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(access(key_path, F_OK), 0);
	fog_identity_close(one);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"made once and kept", test_made_and_kept},
	        {"public part restored", test_public_restored},
	        {"modes", test_modes},
	        {"owners", test_owner},
	        {"symbolic link", test_symlink},
	        {"damaged", test_damaged},
	        {"leftover of a killed start", test_leftover},
	        {"folder", test_folder},
	        {"keys of a test network", test_seeded},
	        CU_TEST_INFO_NULL,
	};
	if (mkdtemp(root) == NULL)
		return 1;
	snprintf(dir, sizeof(dir), "%s/state", root);
	snprintf(key_path, sizeof(key_path), "%s/identity.key", dir);
	snprintf(pub_path, sizeof(pub_path), "%s/identity.pub", dir);
	int ret = check_run("identity", tests);
	unlink(key_path);
	unlink(pub_path);
	rmdir(dir);
	rmdir(root);
	return ret;
}
