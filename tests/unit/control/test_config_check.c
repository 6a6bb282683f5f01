// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Does it fit: keys among each other, file and topology, file and host, and the memory arithmetic
// against the data plane's own figures.
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../dataplane/calendar.h"
#include "../../../dataplane/replay.h"
#include "config_text.h"

enum { NO_NAMESPACE = 4 };

static struct fog_report report;

static const struct fog_config_host roomy = {
        .cpu = {3},
        .cpu_text = "0-1",
        .memory_free = UINT64_C(8) << 30,
        .hugepages_free = 0,
        .replay_free = UINT64_C(4) << 30,
};

static struct fog_config *load(const char *text)
{
	struct fog_config *c = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(fog_config_load_text("t.yaml", text, strlen(text), &c, &report), 0);
	return c;
}

static struct fog_topology *topology(const char *geometry)
{
	struct fog_topology *t = NULL;
	char *text = text_edit(topology_text, "geometry: mtu", geometry);

	memset(&report, 0, sizeof(report));
	int ret = fog_topology_load_text("net.yaml", text, strlen(text), &t, &report);
	CU_ASSERT_EQUAL_FATAL(ret, 0);
	free(text);
	return t;
}

static void test_good(void)
{
	struct fog_topology *t = topology("geometry: mtu");
	struct fog_config *c = load(config_text);

	CU_ASSERT_EQUAL(fog_config_check(c, t, &roomy, &report), 0);
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), 0);
	CU_ASSERT_EQUAL(fog_config_check(c, NULL, NULL, &report), 0);
	CU_ASSERT_STRING_EQUAL(report.text, "");
	fog_config_free(c);
	fog_topology_free(t);
}

// Each edit alone gives exactly its own finding.
static void run_cases(
        const struct text_case *cases, size_t count, const struct fog_topology *t,
        const struct fog_config_host *host
)
{
	for (size_t i = 0; i < count; i++) {
		char *text = text_edit(config_text, cases[i].find, cases[i].with);
		struct fog_config *c = load(text);
		CU_ASSERT_EQUAL(fog_config_check(c, t, host, &report), -EINVAL);
		CU_ASSERT_EQUAL(report.errors, 1);
		CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		fog_config_free(c);
		free(text);
	}
}

#define RUN(cases, t, host) run_cases(cases, sizeof(cases) / sizeof((cases)[0]), t, host)

static void test_keys(void)
{
	static const struct text_case cases[] = {
	        {"deliver_slots: 1024", "deliver_slots: 1000", 20, "take 512 or 1024"},
	        {"inject_slots: 256", "inject_slots: 257", 21, "take 256 or 512"},
	        {"queues: 2", "queues: 1", 32, "1 queues for 2 workers"},
	        {"device: eth1", "device: abcdefghijklmnop", 31, "interface name"},
	        {"device: loop0", "device: loop0\n    xdp_mode: native", 40, "has an XDP mode"},
	        {"addresses: [198.51.100.1, \"2001:db8::1\"]\n", "addresses: []\n", 40,
	         "driver loop"},
	        {"[192.0.2.1]", "[198.51.100.1]", 28, "an address in common"},
	        {"[192.0.2.1]\n",
	         "[192.0.2.1]\n    neighbours: [{address: 1.2.3.4, mac: \"02:00:00:00:00:07\"}]\n",
	         37, "the kernel knows the neighbours"},
	        {"user: \"4322\"", "user: \"4321\"", 44, "both processes would be user 4321"},
	};
	RUN(cases, NULL, NULL);
}

#define TOKEN "token_file: /etc/fogline/token"
#define PEM "\n  tls_certificate: /etc/fogline/rest.pem\n  tls_key: /etc/fogline/rest.key"
#define STORE(more) "\nstore:\n  url: \"postgresql://" more "\"", 27

