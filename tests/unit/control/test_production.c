// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// 'production: true' and processes that were started for tests. The other end is the data plane's own
// session, driven by hand in this thread.
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/node.h"
#include "../../../dataplane/session.h"
#include "config_text.h"

enum { SLOTS = 4, ROUNDS = 40 };

static char folder[64], config_path[96], socket_path[96];
static struct fog_node *node;
static struct fog_session *session;
static struct fog_stats *stats;
static struct fog_worker_rings *rings;
static unsigned keeps; // times that the control plane said which keys live
static unsigned installs, destroys; // keys that came, times that a living key's table was to go
static bool has_key;
static char reasons[256];

static int on_key_install(void *ctx, const struct fog_msg_key *m, char *text, size_t len)
{
	installs++;
	has_key = true;
	memcpy(stats->key[0].public_key, m->public_key, 32);
	return 0;
}

static int on_keys_keep(void *ctx, const struct fog_msg_keys_keep *m, char *text, size_t len)
{
	bool lives = m->count == 1 && memcmp(m->public_key[0], node->key->public_key, 32) == 0;

	if (!lives || m->withhold != 0) {
		has_key = false;
		memset(&stats->key[0], 0, sizeof(stats->key[0]));
	}
	destroys += !lives;
	keeps++;
	return 0;
}

static int on_attach(void *ctx, struct fog_worker_rings *fresh)
{
	fog_session_rings_free(session, rings);
	rings = fresh;
	return 0;
}

static void on_detach(void *ctx)
{
}

static const struct fog_session_ops ops = {
        .key_install = on_key_install,
        .keys_keep = on_keys_keep,
        .attach = on_attach,
        .detach = on_detach,
};

static void data_plane_start(bool accept_replays, bool seeded)
{
	struct fog_session_params params = {
	        .socket_path = socket_path,
	        .allowed_uid = geteuid(),
	        .group_gid = getegid(),
	        .worker_count = 1,
	        .deliver_slots = SLOTS,
	        .deliver_len = 100,
	        .inject_slots = SLOTS,
	        .inject_len = sizeof(struct fog_inject) + 100,
	        .build = "test",
	};

	installs = destroys = keeps = 0;
	has_key = false;
	CU_ASSERT_EQUAL_FATAL(fog_session_create(&params, &ops, NULL, &session, &stats), 0);
	stats->accept_replays = accept_replays;
	stats->test_seed = seeded;
}

// Let both sides work until there is nothing left to say, and the client has met the data plane.
static void settle(void)
{
	struct fog_dpclient_status status = {0};
	unsigned quiet = 0;

	for (int i = 0; i < 100 * ROUNDS && quiet < ROUNDS; i++) {
		struct pollfd p = {fog_dpclient_fd(node->dp), POLLIN, 0};
		if (poll(&p, 1, 1) > 0)
			fog_dpclient_process(node->dp);
		if (session != NULL)
			fog_session_process(session);
		fog_dpclient_status(node->dp, &status);
		bool attached = status.state == FOG_DPCLIENT_ATTACHED;
		quiet = attached == (session != NULL) ? quiet + 1 : 0;
	}
	CU_ASSERT_TRUE(quiet >= ROUNDS);
}

static void data_plane_stop(void)
{
	fog_session_rings_free(session, rings);
	rings = NULL;
	fog_session_destroy(session);
	session = NULL;
	settle();
}

static void config_write(bool production, const char *more)
{
	FILE *f = fopen(config_path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f,
	        "instance: prodtest\nuser: \"\"\ndataplane_user: \"\"\nworkers: {cpus: [0]}\n"
	        "ports:\n  - {name: p0, driver: loop, device: a, addresses: [192.0.2.1]}\n"
	        "run_dir: %s\nstate_dir: %s/state\ntopology: %s/none.yaml\nproduction: %s\n%s",
	        folder, folder, folder, production ? "true" : "false", more);
	fclose(f);
}

static void begin(bool production, const char *more)
{
	config_write(production, more);
	CU_ASSERT_EQUAL_FATAL(fog_node_create(config_path, NULL, NULL, &node), 0);
	CU_ASSERT_EQUAL_FATAL(fog_node_start(node), 0);
}

static void end(void)
{
	fog_node_destroy(node);
	fog_epoch_key_destroy("prodtest", FOG_NODE_EPOCH);
	fog_keyring_secret_destroy("prodtest");
	node = NULL;
}

static void remember(void *ctx, const char *code, const char *text)
{
	size_t len = strlen(reasons);

	snprintf(reasons + len, sizeof(reasons) - len, "%s ", code);
}

static bool unready_for(const char *code)
{
	reasons[0] = '\0';
	fog_node_unready(node, remember, NULL);
	return strstr(reasons, code) != NULL;
}

