// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A whole node without a data plane: its parts as services, and changes of its configuration that are written down, confirmed, taken
// back.
#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/audit/search.h"
#include "../../../controlplane/mixnet/keys.h"
#include "../../../controlplane/node.h"
#include "../../../controlplane/node_cover.h"
#include "../../../controlplane/node_history.h"
#include "../../../controlplane/node_platform.h"
#include "../../../controlplane/node_services.h"
#include "../../../controlplane/now.h"
#include "../../../controlplane/operations/operations.h"
#include "../run.h"

enum { PATIENCE = 3000, STEP_US = 10000 };

static char folder[64], config_path[96], pending_path[128];
static struct fog_node *node;
static char said[4096];

static const char text_format[] =
        "instance: svctest\nuser: \"\"\ndataplane_user: \"\"\nworkers: {cpus: [0]}\n"
        "ports:\n  - {name: p0, driver: loop, device: a, addresses: [192.0.2.1]}\n"
        "run_dir: %s\nstate_dir: %s/state\ntopology: %s/none.yaml\ntest: {key_seed: 7}\n# %s\n";

static const char *text_of(const char *comment)
{
	static char text[2048];

	snprintf(text, sizeof(text), text_format, folder, folder, folder, comment);
	return text;
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static bool file_says(const char *comment)
{
	char text[2048] = "";
	FILE *f = fopen(config_path, "re");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return strcmp(text, text_of(comment)) == 0;
}

static void up(void)
{
	CU_ASSERT_EQUAL_FATAL(fog_node_create(config_path, NULL, NULL, &node), 0);
	CU_ASSERT_EQUAL_FATAL(fog_node_start(node), 0);
}

static void down(void)
{
	fog_node_destroy(node);
	node = NULL;
}

static void begin(void)
{
	char path[128];

	snprintf(folder, sizeof(folder), "/tmp/fogline-services-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(config_path, sizeof(config_path), "%s/node.yaml", folder);
	snprintf(pending_path, sizeof(pending_path), "%s/state/control/config.pending", folder);
	snprintf(path, sizeof(path), "%s/state", folder);
	mkdir(path, 0711);
	write_text(config_path, text_of("one"));
	up();
}

static void end(void)
{
	char command[128];

	down();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

#define UNTIL(condition) \
	do { \
		unsigned left = PATIENCE; \
		while (!(condition) && left-- > 0) \
			usleep(STEP_US); \
		CU_ASSERT_TRUE(condition); \
	} while (0)

static int put(const char *comment, uint32_t confirm_s)
{
	const struct fog_config_origin origin = {
	        .actor = "uid 7",
	        .comment = "because",
	        .correlation = "try-7",
	        .confirm_s = confirm_s};
	struct fog_report *report = calloc(1, sizeof(*report));
	const char *text = text_of(comment);
	enum fog_reload change;
	uint64_t generation;
	int r = fog_node_config_put(
	        node, text, strlen(text), NULL, &origin, &generation, &change, report
	);

	free(report);
	return r;
}

static int revert(int64_t revision)
{
	const struct fog_config_origin origin = {.actor = "uid 8"};
	struct fog_report *report = calloc(1, sizeof(*report));
	enum fog_reload change;
	uint64_t generation;
	int r = fog_node_config_revert(node, revision, &origin, &generation, &change, report);

	free(report);
	return r;
}

struct seen {
	unsigned count;
	enum fog_revision_state state;
	bool in_force;
	int64_t reverts;
	char actor[64], comment[64];
};

static void see(void *ctx, const struct fog_revision *v)
{
	struct seen *s = ctx;

	s->count++;
	s->state = v->state;
	s->in_force = v->in_force;
	s->reverts = v->reverts;
	snprintf(s->actor, sizeof(s->actor), "%s", v->actor);
	snprintf(s->comment, sizeof(s->comment), "%s", v->comment);
}

static struct seen revision(int64_t number)
{
	struct fog_history rows;
	struct seen s = {0};

	CU_ASSERT_EQUAL_FATAL(node_history_rows(node, &rows), 0);
	if (fog_history_get(&rows, number, see, &s) != 0)
		s.state = FOG_REVISION_FAILED + 1;
	return s;
}

static bool is(int64_t number, enum fog_revision_state state, bool in_force)
{
	struct seen s = revision(number);

	return s.count == 1 && s.state == state && s.in_force == in_force;
}

static void remember(void *ctx, const char *code, const char *text)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%s ", code);
}

static bool warns(const char *code)
{
	said[0] = '\0';
	fog_node_warnings(node, remember, NULL);
	return strstr(said, code) != NULL;
}

static void test_written_down(void)
{
	begin();
	UNTIL(is(1, FOG_REVISION_APPLIED, true)); // what it was started with
	CU_ASSERT_STRING_EQUAL(revision(1).actor, "file");
	CU_ASSERT_EQUAL(put("two", 0), 0);
	CU_ASSERT_TRUE(file_says("two"));
	CU_ASSERT_TRUE(is(2, FOG_REVISION_APPLIED, true) && is(1, FOG_REVISION_APPLIED, false));
	CU_ASSERT_STRING_EQUAL(revision(2).actor, "uid 7");
	CU_ASSERT_STRING_EQUAL(revision(2).comment, "because");
	CU_ASSERT_EQUAL(put("two", 0), 0); // no change
	CU_ASSERT_EQUAL(revision(3).count, 0);
	// The same by a file that somebody edits.
	write_text(config_path, text_of("three"));
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	UNTIL(is(3, FOG_REVISION_APPLIED, true));
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_EQUAL(revert(2), 0);
	CU_ASSERT_TRUE(file_says("two"));
	CU_ASSERT_TRUE(is(4, FOG_REVISION_APPLIED, true));
	CU_ASSERT_EQUAL(revision(4).reverts, 2);
	CU_ASSERT_EQUAL(revert(99), -ENOENT);
	// While it was away.
	down();
	write_text(config_path, text_of("four"));
	up();
	UNTIL(is(5, FOG_REVISION_APPLIED, true));
	// What is refused leaves nothing behind.
	struct fog_report *report = calloc(1, sizeof(*report));
	const struct fog_config_origin origin = {.actor = "uid 7"};
	enum fog_reload change;
	uint64_t generation;
	CU_ASSERT_EQUAL(
	        fog_node_config_put(
	                node, "nonsense: 1\n", 12, NULL, &origin, &generation, &change, report
	        ),
	        -EINVAL
	);
	free(report);
	CU_ASSERT_TRUE(file_says("four"));
	CU_ASSERT_EQUAL(revision(6).count, 0);
	end();
}

static void test_confirmed(void)
{
	struct fog_node_pending pending;

	begin();
	UNTIL(is(1, FOG_REVISION_APPLIED, true));
	CU_ASSERT_EQUAL(fog_node_config_confirm(node, 0), -ENOENT);
	CU_ASSERT_EQUAL(put("two", FOG_CONFIRM_MIN_S - 1), -EINVAL);
	CU_ASSERT_EQUAL(put("two", FOG_CONFIRM_MAX_S + 1), -EINVAL);
	CU_ASSERT_TRUE(file_says("one"));
	CU_ASSERT_FALSE(fog_node_config_pending(node, &pending));
	CU_ASSERT_EQUAL(put("two", FOG_CONFIRM_MAX_S), 0);
	CU_ASSERT_TRUE(fog_node_config_pending(node, &pending));
	CU_ASSERT_EQUAL(pending.revision, 2);
	CU_ASSERT_TRUE(pending.left_ms > 0 && pending.left_ms <= FOG_CONFIRM_MAX_S * 1000);
	CU_ASSERT_TRUE(is(2, FOG_REVISION_PENDING, true));
	CU_ASSERT_TRUE(warns("config_unconfirmed"));
	CU_ASSERT_EQUAL(put("three", 0), -EBUSY);
	CU_ASSERT_TRUE(file_says("two"));
	CU_ASSERT_EQUAL(fog_node_config_confirm(node, 1), -ESTALE);
	// It waits on through a restart.
	down();
	up();
	CU_ASSERT_TRUE(fog_node_config_pending(node, &pending));
	CU_ASSERT_EQUAL(pending.revision, 2);
	CU_ASSERT_EQUAL(fog_node_config_confirm(node, 2), 0);
	CU_ASSERT_TRUE(is(2, FOG_REVISION_APPLIED, true));
	CU_ASSERT_TRUE(access(pending_path, F_OK) < 0);
	CU_ASSERT_FALSE(warns("config_unconfirmed"));
	CU_ASSERT_EQUAL(put("three", 0), 0);
	end();
}

// How many rows of the audit say so. 'correlation' NULL: any.
static unsigned noted(
        const char *action, const char *object, const char *outcome, const char *correlation
)
{
	const struct fog_audit_filter f = {
	        .actor = "",
	        .action = action,
	        .object = object,
	        .source = "node",
	        .outcome = outcome,
	        .correlation_id = correlation,
	        .limit = 10};
	struct fog_audit_list l;
	unsigned count = 0;

	CU_ASSERT_EQUAL_FATAL(fog_audit_search(node_platform_store(node), &f, &l), 0);
	for (unsigned i = 0; i < l.count; i++)
		count += strcmp(l.row[i].text[FOG_AUDIT_TEXT_actor_kind], "system") == 0;
	fog_audit_list_free(&l);
	return count;
}

// Its time is over while the node is away, as the file says that is written for this.
static void time_over(void)
{
	struct fog_pending p;

	CU_ASSERT_EQUAL_FATAL(fog_pending_read(pending_path, &p), 0);
	p.deadline_us = fog_now_unix_us() - 1;
	CU_ASSERT_EQUAL_FATAL(fog_pending_write(pending_path, &p), 0);
	fog_pending_free(&p);
}

static void test_taken_back(void)
{
	struct fog_node_pending pending;

	begin();
	UNTIL(is(1, FOG_REVISION_APPLIED, true));
	CU_ASSERT_EQUAL(put("two", FOG_CONFIRM_MAX_S), 0);
	down();
	CU_ASSERT_TRUE(file_says("two"));
	time_over();
	up();
	UNTIL(file_says("one"));
	UNTIL(is(2, FOG_REVISION_ROLLED_BACK, false) && is(1, FOG_REVISION_APPLIED, true));
	UNTIL(access(pending_path, F_OK) < 0);
	CU_ASSERT_FALSE(fog_node_config_pending(node, &pending));
	CU_ASSERT_EQUAL(fog_node_config_confirm(node, 0), -ENOENT);
	CU_ASSERT_EQUAL(revision(3).count, 0);
	UNTIL(noted("config.rollback", "/v1/config/history/2", "done", "try-7") == 1);
	CU_ASSERT_EQUAL(noted("config.rollback", NULL, "begun", "try-7"), 1);
	CU_ASSERT_EQUAL(noted("config.rollback", NULL, NULL, NULL), 2);
	// Before its time, by hand.
	CU_ASSERT_EQUAL(put("three", FOG_CONFIRM_MAX_S), 0);
	CU_ASSERT_EQUAL(revert(1), 0);
	CU_ASSERT_TRUE(file_says("one"));
	CU_ASSERT_TRUE(is(3, FOG_REVISION_ROLLED_BACK, false) && is(1, FOG_REVISION_APPLIED, true));
	CU_ASSERT_FALSE(fog_node_config_pending(node, &pending));
	// Root edits the file: nothing is taken back any more.
	CU_ASSERT_EQUAL(put("four", FOG_CONFIRM_MAX_S), 0);
	write_text(config_path, text_of("five"));
	CU_ASSERT_EQUAL(fog_node_config_reload(node), 0);
	CU_ASSERT_FALSE(fog_node_config_pending(node, &pending));
	UNTIL(is(5, FOG_REVISION_APPLIED, true) && is(4, FOG_REVISION_ROLLED_BACK, false));
	UNTIL(noted("config.reload", "/v1/config", "done", NULL) == 1);
	CU_ASSERT_EQUAL(noted("config.rollback", NULL, NULL, NULL), 2);
	// A crash before the file was written: the change has never been in force.
	CU_ASSERT_EQUAL(put("six", FOG_CONFIRM_MAX_S), 0);
	down();
	write_text(config_path, text_of("five"));
	up();
	UNTIL(access(pending_path, F_OK) < 0);
	UNTIL(is(6, FOG_REVISION_ROLLED_BACK, false) && is(5, FOG_REVISION_APPLIED, true));
	CU_ASSERT_TRUE(file_says("five"));
	end();
}

// In this life, by the clock: the shortest time there is.
static void test_in_time(void)
{
	begin();
	UNTIL(is(1, FOG_REVISION_APPLIED, true));
	CU_ASSERT_EQUAL(put("two", FOG_CONFIRM_MIN_S), 0);
	CU_ASSERT_TRUE(file_says("two"));
	UNTIL(file_says("one"));
	UNTIL(is(2, FOG_REVISION_ROLLED_BACK, false));
	CU_ASSERT_TRUE(memcmp(node->config->checksum, node->started->checksum, 32) == 0);
	end();
}

static struct fog_service_view service(const char *name)
{
	struct fog_service_view v = {0};

	CU_ASSERT_TRUE(fog_services_get(node->services, name, &v, NULL, 0) >= 0);
	return v;
}

static void test_services(void)
{
	static const char *const own[] = {
	        "cover",      "mail_answers",   "directory_client", "directory_listener",
	        "operations", "config_history", "betanet_watch"};
	static const char *const fixed[] = {
	        "event_loop", "node_store", "data_plane", "platform_store"};

	begin();
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		unsigned had = service(own[i]).checks;
		UNTIL(service(own[i]).state == FOG_SERVICE_RUNNING);
		CU_ASSERT_EQUAL(fog_services_restart(node->services, own[i], true), 0);
		UNTIL(service(own[i]).restarts == 1 &&
		      service(own[i]).state == FOG_SERVICE_RUNNING &&
		      service(own[i]).checks > had && service(own[i]).health != FOG_HEALTH_UNKNOWN);
		CU_ASSERT_NOT_EQUAL(service(own[i]).health, FOG_HEALTH_UNHEALTHY);
	}
	for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		CU_ASSERT_EQUAL(fog_services_restart(node->services, fixed[i], true), -EOPNOTSUPP);
	CU_ASSERT_PTR_NOT_NULL(node_operations(node));
	// What was restarted works.
	CU_ASSERT_EQUAL(put("two", 0), 0);
	CU_ASSERT_TRUE(is(2, FOG_REVISION_APPLIED, true));
	uint64_t stepped = fog_now_ms();
	UNTIL(node_cover_health(node, (char[FOG_SERVICE_TEXT_LEN]){""}) == 0 &&
	      fog_now_ms() > stepped);
	// Nobody moves the control thread here, and it has not moved yet.
	CU_ASSERT_EQUAL(service("event_loop").health, FOG_HEALTH_HEALTHY);
	node_services_beat(node);
	CU_ASSERT_EQUAL(fog_services_check(node->services, "event_loop"), 0);
	end();
}

static CU_TestInfo tests[] = {
        {"configurations are written down", test_written_down},
        {"a change that is confirmed", test_confirmed},
        {"changes that are taken back", test_taken_back},
        {"a change that is taken back in time", test_in_time},
        {"services of a node", test_services},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	if (sodium_init() < 0 || fog_crypto_init() < 0)
		return 77;
	return check_run("node", tests);
}
