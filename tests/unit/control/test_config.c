// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reading fogline.yaml: what a good file means, and that every bad one is refused where it is bad.
#include <errno.h>
#include <unistd.h>

#include "config_text.h"

static struct fog_report report;

static struct fog_config *load(const char *text, int want)
{
	struct fog_config *c = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load_text("t.yaml", text, strlen(text), &c, &report), want);
	CU_ASSERT_EQUAL(c != NULL, want == 0);
	if (want == 0)
		CU_ASSERT_STRING_EQUAL(report.text, "");
	return c;
}

static void test_good(void)
{
	struct fog_config *c = load(config_text, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_STRING_EQUAL(c->instance, "n1");
	CU_ASSERT_EQUAL(c->uid, 4321);
	CU_ASSERT_TRUE(c->user_found);
	CU_ASSERT_EQUAL(c->workers.cpu_count, 2);
	CU_ASSERT_EQUAL(c->workers.cpu[1], 1);
	CU_ASSERT_EQUAL(c->workers.idle, FOG_IDLE_ADAPTIVE);
	CU_ASSERT_EQUAL(c->replay.capacity, 1000000);
	CU_ASSERT_STRING_EQUAL(c->rest.tcp, "127.0.0.1:8000");
	CU_ASSERT_EQUAL(c->port_count, 2);
	CU_ASSERT_EQUAL(c->port[0].driver, FOG_DRIVER_AFXDP);
	CU_ASSERT_EQUAL(c->port[1].queues, 2); // left out: one a worker
	CU_ASSERT_EQUAL(c->port[1].address_count, 2);
	CU_ASSERT_EQUAL(c->port[1].address[1].family, 6);
	CU_ASSERT_EQUAL(c->port[1].address[1].addr[15], 1);
	CU_ASSERT_EQUAL(c->port[1].neighbour[0].mac[5], 1);
	fog_config_free(c);
}

static const char minimal[] = "instance: x7\nworkers: {cpus: [0]}\nports: [{name: p, device: e}]\n";

static void test_defaults(void)
{
	struct fog_config *c = load(minimal, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_STRING_EQUAL(c->user, "fogline");
	CU_ASSERT_STRING_EQUAL(c->run_dir, "/run/fogline/x7");
	CU_ASSERT_STRING_EQUAL(c->state_dir, "/var/lib/fogline/x7");
	CU_ASSERT_STRING_EQUAL(c->rest.unix_path, "/run/fogline/x7/rest.sock");
	CU_ASSERT_STRING_EQUAL(c->replay.dir, "/dev/shm/fogline-x7");
	CU_ASSERT_STRING_EQUAL(c->rest.tcp, "");
	CU_ASSERT_EQUAL(c->rest.tls, FOG_REST_TLS_AUTO);
	CU_ASSERT_EQUAL(c->rest.origin_count, 0);
	CU_ASSERT_STRING_EQUAL(c->store.url, "");
	CU_ASSERT_STRING_EQUAL(c->accounts.key_file, "/var/lib/fogline/x7/control/platform.key");
	CU_ASSERT_FALSE(c->accounts.require_totp);
	CU_ASSERT_EQUAL(c->accounts.token_minutes, 30);
	CU_ASSERT_EQUAL(c->limits.auth, 10);
	CU_ASSERT_EQUAL(c->limits.write, 30);
	CU_ASSERT_EQUAL(c->limits.read, 100);
	CU_ASSERT_EQUAL(c->memory.packet_buffers, 8192);
	CU_ASSERT_EQUAL(c->port[0].mtu, 1500);
	fog_config_free(c);
}

// The same in JSON, as PUT /v1/config sends it.
static void test_json(void)
{
	struct fog_config *a = load(minimal, 0);
	struct fog_config *b =
	        load("{\"instance\": \"x7\", \"workers\": {\"cpus\": [0]},\n"
	             " \"ports\": [{\"name\": \"p\", \"device\": \"e\"}]}",
	             0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_EQUAL(fog_config_reload_class(a, b), FOG_RELOAD_RUN);
	CU_ASSERT_EQUAL(memcmp(a->port, b->port, sizeof(a->port)), 0);
	fog_config_free(a);
	fog_config_free(b);
}

static void run_cases(const struct text_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = text_edit(config_text, cases[i].find, cases[i].with);
		fog_config_free(load(text, -EINVAL));
		CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		CU_ASSERT_TRUE(report.errors >= 1);
		free(text);
	}
}

#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_unknown_keys(void)
{
	static const struct text_case cases[] = {
	        {"instance: n1\n", "instance: n1\ncolour: red\n", 2, "unknown key 'colour'"},
	        {"instance: n1\n", "instance: n1\nnode: {operator: 'We '}\n", 2,
	         "begins or ends with a blank"},
	        {"  idle:", "  spin: 1\n  idle:", 9,
	         "unknown key 'spin' in workers: known are cpus"},
	        {"  mib:", "  mb: 1\n  mib:", 13, "unknown key 'mb' in memory"},
	        {"  dir:", "  path: 1\n  dir:", 17, "unknown key 'path' in replay"},
	        {"  inject_slots:", "  x: 1\n  inject_slots:", 21, "unknown key 'x' in rings"},
	        {"  tcp:", "  udp: 1\n  tcp:", 24, "unknown key 'udp' in rest"},
	        {"  delay_seed:", "  x: 1\n  delay_seed:", 27, "unknown key 'x' in test"},
	        {"    vlan:", "    lan: 1\n    vlan:", 33, "unknown key 'lan' in ports[0]"},
	        {"        mac:", "        nick: a\n        mac:", 43,
	         "unknown key 'nick' in ports[1].neighbours[0]"},
	        {"instance: n1\n", "instance: n1\n? [a, b]\n: c\n", 2,
	         "a key must be a single word"},
	};
	RUN(cases);
}

static void test_structure(void)
{
	static const struct text_case cases[] = {
	        {"instance: n1\n", "", 0, "instance: is missing"},
	        {"  - name: wan\n    driver: afxdp", "  - driver: afxdp", 29, "name: is missing"},
	        {"        mac: 02:00:00:00:00:01\n", "", 42,
	         "ports[1].neighbours[0].mac: is missing"},
	        {"production: false\n", "production: false\nproduction: true\n", 7, "stands twice"},
	        {"  cpus: [0, 1]", "  cpus: 3", 8, "is a single value, must be a list"},
	        {"  cpus: [0, 1]", "  cpus: []", 8, "workers.cpus: is missing"},
	        {"  cpus: [0, 1]", "  cpus: [0, [1]]", 8, "cpus[1]: is a list, must be a single"},
	        {"  idle: adaptive", "  idle: {a: b}", 9, "is a mapping, must be a single value"},
	        {"[192.0.2.1]", "[1, 2, 3, 4, 5, 6, 7, 8, 9]", 36, "9 entries, 8 are the most"},
	        {"test:\n  delay_seed: 0\n", "test: 7\n", 26, "must be a mapping"},
	        {"  mib: 64", "\tmib: 64", 13, "not valid YAML"},
	        {"  mib: 64", "  mib: \"6\\04\"", 13, "NUL character"},
	        {"  mib: 64", "  mib: &a 64", 13, "anchors"},
	        {"  mib: 64", "  mib: *a", 13, "aliases"},
	        {"instance: n1\n", "---\ninstance: n1\n---\na: b\n---\n", 3, "second document"},
	};
	RUN(cases);
	fog_config_free(load("", -EINVAL));
	CU_ASSERT_TRUE(report_has(&report, 0, "empty"));
	fog_config_free(load("[]", -EINVAL));
	CU_ASSERT_TRUE(report_has(&report, 0, "must be a mapping"));
}

static void test_numbers(void)
{
	static const struct text_case cases[] = {
	        {"mib: 64", "mib: 15", 13, "out of range: 16 MiB to 1048576 MiB"},
	        {"mib: 64", "mib: 1025GiB", 13, "out of range"},
	        {"mib: 64", "mib: 64MB", 13, "'64MB' is not a whole number of MiB"},
	        {"mib: 64", "mib: 64.5", 13, "is not a whole number"},
	        {"mib: 64", "mib: -64", 13, "is not a whole number"},
	        {"mib: 64", "mib: 0x40", 13, "is not a whole number"},
	        {"mib: 64", "mib: 064", 13, "is not a whole number"},
	        {"mib: 64", "mib: ", 13, "'' is not a whole number"},
	        {"mib: 64", "mib: 18446744073709551616", 13, "out of range"},
	        {"mib: 64", "mib: 18014398509481985GiB", 13, "out of range"},
	        {"capacity: 1M", "capacity: 18446744073709552k", 18, "out of range"},
	        {"packet_buffers: 8192", "packet_buffers: 4294975488", 14, "out of range"},
	        {"vlan: 0", "vlan: 4095", 33, "out of range"},
	        {"mtu: 1500", "mtu: 9001", 34, "out of range"},
	        {"queues: 2", "queues: 65", 32, "out of range"},
	        {"delay_seed: 0", "delay_seed: 18446744073709551616", 27, "out of range"},
	        {"delay_seed: 0", "delay_seed: 30000000000000000000", 27, "out of range"},
	        {"cpus: [0, 1]", "cpus: [0, 1024]", 8, "cpus[1]: 1024 is out of range"},
	        {"cpus: [0, 1]", "cpus: [1, 1]", 8, "cpus[1]: CPU 1 has a worker already"},
	};
	RUN(cases);
}

#define TCP "tcp: 127.0.0.1:8000"

static void test_words(void)
{
	static const struct text_case cases[] = {
	        {"instance: n1", "instance: a/b", 1, "other characters"},
	        {"instance: n1", "instance: ..", 1, "other characters"},
	        {"instance: n1", "instance: n1234567890123456789012345678901", 1,
	         "has 32 characters"},
	        {"production: false", "production: no", 6, "'no' is not one of true|false"},
	        {"idle: adaptive", "idle: lazy", 9, "'lazy' is not one of busy|adaptive"},
	        {"driver: afxdp", "driver: xdp", 30, "is not one of afxdp|dpdk|auto|loop"},
	        {"xdp_mode: auto", "xdp_mode: skb", 35, "is not one of auto|native|generic"},
	        {"run_dir: /run", "run_dir: run", 3, "is not an absolute path"},
	        {"run_dir: /run",
	         "run_dir: /1234567890123456789012345678901234567890123456789012345678901234567890123"
	         "456789",
	         3, "must have 2 to 90"},
	        {"run_dir: /run", "run_dir: /../run", 3, "contains '..'"},
	        {"device: eth1", "device: \"eth\\t1\"", 31, "printable ASCII"},
	        {"tcp: 127.0.0.1:8000", "tcp: localhost:8000", 24, "is not address:port"},
	        {"tcp: 127.0.0.1:8000", "tcp: 127.0.0.1:65536", 24, "is not address:port"},
	        {"tcp: 127.0.0.1:8000", "tcp: \"[127.0.0.1]:80\"", 24, "is not address:port"},
	        {"[192.0.2.1]", "[192.0.2.256]", 36, "is not an IPv4 or IPv6 address"},
	        {"[192.0.2.1]", "[0.0.0.0]", 36, "not the address of one host"},
	        {"[192.0.2.1]", "[224.0.0.1]", 36, "not the address of one host"},
	        {"[192.0.2.1]", "[ff02::1]", 36, "not the address of one host"},
	        {"[192.0.2.1]", "[192.0.2.1, 192.0.2.1]", 36, "stands twice"},
	        {"02:00:00:00:00:01", "01:00:00:00:00:01", 43,
	         "is not the MAC address of one host"},
	        {"02:00:00:00:00:01", "02:00:00:00:00", 43, "is not the MAC address of one host"},
	        {TCP, TCP "\n  tls: yes", 25, "'yes' is not one of auto|on|off"},
	        {TCP, TCP "\n  cors_origins: ['*']", 25, "is not what a browser calls an origin"},
	        {TCP, TCP "\n  cors_origins: [https://a.example/]", 25, "is not what a browser"},
	        {TCP, TCP "\n  cors_origins: [https://a.example:443]", 25, "is not what a browser"},
	        {TCP, TCP "\n  cors_origins: [https://A.example]", 25, "is not what a browser"},
	        {TCP, TCP "\n  cors_origins: [\"https://:8\"]", 25, "is not what a browser"},
	        {TCP, TCP "\n  cors_origins: [\"null\"]", 25, "is not what a browser"},
	        {TCP, TCP "\n  cors_origins: [http://a:8, http://a:8]", 25,
	         "rest.cors_origins[1]: stands twice"},
	        {"name: lan", "name: wan", 37, "ports[1]: name 'wan' is ports[0]'s"},
	};
	RUN(cases);
}

// One pass finds them all.
static void test_all_findings(void)
{
	char *a = text_edit(config_text, "mib: 64", "mib: much");
	char *b = text_edit(a, "idle: adaptive", "idle: never");
	char *c = text_edit(b, "vlan: 0", "vlan: red");

	fog_config_free(load(c, -EINVAL));
	CU_ASSERT_EQUAL(report.errors, 3);
	CU_ASSERT_TRUE(report_has(&report, 9, "never"));
	CU_ASSERT_TRUE(report_has(&report, 13, "much"));
	CU_ASSERT_TRUE(report_has(&report, 33, "red"));
	char *d = text_edit(config_text, "  dir:", "  x: 1\n  y: 2\n  dir:");
	fog_config_free(load(d, -EINVAL));
	CU_ASSERT_EQUAL(report.errors, 2);
	free(a);
	free(b);
	free(c);
	free(d);
}

// Texts that want to make the parser work or build without end.
static void test_hostile(void)
{
	static const char laughs[] = "a: &a [x,x,x,x,x,x,x,x,x]\n"
	                             "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	                             "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	                             "instance: *c\n";
	size_t len = FOG_CONFIG_TEXT_MAX;
	struct fog_config *c = NULL;
	char *deep = malloc(len + 2);

	fog_config_free(load(laughs, -EINVAL));
	CU_ASSERT_TRUE(report_has(&report, 1, "anchors"));

	memset(deep, '[', len);
	deep[len] = '\0';
	fog_config_free(load(deep, -EINVAL));
	CU_ASSERT_TRUE(report_has(&report, 1, "nested too deeply"));

	for (size_t i = 0; i < len; i += 2)
		memcpy(deep + i, "[]", 2);
	memcpy(deep, "[ ", 2);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load_text("t.yaml", deep, len, &c, &report), -EINVAL);

	memset(deep, ',', len);
	memcpy(deep, "ports: [", 8);
	for (size_t i = 8; i + 1 < len; i += 2)
		deep[i] = '1';
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load_text("t.yaml", deep, len, &c, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 1, "too many values"));

	memset(deep, ' ', len + 1);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load_text("t.yaml", deep, len + 1, &c, &report), -E2BIG);
	free(deep);
}

