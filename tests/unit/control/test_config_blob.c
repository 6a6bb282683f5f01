// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What compile makes, the data plane's check takes, and it takes nothing else.
#include <errno.h>
#include <sodium.h>

#include "../../../dataplane/api/link.h"
#include "../../../dataplane/blob_check.h"
#include "config_text.h"

static struct fog_report report;
static const uint8_t node_id[FOG_ID_LEN] = {7, 7, 7};
static char why[256];

static struct fog_blob *compile(const char *config, const char *topology, size_t *len)
{
	struct fog_config *c = NULL;
	struct fog_topology *t = NULL;
	struct fog_blob *b = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(
	        fog_config_load_text("t.yaml", config, strlen(config), &c, &report), 0
	);
	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("t.yaml", topology, strlen(topology), &t, &report), 0
	);
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), 0);
	CU_ASSERT_EQUAL_FATAL(fog_config_compile(c, t, node_id, 5, &b, len, &report), 0);
	fog_config_free(c);
	fog_topology_free(t);
	return b;
}

static struct fog_blob *good(size_t *len)
{
	return compile(config_text, topology_text, len);
}

static void seal(struct fog_blob *b, size_t len)
{
	size_t from = offsetof(struct fog_blob, generation);

	crypto_generichash(b->checksum, 32, (uint8_t *)b + from, len - from, NULL, 0);
}

static void test_compile(void)
{
	size_t len, len2;
	struct fog_blob *b = good(&len), *again = good(&len2);
	const struct fog_blob_node *node = (void *)(b + 1);

	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), 0);
	CU_ASSERT_STRING_EQUAL(why, "");
	CU_ASSERT_EQUAL(len, sizeof(*b) + 5 * sizeof(*node));
	CU_ASSERT_EQUAL(len, len2);
	CU_ASSERT_EQUAL(memcmp(b, again, len), 0);
	CU_ASSERT_EQUAL(b->generation, 5);
	CU_ASSERT_EQUAL(memcmp(b->run.node_id, node_id, sizeof(node_id)), 0);
	CU_ASSERT_STRING_EQUAL(b->launch.instance, "n1");
	CU_ASSERT_STRING_EQUAL(b->launch.replay_dir, "/dev/shm/fogline-n1");
	CU_ASSERT_EQUAL(b->launch.slots, 5);
	CU_ASSERT_EQUAL(b->launch.payload_len, 900);
	CU_ASSERT_EQUAL(b->launch.mix_port, 9001);
	CU_ASSERT_EQUAL(b->launch.worker_count, 2);
	CU_ASSERT_EQUAL(b->launch.worker[1].cpu, 1);
	CU_ASSERT_EQUAL(b->launch.control_uid, 4321);
	CU_ASSERT_EQUAL(b->launch.data_uid, 4322);
	CU_ASSERT_EQUAL(b->launch.replay_capacity, 1000000);
	CU_ASSERT_STRING_EQUAL(b->launch.port[0].device, "eth1");
	CU_ASSERT_EQUAL(b->launch.port[1].address_count, 2);
	CU_ASSERT_EQUAL(b->run.neighbour_count, 1);
	CU_ASSERT_EQUAL(b->run.neighbour[0].port, 1);
	CU_ASSERT_EQUAL(b->run.delay_mean_us, 50000);
	CU_ASSERT_EQUAL(node[0].port, 9002);
	CU_ASSERT_EQUAL(node[4].ip.family, 6);
	CU_ASSERT_EQUAL(node[4].ip.addr[15], 5);
	free(b);
	free(again);
}

struct difference {
	const char *find, *with; // edit of the good file
	int launch; // whether it changes the launch part
};

