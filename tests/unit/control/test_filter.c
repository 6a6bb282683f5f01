// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The filter from text to blob: prefixes, the section of the file, what operators put over it, the
// bodies that they send, and what the data plane's check makes of all that.
#include <errno.h>
#include <sodium.h>

#include "../../../controlplane/config/filter.h"
#include "../../../controlplane/config/prefix.h"
#include "../../../controlplane/http/routes/filter_body.h"
#include "../../../controlplane/http/schema/schema.h"
#include "../../../controlplane/http/schema/validate.h"
#include "../../../dataplane/blob_check.h"
#include "config_text.h"

#define MAC_LINE "mac: 02:00:00:00:00:01\n"

// Lines 44 to 52 of the file.
static const char filter_lines[] = MAC_LINE "filter:\n" // 44
                                            "  early_drop: false\n"
                                            "  source_rate: 2k\n" // 46
                                            "  source_burst: 50\n"
                                            "  deny:\n" // 48
                                            "    - 203.0.113.0/24\n"
                                            "    - \"2001:db8:bad::/48\"\n" // 50
                                            "    - 198.51.100.77\n"
                                            "    - 10.0.0.0/8\n"; // 52

static struct fog_report report;
static char why[256];

static char *filter_text(void)
{
	return text_edit(config_text, MAC_LINE, filter_lines);
}

static struct fog_config *load(const char *text, int want)
{
	struct fog_config *c = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_load_text("t.yaml", text, strlen(text), &c, &report), want);
	if (want == 0)
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static struct fog_prefix prefix(const char *text)
{
	struct fog_prefix p = {0};

	CU_ASSERT_EQUAL(fog_prefix_parse(text, &p, why, sizeof(why)), 0);
	return p;
}

static void test_prefixes(void)
{
	static const struct {
		const char *text, *want; // in CIDR notation, or what the refusal says
		bool good;
	} cases[] = {
	        {"192.0.2.0/24", "192.0.2.0/24", true},
	        {"192.0.2.7", "192.0.2.7/32", true},
	        {"192.0.2.128/25", "192.0.2.128/25", true},
	        {"0.0.0.0/0", "0.0.0.0/0", true},
	        {"2001:db8::/32", "2001:db8::/32", true},
	        {"2001:DB8:0::1", "2001:db8::1/128", true},
	        {"2001:db8::8000/113", "2001:db8::8000/113", true},
	        {"::/0", "::/0", true},
	        {"192.0.2.1/24", "write 192.0.2.0/24", false},
	        {"192.0.2.129/25", "write 192.0.2.128/25", false},
	        {"2001:db8::1/64", "write 2001:db8::/64", false},
	        {"128.0.0.0/0", "write 0.0.0.0/0", false},
	        {"192.0.2.0/33", "no prefix length from 0 to 32", false},
	        {"2001:db8::/129", "no prefix length from 0 to 128", false},
	        {"192.0.2.0/", "no prefix length", false},
	        {"192.0.2.0/024", "no prefix length", false},
	        {"192.0.2.0/+4", "no prefix length", false},
	        {"192.0.2.0/24/24", "no prefix length", false},
	        {"192.0.2.0/4294967320", "no prefix length", false},
	        {"192.0.2", "is not a prefix", false},
	        {"/24", "is not a prefix", false},
	        {"", "is not a prefix", false},
	        {"example.org/24", "is not a prefix", false},
	        {"192.0.2.0 /24", "is not a prefix", false},
	};

	char text[FOG_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fog_prefix p;
		int ret = fog_prefix_parse(cases[i].text, &p, why, sizeof(why));
		bool right = cases[i].good
		        ? ret == 0 && strcmp(fog_prefix_print(&p, text), cases[i].want) == 0
		        : ret == -EINVAL && strstr(why, cases[i].want) != NULL;
		CU_ASSERT_TRUE(right);
		if (!right)
			printf("\n'%s': %d '%s'\n", cases[i].text, ret, why);
	}
}

static void test_holds(void)
{
	struct fog_prefix net = prefix("192.0.2.64/26"), all = prefix("::/0");
	struct fog_ip in = prefix("192.0.2.127").ip, out = prefix("192.0.2.128").ip;
	struct fog_ip six = prefix("2001:db8::1").ip;

	CU_ASSERT_TRUE(fog_prefix_holds(&net, &in));
	CU_ASSERT_FALSE(fog_prefix_holds(&net, &out));
	CU_ASSERT_FALSE(fog_prefix_holds(&net, &six));
	CU_ASSERT_TRUE(fog_prefix_holds(&all, &six));
	CU_ASSERT_FALSE(fog_prefix_holds(&all, &in));
}