static bool put_refused(const char *sentence)
{
	struct fog_report report = {0};
	enum fog_reload change;
	uint64_t generation;
	char text[2048];
	FILE *f = fopen(config_path, "re");
	size_t len = fread(text, 1, sizeof(text), f);

	fclose(f);
	const struct fog_config_origin origin = {.actor = "test"};
	int r = fog_node_config_put(node, text, len, NULL, &origin, &generation, &change, &report);
	return r == -EINVAL && strstr(report.text, sentence) != NULL;
}

// The seed is gone from the file, the known keys are still this process's.
static void test_key_seed(void)
{
	begin(false, "test: {key_seed: 7}\n");
	config_write(true, "");
	CU_ASSERT_EQUAL(fog_node_config_reload(node), -EINVAL);
	CU_ASSERT_TRUE(put_refused("test.key_seed out of the file and restart fog-controlplane"));
	CU_ASSERT_FALSE(node->config->production);
	CU_ASSERT_FALSE(unready_for("key_seed"));
	config_write(false, "");
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	config_write(true, "");
	CU_ASSERT_EQUAL(fog_node_config_reload(node), -EINVAL);
	end();
	begin(true, "");
	CU_ASSERT_FALSE(unready_for("key_seed"));
	end();
}

// A running data plane that was launched for tests: no way to production, and the key stays.
static void running(bool accept_replays, bool seeded, const char *sentence)
{
	begin(false, "");
	data_plane_start(accept_replays, seeded);
	settle();
	CU_ASSERT_TRUE(has_key);
	config_write(true, "");
	CU_ASSERT_EQUAL(fog_node_config_reload(node), -EINVAL);
	CU_ASSERT_TRUE(put_refused(sentence));
	CU_ASSERT_FALSE(node->config->production);
	settle();
	CU_ASSERT_TRUE(has_key);
	data_plane_stop();
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_TRUE(node->config->production);
	end();
}

static void test_running(void)
{
	running(true, false, "restart fog-dataplane without the option");
	running(false, true, "compile the launch blob again without it and restart");
}

// A node in production meets such a data plane, then a good one, and then goes back.
static void meets(bool accept_replays, bool seeded, const char *code)
{
	begin(true, "");
	data_plane_start(accept_replays, seeded);
	settle();
	CU_ASSERT_EQUAL(installs, 0);
	CU_ASSERT_TRUE(unready_for(code));
	config_write(false, "");
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	settle();
	CU_ASSERT_TRUE(has_key);
	CU_ASSERT_FALSE(unready_for(code));
	data_plane_stop();
	config_write(true, "");
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	data_plane_start(false, false);
	settle();
	CU_ASSERT_TRUE(has_key);
	CU_ASSERT_EQUAL(destroys, 0);
	CU_ASSERT_FALSE(unready_for(code));
	data_plane_stop();
	end();
}

static void test_meets(void)
{
	meets(true, false, "accept_replays");
	meets(false, true, "delay_seed");
}

// It has the key already, from a control plane that was not in production: it gives the key up, and
// what it remembers of the key's packets stays.
static void test_gives_up(void)
{
	begin(false, "");
	data_plane_start(true, false);
	settle();
	CU_ASSERT_TRUE(has_key);
	fog_node_destroy(node);
	begin(true, "");
	settle();
	CU_ASSERT_FALSE(has_key);
	CU_ASSERT_EQUAL(installs, 1);
	CU_ASSERT_EQUAL(destroys, 0);
	CU_ASSERT_TRUE(unready_for("accept_replays"));
	data_plane_stop();
	end();
}

static void announced(bool ended)
{
	static const uint8_t key[32] = {1}, network[32] = {2};
	int r = fog_store_begin(node->store);

	if (r == 0)
		r = ended ? fog_store_announced_end(node->store, 1000)
		          : fog_store_announce(node->store, 1000, key, network);
	CU_ASSERT_EQUAL(fog_store_end(node->store, r == 0), 0);
	CU_ASSERT_EQUAL(r, 0);
}

// The topology is gone, and keys of epochs live: the data plane hears nothing of keys.
static void test_epochs_unknown(void)
{
	begin(false, "");
	announced(false);
	fog_node_destroy(node);
	data_plane_start(false, false);
	begin(false, "");
	settle();
	CU_ASSERT_EQUAL(keeps + installs, 0);
	announced(true);
	fog_node_destroy(node);
	begin(false, "");
	settle();
	CU_ASSERT_TRUE(has_key);
	data_plane_stop();
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"test keys of this process", test_key_seed},
	        {"a data plane for tests runs", test_running},
	        {"a data plane for tests comes", test_meets},
	        {"a data plane for tests has the key", test_gives_up},
	        {"no topology, but epochs", test_epochs_unknown},
	        CU_TEST_INFO_NULL,
	};
	char command[96];

	umask(077);
	snprintf(folder, sizeof(folder), "/tmp/fog-production-XXXXXX");
	if (sodium_init() < 0 || fog_crypto_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(config_path, sizeof(config_path), "%s/n.yaml", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/dp.sock", folder);
	int r = check_run("production", tests);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