// Every key of either file that reaches the data plane changes the blob; and only where it may.
// With links the topology's key of the node itself, and of nobody else; none without links.
static void test_link_key(void)
{
	struct fog_config *c = NULL;
	struct fog_topology *t = NULL;
	struct fog_blob *b = NULL;
	const char *yaml[] = {config_text, topology_text};
	size_t len;

	CU_ASSERT_EQUAL_FATAL(
	        fog_config_load_text("t.yaml", yaml[0], strlen(yaml[0]), &c, &report), 0
	);
	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("t.yaml", yaml[1], strlen(yaml[1]), &t, &report), 0
	);
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), 0);
	for (unsigned i = 0; i < t->node_count; i++)
		memset(t->node[i].link_key, (int)i + 1, 32);
	for (unsigned links = FOG_LINKS_NONE; links <= FOG_LINKS_NOISE; links++) {
		t->links = links;
		int ret = fog_config_compile(c, t, t->node[2].id, 5, &b, &len, &report);
		CU_ASSERT_EQUAL_FATAL(ret, 0);
		for (unsigned i = 0; i < 32; i++)
			CU_ASSERT_EQUAL(b->run.link_key[i], links == FOG_LINKS_NOISE ? 3 : 0);
		free(b);
		CU_ASSERT_EQUAL_FATAL(fog_config_compile(c, t, node_id, 5, &b, &len, &report), 0);
		CU_ASSERT_TRUE(sodium_is_zero(b->run.link_key, 32));
		free(b);
	}
	fog_config_free(c);
	fog_topology_free(t);
}

// Loops and drops in one stream, nothing of it without links.
static void test_cover(void)
{
	static const struct {
		uint32_t loop_us, drop_us;
		uint64_t mean_us;
	} rates[] = {
	        {0, 0, 0},
	        {1000000, 0, 1000000},
	        {0, 250000, 250000},
	        {1000000, 1000000, 500000},
	        {100000, 300000, 75000},
	        {3600000000, 3600000000, 1800000000},
	};

	char *text = text_edit(config_text, "ports:", "cover:\n  max_rate: 7\nports:");
	struct fog_config *c = NULL;
	struct fog_topology *t = NULL;
	struct fog_blob *b = NULL;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(fog_config_load_text("t.yaml", text, strlen(text), &c, &report), 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("t.yaml", topology_text, strlen(topology_text), &t, &report),
	        0
	);
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), 0);
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]) * 2; i++) {
		bool links = i % 2 == 1;
		t->links = links ? FOG_LINKS_NOISE : FOG_LINKS_NONE;
		t->cover.loop_us = rates[i / 2].loop_us;
		t->cover.drop_us = rates[i / 2].drop_us;
		t->cover.dummy_us = 123;
		CU_ASSERT_EQUAL_FATAL(fog_config_compile(c, t, node_id, 5, &b, &len, &report), 0);
		CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), 0);
		CU_ASSERT_EQUAL(b->run.cover_us, links ? rates[i / 2].mean_us : 0);
		CU_ASSERT_EQUAL(b->run.dummy_us, links ? 123 : 0);
		CU_ASSERT_EQUAL(b->run.cover_rate_max, links ? 7 : 0);
		free(b);
	}
	fog_config_free(c);
	fog_topology_free(t);
	free(text);
}

static void test_differences(void)
{
	static const struct difference cases[] = {
	        {"cpus: [0, 1]", "cpus: [0, 2]", 1},
	        {"mib: 64", "mib: 65", 1},
	        {"delay_seed: 0", "delay_seed: 9", 1},
	        {"device: eth1", "device: eth2", 1},
	        {"02:00:00:00:00:01", "02:00:00:00:00:02", 0},
	        {"idle:", "max_rate: 100\n  idle:", 1},
	};

	size_t len, len2;
	struct fog_blob *b = good(&len);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_edit(config_text, cases[i].find, cases[i].with);
		struct fog_blob *other = compile(text, topology_text, &len2);
		CU_ASSERT_EQUAL(fog_blob_check(other, len2, why, sizeof(why)), 0);
		CU_ASSERT_NOT_EQUAL(memcmp(b->checksum, other->checksum, 32), 0);
		CU_ASSERT_EQUAL(
		        memcmp(&b->launch, &other->launch, sizeof(b->launch)) != 0, cases[i].launch
		);
		free(other);
		free(text);
	}
	free(b);
}