static void test_file(void)
{
	char *text = filter_text(), print[FOG_PREFIX_TEXT_LEN];
	struct fog_config *c = load(text, 0), *bare = load(config_text, 0);

	CU_ASSERT_FALSE(c->filter.early_drop);
	CU_ASSERT_EQUAL(c->filter.source_rate, 2000);
	CU_ASSERT_EQUAL(c->filter.source_burst, 50);
	CU_ASSERT_EQUAL(c->filter.deny_count, 4);
	CU_ASSERT_STRING_EQUAL(fog_prefix_print(&c->filter.deny[0], print), "10.0.0.0/8");
	CU_ASSERT_STRING_EQUAL(fog_prefix_print(&c->filter.deny[3], print), "2001:db8:bad::/48");
	CU_ASSERT_TRUE(bare->filter.early_drop);
	CU_ASSERT_EQUAL(bare->filter.source_rate, 0);
	CU_ASSERT_EQUAL(bare->filter.source_burst, 256);
	CU_ASSERT_EQUAL(bare->filter.deny_count, 0);
	CU_ASSERT_EQUAL(fog_config_reload_class(bare, c), FOG_RELOAD_RUN);
	fog_config_free(c);
	fog_config_free(bare);
	free(text);
}

static void test_file_refused(void)
{
	static const struct text_case cases[] = {
	        {"early_drop: false", "early_drop: no", 45, "'no' is not one of true|false"},
	        {"source_rate: 2k", "source_rate: 11M", 46, "out of range: 0 to 10000000"},
	        {"source_burst: 50", "source_burst: 0", 47, "out of range: 1 to 1000000"},
	        {"source_burst: 50", "bucket: 50", 47, "unknown key 'bucket' in filter"},
	        {"- 203.0.113.0/24", "- 203.0.113.1/24", 49, "deny[0]: '203.0.113.1/24' has bits"},
	        {"- 198.51.100.77", "- 10.0.0.0/8", 52, "deny[3]: stands twice"},
	        {"- 198.51.100.77", "- [a]", 51, "must be a single value"},
	};
	char *text = filter_text();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *edited = text_edit(text, cases[i].find, cases[i].with);
		fog_config_free(load(edited, -EINVAL));
		CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		free(edited);
	}
	free(text);
}

// As many as there may be, in a random order, and one more.
static void test_file_full(void)
{
	size_t size = strlen(config_text) + 64 + (FOG_DENY_MAX + 1) * 24, at;
	char *text = malloc(size);
	unsigned line = 2; // of the list, behind all lines of the good file

	for (const char *c = config_text; *c != '\0'; c++)
		line += *c == '\n';
	for (int more = 0; more < 2; more++) {
		at = (size_t)sprintf(text, "%sfilter:\n  deny:\n", config_text);
		for (unsigned i = 0; i < FOG_DENY_MAX + (unsigned)more; i++) {
			unsigned n = i * 2654435761u % 16777216u;
			at += (size_t
			)sprintf(text + at, "    - 10.%u.%u.%u\n", n >> 16, n >> 8 & 255, n & 255);
		}
		struct fog_config *c = load(text, more ? -EINVAL : 0);
		for (unsigned i = 1; c != NULL && i < c->filter.deny_count; i++)
			CU_ASSERT_TRUE(
			        fog_prefix_compare(&c->filter.deny[i - 1], &c->filter.deny[i]) < 0
			);
		if (more) {
			CU_ASSERT_TRUE(report_has(&report, line, "4096 are the most"));
		} else {
			CU_ASSERT_EQUAL(c->filter.deny_count, FOG_DENY_MAX);
		}
		fog_config_free(c);
	}
	free(text);
}

static void test_warnings(void)
{
	char *text = filter_text();
	char *node = text_edit(text, "10.0.0.0/8", "192.0.2.2/31");
	struct fog_config *c = load(node, 0);
	struct fog_topology *t = NULL;

	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("t.yaml", topology_text, strlen(topology_text), &t, &report),
	        0
	);
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), 0);
	CU_ASSERT_TRUE(report_has(&report, 48, "192.0.2.2/31 holds node 'mix1a'"));
	CU_ASSERT_TRUE(report_has(&report, 44, "port 'lan' takes what source_rate and deny keep"));
	CU_ASSERT_EQUAL(report.warnings, 2);
	fog_config_free(c);
	fog_topology_free(t);
	free(text);
	free(node);
}

