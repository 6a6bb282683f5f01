// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Mix keys in the kernel's keyring: they outlive the process, belong to one user, and go when they
// are destroyed. The program starts itself again as the restarted control plane.
#include <errno.h>
#include <keyutils.h>
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/keys.h"
#include "config_text.h"

static char instance[32], text[512];
static char *self;

enum { OTHER_UID = 43210, OWNER_UID = 43211 };

// Run this program with 'command' as another process image, as 'uid' unless it is 0. Returns its
// exit status; what it prints goes to 'out'.
static int run(const char *command, const char *argument, uid_t uid, char out[65])
{
	int pipes[2], status = -1;

	memset(out, 0, 65);
	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	pid_t child = fork();
	if (child == 0) {
		char *args[] = {self, (char *)command, (char *)argument, NULL};
		dup2(pipes[1], 1);
		if (uid != 0 && (setgid(uid) < 0 || setuid(uid) < 0))
			_exit(100);
		// /proc/self/exe: the folder of the build may be closed to other users.
		execv("/proc/self/exe", args);
		_exit(101);
	}
	close(pipes[1]);
	for (size_t at = 0; at < 64;) {
		ssize_t n = read(pipes[0], out + at, 64 - at);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(pipes[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The other side of run.
static int child_main(int argc, char **argv)
{
	struct fog_epoch_key *key = NULL;
	char hex[65], payload[64];
	int created = -1;

	if (argc == 3 && strcmp(argv[1], "private-session") == 0) {
		// As systemd starts a service: a session keyring that doesn't lead to the user's.
		if (keyctl_join_session_keyring(NULL) < 0)
			return 50;
	} else if (argc == 3 && strcmp(argv[1], "read") == 0) {
		long n = keyctl_read((key_serial_t)atol(argv[2]), payload, sizeof(payload));
		return n < 0 && errno == EACCES ? 60 : 61;
	} else if (argc == 3 && strcmp(argv[1], "destroy") == 0) {
		return -fog_epoch_key_destroy(argv[2], 0);
	}
	int ret = fog_epoch_key_open(argv[2], 0, &key, &created, text, sizeof(text));
	if (ret < 0) {
		fprintf(stderr, "%s\n", text);
		return 70;
	}
	sodium_bin2hex(hex, sizeof(hex), key->public_key, 32);
	fputs(hex, stdout);
	fog_epoch_key_close(key);
	return created;
}

static void test_pair(void)
{
	struct fog_epoch_key *key = NULL, *again = NULL;
	uint8_t public_key[32];
	char description[64], payload[32];
	int created = -1;

	CU_ASSERT_EQUAL_FATAL(
	        fog_epoch_key_open(instance, 0, &key, &created, text, sizeof(text)), 0
	);
	CU_ASSERT_EQUAL(created, 1);
	CU_ASSERT_EQUAL(key->epoch, 0);
	crypto_scalarmult_base(public_key, key->private_key);
	CU_ASSERT_EQUAL(memcmp(public_key, key->public_key, 32), 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_epoch_key_open(instance, 0, &again, &created, text, sizeof(text)), 0
	);
	CU_ASSERT_EQUAL(created, 0);
	CU_ASSERT_EQUAL(memcmp(again->private_key, key->private_key, 32), 0);
	fog_epoch_key_close(again);
	// Other epochs and other instances have other keys.
	CU_ASSERT_EQUAL_FATAL(fog_epoch_key_open(instance, 1, &again, NULL, text, sizeof(text)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(again->private_key, key->private_key, 32), 0);
	fog_epoch_key_close(again);
	snprintf(description, sizeof(description), "fogline:%s:mix:1", instance);
	long number = keyctl_search(KEY_SPEC_USER_KEYRING, "user", description, 0);
	CU_ASSERT_TRUE(keyctl_read((key_serial_t)number, payload, sizeof(payload)) == 32);
	CU_ASSERT_EQUAL(fog_epoch_key_destroy(instance, 1), 0);
	// Gone at once, for who knows its number too.
	CU_ASSERT_TRUE(keyctl_read((key_serial_t)number, payload, sizeof(payload)) < 0);
	CU_ASSERT_EQUAL(fog_epoch_key_destroy(instance, 1), -ENOENT);
	fog_epoch_key_close(key);
	fog_epoch_key_close(NULL);
}

static void test_restart(void)
{
	char first[65], second[65], third[65];

	CU_ASSERT_EQUAL(run("open", instance, 0, first), 0); // the pair of above is found
	CU_ASSERT_EQUAL(strlen(first), 64);
	CU_ASSERT_EQUAL(run("private-session", instance, 0, second), 0);
	CU_ASSERT_STRING_EQUAL(first, second);
	CU_ASSERT_EQUAL(run("destroy", instance, 0, third), 0);
	CU_ASSERT_EQUAL(run("open", instance, 0, third), 1);
	CU_ASSERT_STRING_NOT_EQUAL(first, third);
	CU_ASSERT_EQUAL(run("destroy", instance, 0, third), 0);
	CU_ASSERT_EQUAL(run("destroy", instance, 0, third), ENOENT);
}

// Made under one user by a process that began as root, as the control plane does.
static void test_users(void)
{
	char first[65], second[65], serial[24], description[64];

	if (geteuid() != 0) {
		puts("(skipped: needs root)");
		return;
	}
	CU_ASSERT_EQUAL(run("open", instance, OWNER_UID, first), 1);
	CU_ASSERT_EQUAL(run("open", instance, OWNER_UID, second), 0);
	CU_ASSERT_STRING_EQUAL(first, second);
	CU_ASSERT_EQUAL(run("private-session", instance, OWNER_UID, second), 0);
	CU_ASSERT_STRING_EQUAL(first, second);
	// Another user has a key of its own under that name ...
	CU_ASSERT_EQUAL(run("open", instance, OTHER_UID, second), 1);
	CU_ASSERT_STRING_NOT_EQUAL(first, second);
	CU_ASSERT_EQUAL(run("destroy", instance, OTHER_UID, second), 0);
	// ... and can't read this one even by its number.
	snprintf(description, sizeof(description), "fogline:%s:mix:0", instance);
	struct fog_epoch_key *key = NULL;
	CU_ASSERT_EQUAL_FATAL(fog_epoch_key_open(instance, 0, &key, NULL, text, sizeof(text)), 0);
	long number = keyctl_search(KEY_SPEC_USER_KEYRING, "user", description, 0);
	snprintf(serial, sizeof(serial), "%ld", number);
	CU_ASSERT_TRUE(number > 0);
	CU_ASSERT_EQUAL(run("read", serial, OTHER_UID, second), 60);
	CU_ASSERT_EQUAL(run("read", serial, 0, second), 61);
	fog_epoch_key_close(key);
	CU_ASSERT_EQUAL(fog_epoch_key_destroy(instance, 0), 0);
	CU_ASSERT_EQUAL(run("open", instance, OWNER_UID, second), 0);
	CU_ASSERT_STRING_EQUAL(first, second);
	CU_ASSERT_EQUAL(run("destroy", instance, OWNER_UID, second), 0);
}

static void test_foreign_payload(void)
{
	char description[64];
	struct fog_epoch_key *key = NULL;

	snprintf(description, sizeof(description), "fogline:%s:mix:0", instance);
	for (size_t len = 31; len <= 33; len += 2) {
		char payload[33] = {1};
		CU_ASSERT_TRUE(
		        add_key("user", description, payload, len, KEY_SPEC_USER_KEYRING) > 0
		);
		CU_ASSERT_EQUAL(
		        fog_epoch_key_open(instance, 0, &key, NULL, text, sizeof(text)), -EBADMSG
		);
		CU_ASSERT_PTR_NULL(key);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "is not 32 bytes long"));
	}
	CU_ASSERT_EQUAL(fog_epoch_key_destroy(instance, 0), 0);
}

static void test_announced(void)
{
	struct fog_epoch_key *key = NULL;
	struct fog_topology_node node = {.name = "mix1"};
	char hex[65];

	CU_ASSERT_EQUAL_FATAL(fog_epoch_key_open(instance, 0, &key, NULL, text, sizeof(text)), 0);
	memcpy(node.mix_key, key->public_key, 32);
	CU_ASSERT_EQUAL(fog_epoch_key_announced(key, &node, text, sizeof(text)), 0);
	CU_ASSERT_STRING_EQUAL(text, "");
	CU_ASSERT_EQUAL(fog_epoch_key_announced(key, NULL, text, sizeof(text)), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "not in the topology"));
	node.mix_key[31] ^= 1;
	CU_ASSERT_EQUAL(fog_epoch_key_announced(key, &node, text, sizeof(text)), -ESTALE);
	sodium_bin2hex(hex, sizeof(hex), key->public_key, 32);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, hex)); // the mend: what to put there
	fog_epoch_key_close(key);
	CU_ASSERT_EQUAL(fog_epoch_key_destroy(instance, 0), 0);
}