static void test_platform(void)
{
	static const struct text_case cases[] = {
	        {TOKEN, TOKEN "\n  tls_certificate: /etc/a", 26, "name both"},
	        {TOKEN, TOKEN "\n  tls_key: /etc/a", 26, "name both"},
	        {TOKEN, TOKEN "\n  tls: off" PEM, 26, "remove one of them"},
	        {TOKEN, TOKEN "\nstore: {url: /var/lib/x.db}", 26, "is no address of a PostgreSQL"},
	        {TOKEN, TOKEN "\nstore: {password_file: /etc/a}", 26, "asks for no password"},
	        {TOKEN, TOKEN STORE("fog:secret@/x"), "has a password in it"},
	        {TOKEN, TOKEN STORE("fog@db:5432/x?password=secret"), "has a password in it"},
	};
	run_cases(cases, sizeof(cases) / sizeof(cases[0]), NULL, NULL);
}

// What is only said, and what is silent: 'expect' NULL.
static void test_platform_warnings(void)
{
	static const struct text_case cases[] = {
	        {"127.0.0.1:8000", "192.0.2.1:8000\n  tls: off", 25, "tokens travel in clear"},
	        {"127.0.0.1:8000", "\"\"\n  tls: on", 25, "there is no TCP listener"},
	        {TOKEN, TOKEN STORE("fog@db.example:5432/x"), "verify-full"},
	        {TOKEN, TOKEN STORE("fog@192.0.2.7/x?sslmode=require"), "verify-full"},
	        {TOKEN, TOKEN STORE("fog@db.example/x?sslmode=verify-full"), NULL},
	        {TOKEN, TOKEN STORE("fog@localhost:5432/x"), NULL},
	        {TOKEN, TOKEN STORE("/x"), NULL},
	        {TOKEN, TOKEN STORE("fog@%2Frun%2Fpostgresql/x"), NULL},
	        {"127.0.0.1:8000", "192.0.2.1:8000", 24, NULL},
	        {TOKEN, TOKEN "\n  tls: off", 26, NULL},
	        {TOKEN, TOKEN PEM, 26, NULL},
	        {TOKEN, "token_file: \"\"", 25, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_edit(config_text, cases[i].find, cases[i].with);
		struct fog_config *c = load(text);
		CU_ASSERT_EQUAL(fog_config_check(c, NULL, NULL, &report), 0);
		if (cases[i].expect != NULL)
			CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		CU_ASSERT_EQUAL(report.warnings, cases[i].expect != NULL);
		fog_config_free(c);
		free(text);
	}
}

// Who speaks TLS.
static void test_tls(void)
{
	static const struct {
		const char *tcp;
		bool tls;
	} cases[] = {
	        {"127.0.0.1:8000", false},
	        {"127.8.0.1:8000", false},
	        {"\"[::1]:8000\"", false},
	        {"0.0.0.0:8000", true},
	        {"192.0.2.1:8000", true},
	        {"\"[::]:8000\"", true},
	        {"192.0.2.1:8000\n  tls: off", false},
	        {"127.0.0.1:8000\n  tls: on", true},
	        {"127.0.0.1:8000" PEM, true},
	        {"\"\"\n  tls: on", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_edit(config_text, "127.0.0.1:8000", cases[i].tcp);
		struct fog_config *c = load(text);
		CU_ASSERT_EQUAL(fog_config_rest_tls(&c->rest), cases[i].tls);
		fog_config_free(c);
		free(text);
	}
}

static void test_production(void)
{
	struct fog_topology *t = topology("geometry: mtu");
	static const struct text_case links[] = {
	        {"production: false", "production: true", 6, "set production: false"}};
	char *text = text_edit(config_text, "production: false", "production: true");
	char *seeded =
	        text_edit(text, "delay_seed: 0", "delay_seed: 1\n  key_seed: 1\n  clock_ahead: 1s");
	struct fog_config *c = load(seeded);

	RUN(links, t, &roomy);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, NULL, NULL, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 27, "delays that others can compute"));
	CU_ASSERT_TRUE(report_has(&report, 28, "keys that everybody knows"));
	CU_ASSERT_TRUE(report_has(&report, 29, "goes by the right time"));
	fog_config_free(c);
	free(seeded);
	free(text);
	fog_topology_free(t);
}