static void test_merge(void)
{
	struct fog_config_filter *file = calloc(1, sizeof(*file)), *out = calloc(1, sizeof(*out));
	struct fog_filter_own *own = calloc(1, sizeof(*own));

	file->early_drop = true;
	file->source_rate = 7;
	file->source_burst = 9;
	file->deny[0] = prefix("10.0.0.0/8");
	file->deny[1] = prefix("192.0.2.0/24");
	file->deny_count = 2;
	CU_ASSERT_EQUAL(fog_filter_merge(file, own, out), 0);
	CU_ASSERT_EQUAL(memcmp(file, out, sizeof(*file)), 0);
	own->set[FOG_FILTER_early_drop] = own->set[FOG_FILTER_source_rate] = true;
	own->limit[FOG_FILTER_source_rate] = 5;
	own->deny[0] = prefix("10.0.0.0/8");
	own->deny[1] = prefix("172.16.0.0/12");
	own->deny[2] = prefix("2001:db8::/32");
	own->deny_count = 3;
	CU_ASSERT_EQUAL(fog_filter_merge(file, own, out), 0);
	CU_ASSERT_FALSE(out->early_drop);
	CU_ASSERT_EQUAL(out->source_rate, 5);
	CU_ASSERT_EQUAL(out->source_burst, 9);
	CU_ASSERT_EQUAL(out->deny_count, 4); // what both deny comes once
	CU_ASSERT_EQUAL(fog_prefix_compare(&out->deny[1], &own->deny[1]), 0);
	for (uint32_t i = 0; i < FOG_DENY_MAX; i++) {
		own->deny[i] = prefix("172.16.0.0");
		own->deny[i].ip.addr[2] = (uint8_t)(i >> 8);
		own->deny[i].ip.addr[3] = (uint8_t)i;
	}
	own->deny_count = FOG_DENY_MAX - 2;
	CU_ASSERT_EQUAL(fog_filter_merge(file, own, out), 0);
	CU_ASSERT_EQUAL(out->deny_count, FOG_DENY_MAX);
	own->deny_count++;
	CU_ASSERT_EQUAL(fog_filter_merge(file, own, out), -E2BIG);
	free(file);
	free(out);
	free(own);
}

static struct fog_blob *compile(size_t *len)
{
	static const uint8_t node_id[FOG_ID_LEN] = {7};
	char *text = filter_text();
	struct fog_config *c = load(text, 0);
	struct fog_topology *t = NULL;
	struct fog_blob *b = NULL;

	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("t.yaml", topology_text, strlen(topology_text), &t, &report),
	        0
	);
	CU_ASSERT_EQUAL_FATAL(fog_config_compile(c, t, node_id, 5, &b, len, &report), 0);
	fog_config_free(c);
	fog_topology_free(t);
	free(text);
	return b;
}

static int seal_and_check(struct fog_blob *b, size_t len)
{
	size_t from = offsetof(struct fog_blob, generation);

	crypto_generichash(b->checksum, 32, (uint8_t *)b + from, len - from, NULL, 0);
	return fog_blob_check(b, len, why, sizeof(why));
}

static void test_blob(void)
{
	size_t len;
	struct fog_blob *b = compile(&len);
	const struct fog_prefix *deny =
	        (void *)((struct fog_blob_node *)(b + 1) + b->run.node_count);

	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), 0);
	CU_ASSERT_EQUAL(len, sizeof(*b) + 5 * sizeof(struct fog_blob_node) + 4 * sizeof(*deny));
	CU_ASSERT_EQUAL(b->run.early_drop, 0);
	CU_ASSERT_EQUAL(b->run.source_rate, 2000);
	CU_ASSERT_EQUAL(b->run.source_burst, 50);
	CU_ASSERT_EQUAL(b->run.deny_count, 4);
	struct fog_prefix ten = prefix("10.0.0.0/8");
	CU_ASSERT_EQUAL(memcmp(&deny[0], &ten, sizeof(ten)), 0);
	free(b);
}