// The same seed gives the same key, and the keyring never sees it.
static void test_seeded(void)
{
	struct fog_epoch_key *one = NULL, *two = NULL;
	uint8_t public_key[32];
	int created = 0;

	CU_ASSERT_EQUAL_FATAL(fog_epoch_key_open_test(1, 5, &one, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL_FATAL(fog_epoch_key_open_test(1, 6, &two, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(one->epoch, 5);
	CU_ASSERT_EQUAL(memcmp(one->private_key, two->private_key, 32), 0);
	crypto_scalarmult_base(public_key, one->private_key);
	CU_ASSERT_EQUAL(memcmp(public_key, one->public_key, 32), 0);
	fog_epoch_key_close(two);
	CU_ASSERT_EQUAL_FATAL(fog_epoch_key_open_test(2, 5, &two, text, sizeof(text)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(one->private_key, two->private_key, 32), 0);
	fog_epoch_key_close(two);
	CU_ASSERT_EQUAL_FATAL(
	        fog_epoch_key_open(instance, 5, &two, &created, text, sizeof(text)), 0
	);
	CU_ASSERT_EQUAL(created, 1);
	CU_ASSERT_NOT_EQUAL(memcmp(one->private_key, two->private_key, 32), 0);
	fog_epoch_key_close(two);
	fog_epoch_key_close(one);
	CU_ASSERT_EQUAL(fog_epoch_key_destroy(instance, 5), 0);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
	        {"a pair", test_pair},
	        {"outlives the process", test_restart},
	        {"belongs to its user", test_users},
	        {"foreign payload", test_foreign_payload},
	        {"announced or not", test_announced},
	        {"keys of a test network", test_seeded},
	        CU_TEST_INFO_NULL,
	};
	self = argv[0];
	if (argc > 1)
		return child_main(argc, argv);
	if (add_key("user", "fogline-test", "x", 1, KEY_SPEC_PROCESS_KEYRING) < 0) {
		perror("skipped: this kernel or container gives no keyrings");
		return 77;
	}
	snprintf(instance, sizeof(instance), "test-%d", getpid());
	return check_run("keys", tests);
}