static void test_frame(void)
{
	size_t len;
	struct fog_blob *b = good(&len);
	struct fog_blob *big = calloc(1, FOG_BLOB_SIZE_MAX + 64);

	for (size_t l = 0; l < len; l += l < sizeof(*b) ? 997 : 1)
		CU_ASSERT_EQUAL(fog_blob_check(b, l, why, sizeof(why)), -EMSGSIZE);
	memcpy(big, b, len);
	CU_ASSERT_EQUAL(fog_blob_check(big, len + 56, why, sizeof(why)), -EMSGSIZE);
	CU_ASSERT_EQUAL(fog_blob_check(big, FOG_BLOB_SIZE_MAX + 56, why, sizeof(why)), -EMSGSIZE);
	big->magic++;
	CU_ASSERT_EQUAL(fog_blob_check(big, len, why, sizeof(why)), -EPROTO);
	big->magic--;
	big->abi++;
	CU_ASSERT_EQUAL(fog_blob_check(big, len, why, sizeof(why)), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "compile it again"));
	big->abi--;
	big->size += 56;
	CU_ASSERT_EQUAL(fog_blob_check(big, len, why, sizeof(why)), -EMSGSIZE);
	big->size -= 56;
	big->run.node_count = UINT32_MAX;
	CU_ASSERT_EQUAL(fog_blob_check(big, len, why, sizeof(why)), -EMSGSIZE);
	free(b);
	free(big);
}

// Any one byte changed without the checksum is noticed.
static void test_flips(void)
{
	size_t len, accepted = 0;
	struct fog_blob *b = good(&len);

	for (size_t i = 0; i < len; i++) {
		((uint8_t *)b)[i] ^= 1 << i % 8;
		accepted += fog_blob_check(b, len, why, sizeof(why)) == 0;
		((uint8_t *)b)[i] ^= 1 << i % 8;
	}
	CU_ASSERT_EQUAL(accepted, 0);
	free(b);
}

struct tamper {
	size_t at; // offset in the blob
	unsigned size;
	uint64_t value;
	int error;
	const char *expect;
};

#define L(member) \
	offsetof(struct fog_blob, launch.member), sizeof(((struct fog_blob *)0)->launch.member)
#define R(member) offsetof(struct fog_blob, run.member), sizeof(((struct fog_blob *)0)->run.member)
#define N(i, member) \
	sizeof(struct fog_blob) + (i) * sizeof(struct fog_blob_node) + \
	        offsetof(struct fog_blob_node, member), \
	        sizeof(((struct fog_blob_node *)0)->member)

static void run_tampers(const struct tamper *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len;
		struct fog_blob *b = good(&len);
		memcpy((uint8_t *)b + cases[i].at, &cases[i].value, cases[i].size);
		seal(b, len);
		int ret = fog_blob_check(b, len, why, sizeof(why));
		CU_ASSERT_EQUAL(ret, cases[i].error);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].expect));
		if (ret != cases[i].error || strstr(why, cases[i].expect) == NULL)
			printf("\ncase %zu: wanted '%s', got %d '%s'\n", i, cases[i].expect, ret,
			       why);
		free(b);
	}
}

#define RUN(cases) run_tampers(cases, sizeof(cases) / sizeof((cases)[0]))

// One slot and a few bytes make a frame that is shorter than a handshake message.
static void test_short_frames(void)
{
	for (unsigned payload = 1; payload < 16; payload++) {
		size_t len;
		struct fog_blob *b = good(&len);
		struct fog_geometry g;
		b->launch.links = FOG_LINKS_NOISE;
		b->launch.slots = 1;
		b->launch.payload_len = payload;
		fog_geometry_init(&g, 1, payload);
		seal(b, len);
		fog_blob_check(b, len, why, sizeof(why));
		bool refused = strstr(why, "hold no handshake") != NULL;
		CU_ASSERT_EQUAL(refused, g.packet_len + FOG_LINK_OVERHEAD < FOG_INITIATION_LEN);
		free(b);
	}
}