#define R(member) offsetof(struct fog_blob, run.member), sizeof(((struct fog_blob *)0)->run.member)
#define D(i, member) \
	sizeof(struct fog_blob) + 5 * sizeof(struct fog_blob_node) + \
	        (i) * sizeof(struct fog_prefix) + offsetof(struct fog_prefix, member), \
	        sizeof(((struct fog_prefix *)0)->member)

// In order: 10.0.0.0/8, 198.51.100.77/32, 203.0.113.0/24, 2001:db8:bad::/48.
static void test_blob_tampered(void)
{
	static const struct {
		size_t at;
		unsigned size;
		uint64_t value;
		int error;
		const char *expect;
	} cases[] = {
	        {R(early_drop), 2, -EINVAL, "early_drop"},
	        {R(source_rate), 10000001, -EINVAL, "source_rate"},
	        {R(source_burst), 0, -EINVAL, "source_burst"},
	        {R(source_burst), 1000001, -EINVAL, "source_burst"},
	        {R(deny_count), 3, -EMSGSIZE, "5 nodes and 3 denied"},
	        {R(deny_count), 5, -EMSGSIZE, "5 nodes and 5 denied"},
	        {R(deny_count), FOG_DENY_MAX + 1, -EMSGSIZE, "denied prefixes"},
	        {R(deny_count), UINT32_MAX, -EMSGSIZE, "denied prefixes"},
	        {D(0, ip.family), 0, -EINVAL, "deny 0 has family 0"},
	        {D(0, ip.family), 5, -EINVAL, "deny 0 has family 5"},
	        {D(0, ip.family), 6, -EINVAL, "deny 1 is not behind"},
	        {D(0, len), 33, -EINVAL, "deny 0 has family 4 and length 33"},
	        {D(3, len), 129, -EINVAL, "deny 3 has family 6 and length 129"},
	        {D(0, len), 6, -EINVAL, "deny 0 has bytes or bits"}, // 10 = 00001010
	        {D(0, ip.addr[1]), 1, -EINVAL, "deny 0 has bytes or bits"},
	        {D(1, ip.addr[4]), 1, -EINVAL, "deny 1 has bytes or bits"},
	        {D(3, ip.addr[15]), 1, -EINVAL, "deny 3 has bytes or bits"},
	        {D(2, ip.reserved[1]), 1, -EINVAL, "deny 2 has bytes or bits"},
	        {D(2, reserved[2]), 1, -EINVAL, "deny 2 has bytes or bits"},
	        {D(1, ip.addr[0]), 9, -EINVAL, "deny 1 is not behind"},
	        {D(1, ip.addr[0]), 204, -EINVAL, "deny 2 is not behind"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;
		struct fog_blob *b = compile(&len);
		memcpy((uint8_t *)b + cases[i].at, &cases[i].value, cases[i].size);
		int ret = seal_and_check(b, len);
		CU_ASSERT_EQUAL(ret, cases[i].error);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].expect));
		if (ret != cases[i].error || strstr(why, cases[i].expect) == NULL)
			printf("\ncase %zu: wanted '%s', got %d '%s'\n", i, cases[i].expect, ret,
			       why);
		free(b);
	}
}

static void test_blob_twice(void)
{
	size_t len;
	struct fog_blob *b = compile(&len);
	struct fog_prefix *deny = (void *)((struct fog_blob_node *)(b + 1) + b->run.node_count);

	deny[1] = deny[0];
	CU_ASSERT_EQUAL(seal_and_check(b, len), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "deny 1 is not behind"));
	free(b);
}

typedef int parse(const json_t *, struct fog_filter_change *, struct http_response *);

// As the dispatcher does it: first against the schema.
static int ask(parse *what, const char *body, struct fog_filter_change *c, char *said, size_t len)
{
	const struct api_schema *schema = what == filter_parse_limits ? &api_filter_patch
	                                                              : &api_deny_post;
	struct http_response res = {0};
	struct api_findings f = {0};
	json_t *json = api_json_parse(body, strlen(body), &f);

	memset(c, 0, sizeof(*c));
	if (json == NULL || !api_validate(schema, json, &f))
		http_reply_errors(&res, 400, f.code, f.detail, f.errors);
	else
		CU_ASSERT_EQUAL(what(json, c, &res) == 0, res.status == 0);
	snprintf(said, len, "%s", res.body != NULL ? res.body : "");
	free(res.body);
	json_decref(json);
	return res.status;
}