// A thousand findings must not write past the report, and are still counted.
static void test_report_full(void)
{
	char *text = malloc(1 << 18);
	size_t at = 0;

	for (int i = 0; i < 1000; i++)
		at += (size_t)sprintf(text + at, "k%d: 1\n", i);
	fog_config_free(load(text, -EINVAL));
	CU_ASSERT_EQUAL(report.errors, 1000);
	CU_ASSERT_TRUE(report.len < sizeof(report.text));
	CU_ASSERT_EQUAL(strlen(report.text), report.len);
	CU_ASSERT_EQUAL(report.text[report.len - 1], '\n');
	free(text);
}

static void test_files(void)
{
	char path[] = "/tmp/fogline-test-XXXXXX";
	struct fog_config *c = NULL;
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, minimal, strlen(minimal)), (ssize_t)strlen(minimal));
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load(path, &c, &report), 0);
	fog_config_free(c);
	CU_ASSERT_EQUAL(ftruncate(fd, FOG_CONFIG_TEXT_MAX + 1), 0);
	CU_ASSERT_EQUAL(fog_config_load(path, &c, &report), -E2BIG);
	close(fd);
	unlink(path);
	CU_ASSERT_EQUAL(fog_config_load(path, &c, &report), -ENOENT);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "cannot be read: No such file"));
}