static void test_mtu(void)
{
	struct fog_topology *mtu = topology("geometry: mtu"), *jumbo = topology("geometry: jumbo");
	static const struct text_case small[] = {
	        {"mtu: 1500", "mtu: 1455", 34, "set the MTU to at least 1456"}};
	char *fits = text_edit(config_text, "mtu: 1500", "mtu: 1456");
	struct fog_config *c = load(fits);

	RUN(small, mtu, &roomy);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, mtu, &roomy, &report), 0);
	CU_ASSERT_EQUAL(fog_config_check(c, jumbo, &roomy, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 34, "at least 3130"));
	CU_ASSERT_TRUE(report_has(&report, 37, "at least 3130")); // left out: where the port stands
	fog_config_free(c);
	free(fits);
	fog_topology_free(mtu);
	fog_topology_free(jumbo);
}

static void test_host(void)
{
	struct fog_topology *t = topology("geometry: mtu");
	static const struct text_case cpu[] = {
	        {"cpus: [0, 1]", "cpus: [0, 9]", 8, "CPU 9 does not exist (this host has 0-1)"},
	        {"manager_cpu: 0", "manager_cpu: 2", 10, "CPU 2 does not exist"},
	        {"user: \"4321\"", "user: fogline-nobody-has-it", 2, "useradd"},
	        {"user: \"4322\"", "user: fogline-nobody-has-it", 44, "useradd"},
	        {"hugepages: false", "hugepages: true", 12, "reserve 32 pages"},
	        {"capacity: 1M", "capacity: 140M", 18,
	         "140 M tags = 2.09 GiB per key; 2 keys; have 4.00 GiB in /dev/shm/fogline-n1: lower it "
	         "to at most 134217472"},
	        {"mib: 64", "mib: 9GiB", 11, "beside its replay tables, this host has 8192"},
	};
	struct fog_config_host disk = roomy;
	struct fog_config *c = load(config_text);

	RUN(cpu, t, &roomy);
	// Tables in hugepages take nothing of the ordinary memory.
	c->replay.capacity = 100000000;
	disk.memory_free = UINT64_C(1) << 30;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &disk, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 18, "or give the host more memory"));
	disk.replay_huge = 1;
	disk.replay_page = disk.hugepage = 2 << 20;
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, &disk, &report), 0);
	disk.replay_on_disk = 1;
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, &disk, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 17, "/dev/shm/fogline-n1"));
	fog_config_free(c);
	fog_topology_free(t);
}

static void test_host_read(void)
{
	char *text = text_edit(config_text, "/dev/shm/fogline-n1", "/proc/none/fogline");
	struct fog_config *c = load(config_text), *on_disk = load(text);
	struct fog_config_host h;

	fog_config_host_read(c, &h);
	CU_ASSERT_NOT_EQUAL(h.cpu_text[0], '\0');
	CU_ASSERT_NOT_EQUAL(h.cpu[0], 0);
	CU_ASSERT_TRUE(h.memory_free > 1 << 20);
	CU_ASSERT_EQUAL(h.replay_on_disk, 0);
	fog_config_host_read(on_disk, &h);
	CU_ASSERT_EQUAL(h.replay_on_disk, 1);
	fog_config_free(c);
	fog_config_free(on_disk);
	free(text);
}

