// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Managed nodes by REST: list, change, deploy, enrol; nothing is said that this node doesn't know.
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../controlplane/betanet/betanet.h"
#include "../../../controlplane/mixnet/identity.h"
#include "../../../controlplane/services/services.h"
#include "../run.h"
#include "http_rig.h"

// What stands behind 'key' in the last answer, up to one of 'ends'.
static void value(const char *key, const char *ends, char *out, size_t len)
{
	const char *at = strstr(answered(), key);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at += strlen(key);
	snprintf(out, len, "%.*s", (int)strcspn(at, ends), at);
}

static void change(const char *path)
{
	char etag[32], header[64], stale[64];

	CU_ASSERT_EQUAL(ask("GET", path, ""), 200);
	value("ETag: ", "\r", etag, sizeof(etag));
	snprintf(header, sizeof(header), "If-Match: %s\r\n", etag);
	snprintf(stale, sizeof(stale), "If-Match: \"99\"\r\n");
	CU_ASSERT_EQUAL(ask("PATCH", path, "{\"maintenance\":true}"), 428);
	CU_ASSERT_EQUAL(ask_headers("PATCH", path, stale, "{\"maintenance\":true}"), 412);
	CU_ASSERT_EQUAL(ask_headers("PATCH", path, header, "{\"node_type\":\"gateway\"}"), 400);
	CU_ASSERT_EQUAL(ask_headers("PATCH", path, header, "{\"maintenance\":true}"), 200);
	CU_ASSERT(says("\"state\":\"maintenance\"") && says("\"region\":\"eu-west\""));
	CU_ASSERT_EQUAL(ask_headers("PATCH", path, header, "{\"maintenance\":false}"), 412);
	CU_ASSERT_EQUAL(
	        ask_headers(
	                "PATCH", path, "If-Match: *\r\n", "{\"maintenance\":false,\"region\":null}"
	        ),
	        200
	);
	CU_ASSERT(says("\"state\":\"registered\"") && says("\"region\":null"));
	CU_ASSERT_EQUAL(
	        ask_headers("PATCH", path, "If-Match: *\r\n", "{\"name\":\"second\"}"), 409
	);
	CU_ASSERT(says("\"node_exists\""));
}

enum { PATIENCE = 600 }; // tenths of a second

// Look now, and not once a minute; until the newest state of the node is this one.
static bool found(const char *history, const char *newest)
{
	unsigned left = PATIENCE;

	while (fog_services_restart(node->services, "betanet_watch", true) < 0 && left-- > 0)
		usleep(100000);
	for (unsigned i = 0; i < PATIENCE; i++) {
		CU_ASSERT_EQUAL(ask("GET", history, ""), 200);
		if (says(newest))
			return true;
		usleep(100000);
	}
	return false;
}