static void test_reload_class(void)
{
	static const struct {
		const char *find, *with;
		enum fog_reload class;
	} cases[] = {
	        {"production: false", "production: true", FOG_RELOAD_RUN},
	        {"mac: 02:00:00:00:00:01", "mac: 02:00:00:00:00:02", FOG_RELOAD_RUN},
	        {"mib: 64", "mib: 65", FOG_RELOAD_LAUNCH},
	        {"cpus: [0, 1]", "cpus: [1, 0]", FOG_RELOAD_LAUNCH},
	        {"device: eth1", "device: eth2", FOG_RELOAD_LAUNCH},
	        {"[192.0.2.1]", "[192.0.2.2]", FOG_RELOAD_LAUNCH},
	        {"[192.0.2.1]", "[192.0.2.1/24]", FOG_RELOAD_LAUNCH},
	        {"device: loop0", "device: loop0\n    gateway4: 198.51.100.9", FOG_RELOAD_LAUNCH},
	        {TCP, "tcp: 127.0.0.1:8001", FOG_RELOAD_CONTROL},
	        {TCP, TCP "\n  tls: on", FOG_RELOAD_CONTROL},
	        {TCP, TCP "\n  cors_origins: [https://a.example]", FOG_RELOAD_CONTROL},
	};
	struct fog_config *a = load(config_text, 0);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_edit(config_text, cases[i].find, cases[i].with);
		struct fog_config *b = load(text, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b);
		CU_ASSERT_EQUAL(fog_config_reload_class(a, b), cases[i].class);
		CU_ASSERT_NOT_EQUAL(memcmp(a->checksum, b->checksum, sizeof(a->checksum)), 0);
		fog_config_free(b);
		free(text);
	}
	fog_config_free(a);
}