static void test_tampered_launch(void)
{
	static const struct tamper cases[] = {
	        {L(instance[0]), 0, -EINVAL, "instance is empty"},
	        {L(instance[1]), '/', -EINVAL, "not a name"},
	        {L(instance[0]), '.', -EINVAL, "not a name"},
	        {L(instance[1]), 200, -EINVAL, "printable"},
	        {L(instance[31]), 'x', -EINVAL, "behind its end"},
	        {L(replay_dir[0]), 'd', -EINVAL, "not an absolute path"},
	        {L(replay_dir[127]), 'x', -EINVAL, "behind its end"},
	        {L(slots), 0, -EINVAL, "no geometry"},
	        {L(slots), 21, -EINVAL, "no geometry"},
	        {L(payload_len), 9000, -EINVAL, "no geometry"},
	        {L(payload_len), 0, -EINVAL, "no geometry"},
	        {L(payload_len), 2000, -ENOSPC, "MTU 1500"},
	        {L(mix_port), 0, -EINVAL, "mix_port"},
	        {L(manager_cpu), 1024, -EINVAL, "manager_cpu"},
	        {L(worker_count), 0, -EINVAL, "worker_count"},
	        {L(worker_count), 65, -EINVAL, "worker_count"},
	        {L(worker_count), 1, -EINVAL, "behind the last worker"},
	        {L(worker_count), 3, -EINVAL, "CPU 0 has two workers"},
	        {L(port_count), 0, -EINVAL, "port_count"},
	        {L(port_count), 17, -EINVAL, "port_count"},
	        {L(port_count), 1, -EINVAL, "behind the last port"},
	        {L(port_count), 3, -EINVAL, "name of a port is empty"},
	        {L(idle), 0, -EINVAL, "idle"},
	        {L(idle), 3, -EINVAL, "idle"},
	        {L(links), 0, -EINVAL, "links"},
	        {L(links), 3, -EINVAL, "links"},
	        {L(control_uid), UINT32_MAX, -EINVAL, "control_uid"},
	        {L(control_gid), UINT32_MAX, -EINVAL, "control_gid"},
	        {L(data_uid), UINT32_MAX, -EINVAL, "data_uid"},
	        {L(data_gid), UINT32_MAX, -EINVAL, "data_gid"},
	        {L(hugepages), 2, -EINVAL, "hugepages"},
	        {L(memory_mib), 0, -EINVAL, "memory_mib"},
	        {L(memory_mib), UINT32_MAX, -EINVAL, "memory_mib"},
	        {L(memory_mib), 23, -ENOSPC, "need 24 MiB, memory_mib is 23"},
	        {L(packet_buffers), 0, -EINVAL, "packet_buffers"},
	        {L(packet_buffers), UINT32_MAX, -EINVAL, "packet_buffers"},
	        {L(packet_buffers), 4097, -ENOSPC, "buffers"},
	        {L(packet_buffers), 1 << 26, -ENOSPC, "memory_mib is 64"},
	        {L(parked_max), 0, -EINVAL, "parked_max"},
	        {L(parked_max), UINT32_MAX, -EINVAL, "parked_max"},
	        {L(parked_max), 1 << 26, -ENOSPC, "parked_max and queues"},
	        {L(deliver_slots), 0, -EINVAL, "deliver_slots"},
	        {L(deliver_slots), 1000, -EINVAL, "power of two"},
	        {L(deliver_slots), 1u << 31, -EINVAL, "deliver_slots"},
	        {L(inject_slots), 3, -EINVAL, "power of two"},
	        {L(inject_slots), 1 << 17, -EINVAL, "inject_slots"},
	        {L(replay_capacity), 0, -EINVAL, "replay_capacity"},
	        {L(replay_capacity), UINT64_MAX, -EINVAL, "replay_capacity"},
	        {L(max_rate), 10000001, -EINVAL, "max_rate"},
	        {L(worker[0].cpu), 1, -EINVAL, "CPU 1 has two workers"},
	        {L(worker[0].cpu), 1024, -EINVAL, "CPU of a worker"},
	        {L(worker[0].reserved[2]), 1, -EINVAL, "reserved bytes of worker 0"},
	        {L(worker[63].reserved[2]), 1, -EINVAL, "behind the last worker"},
	};
	RUN(cases);
}

