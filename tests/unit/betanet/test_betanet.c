// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Managed nodes, on all stores: what operators say, enrolments, states by the times of rows, configurations of new appliances.
#include <errno.h>
#include <sodium.h>

#include "../../../controlplane/betanet/betanet.h"
#include "../../../controlplane/config/config.h"
#include "../../../controlplane/mixnet/identity.h"
#include "../../../controlplane/mixnet/topology.h"
#include "../run.h"
#include "../store/store_rig.h"

#define SECOND INT64_C(1000000)

static const int64_t noon = INT64_C(1800000000) * SECOND;
static struct fog_db *db;

struct key {
	uint8_t public_key[32], secret[64], node_id[FOG_ID_LEN];
};

static void begin(void)
{
	db = rig_open_migrated();
}

static void finish(void)
{
	rig_close(db);
	db = NULL;
}

static struct key key_make(void)
{
	struct key k;

	crypto_sign_keypair(k.public_key, k.secret);
	fog_identity_node_id(k.public_key, k.node_id);
	return k;
}

static struct fog_betanet_said said(const char *name)
{
	return (struct fog_betanet_said
	){.name = name, .type = FOG_BETANET_MIXNODE, .region = "eu-west"};
}

static struct fog_betanet_node add(const char *name)
{
	struct fog_betanet_said s = said(name);
	struct fog_betanet_node n = {0};

	CU_ASSERT_EQUAL_FATAL(fog_betanet_add(db, &s, noon, &n), 0);
	return n;
}

static enum fog_betanet_state state_at(int64_t id, int64_t now_us)
{
	struct fog_betanet_node n = {0};

	CU_ASSERT_EQUAL_FATAL(fog_betanet_get(db, id, now_us, &n), 0);
	return n.state;
}

static void test_add(void)
{
	struct fog_betanet_node a = add("mix1"), b, got;
	struct fog_betanet_said s = said("mix1");
	struct key k = key_make();

	CU_ASSERT_EQUAL(a.version, 1);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_REGISTERED);
	CU_ASSERT_EQUAL(a.created_us, noon);
	CU_ASSERT_EQUAL(a.seen_us + a.deployed_us + a.enrolled_us + a.enrolment_until_us, 0);
	CU_ASSERT_FALSE(a.has_node_id);
	CU_ASSERT_EQUAL(fog_betanet_add(db, &s, noon, &b), -EEXIST);
	s.name = "gate";
	s.type = FOG_BETANET_GATEWAY;
	s.region = "";
	s.node_id = k.node_id;
	CU_ASSERT_EQUAL(fog_betanet_add(db, &s, noon, &b), 0);
	CU_ASSERT_EQUAL(fog_betanet_get(db, b.id, noon, &got), 0);
	CU_ASSERT_STRING_EQUAL(got.name, "gate");
	CU_ASSERT_STRING_EQUAL(got.region, "");
	CU_ASSERT_EQUAL(got.type, FOG_BETANET_GATEWAY);
	CU_ASSERT(got.has_node_id && memcmp(got.node_id, k.node_id, FOG_ID_LEN) == 0);
	s.name = "other"; // the same node twice
	CU_ASSERT_EQUAL(fog_betanet_add(db, &s, noon, &b), -EEXIST);
	CU_ASSERT_EQUAL(fog_betanet_get(db, 99, noon, &got), -ENOENT);
}

static void test_words(void)
{
	static const char *const bad[] = {
	        "",   "a b", "a\nb",     "..",
	        "-x", "a:b", "\xc3\xa4", "a23456789012345678901234567890123"};
	struct fog_betanet_node n;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fog_betanet_said s = said(bad[i]);
		CU_ASSERT_EQUAL(fog_betanet_add(db, &s, noon, &n), -EINVAL);
		s = said("fine");
		s.region = i > 0 ? bad[i] : "x y";
		CU_ASSERT_EQUAL(fog_betanet_add(db, &s, noon, &n), -EINVAL);
	}
	CU_ASSERT_EQUAL(fog_betanet_type_of("gateway"), FOG_BETANET_GATEWAY);
	CU_ASSERT_EQUAL(fog_betanet_type_of("mix"), FOG_BETANET_TYPE_COUNT);
	CU_ASSERT_EQUAL(fog_betanet_state_of("failed"), FOG_BETANET_FAILED);
	CU_ASSERT_EQUAL(fog_betanet_state_of(""), FOG_BETANET_STATE_COUNT);
}