// What decides who gets in is not changed by who is in.
static void test_remote(void)
{
	static const struct {
		const char *with, *key;
	} cases[] = {
	        {TCP "\n  tls: on", "rest.tls: "},
	        {TCP "\n  cors_origins: [\"http://[::1]:3000\"]", "rest.cors_origins: "},
	        {TCP "\n  docs: false", "rest.docs: "},
	        {TCP "\nstore: {url: \"postgresql:///fogline\"}", "store.url: "},
	        {TCP "\naccounts: {require_totp: true}", "accounts.require_totp: "},
	        {TCP "\nlimits: {read: 1k}", "limits.read: "},
	};

	char names[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *rest = text_edit(config_text, "  token_file: /etc/fogline/token\n", "");
		char *text = text_edit(rest, TCP, cases[i].with);
		struct fog_config *old = load(rest, 0), *fresh = load(text, 0);
		memset(&report, 0, sizeof(report));
		CU_ASSERT_EQUAL(fog_config_remote_check(old, fresh, &report), -EPERM);
		CU_ASSERT_PTR_NOT_NULL(strstr(report.text, cases[i].key));
		CU_ASSERT_EQUAL(report.errors, 1);
		fog_config_changes(old, fresh, names, sizeof(names));
		CU_ASSERT_EQUAL(strncmp(names, cases[i].key, strlen(names)), 0);
		fog_config_free(old);
		fog_config_free(fresh);
		free(text);
		free(rest);
	}
}