static void test_tampered_ports(void)
{
	static const struct tamper cases[] = {
	        {L(port[0].name[0]), 0, -EINVAL, "name of a port is empty"},
	        {L(port[0].name[31]), 'x', -EINVAL, "behind its end"},
	        {L(port[0].device[191]), 'x', -EINVAL, "behind its end"},
	        {L(port[0].device[0]), 0, -EINVAL, "device of a port is empty"},
	        {L(port[0].driver), 0, -EINVAL, "driver"},
	        {L(port[0].driver), 5, -EINVAL, "driver"},
	        {L(port[0].prefix[0]), 33, -EINVAL, "prefix of 33 bits"},
	        {L(port[1].prefix[1]), 129, -EINVAL, "prefix of 129 bits"},
	        {L(port[0].prefix[1]), 1, -EINVAL, "prefix of 1 bits, at most 0"},
	        {L(port[0].gateway4.family), 6, -EINVAL, "gateway4 of family 6"},
	        {L(port[0].gateway4.family), 4, -EINVAL, "zero address"},
	        {L(port[1].gateway6.family), 4, -EINVAL, "gateway6 of family 4"},
	        {L(port[1].gateway6.addr[0]), 1, -EINVAL, "gateway6 of family 0"},
	        {L(port[0].xdp_mode), 3, -EINVAL, "xdp_mode"},
	        {L(port[1].xdp_mode), 1, -EINVAL, "no XDP"},
	        {L(port[0].queues), 1, -EINVAL, "queues"},
	        {L(port[0].queues), 65, -EINVAL, "queues"},
	        {L(port[0].vlan), 4095, -EINVAL, "vlan"},
	        {L(port[0].mtu), 575, -EINVAL, "mtu"},
	        {L(port[0].mtu), 9001, -EINVAL, "mtu"},
	        {L(port[0].mtu), 1455, -ENOSPC, "needs 1456"},
	        {L(port[0].address_count), 9, -EINVAL, "addresses"},
	        {L(port[0].address_count), 0, -EINVAL, "behind its addresses"},
	        {L(port[0].address_count), 2, -EINVAL, "address family 0"},
	        {L(port[0].address[7].reserved[0]), 1, -EINVAL, "behind its addresses"},
	        {L(port[0].address[0].family), 5, -EINVAL, "address family 5"},
	        {L(port[0].address[0].reserved[1]), 1, -EINVAL, "behind its end"},
	        {L(port[0].address[0].addr[4]), 1, -EINVAL, "behind its end"},
	        {L(port[0].address[0].addr[0]), 239, -EINVAL, "not the address of one host"},
	        {L(port[1].address[1].addr[0]), 255, -EINVAL, "not the address of one host"},
	        {L(port[15].mtu), 1, -EINVAL, "behind the last port"},
	};
	RUN(cases);
}

static void test_tampered_run(void)
{
	static const struct tamper cases[] = {
	        {R(delay_mean_us), 0, -EINVAL, "delay_mean_us"},
	        {R(delay_mean_us), 500001, -EINVAL, "delay_max_us"},
	        {R(delay_max_us), UINT32_MAX, -EINVAL, "delay_max_us"},
	        {R(delay_cap_ms), 3600001, -EINVAL, "delay_cap_ms"},
	        {R(production), 2, -EINVAL, "production"},
	        {R(production), 1, -EINVAL, "links are not encrypted"},
	        {R(cover_us), 1, -EINVAL, "cover without links"},
	        {R(dummy_us), 1, -EINVAL, "cover without links"},
	        {R(cover_rate_max), 1, -EINVAL, "cover without links"},
	        {R(cover_us), 3600000001, -EINVAL, "cover_us"},
	        {R(dummy_us), 3600000001, -EINVAL, "dummy_us"},
	        {R(cover_rate_max), 10000001, -EINVAL, "cover_rate_max"},
	        {R(reserved), 1, -EINVAL, "reserved bytes of the run part"},
	        {R(neighbour_count), 65, -EINVAL, "neighbour_count"},
	        {R(neighbour_count), 0, -EINVAL, "behind the last neighbour"},
	        {R(neighbour_count), 2, -EINVAL, "address family 0"},
	        {R(neighbour[0].port), 0, -EINVAL, "which has none"},
	        {R(neighbour[0].port), 2, -EINVAL, "which has none"},
	        {R(neighbour[0].mac[0]), 3, -EINVAL, "no MAC address"},
	        {R(neighbour[63].mac[5]), 3, -EINVAL, "behind the last neighbour"},
	        {N(0, port), 0, -EINVAL, "node 0 has no port"},
	        {N(1, reserved), 1, -EINVAL, "node 1"},
	        {N(1, id[31]), 1, -EINVAL, "nodes 0 and 1 have one ID"},
	        {N(1, ip.addr[3]), 1, -EINVAL, "nodes 0 and 1 have one address"},
	        {N(1, ip.family), 0, -EINVAL, "address family 0"},
	        {N(1, ip.addr[9]), 1, -EINVAL, "behind its end"},
	        {N(4, ip.reserved[0]), 1, -EINVAL, "behind its end"},
	};
	RUN(cases);
}