// What the watch finds is history, and each change a row of the audit.
static void watched(const char *path)
{
	char history[128], audit[160], before[16];

	snprintf(history, sizeof(history), "%s/history", path);
	CU_ASSERT(found(history, "\"state\":\"registered\",\"before\":\"maintenance\""));
	snprintf(
	        audit, sizeof(audit), "/v1/audit?action=betanet_node.state&object=%s&limit=10", path
	);
	CU_ASSERT_EQUAL(ask("GET", audit, ""), 200);
	CU_ASSERT(says("\"actor_kind\":\"system\"") && says("\"before\":\"nothing\""));
	CU_ASSERT(says("\"before\":\"maintenance\"") && says("\"name\":\"first\""));
	snprintf(history, sizeof(history), "%s/history?limit=1", path);
	CU_ASSERT_EQUAL(ask("GET", history, ""), 200);
	CU_ASSERT(says("\"registered\"") && !says("\"before\":null"));
	value("\"next\":", "}", before, sizeof(before));
	snprintf(history, sizeof(history), "%s/history?limit=3&before=%s", path, before);
	CU_ASSERT_EQUAL(ask("GET", history, ""), 200);
	CU_ASSERT(says("\"next\":null") && says("\"before\":null"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes/9999/history", ""), 404);
}

static void maintained(const char *path)
{
	char history[96];

	snprintf(history, sizeof(history), "%s/history", path);
	CU_ASSERT(found(history, "\"state\":\"registered\",\"before\":null"));
	CU_ASSERT_EQUAL(
	        ask_headers("PATCH", path, "If-Match: *\r\n", "{\"maintenance\":true}"), 200
	);
	CU_ASSERT(found(history, "\"state\":\"maintenance\",\"before\":\"registered\""));
	CU_ASSERT_EQUAL(
	        ask_headers("PATCH", path, "If-Match: *\r\n", "{\"maintenance\":false}"), 200
	);
}

void test_http_betanet(void)
{
	char path[64], after[16], next[96], self[96], hex[65];

	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes", ""), 200);
	CU_ASSERT(says("{\"nodes\":[],\"next\":null}"));
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/betanet/nodes", "{\"name\":\"first\",\"region\":\"eu-west\"}"), 201
	);
	CU_ASSERT(says("\"node_type\":\"mixnode\"") && says("\"state\":\"registered\""));
	// Nothing is known of it.
	CU_ASSERT(says("\"figures\":{\"packets_processed\":null,\"packets_forwarded\":null,"
	               "\"packets_dropped\":null,\"latency_ms\":null,\"uptime_s\":null}"));
	CU_ASSERT(says("\"link\":null") && says("\"loops\":null") && says("\"seen_at\":null"));
	value("Location: ", "\r", path, sizeof(path));
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/nodes", "{\"name\":\"first\"}"), 409);
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/nodes", "{\"name\":\"../x\"}"), 400);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/betanet/nodes", "{\"name\":\"x\",\"state\":\"active\"}"), 400
	);
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/nodes", "{\"node_type\":\"mix\"}"), 400);
	sodium_bin2hex(hex, sizeof(hex), node->identity->node_id, 32);
	snprintf(self, sizeof(self), "{\"name\":\"second\",\"node_id\":\"%s\"}", hex);
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/nodes", self), 201);
	CU_ASSERT(says("\"self\":true") && says("\"node_type\":\"mixnode\""));
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/nodes", "{\"node_type\":\"client\"}"), 201);
	CU_ASSERT(says("\"name\":\"client-"));
	change(path);
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes?limit=2", ""), 200);
	CU_ASSERT(says("\"first\"") && says("\"second\"") && !says("\"client-"));
	value("\"next\":", "}", after, sizeof(after));
	snprintf(next, sizeof(next), "/v1/betanet/nodes?limit=2&after=%s", after);
	CU_ASSERT_EQUAL(ask("GET", next, ""), 200);
	CU_ASSERT(!says("\"second\"") && says("\"client-") && says("\"next\":null"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes?node_type=client&state=registered", ""), 200);
	CU_ASSERT(!says("\"first\"") && says("\"client-"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes?state=running", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes?region=x%20y", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/status", ""), 200);
	CU_ASSERT(
	        says("\"registered\":3") && says("\"total\":3") && says("\"throughput_pps\":null")
	);
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/health", ""), 503);
	CU_ASSERT(says("\"unavailable\"") && says("\"no_data_plane\""));
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes/9999", ""), 404);
	CU_ASSERT_EQUAL(ask("GET", "/v1/betanet/nodes/first", ""), 400);
	maintained(path);
	watched(path);
	CU_ASSERT_EQUAL(ask("DELETE", path, ""), 204);
	CU_ASSERT_EQUAL(ask("DELETE", path, ""), 404);
	CU_ASSERT_EQUAL(ask("GET", path, ""), 404);
}

static int enrol(const char *token, const uint8_t *public_key, const uint8_t *secret)
{
	char identity[65], hex[129], body[400];
	uint8_t signature[64];

	CU_ASSERT_EQUAL_FATAL(fog_betanet_sign(token, secret, signature), 0);
	sodium_bin2hex(identity, sizeof(identity), public_key, 32);
	sodium_bin2hex(hex, sizeof(hex), signature, sizeof(signature));
	snprintf(
	        body, sizeof(body), "{\"token\":\"%s\",\"identity\":\"%s\",\"signature\":\"%s\"}",
	        token, identity, hex
	);
	return ask("POST", "/v1/betanet/enrol", body);
}

void test_http_betanet_deploy(void)
{
	static const char order[] =
	        "{\"address\":\"192.0.2.77\",\"port\":9100,\"device\":\"eth7\",\"cpus\":[2,3]}";
	char path[64], deploy[96], token[FOG_BETANET_TOKEN_LEN], hex[65];
	uint8_t public_key[32], secret[64], other_public[32], other[64], node_id[FOG_ID_LEN];

	crypto_sign_keypair(public_key, secret);
	crypto_sign_keypair(other_public, other);
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/betanet/nodes", "{\"node_type\":\"client\",\"name\":\"c\"}"), 201
	);
	value("Location: ", "\r", path, sizeof(path));
	snprintf(deploy, sizeof(deploy), "%s/deploy", path);
	CU_ASSERT_EQUAL(ask("POST", deploy, order), 422);
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/nodes", "{\"name\":\"fresh\"}"), 201);
	value("Location: ", "\r", path, sizeof(path));
	snprintf(deploy, sizeof(deploy), "%s/deploy", path);
	CU_ASSERT_EQUAL(ask("POST", deploy, "{\"device\":\"eth1\\nuser: root\"}"), 400);
	CU_ASSERT_EQUAL(ask("POST", deploy, "{\"address\":\"nowhere\"}"), 422);
	CU_ASSERT_EQUAL(ask_headers("POST", deploy, "Idempotency-Key: deploy-1\r\n", order), 202);
	CU_ASSERT(
	        says("\"state\":\"deploying\"") && says("name: fresh") && says("eth7") &&
	        says("[2, 3]")
	);
	CU_ASSERT(says("port: 9100") && says("192.0.2.77") && says("network:"));
	value("\"token\":\"", "\"", token, sizeof(token));
	// The token is told once.
	CU_ASSERT_EQUAL(ask_headers("POST", deploy, "Idempotency-Key: deploy-1\r\n", order), 409);
	CU_ASSERT_FALSE(says(token));
	CU_ASSERT_EQUAL(enrol(token, other_public, secret), 403);
	CU_ASSERT(says("\"enrolment_refused\""));
	CU_ASSERT_EQUAL(enrol(token, public_key, secret), 200);
	CU_ASSERT(says("name: fresh") && says("network:") && says("\"node_type\":\"mixnode\""));
	CU_ASSERT_EQUAL(enrol(token, other_public, other), 403);
	fog_identity_node_id(public_key, node_id);
	sodium_bin2hex(hex, sizeof(hex), node_id, sizeof(node_id));
	CU_ASSERT_EQUAL(ask("GET", path, ""), 200);
	CU_ASSERT(says(hex) && says("\"state\":\"deploying\"") && !says("\"enrolled_at\":null"));
	CU_ASSERT_EQUAL(ask("POST", "/v1/betanet/enrol", "{}"), 400);
}