// The shipped example says for every key what the schema says.
static void test_example(void)
{
	static char keys[32768], file[65536];
	const char *path = getenv("FOGLINE_YAML");
	struct fog_config *c = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load(path, &c, &report), 0);
	CU_ASSERT_STRING_EQUAL(report.text, "");
	fog_config_free(c);
	FILE *f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	file[fread(file, 1, sizeof(file) - 1, f)] = '\0';
	fclose(f);
	CU_ASSERT_TRUE(fog_config_describe(keys, sizeof(keys)) < sizeof(keys));
	for (char *line = strtok(keys, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strncmp(line, "network.", 8) == 0 || strncmp(line, "nodes[]", 7) == 0 ||
		    strncmp(line, "directory.threshold", 19) == 0 ||
		    strncmp(line, "directory.authorities", 21) == 0)
			continue;
		char want[128], *tab = strchr(line, '\t'), *key;
		CU_ASSERT_PTR_NOT_NULL_FATAL(tab);
		*tab = '\0';
		key = strrchr(line, '.') != NULL ? strrchr(line, '.') + 1 : line;
		snprintf(want, sizeof(want), "%s:", key);
		CU_ASSERT_PTR_NOT_NULL(strstr(file, want));
		snprintf(want, sizeof(want), "[%.*s;", (int)strcspn(tab + 1, "\t"), tab + 1);
		if (strstr(line, "neighbours[]") == NULL && strstr(file, want) == NULL) {
			printf("\n%s: no '%s' in the example\n", line, want);
			CU_FAIL("default missing in the example");
		}
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a good file", test_good},
	        {"defaults", test_defaults},
	        {"JSON", test_json},
	        {"unknown keys at every level", test_unknown_keys},
	        {"structure", test_structure},
	        {"numbers", test_numbers},
	        {"words, paths, addresses", test_words},
	        {"all findings of one pass", test_all_findings},
	        {"hostile texts", test_hostile},
	        {"full report", test_report_full},
	        {"files", test_files},
	        {"reload classes", test_reload_class},
	        {"changes that are root's", test_remote},
	        {"the shipped example", test_example},
	        CU_TEST_INFO_NULL,
	};
	return check_run("config", tests);
}
