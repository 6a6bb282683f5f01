// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The topology file: meaning, refusals with their lines.
#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "config_text.h"

static struct fog_report report;

static struct fog_topology *load(const char *text, int want)
{
	struct fog_topology *t = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_topology_load_text("t.yaml", text, strlen(text), &t, &report), want);
	CU_ASSERT_EQUAL(t != NULL, want == 0);
	if (want == 0)
		CU_ASSERT_STRING_EQUAL(report.text, "");
	return t;
}

static void test_good(void)
{
	struct fog_topology *t = load(topology_text, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_STRING_EQUAL(t->name, "example");
	CU_ASSERT_EQUAL(t->geometry.packet_len, 1408);
	CU_ASSERT_EQUAL(t->delay_mean_us, 50000);
	CU_ASSERT_EQUAL(t->delay_max_us, 500000);
	CU_ASSERT_EQUAL(t->epoch_s, 20 * 60);
	CU_ASSERT_EQUAL(t->overlap_s, 120);
	CU_ASSERT_EQUAL(t->layers, 2);
	CU_ASSERT_EQUAL(t->node_count, 5);
	CU_ASSERT_EQUAL(t->cover.loop_us, 1000000);
	CU_ASSERT_EQUAL(t->cover.drop_us, 1000000);
	CU_ASSERT_EQUAL(t->cover.dummy_us, 500000);
	CU_ASSERT_EQUAL(t->cover.client_send_us, 100000);
	CU_ASSERT_EQUAL(t->cover.client_loop_us, 2000000);
	CU_ASSERT_EQUAL(t->cover.client_fetch_us, 100000);
	CU_ASSERT_EQUAL(t->cover.slack_ms, 1000);
	CU_ASSERT_STRING_EQUAL(t->node[0].operator, "");
	CU_ASSERT_EQUAL(t->node[0].as_number, 0);
	CU_ASSERT_EQUAL(t->node[0].bandwidth, 0);
	CU_ASSERT_EQUAL(t->node[0].port, 9002);
	CU_ASSERT_EQUAL(t->node[1].port, 9001);
	CU_ASSERT_EQUAL(t->node[4].address.family, 6);
	const struct fog_topology_node *n = fog_topology_find_name(t, "mix2");
	CU_ASSERT_PTR_EQUAL(n, &t->node[3]);
	CU_ASSERT_PTR_EQUAL(fog_topology_find(t, n->id), n);
	CU_ASSERT_PTR_NULL(fog_topology_find(t, n->mix_key));
	CU_ASSERT_PTR_NULL(fog_topology_find_name(t, "mix"));
	CU_ASSERT_STRING_EQUAL(fog_role_name(n->role), "mix");
	CU_ASSERT_STRING_EQUAL(fog_role_name(9), "?");
	fog_topology_free(t);
}

// What a node says of itself and the network of its cover.
static void test_said(void)
{
	char *nodes = text_edit(
	        topology_text, "    role: gateway\n",
	        "    role: gateway\n    operator: Example Org\n    family: friends\n"
	        "    as: 4294967295\n    region: eu\n    bandwidth: 10\n"
	);
	char *text = text_edit(
	        nodes, "  delay:\n", "  cover: {loops: 3s, dummies: 0ms, slack: 250ms}\n  delay:\n"
	);
	struct fog_topology *t = load(text, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_STRING_EQUAL(t->node[0].operator, "Example Org");
	CU_ASSERT_STRING_EQUAL(t->node[0].family, "friends");
	CU_ASSERT_EQUAL(t->node[0].as_number, 4294967295);
	CU_ASSERT_STRING_EQUAL(t->node[0].region, "eu");
	CU_ASSERT_EQUAL(t->node[0].bandwidth, FOG_BANDWIDTH_MAX);
	CU_ASSERT_EQUAL(t->cover.loop_us, 3000000);
	CU_ASSERT_EQUAL(t->cover.drop_us, 1000000);
	CU_ASSERT_EQUAL(t->cover.dummy_us, 0);
	CU_ASSERT_EQUAL(t->cover.slack_ms, 250);
	fog_topology_free(t);
	free(text);
	free(nodes);
}

static void test_refusals(void)
{
	static const struct text_case cases[] = {
	        {"  links: none\n", "", 1, "network.links: is missing"},
	        {"links: none", "links: tls", 5, "is not one of none|noise"},
	        {"mix_port: 9001", "mix_port: 0", 4, "out of range"},
	        {"geometry: mtu", "geometry: mtu5", 3, "is not one of mtu|mtu3|jumbo|custom"},
	        {"geometry: mtu", "geometry: custom", 3, "custom needs"},
	        {"geometry: mtu", "custom: {slots: 5, payload: 900}", 3, "remove one of the two"},
	        {"geometry: mtu\n", "geometry: custom\n  custom: {slots: 21, payload: 900}\n", 4,
	         "slots: 21 is out of range"},
	        {"geometry: mtu\n", "geometry: custom\n  custom: {slots: 20, payload: 8900}\n", 4,
	         "9000 bytes at most"},
	        {"mean: 50ms", "mean: 50", 7, "with unit us, ms or s"},
	        {"mean: 50ms", "mean: 0.5s", 7, "with unit us, ms or s"},
	        {"mean: 50ms", "mean: 99us", 7, "out of range: 100 us"},
	        {"mean: 50ms", "mean: 3601s", 7, "out of range"},
	        {"mean: 50ms", "mean: 501ms", 6, "max 500000 us is less than mean 501000 us"},
	        {"cap: 0ms", "cap: 5us", 9, "with unit ms or s"},
	        {"delay:\n", "delay:\n    min: 1ms\n", 7, "unknown key 'min' in network.delay"},
	        {"delay:\n", "mix_key: {epoch: 20m}\n  delay:\n", 6, "with unit s, min or h"},
	        {"delay:\n", "mix_key: {epoch: 9s}\n  delay:\n", 6,
	         "out of range: 10 s to 604800 s"},
	        {"delay:\n", "mix_key: {epoch: 1min}\n  delay:\n", 6,
	         "overlap 120 s is longer than epoch 60 s"},
	        {"delay:\n", "mix_key: {age: 1h}\n  delay:\n", 6,
	         "unknown key 'age' in network.mix_key"},
	        {"    role: gateway\n", "    role: gateway\n    stake: 1\n", 17,
	         "unknown key 'stake' in nodes[0]"},
	        {"delay:\n", "cover: {loops: 2h}\n  delay:\n", 6, "unit us, ms or s"},
	        {"delay:\n", "cover: {drops: 3601s}\n  delay:\n", 6, "out of range"},
	        {"    role: gateway\n", "    role: gateway\n    bandwidth: 11\n", 17,
	         "bandwidth: 11 is out of range"},
	        {"    role: gateway\n", "    role: gateway\n    region: westerneu\n", 17,
	         "must have 0 to 7"},
	        {"    role: gateway\n", "    role: gateway\n    as: 4294967296\n", 17,
	         "out of range"},
	        {"network:\n", "epoch: 1\nnetwork:\n", 1, "unknown key 'epoch'"},
	        {HEX62 "01", HEX62, 12, "64 hexadecimal digits"},
	        {HEX62 "01", HEX62 "0g", 12, "64 hexadecimal digits"},
	        {HEX62 "21", "0000000000000000000000000000000000000000000000000000000000000000", 13,
	         "not all zero"},
	        {HEX62 "02", HEX62 "01", 17, "id is that of nodes[0], 'gateway'"},
	        {HEX62 "22", HEX62 "21", 17, "mix_key is that of nodes[0]"},
	        {"192.0.2.2", "192.0.2.1", 17, "address is that of nodes[0]"},
	        {"name: mix1b", "name: mix1a", 23, "name 'mix1a' is nodes[1]'s already"},
	        {"role: service", "role: exit", 39, "is not one of gateway|mix|service"},
	        {"role: service", "role: mix", 35, "a mix needs its layer"},
	        {"role: gateway", "role: gateway\n    layer: 1", 11, "only a mix has a layer"},
	        {"layer: 2", "layer: 3", 10, "no mix in layer 2"},
	        {"layer: 2", "layer: 19", 34, "out of range"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_edit(topology_text, cases[i].find, cases[i].with);
		load(text, -EINVAL);
		CU_ASSERT_EQUAL(report.errors, 1);
		CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		free(text);
	}
	load("network: {name: a, links: none}\n", -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 0, "nodes: is missing"));
}

// A network with links: two nodes, and keys that fit their IDs.
static size_t noise_text(char *text, size_t len, const char *rotation, const char *extra)
{
	size_t at = (size_t
	)snprintf(text, len, "network: {name: t, links: noise, mix_key: {%s}}\nnodes:\n", rotation);

	for (unsigned i = 1; i <= 2; i++) {
		uint8_t identity[32] = {(uint8_t)i}, id[32];
		char hex[2][65];
		crypto_generichash(id, 32, identity, 32, NULL, 0);
		at += (size_t)snprintf(
		        text + at, len - at,
		        "  - {name: n%u, id: %s, identity: %s, link_key: %064x, vrf_key: %064x, "
		        "address: 10.0.0.%u, role: mix, layer: %u%s}\n",
		        i, sodium_bin2hex(hex[0], 65, id, 32),
		        sodium_bin2hex(hex[1], 65, identity, 32), 16 + i, 32 + i, i, i,
		        i == 1 ? extra : ""
		);
	}
	return at;
}

static void test_noise(void)
{
	static char text[4096];
	struct fog_topology *t;

	// 2 x (2 layers + 2) x (500 ms + 0) + 2 s.
	static const struct {
		const char *rotation;
		int want;
		const char *expect;
	} cases[] = {
	        {"epoch: 20min", 0, ""},
	        {"epoch: 12s, overlap: 6s", 0, ""},
	        {"epoch: 60s, overlap: 5s", -EINVAL, "tolerance 2000 ms = 6000 ms: raise overlap"},
	        {"epoch: 60s, overlap: 7s, tolerance: 3001ms", -EINVAL, "= 7001 ms: raise overlap"},
	        {"epoch: 60s, overlap: 7s, tolerance: 3s", 0, ""},
	        {"epoch: 60s, overlap: 30s", 0, ""},
	        {"epoch: 60s, overlap: 31s", -EINVAL, "overlap 31 s is longer than half an epoch"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		noise_text(text, sizeof(text), cases[i].rotation, "");
		t = load(text, cases[i].want);
		if (cases[i].want < 0)
			CU_ASSERT_PTR_NOT_NULL(strstr(report.text, cases[i].expect));
		fog_topology_free(t);
	}
	noise_text(text, sizeof(text), "", ", mix_key: " HEX62 "21");
	load(text, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "mix_key counts only with 'links: none'"));
	noise_text(text, sizeof(text), "", "");
	memcpy(strstr(text, "vrf_key: ") + 9, strstr(text, "link_key: ") + 10, 64);
	t = load(text, 0); // keys of two kinds are never compared
	fog_topology_free(t);
	char *cut = text_edit(text, "id: ", "id: 22");
	memmove(strstr(cut, "id: 22") + 68, strstr(cut, "id: 22") + 70,
	        strlen(strstr(cut, "id: 22") + 70) + 1);
	load(cut, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "id is not the BLAKE2b-256 of identity"));
	free(cut);
}

// A network with a directory of 'count' authorities, each key of its own.
static void directory_text(
        char *text, size_t len, unsigned count, unsigned threshold, const char *extra
)
{
	size_t at = (size_t)snprintf(
	        text, len,
	        "network:\n  name: n\n  links: noise\n  mix_key: {epoch: 20min}\n%s"
	        "directory:\n  threshold: %u\n  authorities:\n",
	        extra, threshold
	);

	for (unsigned i = 0; i < count; i++)
		at += (size_t)snprintf(
		        text + at, len - at,
		        "    - {name: a%u, identity: " HEX62 "%02x, vrf_key: " HEX62
		        "%02x, tls_key: " HEX62 "%02x, address: 192.0.2.%u}\n",
		        i, 16 + i, 32 + i, 48 + i, 1 + i
		);
}

static void test_directory(void)
{
	static char text[8192];
	static const struct text_case cases[] = {
	        {"links: noise", "links: none", 5, "set network.links: noise"},
	        {"threshold: 3", "threshold: 2", 6, "at least 3"},
	        {"threshold: 3", "threshold: 5", 6, "there are 4 authorities: take 3"},
	        {"threshold: 3", "threshold: 0", 6, "out of range"},
	        {"name: a1", "name: a0", 9, "name 'a0' is authorities[0]'s already"},
	        {"address: 192.0.2.2", "address: 192.0.2.1", 9, "address and port are those of"},
	        {HEX62 "11", HEX62 "10", 9, "identity is that of authorities[0], 'a0'"},
	        {HEX62 "21", HEX62 "20", 9, "vrf_key is that of authorities[0], 'a0'"},
	        {HEX62 "33", HEX62 "30", 11, "tls_key is that of authorities[0], 'a0'"},
	        {"name: a2, ", "", 10, "directory.authorities[2].name: is missing"},
	        {"  links", "  geometry: custom\n  custom: {slots: 2, payload: 900}\n  links", 7,
	         "take a geometry with 3"},
	        // 2 x (3 layers + 2) x 500 ms + 2 s
	        {"epoch: 20min", "epoch: 60s, overlap: 6s", 4, "= 7000 ms: raise overlap"},
	        {"directory:", "nodes: []\nmirrors:", 6, "unknown key 'mirrors'"},
	};
	static const unsigned most_of[][2] = {{1, 1}, {2, 2}, {3, 3},  {4, 3},
	                                      {5, 4}, {7, 5}, {16, 11}};
	struct fog_topology *t;

	directory_text(text, sizeof(text), 4, 3, "");
	t = load(text, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->authority_count, 4);
	CU_ASSERT_EQUAL(t->threshold, 3);
	CU_ASSERT_EQUAL(t->node_count, 0);
	CU_ASSERT_EQUAL(fog_topology_layers_most(t), 3);
	CU_ASSERT_STRING_EQUAL(t->authority[3].name, "a3");
	CU_ASSERT_EQUAL(t->authority[3].identity[31], 0x13);
	CU_ASSERT_EQUAL(t->authority[3].vrf_key[31], 0x23);
	CU_ASSERT_EQUAL(t->authority[3].tls_key[31], 0x33);
	CU_ASSERT_EQUAL(t->authority[3].address.addr[3], 4);
	CU_ASSERT_EQUAL(t->authority[3].port, 9003);
	fog_topology_free(t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *bad = text_edit(text, cases[i].find, cases[i].with);
		load(bad, -EINVAL);
		CU_ASSERT_EQUAL(report.errors, 1);
		CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		free(bad);
	}
	for (size_t i = 0; i < sizeof(most_of) / sizeof(most_of[0]); i++) {
		directory_text(text, sizeof(text), most_of[i][0], most_of[i][1], "");
		fog_topology_free(load(text, 0));
		directory_text(text, sizeof(text), most_of[i][0], most_of[i][1] - 1, "");
		load(text, -EINVAL);
	}
	directory_text(text, sizeof(text), 4, 3, "");
	strcat(text, "nodes:\n  - {name: m, id: " HEX62 "01, address: 192.0.2.9, role: gateway}\n");
	load(text, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "remove one of the two"));
}