static void test_memory(void)
{
	struct fog_topology *t = topology("geometry: mtu");
	// 1,984-byte buffers lie two to a page: 8,192 take 16 MiB, and 8 MiB are EAL's.
	static const struct text_case cases[] = {
	        {"mib: 64", "mib: 23", 13,
	         "packet_buffers 8192 x 1984 B take 16 MiB in whole pages, EAL, devices and queues of links 8 MiB, "
	         "together 24 MiB, but memory.mib is 23: raise memory.mib to at least 24 or lower "
	         "packet_buffers to at most 7680"},
	        {"parked_max: 4096", "parked_max: 7393", 14,
	         "parked_max 7393 + device queues 0 + caches of workers and manager 288 + packets in "
	         "work 512 = 8193 buffers, but packet_buffers is 8192: raise packet_buffers to at "
	         "least 8193"},
	};
	char *fits = text_edit(config_text, "mib: 64", "mib: 24");
	struct fog_config *c = load(fits);

	RUN(cases, t, &roomy);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, &roomy, &report), 0);
	fog_config_free(c);
	free(fits);
	fits = text_edit(
	        config_text, "mib: 64\n  packet_buffers: 8192", "mib: 23\n  packet_buffers: 7680"
	);
	c = load(fits);
	CU_ASSERT_EQUAL(fog_config_check(c, t, &roomy, &report), 0);
	fog_config_free(c);
	free(fits);
	fog_topology_free(t);
}

// The plan never promises less than what the data plane's parts ask for.
static void test_plan(void)
{
	struct fog_topology *t = topology("geometry: jumbo");
	struct fog_config *c = load(config_text);
	struct fog_calendar_config cal = {
	        .tsc_hz = 2000000000, .slots = 65536, .capacity = c->memory.parked_max / 2};
	struct fog_plan p = {0};
	char text[2048];

	for (uint64_t capacity = 1024; capacity < UINT64_C(1) << 38; capacity = capacity * 3 + 7) {
		c->replay.capacity = capacity;
		fog_config_plan(c, t, NULL, &p);
		CU_ASSERT_EQUAL(p.replay, fog_replay_footprint(capacity));
	}
	CU_ASSERT_TRUE(p.calendars >= 2 * fog_calendar_footprint(&cal));
	CU_ASSERT_EQUAL(p.umem, 2 * UINT64_C(16) << 20);
	CU_ASSERT_EQUAL(p.mtu_need, 3082 + 48);
	CU_ASSERT_EQUAL(
	        p.rings,
	        2 *
	                (fog_ring_bytes(
	                         1024, fog_ring_slot_size(72 + 32 + t->geometry.payload_len)
	                 ) +
	                 fog_ring_bytes(256, fog_ring_slot_size(40 + 3082)))
	);
	CU_ASSERT_EQUAL(
	        p.total,
	        (UINT64_C(64) << 20) + 2 * p.replay + p.rings + p.stats + p.calendars + p.umem
	);
	CU_ASSERT_TRUE(fog_config_plan_print(c, t, &roomy, &p, text, sizeof(text)) < sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "4096 + device queues 0"));
	CU_ASSERT_EQUAL(p.cover, 0); // without links
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ", cover 0.0 MiB, "));
	t->links = FOG_LINKS_NOISE;
	fog_config_plan(c, t, NULL, &p);
	CU_ASSERT_EQUAL(p.cover, 2 * 128 * (40 + 3082)); // workers, packets, bytes of each
	CU_ASSERT_TRUE(fog_config_plan_print(c, t, &roomy, &p, text, sizeof(text)) < sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ", cover 0.8 MiB, "));
	fog_config_free(c);
	fog_topology_free(t);
}

struct replay_case {
	const char *find, *with; // edit of the good file
	const char *mix_key; // of the topology, NULL = its defaults
	const char *expect; // line of the plan
	uint64_t tags;
};