static void test_change(void)
{
	struct fog_betanet_node a = add("mix1"), b = add("mix2");
	struct fog_betanet_said s = said("mix1-new");
	struct key k = key_make();

	s.maintenance = true;
	s.node_id = k.node_id;
	CU_ASSERT_EQUAL(fog_betanet_change(db, a.id, 7, &s, noon + 1, &a), -ESTALE);
	CU_ASSERT_EQUAL(fog_betanet_change(db, a.id, 1, &s, noon + 1, &a), 0);
	CU_ASSERT_EQUAL(a.version, 2);
	CU_ASSERT_EQUAL(a.changed_us, noon + 1);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_MAINTENANCE);
	CU_ASSERT_STRING_EQUAL(a.name, "mix1-new");
	CU_ASSERT(a.has_node_id);
	s.maintenance = false;
	CU_ASSERT_EQUAL(fog_betanet_change(db, a.id, 0, &s, noon + 2, &a), 0);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_REGISTERED);
	CU_ASSERT_EQUAL(fog_betanet_change(db, b.id, 0, &s, noon, &b), -EEXIST);
	CU_ASSERT_EQUAL(fog_betanet_change(db, 99, 0, &s, noon, &b), -ENOENT);
	CU_ASSERT_EQUAL(fog_betanet_remove(db, a.id), 0);
	CU_ASSERT_EQUAL(fog_betanet_remove(db, a.id), -ENOENT);
	CU_ASSERT_EQUAL(fog_betanet_get(db, a.id, noon, &a), -ENOENT);
}

static void test_seen(void)
{
	struct fog_betanet_node a, b;
	struct fog_betanet_said s = said("mix1");
	struct key k = key_make(), other = key_make(), third = key_make();
	uint8_t ids[2][FOG_ID_LEN];

	memcpy(ids[0], other.node_id, FOG_ID_LEN);
	memcpy(ids[1], k.node_id, FOG_ID_LEN);
	s.node_id = k.node_id;
	CU_ASSERT_EQUAL_FATAL(fog_betanet_add(db, &s, noon, &a), 0);
	CU_ASSERT_EQUAL(fog_betanet_see(db, ids, 1, noon), 0);
	CU_ASSERT_EQUAL(state_at(a.id, noon), FOG_BETANET_REGISTERED);
	CU_ASSERT_EQUAL(fog_betanet_see(db, ids, 2, noon), 0);
	CU_ASSERT_EQUAL(state_at(a.id, noon), FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 179 * SECOND), FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 181 * SECOND), FOG_BETANET_STOPPED);
	// Within a minute nothing is written, afterwards it is; time that goes back takes nothing away.
	CU_ASSERT_EQUAL(fog_betanet_see(db, ids, 2, noon + 59 * SECOND), 0);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 181 * SECOND), FOG_BETANET_STOPPED);
	CU_ASSERT_EQUAL(fog_betanet_see(db, ids, 2, noon + 61 * SECOND), 0);
	s.name = "mix2";
	s.node_id = other.node_id;
	CU_ASSERT_EQUAL_FATAL(fog_betanet_add(db, &s, noon, &b), 0);
	CU_ASSERT_EQUAL(fog_betanet_see(db, ids, 2, noon), 0);
	CU_ASSERT_EQUAL(state_at(b.id, noon), FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(fog_betanet_get(db, a.id, noon + 200 * SECOND, &a), 0);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(a.seen_us, noon + 61 * SECOND);
	CU_ASSERT_EQUAL(a.version, 1);
	s = said("mix1"); // another one, which nobody has seen
	s.node_id = third.node_id;
	CU_ASSERT_EQUAL(fog_betanet_change(db, a.id, 0, &s, noon + 62 * SECOND, &a), 0);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_REGISTERED);
	CU_ASSERT_EQUAL(fog_betanet_see(db, NULL, 0, noon), 0);
}