static void test_geometries(void)
{
	struct fog_topology *t;
	char *text = text_edit(
	        topology_text, "geometry: mtu\n",
	        "geometry: custom\n  custom: {slots: 7, payload: 2000}\n"
	);

	t = load(text, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->geometry.slots, 7);
	CU_ASSERT_EQUAL(t->geometry.payload_len, 2000);
	fog_topology_free(t);
	free(text);
	text = text_edit(topology_text, "  geometry: mtu\n", "");
	t = load(text, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->geometry.packet_len, 1408);
	fog_topology_free(t);
	free(text);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void test_changed(void)
{
	char path[] = "/tmp/fogline-test-XXXXXX";
	char *text = text_edit(topology_text, "mean: 50ms", "mean: 60ms");
	struct fog_topology *t = NULL;

	close(mkstemp(path));
	write_file(path, topology_text);
	CU_ASSERT_EQUAL(fog_topology_changed(path, NULL), 1);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(fog_topology_load(path, &t, &report), 0);
	CU_ASSERT_EQUAL(fog_topology_changed(path, t), 0);
	write_file(path, text);
	CU_ASSERT_EQUAL(fog_topology_changed(path, t), 1);
	unlink(path);
	CU_ASSERT_EQUAL(fog_topology_changed(path, t), -ENOENT);
	fog_topology_free(t);
	free(text);
}

// As many nodes as the data plane takes, and one more.
static void test_many(void)
{
	static char text[1 << 20];
	size_t head = (size_t)(strstr(topology_text, "  - name: gateway") - topology_text);
	struct fog_topology *t;
	size_t at = head;

	memcpy(text, topology_text, head);
	for (unsigned i = 1; i <= FOG_NODES_MAX + 1; i++) {
		if (i == FOG_NODES_MAX + 1) {
			t = load(text, 0);
			CU_ASSERT_PTR_NOT_NULL_FATAL(t);
			CU_ASSERT_EQUAL(t->node_count, FOG_NODES_MAX);
			fog_topology_free(t);
		}
		at += (size_t)snprintf(
		        text + at, sizeof(text) - at,
		        "  - {name: n%u, id: %064x, mix_key: %064x, address: 10.0.%u.%u, role: mix, layer: 1}\n",
		        i, i, i, i / 250, i % 250 + 1
		);
	}
	load(text, -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 10, "1025 entries, 1024 are the most"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a good file", test_good},
	        {"cover, operators", test_said},
	        {"refusals", test_refusals},
	        {"links and epochs", test_noise},
	        {"directory", test_directory},
	        {"geometries", test_geometries},
	        {"change detection", test_changed},
	        {"1,024 nodes", test_many},
	        CU_TEST_INFO_NULL,
	};
	return check_run("topology", tests);
}