// What an operator plans with: rate, life of a key, memory.
static void test_replay_plan(void)
{
	static const char rate[] = "manager_cpu: 0\n  max_rate: 72k";
	static const struct replay_case cases[] = {
	        {"capacity: 1M", "capacity: 0", NULL,
	         "replay    1 M tags = 15.3 MiB per key; 2 keys; "
	         "have 4.00 GiB\n          no workers.max_rate: "
	         "enough for 758 pps on average over (20 + 2) min",
	         1000000},
	        {"capacity: 1M", "capacity: 20", NULL, "replay    20 tags", 20},
	        {"manager_cpu: 0", rate, "mix_key: {epoch: 2h, overlap: 1h}",
	         "replay    2 workers x 72 kpps x (2 + 1) h = 1.56 G tags, replay.capacity is 1 M tags = "
	         "15.3 MiB per key; 2 keys; have 4.00 GiB",
	         1000000},
	};
	char text[2048];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *edited = text_edit(config_text, cases[i].find, cases[i].with);
		struct fog_topology *t =
		        topology(cases[i].mix_key != NULL ? cases[i].mix_key : "geometry: mtu");
		struct fog_config *c = load(edited);
		struct fog_plan p;
		CU_ASSERT_EQUAL(fog_config_tags(c, t), cases[i].tags);
		fog_config_plan(c, t, &roomy, &p);
		fog_config_plan_print(c, t, &roomy, &p, text, sizeof(text));
		if (strstr(text, cases[i].expect) == NULL)
			printf("\nwanted \"%s\", got:\n%s", cases[i].expect, text);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, cases[i].expect));
		fog_config_free(c);
		fog_topology_free(t);
		free(edited);
	}
}

// The line of a node with one worker, and a network whose keys don't fit: refused with what would.
static void test_replay_rate(void)
{
	char *one = text_edit(config_text, "cpus: [0, 1]", "cpus: [1]\n  max_rate: 72k");
	char *file = text_edit(one, "capacity: 1M", "capacity: 0");
	char *many = text_edit(file, "max_rate: 72k", "max_rate: 150k");
	struct fog_topology *t = topology("geometry: mtu");
	struct fog_config *c = load(file);
	struct fog_plan p;
	char text[2048], *at;

	// 72,000 x 1,320 s, and a tenth of a second's for bursts.
	CU_ASSERT_EQUAL(fog_config_tags(c, t), UINT64_C(95040000) + 7200);
	CU_ASSERT_EQUAL(fog_config_tags(c, NULL), UINT64_C(95040000) + 7200);
	fog_config_plan(c, t, &roomy, &p);
	CU_ASSERT_EQUAL(p.replay, fog_replay_footprint(95047200));
	fog_config_plan_print(c, t, &roomy, &p, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(
	        text,
	        "replay    72 kpps x (20 + 2) min = 95 M tags = 1.42 GiB per key; 2 keys; have "
	        "4.00 GiB\n          with 'links: none' the key is for good: one table is made, and "
	        "at this rate it is full after 22 min"
	));
	t->links = FOG_LINKS_NOISE;
	fog_config_plan_print(c, t, &roomy, &p, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 keys; have 4.00 GiB\nbeside"));
	t->links = FOG_LINKS_NONE;
	fog_config_plan_print(c, t, NULL, &p, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "per key; 2 keys\n"));
	// At a low rate the burst is what makes the sum, and 1,384 s are no whole minutes.
	c->workers.max_rate = 1;
	fog_config_plan(c, t, NULL, &p);
	fog_config_plan_print(c, t, NULL, &p, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 pps x (20 + 2) min + burst = 1.38 k tags"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "full after 23.1 min"));
	fog_config_free(c);

	c = load(many);
	CU_ASSERT_EQUAL(fog_config_check(c, t, &roomy, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(
	        &report, 9,
	        "workers.max_rate: 150 kpps x (20 + 2) min = 198 M tags = 2.95 GiB per key; 2 keys; have "
	        "4.00 GiB in /dev/shm/fogline-n1: lower it to at most 101672, shorten"
	));
	// The rate that it names fits, and one more packet per second would not.
	at = strstr(report.text, "at most ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	c->workers.max_rate = (uint32_t)strtoul(at + strlen("at most "), NULL, 10);
	CU_ASSERT_EQUAL(fog_config_check(c, t, &roomy, &report), 0);
	c->workers.max_rate++;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &roomy, &report), -EINVAL);
	c->workers.max_rate = 10000000;
	t->epoch_s = t->overlap_s = 604800;
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 9, "1000000000000 are the most"));
	fog_config_free(c);
	fog_topology_free(t);
	free(one);
	free(file);
	free(many);
}