static void test_list(void)
{
	struct fog_betanet_filter all = {FOG_BETANET_TYPE_COUNT, FOG_BETANET_STATE_COUNT, "", 0};
	struct fog_betanet_filter f = all;
	struct fog_betanet_node n[4];
	struct fog_betanet_said s = said("gate");
	struct key k = key_make();
	int64_t count[FOG_BETANET_STATE_COUNT];

	add("mix1");
	add("mix2");
	s.type = FOG_BETANET_GATEWAY;
	s.region = "ap-south";
	s.node_id = k.node_id;
	CU_ASSERT_EQUAL(fog_betanet_add(db, &s, noon, &n[0]), 0);
	CU_ASSERT_EQUAL(fog_betanet_see(db, (const uint8_t(*)[FOG_ID_LEN])k.node_id, 1, noon), 0);
	CU_ASSERT_EQUAL(fog_betanet_list(db, &all, noon, n, 4), 3);
	CU_ASSERT_STRING_EQUAL(n[0].name, "mix1");
	CU_ASSERT_EQUAL(n[2].state, FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(fog_betanet_list(db, &all, noon, n, 2), 2);
	f.after = n[1].id;
	CU_ASSERT_EQUAL(fog_betanet_list(db, &f, noon, n, 2), 1);
	CU_ASSERT_STRING_EQUAL(n[0].name, "gate");
	f = all;
	f.type = FOG_BETANET_MIXNODE;
	CU_ASSERT_EQUAL(fog_betanet_list(db, &f, noon, n, 4), 2);
	f.state = FOG_BETANET_ACTIVE;
	CU_ASSERT_EQUAL(fog_betanet_list(db, &f, noon, n, 4), 0);
	f.type = FOG_BETANET_TYPE_COUNT;
	CU_ASSERT_EQUAL(fog_betanet_list(db, &f, noon, n, 4), 1);
	f = all;
	f.region = "ap-south";
	CU_ASSERT_EQUAL(fog_betanet_list(db, &f, noon, n, 4), 1);
	f.region = "' OR 1=1 --";
	CU_ASSERT_EQUAL(fog_betanet_list(db, &f, noon, n, 4), 0);
	CU_ASSERT_EQUAL(fog_betanet_counts(db, noon, count), 0);
	CU_ASSERT_EQUAL(count[FOG_BETANET_REGISTERED], 2);
	CU_ASSERT_EQUAL(count[FOG_BETANET_ACTIVE], 1);
	CU_ASSERT_EQUAL(count[FOG_BETANET_STOPPED] + count[FOG_BETANET_FAILED], 0);
}

static int enrol(
        const char *token, const struct key *k, int64_t now_us, struct fog_betanet_node *out
)
{
	uint8_t signature[64];
	char *configuration;
	int r;

	CU_ASSERT_EQUAL_FATAL(fog_betanet_sign(token, k->secret, signature), 0);
	r = fog_betanet_enrol(db, token, k->public_key, signature, now_us, out, &configuration);
	CU_ASSERT_EQUAL(configuration != NULL, r == 0);
	if (configuration != NULL)
		CU_ASSERT_STRING_EQUAL(configuration, "the configuration");
	free(configuration);
	return r;
}

static void test_enrol(void)
{
	char token[FOG_BETANET_TOKEN_LEN], newer[FOG_BETANET_TOKEN_LEN];
	struct fog_betanet_node a = add("mix1"), n;
	struct key k = key_make(), other = key_make();

	CU_ASSERT_EQUAL(fog_betanet_deploy(db, 99, "c", noon, token, &n), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(
	        fog_betanet_deploy(db, a.id, "the configuration", noon, token, &n), 0
	);
	CU_ASSERT_EQUAL(strlen(token), 43);
	CU_ASSERT_EQUAL(n.state, FOG_BETANET_DEPLOYING);
	CU_ASSERT_EQUAL(n.version, 2);
	CU_ASSERT_EQUAL(n.enrolment_until_us, noon + 24 * 3600 * SECOND);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 24 * 3600 * SECOND), FOG_BETANET_FAILED);
	CU_ASSERT_EQUAL(enrol(token, &k, noon + 24 * 3600 * SECOND, &n), -EACCES);

	CU_ASSERT_EQUAL(enrol(token, &k, noon + SECOND, &n), 0);
	CU_ASSERT_EQUAL(n.id, a.id);
	CU_ASSERT_EQUAL(n.version, 3);
	CU_ASSERT_EQUAL(n.enrolled_us, noon + SECOND);
	CU_ASSERT(n.has_node_id && memcmp(n.node_id, k.node_id, FOG_ID_LEN) == 0);
	CU_ASSERT_EQUAL(n.state, FOG_BETANET_DEPLOYING);
	CU_ASSERT_EQUAL(enrol(token, &k, noon + 2 * SECOND, &n), 0); // its answer was lost
	CU_ASSERT_EQUAL(n.enrolled_us, noon + SECOND);
	CU_ASSERT_EQUAL(enrol(token, &other, noon + 2 * SECOND, &n), -EACCES);

	CU_ASSERT_EQUAL(
	        fog_betanet_see(db, (const uint8_t(*)[FOG_ID_LEN])k.node_id, 1, noon + 3 * SECOND),
	        0
	);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 4 * SECOND), FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(fog_betanet_deploy(db, a.id, "c", noon + 5 * SECOND, newer, &n), -EALREADY);
	CU_ASSERT_EQUAL(newer[0], '\0');
	// Once it is gone it may be deployed anew, and the token before is worth nothing.
	CU_ASSERT_EQUAL(
	        fog_betanet_deploy(db, a.id, "the configuration", noon + 600 * SECOND, newer, &n), 0
	);
	CU_ASSERT_EQUAL(n.state, FOG_BETANET_DEPLOYING);
	CU_ASSERT_EQUAL(enrol(token, &k, noon + 601 * SECOND, &n), -EACCES);
	CU_ASSERT_EQUAL(enrol(newer, &other, noon + 601 * SECOND, &n), 0);
	CU_ASSERT_EQUAL(n.seen_us, 0);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 25 * 3600 * SECOND), FOG_BETANET_FAILED);
}