// Whoever compiled the blob: nothing meant for tests runs in production.
static void test_production(void)
{
	size_t len;
	struct fog_blob *b = good(&len);

	b->launch.delay_seed = 1;
	seal(b, len);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), 0);
	b->run.production = 1;
	seal(b, len);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "delay_seed fixes the delays"));
	free(b);
}

static void test_texts_without_end(void)
{
	size_t len;
	struct fog_blob *b = good(&len);

	memset(b->launch.port[1].device, 'x', sizeof(b->launch.port[1].device));
	seal(b, len);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), -EINVAL);
	CU_ASSERT_STRING_EQUAL(why, "device of a port has no end");
	memset(&b->launch.port[1].device[1], 0, sizeof(b->launch.port[1].device) - 1);
	memcpy(b->launch.port[1].name, b->launch.port[0].name, 32);
	seal(b, len);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), -EINVAL);
	CU_ASSERT_STRING_EQUAL(why, "two ports are called wan");
	memset(((struct fog_blob_node *)(b + 1))->id, 0, FOG_ID_LEN);
	b->launch.port[1].name[0] = 'l';
	seal(b, len);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no ID"));
	char tiny[1] = {'x'};
	CU_ASSERT_EQUAL(fog_blob_check(b, len, tiny, 1), -EINVAL);
	CU_ASSERT_EQUAL(tiny[0], '\0');
	free(b);
}

// The kernel knows the neighbours of an AF_XDP port, but not those behind a VLAN that only we speak.
static void test_vlan_neighbours(void)
{
	char *text = text_edit(
	        config_text, "vlan: 0",
	        "vlan: 7\n    neighbours: [{address: 192.0.2.9, mac: \"02:00:00:00:00:09\"}]"
	);
	size_t len;
	struct fog_blob *b = compile(text, topology_text, &len);

	CU_ASSERT_EQUAL(b->run.neighbour_count, 2);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), 0);
	b->launch.port[0].vlan = 0;
	seal(b, len);
	CU_ASSERT_EQUAL(fog_blob_check(b, len, why, sizeof(why)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "neighbour 0 is on port 0, which has none"));
	free(b);
	free(text);
}

static void test_no_user(void)
{
	char *text = text_edit(config_text, "\"4321\"", "fogline-nobody-has-it");
	struct fog_config *c = NULL;
	struct fog_topology *t = NULL;
	struct fog_blob *b = NULL;
	size_t len;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(fog_config_load_text("t.yaml", text, strlen(text), &c, &report), 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text("t.yaml", topology_text, strlen(topology_text), &t, &report),
	        0
	);
	CU_ASSERT_EQUAL(fog_config_compile(c, t, node_id, 0, &b, &len, &report), -EINVAL);
	CU_ASSERT_PTR_NULL(b);
	CU_ASSERT_TRUE(report_has(&report, 0, "no user 'fogline-nobody-has-it'"));
	fog_config_free(c);
	fog_topology_free(t);
	free(text);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"compile", test_compile},
	        {"link key", test_link_key},
	        {"cover", test_cover},
	        {"what changes what", test_differences},
	        {"frame", test_frame},
	        {"flipped bits", test_flips},
	        {"tampered launch part", test_tampered_launch},
	        {"frames too short for handshakes", test_short_frames},
	        {"tampered ports", test_tampered_ports},
	        {"tampered run part", test_tampered_run},
	        {"production", test_production},
	        {"texts without end", test_texts_without_end},
	        {"neighbours behind a VLAN", test_vlan_neighbours},
	        {"unknown user", test_no_user},
	        CU_TEST_INFO_NULL,
	};
	return check_run("config blob", tests);
}