// What memory leaves beside everything else is room, and what the finding names is accepted.
static void test_replay_memory(void)
{
	char *text = text_edit(config_text, "capacity: 1M", "capacity: 100M");
	struct fog_topology *t = topology("geometry: mtu");
	struct fog_config_host host = roomy;
	struct fog_config *c = load(text);
	struct fog_plan p;
	char have[64], *at;

	host.memory_free = UINT64_C(1) << 30;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), -EINVAL);
	CU_ASSERT_EQUAL(report.errors, 1);
	fog_config_plan(c, t, &host, &p);
	snprintf(
	        have, sizeof(have), "have %.0f MiB in",
	        (double)fog_config_replay_have(c, &host, &p) / (1 << 20)
	);
	CU_ASSERT_EQUAL(
	        fog_config_replay_have(c, &host, &p), host.memory_free - (p.total - 2 * p.replay)
	);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, have));
	at = strstr(report.text, "at most ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	c->replay.capacity = strtoull(at + strlen("at most "), NULL, 10);
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), 0);
	c->replay.capacity += 512;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), -EINVAL);
	// No rate is low enough: 0 would lift the limit, so lowering it is not offered.
	c->replay.capacity = 0;
	c->workers.max_rate = 1000;
	host.replay_free = 3 * 4096;
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, ": shorten the network's"));
	CU_ASSERT_PTR_NULL(strstr(report.text, "lower"));
	c->replay.capacity = 1200;
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "leave the key out\n"));
	c->replay.capacity = 15;
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), -EINVAL);
	fog_config_free(c);
	fog_topology_free(t);
	free(text);
}

// hugetlbfs: whole pages, of which packet buffers take theirs first when they are of one size.
static void test_replay_huge(void)
{
	struct fog_topology *t = topology("geometry: mtu");
	struct fog_config_host host = roomy;
	struct fog_config *c = load(config_text);
	struct fog_plan p;

	host.replay_huge = 1;
	host.replay_page = host.hugepage = 2 << 20;
	host.replay_free = 2 * (16 << 20);
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), 0);
	host.replay_free -= 2 << 20; // 15.3 MiB are 16
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 18, "fogctl host init hugepages"));
	host.replay_free = 0;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), -EINVAL);
	c->memory.hugepages = true;
	host.hugepages_free = host.replay_free = (64 + 2 * 16) << 20;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), 0);
	host.hugepages_free = host.replay_free -= 2 << 20;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), -EINVAL);
	host.replay_page = 1 << 30;
	host.replay_free = UINT64_C(2) << 30;
	CU_ASSERT_EQUAL(fog_config_check(c, t, &host, &report), 0);
	fog_config_plan(c, t, &host, &p);
	CU_ASSERT_EQUAL(fog_config_replay_have(c, &host, &p), host.replay_free);
	fog_config_free(c);
	fog_topology_free(t);
}

// A table that is smaller than what the rate admits is no error: it closes, it doesn't open.
static void test_replay_small(void)
{
	char *text = text_edit(config_text, "manager_cpu: 0", "manager_cpu: 0\n  max_rate: 1k");
	struct fog_config *c = load(text);

	CU_ASSERT_EQUAL(fog_config_check(c, NULL, NULL, &report), 0);
	CU_ASSERT_EQUAL(report.warnings, 1);
	CU_ASSERT_TRUE(report_has(
	        &report, 19,
	        "warning: replay.capacity: 1000000 is less than the 2640200 packets that "
	        "workers.max_rate admits"
	));
	CU_ASSERT_TRUE(report_has(&report, 19, "lower max_rate to 378"));
	fog_config_free(c);
	free(text);
}