static void test_enrol_refused(void)
{
	char token[FOG_BETANET_TOKEN_LEN], second[FOG_BETANET_TOKEN_LEN];
	struct fog_betanet_node a = add("mix1"), b = add("mix2"), n;
	struct key k = key_make(), other = key_make();
	uint8_t signature[64];
	char *configuration;

	CU_ASSERT_EQUAL_FATAL(
	        fog_betanet_deploy(db, a.id, "the configuration", noon, token, &n), 0
	);
	CU_ASSERT_EQUAL_FATAL(
	        fog_betanet_deploy(db, b.id, "the configuration", noon, second, &n), 0
	);
	// Somebody else's key, somebody else's token, and what is no token.
	CU_ASSERT_EQUAL(fog_betanet_sign(token, other.secret, signature), 0);
	CU_ASSERT_EQUAL(
	        fog_betanet_enrol(db, token, k.public_key, signature, noon, &n, &configuration),
	        -EKEYREJECTED
	);
	CU_ASSERT_EQUAL(fog_betanet_sign(second, k.secret, signature), 0);
	CU_ASSERT_EQUAL(
	        fog_betanet_enrol(db, token, k.public_key, signature, noon, &n, &configuration),
	        -EKEYREJECTED
	);
	CU_ASSERT_EQUAL(
	        fog_betanet_enrol(db, "token", k.public_key, signature, noon, &n, &configuration),
	        -EACCES
	);
	CU_ASSERT_EQUAL(fog_betanet_sign("", k.secret, signature), -EINVAL);
	token[5] = token[5] == 'A' ? 'B' : 'A'; // nobody's token
	CU_ASSERT_EQUAL(enrol(token, &k, noon, &n), -EACCES);
	CU_ASSERT_EQUAL(state_at(a.id, noon), FOG_BETANET_DEPLOYING);
	// One identity is one node.
	CU_ASSERT_EQUAL(enrol(second, &k, noon, &n), 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_betanet_deploy(db, a.id, "the configuration", noon, token, &n), 0
	);
	CU_ASSERT_EQUAL(enrol(token, &k, noon, &n), -EEXIST);
}