static void test_bodies(void)
{
	static const struct {
		parse *what;
		const char *body;
		int status;
		const char *says;
	} cases[] = {
	        {filter_parse_limits, "{\"source_rate\":5,\"early_drop\":null}", 0, ""},
	        {filter_parse_limits, "{\"early_drop\":false}", 0, ""},
	        {filter_parse_limits, "{", 400, "bad_json"},
	        {filter_parse_limits, "[]", 400, "bad_json"},
	        {filter_parse_limits, "{}", 400, "give early_drop"},
	        {filter_parse_limits, "{\"rate\":5}", 400, "no field 'rate'"},
	        {filter_parse_limits, "{\"source_rate\":true}", 400, "source_rate must be a whole"},
	        {filter_parse_limits, "{\"source_rate\":1.5}", 400, "source_rate must be a whole"},
	        {filter_parse_limits, "{\"early_drop\":1}", 400, "early_drop must be true"},
	        {filter_parse_limits, "{\"source_rate\":10000001}", 400, "from 0 to 10000000"},
	        {filter_parse_limits, "{\"source_rate\":-1}", 400, "from 0 to 10000000"},
	        {filter_parse_limits, "{\"source_rate\":4294967297}", 400, "from 0 to 10000000"},
	        {filter_parse_limits, "{\"source_burst\":0}", 400, "from 1 to 1000000"},
	        {filter_parse_deny, "{\"prefix\":\"192.0.2.0/24\"}", 0, ""},
	        {filter_parse_deny, "{\"prefix\":[\"192.0.2.1\",\"::1\"],\"force\":true}", 0, ""},
	        {filter_parse_deny, "{}", 400, "prefix is missing"},
	        {filter_parse_deny, "{\"prefix\":[]}", 400,
	         "prefix must have entries from 1 to 4096"},
	        {filter_parse_deny, "{\"prefix\":7}", 400, "prefix must be text, or a list"},
	        {filter_parse_deny, "{\"prefix\":[\"192.0.2.1\",7]}", 400, "prefix/1 must be text"},
	        {filter_parse_deny, "{\"prefix\":\"192.0.2.1\\u0000\"}", 400, "bad_character"},
	        {filter_parse_deny, "{\"prefix\":\"192.0.2.1\",\"force\":1}", 400, "force must be"},
	        {filter_parse_deny, "{\"prefix\":\"192.0.2.1\",\"why\":1}", 400, "no field 'why'"},
	        {filter_parse_deny, "{\"prefix\":\"192.0.2.1/24\"}", 422, "write 192.0.2.0/24"},
	        {filter_parse_deny, "{\"prefix\":[\"::\",\"x\"]}", 422, "prefix[1]: 'x' is not"},
	};
	struct fog_filter_change *c = malloc(sizeof(*c));
	char said[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = ask(cases[i].what, cases[i].body, c, said, sizeof(said));
		CU_ASSERT_EQUAL(status, cases[i].status);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, cases[i].says));
		if (status != cases[i].status || strstr(said, cases[i].says) == NULL)
			printf("\n%s: %d %s\n", cases[i].body, status, said);
	}
	ask(filter_parse_limits, cases[0].body, c, said, sizeof(said));
	CU_ASSERT_TRUE(c->given[FOG_FILTER_early_drop] && c->reset[FOG_FILTER_early_drop]);
	CU_ASSERT_TRUE(c->given[FOG_FILTER_source_rate] && !c->reset[FOG_FILTER_source_rate]);
	CU_ASSERT_EQUAL(c->limit[FOG_FILTER_source_rate], 5);
	CU_ASSERT_FALSE(c->given[FOG_FILTER_source_burst]);
	ask(filter_parse_deny, cases[14].body, c, said, sizeof(said));
	CU_ASSERT_TRUE(c->force && c->count == 2 && c->prefix[1].ip.family == 6);
	free(c);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"prefixes", test_prefixes},
	        {"which addresses a prefix holds", test_holds},
	        {"the section of the file", test_file},
	        {"what is wrong in it", test_file_refused},
	        {"a full deny list", test_file_full},
	        {"what check warns of", test_warnings},
	        {"file and operators", test_merge},
	        {"blob", test_blob},
	        {"tampered blob", test_blob_tampered},
	        {"a prefix twice in the blob", test_blob_twice},
	        {"bodies of requests", test_bodies},
	        CU_TEST_INFO_NULL,
	};
	return check_run("filter", tests);
}