// A file of the size of 'table', which becomes a replay table. Bytes that are free before and after.
static int replay_held_read(
        const char *dir, struct fog_config_host *before, struct fog_config_host *after
)
{
	static const uint8_t table[1 << 20];
	char *text = text_edit(config_text, "/dev/shm/fogline-n1", dir);
	struct fog_config *c = load(text);
	char path[64], to[64];

	snprintf(path, sizeof(path), "%s/other", dir);
	snprintf(to, sizeof(to), "%s/replay-0-1234", dir);
	FILE *f = fopen(path, "w");
	bool written = f != NULL && fwrite(table, sizeof(table), 1, f) == 1;
	if (f != NULL)
		written = fclose(f) == 0 && written;
	fog_config_host_read(c, before);
	bool renamed = rename(path, to) == 0;
	fog_config_host_read(c, after);
	fog_config_free(c);
	free(text);
	return written && renamed ? (int)sizeof(table) : -EIO;
}

static bool write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool written = f != NULL && fputs(text, f) >= 0;

	return f != NULL && fclose(f) == 0 && written;
}

// File systems of one's own: without root, in a user namespace in which nobody but we is anybody.
static bool namespace_make(void)
{
	char uid[40], gid[40];

	if (geteuid() == 0)
		return unshare(CLONE_NEWNS) == 0;
	snprintf(uid, sizeof(uid), "%u %u 1", geteuid(), geteuid());
	snprintf(gid, sizeof(gid), "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	        write_text("/proc/self/setgroups", "deny") &&
	        write_text("/proc/self/uid_map", uid) && write_text("/proc/self/gid_map", gid);
}

// What a child of a folder of its own found: 0, or what is wrong. Nobody else writes to its file system, so each
// byte counts; the file system goes with the child.
static int replay_held_apart(const char *dir)
{
	struct fog_config_host before, after;

	if (!namespace_make())
		return NO_NAMESPACE;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=8m") < 0)
		return 1;
	int len = replay_held_read(dir, &before, &after);
	if (len < 0)
		return 2;
	return before.replay_free > 0 && after.replay_free == before.replay_free + (uint64_t)len
	        ? 0
	        : 3;
}

// Tables that are there already are room, not load.
static void test_replay_held(void)
{
	char dir[] = "/dev/shm/fogt-held-XXXXXX";
	int status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	pid_t child = fork();
	if (child == 0)
		_exit(replay_held_apart(dir));
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status));
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	if (geteuid() != 0 && WEXITSTATUS(status) == NO_NAMESPACE)
		printf("left out: needs root, or user namespaces ");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

// Pools on two nodes: each may leave a page unused, and the manager has a cache in each.
static void test_nodes(void)
{
	char *text = text_edit(config_text, "hugepages: false", "hugepages: true");
	struct fog_config_host host = roomy;
	struct fog_config *c = load(text);
	struct fog_plan one, two;
	char lines[2048];

	fog_config_plan(c, NULL, &host, &one);
	CU_ASSERT_EQUAL(one.nodes, 1);
	host.node[1] = 3;
	fog_config_plan(c, NULL, &host, &two);
	CU_ASSERT_EQUAL(two.nodes, 2);
	CU_ASSERT_EQUAL(two.pool, one.pool + (2 << 20));
	CU_ASSERT_EQUAL(two.buffers_need, one.buffers_need + FOG_BUFFER_CACHE * 3 / 2);
	fog_config_plan_print(c, NULL, &host, &two, lines, sizeof(lines));
	CU_ASSERT_PTR_NOT_NULL(strstr(lines, "in 2 pools"));
	c->memory.hugepages = false;
	fog_config_plan(c, NULL, &host, &two);
	CU_ASSERT_EQUAL(two.nodes, 1);
	fog_config_free(c);
	free(text);
}

static void test_pool_pages(void)
{
	CU_ASSERT_EQUAL(fog_plan_pool(10, 2048, 0), 5 * 4096);
	CU_ASSERT_EQUAL(fog_plan_pool(11, 2048, 0), 6 * 4096);
	CU_ASSERT_EQUAL(fog_plan_pool(10, 2049, 0), 10 * 4096);
	CU_ASSERT_EQUAL(fog_plan_pool(10, 4097, 0), 10 * 8192);
	CU_ASSERT_EQUAL(fog_plan_pool(1024, 2048, 1), 2 << 20);
	CU_ASSERT_EQUAL(fog_plan_pool(1025, 2048, 1), 4 << 20);
}