// Whoever takes the place of a node under maintenance was not seen when that one was.
static void test_deploy_again(void)
{
	char token[FOG_BETANET_TOKEN_LEN];
	struct fog_betanet_node a;
	struct fog_betanet_said s = said("mix1");
	struct key k = key_make();

	s.node_id = k.node_id;
	s.maintenance = true;
	CU_ASSERT_EQUAL_FATAL(fog_betanet_add(db, &s, noon, &a), 0);
	CU_ASSERT_EQUAL(fog_betanet_see(db, (const uint8_t(*)[FOG_ID_LEN])k.node_id, 1, noon), 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_betanet_deploy(db, a.id, "the configuration", noon + SECOND, token, &a), 0
	);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_MAINTENANCE);
	s.maintenance = false;
	CU_ASSERT_EQUAL(fog_betanet_change(db, a.id, 0, &s, noon + 2 * SECOND, &a), 0);
	CU_ASSERT_EQUAL(a.state, FOG_BETANET_DEPLOYING);
	CU_ASSERT_EQUAL(
	        fog_betanet_see(db, (const uint8_t(*)[FOG_ID_LEN])k.node_id, 1, noon + 3 * SECOND),
	        0
	);
	CU_ASSERT_EQUAL(state_at(a.id, noon + 3 * SECOND), FOG_BETANET_ACTIVE);
}

static int hash_work(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	size_t len;
	int r = fog_db_one(tx, &rows, "SELECT token_hash FROM betanet_node", FOG_NONE);
	const uint8_t *hash = fog_rows_bytes(&rows, 0, &len);

	if (hash != NULL)
		memcpy(ctx, hash, len);
	fog_rows_end(&rows);
	return r;
}

static void test_token_hidden(void)
{
	char token[FOG_BETANET_TOKEN_LEN];
	uint8_t bytes[32], hash[32], stored[32] = {0};
	struct fog_betanet_node a = add("mix1");

	CU_ASSERT_EQUAL_FATAL(fog_betanet_deploy(db, a.id, "c", noon, token, &a), 0);
	CU_ASSERT_EQUAL(
	        sodium_base642bin(
	                bytes, 32, token, 43, NULL, NULL, NULL,
	                sodium_base64_VARIANT_URLSAFE_NO_PADDING
	        ),
	        0
	);
	crypto_generichash(hash, 32, bytes, 32, NULL, 0);
	CU_ASSERT_EQUAL(fog_db_read(db, hash_work, stored), 0);
	CU_ASSERT_EQUAL(memcmp(hash, stored, 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(bytes, stored, 32), 0);
}

#define HEX62 "11111111111111111111111111111111111111111111111111111111111111"
static const char directory_text[] = "network:\n"
                                     "  name: example\n"
                                     "  links: noise\n"
                                     "directory:\n"
                                     "  threshold: 1\n"
                                     "  authorities:\n"
                                     "    - name: auth1\n"
                                     "      identity: " HEX62 "01\n"
                                     "      vrf_key: " HEX62 "02\n"
                                     "      tls_key: " HEX62 "03\n"
                                     "      address: 192.0.2.101\n";

static struct fog_topology *network(void)
{
	static struct fog_report report;
	struct fog_topology *t = NULL;

	report = (struct fog_report){0};
	if (fog_topology_load_text("net", directory_text, strlen(directory_text), &t, &report) < 0)
		fputs(report.text, stderr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

static void test_configuration(void)
{
	static struct fog_report report;
	static const uint32_t cpus[] = {2, 3};
	struct fog_betanet_node n = {.id = 5, .name = "mix1", .region = "eu-west"};
	struct fog_betanet_place p = {
	        .address = "192.0.2.7",
	        .port = 9100,
	        .layer = 2,
	        .device = "eth1",
	        .cpu = cpus,
	        .cpus = 2};
	char text[FOG_BETANET_CONFIGURATION_LEN];
	struct fog_topology *t = network();
	struct fog_config *c = NULL;

	report = (struct fog_report){0};
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), 0);
	CU_ASSERT_EQUAL_FATAL(fog_config_load_text("x", text, strlen(text), &c, &report), 0);
	CU_ASSERT_STRING_EQUAL(c->instance, "mix1");
	CU_ASSERT_STRING_EQUAL(c->node.name, "mix1");
	CU_ASSERT_STRING_EQUAL(c->node.region, "eu-west");
	CU_ASSERT_EQUAL(c->node.role, FOG_ROLE_MIX);
	CU_ASSERT_EQUAL(c->node.port, 9100);
	CU_ASSERT_EQUAL(c->node.layer, 2);
	CU_ASSERT_EQUAL(c->workers.cpu_count, 2);
	CU_ASSERT_EQUAL(c->workers.cpu[1], 3);
	CU_ASSERT_STRING_EQUAL(c->port[0].device, "eth1");
	fog_config_free(c);
	strcpy(n.region, "ap-northeast"); // too long for the network
	n.type = FOG_BETANET_GATEWAY;
	p.layer = 0;
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "# Region ap-northeast"));
	CU_ASSERT_PTR_NULL(strstr(text, "\n  region:"));
	fog_topology_free(t);
}