// In a network with a directory a node's own file says where it is.
static void test_node(void)
{
	static const char network[] =
	        "network: {name: n, links: noise}\ndirectory:\n  threshold: 1\n  authorities:\n"
	        "    - {name: a, identity: " HEX62 "01, vrf_key: " HEX62 "02, tls_key: " HEX62
	        "03, address: 192.0.2.9}\n";

	static const struct {
		const char *section;
		int want;
		unsigned errors, warnings;
		const char *expect;
	} cases[] = {
	        {"", -EINVAL, 1, 0, "node.address: is missing"},
	        {"node: {address: 192.0.2.1}\n", 0, 0, 0, ""},
	        {"node: {address: 192.0.2.3}\n", 0, 0, 1,
	         "warning: node.address: 192.0.2.3 is no address of our ports"},
	        {"node: {address: 192.0.2.1, role: gateway, layer: 1}\n", -EINVAL, 1, 0,
	         "node.layer: only a mix"},
	        {"node: {address: 192.0.2.1, layer: 4}\n", -EINVAL, 1, 0,
	         "node.layer: the network has 3 layers"},
	};
	struct fog_topology *t = NULL, *listed = topology("geometry: mtu");
	char text[4096];

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("net.yaml", network, strlen(network), &t, &report), 0
	);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", config_text, cases[i].section);
		struct fog_config *c = load(text);
		CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), cases[i].want);
		CU_ASSERT_EQUAL(report.errors, cases[i].errors);
		CU_ASSERT_EQUAL(report.warnings, cases[i].warnings);
		CU_ASSERT_PTR_NOT_NULL(strstr(report.text, cases[i].expect));
		fog_config_free(c);
	}
	snprintf(text, sizeof(text), "%sdirectory: {listen: \"[::1]:9003\"}\n", config_text);
	struct fog_config *c = load(text);
	CU_ASSERT_STRING_EQUAL(c->node.name, "n1");
	CU_ASSERT_EQUAL(fog_config_check(c, listed, NULL, &report), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.text, "directory.listen: net.yaml lists its nodes"));
	fog_config_free(c);
	fog_topology_free(t);
	fog_topology_free(listed);
}

static void test_warning(void)
{
	char *text = text_edit(config_text, "idle: adaptive", "idle: busy");
	struct fog_config *c = load(text);

	CU_ASSERT_EQUAL(fog_config_check(c, NULL, NULL, &report), 0);
	CU_ASSERT_EQUAL(report.warnings, 1);
	CU_ASSERT_TRUE(report_has(&report, 10, "warning: workers.manager_cpu: CPU 0 polls"));
	fog_config_free(c);
	free(text);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a good file", test_good},
	        {"keys among each other", test_keys},
	        {"keys of the platform", test_platform},
	        {"warnings about the platform", test_platform_warnings},
	        {"who speaks TLS", test_tls},
	        {"production", test_production},
	        {"MTU and geometry", test_mtu},
	        {"this host", test_host},
	        {"reading the host", test_host_read},
	        {"memory arithmetic", test_memory},
	        {"plan against the parts", test_plan},
	        {"pages of a pool", test_pool_pages},
	        {"replay plan", test_replay_plan},
	        {"replay plan by rate", test_replay_rate},
	        {"small replay table", test_replay_small},
	        {"replay tables and memory", test_replay_memory},
	        {"replay tables on hugetlbfs", test_replay_huge},
	        {"tables that are there", test_replay_held},
	        {"NUMA nodes", test_nodes},
	        {"a node of a directory", test_node},
	        {"warnings", test_warning},
	        CU_TEST_INFO_NULL,
	};
	return check_run("config check", tests);
}