static void test_configuration_refused(void)
{
	static struct fog_report report;
	static const uint32_t cpus[] = {1};
	static const char *const devices[] = {
	        "", "eth1\"\nproduction: false", "eth 1", "a\\b", "longer-than-an-interface"};
	struct fog_betanet_node n = {.id = 5, .name = "mix1", .region = ""};
	struct fog_betanet_place good = {
	        .address = "192.0.2.7", .device = "eth1", .cpu = cpus, .cpus = 1};
	struct fog_betanet_place p = good;
	char text[FOG_BETANET_CONFIGURATION_LEN];
	struct fog_topology *t = network();

	report = (struct fog_report){0};
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), 0);
	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		p.device = devices[i];
		report = (struct fog_report){0};
		CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), -EINVAL);
		CU_ASSERT(report.errors > 0);
	}
	p = good;
	p.address = ""; // the directory wants one
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "node.address"));
	p.address = "192.0.2.300";
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), -EINVAL);
	p = good;
	p.layer = 19;
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), -EINVAL);
	p = good;
	p.cpus = 0;
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &p, t, text, &report), -EINVAL);
	n.type = FOG_BETANET_CLIENT;
	CU_ASSERT_EQUAL(fog_betanet_configuration(&n, &good, t, text, &report), -ENOTSUP);
	fog_topology_free(t);
}

static int note(int64_t now_us, struct fog_betanet_change *out)
{
	return fog_betanet_note(db, now_us, out, 8);
}

// Each change of a state is written once, with what it was before.
static void test_states(void)
{
	struct fog_betanet_node a = add("mix1"), b = add("mix2"), n;
	struct fog_betanet_change c[8], past[8];
	struct fog_betanet_said s = said("mix1");
	struct key k = key_make();

	CU_ASSERT_EQUAL(note(noon, c), 2);
	CU_ASSERT(c[0].node == a.id && c[1].node == b.id && c[0].id > 0 && c[1].id > c[0].id);
	CU_ASSERT_STRING_EQUAL(c[1].name, "mix2");
	CU_ASSERT_EQUAL(c[0].state, FOG_BETANET_REGISTERED);
	CU_ASSERT_EQUAL(c[0].before, FOG_BETANET_STATE_COUNT);
	CU_ASSERT_EQUAL(note(noon + SECOND, c), 0);
	s.node_id = k.node_id;
	CU_ASSERT_EQUAL_FATAL(fog_betanet_change(db, a.id, 0, &s, noon, &n), 0);
	CU_ASSERT_EQUAL(
	        fog_betanet_see(db, (const uint8_t(*)[FOG_ID_LEN])k.node_id, 1, noon + 2 * SECOND),
	        0
	);
	CU_ASSERT_EQUAL(note(noon + 3 * SECOND, c), 1);
	CU_ASSERT(c[0].node == a.id && c[0].state == FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(c[0].before, FOG_BETANET_REGISTERED);
	CU_ASSERT_EQUAL(note(noon + 181 * SECOND, c), 0);
	CU_ASSERT_EQUAL(note(noon + 183 * SECOND, c), 1);
	CU_ASSERT(c[0].state == FOG_BETANET_STOPPED && c[0].before == FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(fog_betanet_history(db, a.id, 0, past, 8), 3);
	CU_ASSERT_EQUAL(past[0].id, c[0].id);
	CU_ASSERT_EQUAL(past[0].found_us, noon + 183 * SECOND);
	CU_ASSERT(past[1].state == FOG_BETANET_ACTIVE && past[1].before == FOG_BETANET_REGISTERED);
	CU_ASSERT(past[2].before == FOG_BETANET_STATE_COUNT && past[2].found_us == noon);
	CU_ASSERT_EQUAL(fog_betanet_history(db, a.id, past[0].id, past, 1), 1);
	CU_ASSERT_EQUAL(past[0].state, FOG_BETANET_ACTIVE);
	CU_ASSERT_EQUAL(fog_betanet_history(db, 99, 0, past, 8), -ENOENT);
	// With the node its history goes.
	CU_ASSERT_EQUAL(fog_betanet_remove(db, a.id), 0);
	CU_ASSERT_EQUAL(fog_betanet_history(db, a.id, 0, past, 8), -ENOENT);
	CU_ASSERT_EQUAL(note(noon + 200 * SECOND, c), 0);
}

// Two at once: one writes it. And the oldest go.
static void test_states_bounded(void)
{
	struct fog_betanet_node a = add("mix1"), b = add("mix2"), n;
	struct fog_betanet_change c[8], *past = calloc(2000, sizeof(*past));
	struct fog_betanet_said s = said("mix1");

	CU_ASSERT_EQUAL(fog_betanet_note(db, noon, c, 1), 1);
	CU_ASSERT_EQUAL(c[0].node, a.id);
	CU_ASSERT_EQUAL(fog_betanet_note(db, noon, c, 1), 1);
	CU_ASSERT_EQUAL(c[0].node, b.id);
	CU_ASSERT_EQUAL(fog_betanet_note(db, noon, c, 1), 0);
	for (unsigned i = 0; i < FOG_BETANET_STATES_KEPT + 5; i++) {
		s.maintenance = !s.maintenance;
		CU_ASSERT_EQUAL_FATAL(fog_betanet_change(db, a.id, 0, &s, noon + i, &n), 0);
		CU_ASSERT_EQUAL(note(noon + i, c), 1);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(past);
	CU_ASSERT_EQUAL(fog_betanet_history(db, a.id, 0, past, 2000), FOG_BETANET_STATES_KEPT);
	CU_ASSERT_EQUAL(past[0].found_us, noon + FOG_BETANET_STATES_KEPT + 4);
	CU_ASSERT_EQUAL(past[FOG_BETANET_STATES_KEPT - 1].found_us, noon + 5);
	CU_ASSERT_EQUAL(fog_betanet_history(db, b.id, 0, past, 2000), 1);
	free(past);
}

int main(void)
{
	static CU_TestInfo rows[] = {
	        {"nodes are added", test_add},
	        {"names and words", test_words},
	        {"nodes are changed and removed", test_change},
	        {"who was seen is active", test_seen},
	        {"lists and counts", test_list},
	        {"an enrolment", test_enrol},
	        {"enrolments that are refused", test_enrol_refused},
	        {"a node is deployed again", test_deploy_again},
	        {"the store has no token", test_token_hidden},
	        {"states that were found", test_states},
	        {"histories are bounded", test_states_bounded},
	        CU_TEST_INFO_NULL,
	};
	static CU_TestInfo files[] = {
	        {"the configuration of a new appliance", test_configuration},
	        {"configurations that are refused", test_configuration_refused},
	        CU_TEST_INFO_NULL,
	};
	static const CU_SuiteInfo suites[] = {
	        {.pName = "betanet", .pSetUpFunc = begin, .pTearDownFunc = finish, .pTests = rows},
	        {.pName = "betanet_configuration", .pTests = files},
	        CU_SUITE_INFO_NULL,
	};

	if (sodium_init() < 0)
		return 1;
	return check_run_suites(suites);
}
