// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Ports: addresses with and without a prefix length, gateways, and what 'driver: auto' comes to.
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_text.h"

static struct fog_report report;

static struct fog_config *load(const char *text)
{
	struct fog_config *c = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(fog_config_load_text("t.yaml", text, strlen(text), &c, &report), 0);
	return c;
}

static struct fog_topology *topology(void)
{
	struct fog_topology *t = NULL;

	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL_FATAL(
	        fog_topology_load_text(
	                "net.yaml", topology_text, strlen(topology_text), &t, &report
	        ),
	        0
	);
	return t;
}

// Edits one after the other: pairs of find and with, until a NULL.
static void check_edited(
        const char *const *edits, struct fog_topology *t, unsigned line, const char *expect
)
{
	char *text = strdup(config_text);

	for (; *edits != NULL; edits += 2) {
		char *next = text_edit(text, edits[0], edits[1]);
		free(text);
		text = next;
	}
	struct fog_config *c = load(text);
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, t, NULL, &report), expect != NULL ? -EINVAL : 0);
	CU_ASSERT_EQUAL(report.errors, expect != NULL);
	if (expect != NULL)
		CU_ASSERT_TRUE(report_has(&report, line, expect));
	fog_config_free(c);
	free(text);
}

#define EDITS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BARE "driver: afxdp", "driver: loop"

// What is on link of ports without a kernel, and what needs a gateway.
static void test_links(void)
{
	struct fog_topology *t = topology();

	check_edited(EDITS(BARE), t, 0, NULL); // without prefixes everything is on link
	check_edited(EDITS(BARE, "[192.0.2.1]", "[192.0.2.1/24]"), t, 0, NULL);
	// The nodes beyond 192.0.2.0/31 could be on the second port's link, as long as that is all.
	check_edited(EDITS(BARE, "[192.0.2.1]", "[192.0.2.1/31]"), t, 0, NULL);
	check_edited(
	        EDITS(BARE, "[192.0.2.1]", "[192.0.2.1/31]", "[198.51.100.1,", "[198.51.100.1/24,"),
	        t, 36, "3 IPv4 node(s) of the network, mix1a the first, are on no link of ours"
	);
	check_edited(
	        EDITS(BARE, "[192.0.2.1]", "[192.0.2.1/30]", "[198.51.100.1,", "[198.51.100.1/24,"),
	        t, 36, "1 IPv4 node(s) of the network, mix2 the first"
	);
	check_edited(
	        EDITS(BARE, "[192.0.2.1]", "[192.0.2.1/31]\n    gateway4: 192.0.2.0",
	              "[198.51.100.1,", "[198.51.100.1/24,"),
	        t, 0, NULL
	);
	check_edited(
	        EDITS(BARE, "\"2001:db8::1\"", "\"2001:db8::1/127\""), t, 40,
	        "1 IPv6 node(s) of the network, service the first"
	);
	check_edited(
	        EDITS(BARE, "\"2001:db8::1\"]", "\"2001:db8::1/127\"]\n    gateway6: fe80::1"), t,
	        0, NULL
	);
	// A kernel may have a route.
	check_edited(
	        EDITS("[198.51.100.1, \"2001:db8::1\"]", "[198.51.100.1/24, \"2001:db8::1/127\"]"),
	        t, 0, NULL
	);
	fog_topology_free(t);
}

static void test_gateways(void)
{
	check_edited(
	        EDITS("mtu: 1500", "mtu: 1500\n    gateway4: 192.0.2.9"), NULL, 35,
	        "the kernel routes what leaves an afxdp port"
	);
	check_edited(
	        EDITS("device: loop0", "device: loop0\n    gateway4: 198.51.100.9"), NULL, 40,
	        "addresses[0] has no prefix length"
	);
	check_edited(
	        EDITS("device: loop0", "device: loop0\n    gateway4: 198.51.101.9",
	              "[198.51.100.1,", "[198.51.100.1/24,"),
	        NULL, 40, "is on no link of the port's addresses"
	);
	check_edited(
	        EDITS(BARE, "mtu: 1500", "mtu: 1500\n    gateway6: fe80::1"), NULL, 35,
	        "the port has no IPv6 address"
	);
}

// What 'driver: auto' would come to on this host.
static void test_devices(void)
{
	static struct fog_config_host host;
	// It may become a DPDK device, whose rings hold buffers.
	char *room = text_edit(
	        config_text, "mib: 64\n  packet_buffers: 8192", "mib: 128\n  packet_buffers: 16384"
	);
	char *text = text_edit(room, "driver: afxdp", "driver: auto");
	char *bare = text_edit(text, "[192.0.2.1]", "[]"), plan[2048];
	struct fog_config *c = load(text), *none = load(bare);
	struct fog_plan p;

	memset(&host, 0, sizeof(host));
	host.choice[0] = (struct fog_device_choice){.why = "there is no interface eth1"};
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, NULL, &host, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 31, "there is no interface eth1"));
	host.choice[0] = (struct fog_device_choice
	){.driver = FOG_DRIVER_DPDK, .device = "0000:01:00.0", .why = "it is bound to vfio-pci"};
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(c, NULL, &host, &report), 0);
	fog_config_plan(c, NULL, &host, &p);
	fog_config_plan_print(c, NULL, &host, &p, plan, sizeof(plan));
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(plan, "port      wan: driver auto takes dpdk: it is bound to vfio-pci\n")
	);
	// There no kernel knows our addresses.
	CU_ASSERT_EQUAL(fog_config_check(none, NULL, &host, &report), -EINVAL);
	CU_ASSERT_TRUE(report_has(&report, 36, "is missing: it is bound to vfio-pci"));
	host.choice[0].driver = FOG_DRIVER_AFXDP;
	memset(&report, 0, sizeof(report));
	CU_ASSERT_EQUAL(fog_config_check(none, NULL, &host, &report), 0);
	fog_config_free(c);
	fog_config_free(none);
	free(bare);
	free(text);
	free(room);
}

// A tree like sysfs, of links and folders only.
static void tree_make(const char *root, const char *folders, const char *links)
{
	char command[2048];

	snprintf(
	        command, sizeof(command),
	        "cd %s && mkdir -p %s && while read -r at to; do ln -s $to $at; done <<'END'\n%s\nEND",
	        root, folders, links
	);
	CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

static void choose_case(
        const char *root, const char *device, uint32_t driver, const char *taken, const char *why
)
{
	struct fog_device_choice choice;
	int ret = fog_device_choose(root, device, &choice);

	CU_ASSERT_EQUAL(ret, driver == 0 ? -ENODEV : 0);
	CU_ASSERT_EQUAL(choice.driver, driver);
	CU_ASSERT_STRING_EQUAL(choice.device, taken);
	CU_ASSERT_PTR_NOT_NULL(strstr(choice.why, why));
	if (strstr(choice.why, why) == NULL)
		printf("\n%s: %s\n", device, choice.why);
}

static void test_choose(void)
{
	char root[] = "/tmp/fogt-sysfs-XXXXXX", command[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	tree_make(
	        root,
	        "bus/pci/devices/0000:01:00.0 bus/pci/devices/0000:02:00.0/net/eth1 "
	        "bus/pci/devices/0000:03:00.0/virtio2/net/eth2 bus/pci/devices/0000:04:00.0 "
	        "bus/pci/devices/0000:05:00.1 class/net/eth1 class/net/veth0",
	        "bus/pci/devices/0000:01:00.0/driver ../../drivers/vfio-pci\n"
	        "bus/pci/devices/0000:02:00.0/driver ../../drivers/e1000e\n"
	        "bus/pci/devices/0000:03:00.0/driver ../../drivers/virtio-pci\n"
	        "bus/pci/devices/0000:05:00.1/driver ../../drivers/uio_pci_generic\n"
	        "class/net/eth1/device ../../../0000:02:00.0"
	);
	choose_case(root, "0000:01:00.0", FOG_DRIVER_DPDK, "0000:01:00.0", "is bound to vfio-pci");
	choose_case(
	        root, "0000:02:00.0", FOG_DRIVER_AFXDP, "eth1",
	        "is bound to e1000e, not to vfio-pci: XDP on eth1"
	);
	choose_case(root, "0000:03:00.0", FOG_DRIVER_AFXDP, "eth2", "is bound to virtio-pci");
	choose_case(root, "0000:04:00.0", 0, "", "is bound to no driver");
	choose_case(root, "0000:05:00.1", 0, "", "bound to uio_pci_generic and has no kernel");
	choose_case(root, "0000:06:00.0", 0, "", "has no PCI device 0000:06:00.0");
	choose_case(
	        root, "eth1", FOG_DRIVER_AFXDP, "eth1", "eth1 (0000:02:00.0) belongs to the kernel"
	);
	choose_case(root, "veth0", FOG_DRIVER_AFXDP, "veth0", "no PCI device that vfio-pci");
	choose_case(root, "eth9", 0, "", "there is no interface eth9");
	choose_case(root, "../../tmp", 0, "", "there is no interface");
	snprintf(command, sizeof(command), "rm -r %s", root);
	CU_ASSERT_EQUAL(system(command), 0);
	choose_case("/sys", "lo", FOG_DRIVER_AFXDP, "lo", "no PCI device"); // the real one
}

static void test_addresses(void)
{
	static const struct text_case cases[] = {
	        {"[192.0.2.1]", "[192.0.2.1/33]", 36, "no prefix length from 1 to 32"},
	        {"[192.0.2.1]", "[192.0.2.1/0]", 36, "no prefix length from 1 to 32"},
	        {"[192.0.2.1]", "[192.0.2.1/]", 36, "such as 192.0.2.1/24"},
	        {"[192.0.2.1]", "[192.0.2.1/2x]", 36, "no prefix length"},
	        {"[192.0.2.1]", "[192.0.2/24]", 36, "'192.0.2' is not an IPv4 or IPv6 address"},
	        {"\"2001:db8::1\"", "\"2001:db8::1/129\"", 40, "no prefix length from 1 to 128"},
	        {"[192.0.2.1]", "[192.0.2.1/24, 192.0.2.1/25]", 36, "stands twice"},
	        {"device: loop0", "device: loop0\n    gateway4: fe80::1", 40,
	         "not an IPv4 address"},
	        {"device: loop0", "device: loop0\n    gateway6: 1.2.3.4", 40,
	         "not an IPv6 address"},
	        {"device: loop0", "device: loop0\n    gateway4: 224.0.0.1", 40, "of one host"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = text_edit(config_text, cases[i].find, cases[i].with);
		struct fog_config *c = NULL;
		memset(&report, 0, sizeof(report));
		CU_ASSERT_EQUAL(
		        fog_config_load_text("t.yaml", text, strlen(text), &c, &report), -EINVAL
		);
		CU_ASSERT_TRUE(report_has(&report, cases[i].line, cases[i].expect));
		free(text);
	}
}

// All of it reaches the data plane.
static void test_compiled(void)
{
	struct fog_topology *t = topology();
	static const uint8_t id[FOG_ID_LEN];
	char *a = text_edit(config_text, "[198.51.100.1,", "[198.51.100.1/24,");
	char *b = text_edit(
	        a, "device: loop0", "device: loop0\n    gateway4: 198.51.100.9\n    gateway6: \"\""
	);
	struct fog_config *c = load(b);
	struct fog_blob *blob = NULL;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(fog_config_compile(c, t, id, 0, &blob, &len, &report), 0);
	const struct fog_blob_port *p = &blob->launch.port[1];
	CU_ASSERT_EQUAL(p->prefix[0], 24);
	CU_ASSERT_EQUAL(p->prefix[1], 0);
	CU_ASSERT_EQUAL(p->gateway4.family, 4);
	CU_ASSERT_EQUAL(memcmp(p->gateway4.addr, "\xc6\x33\x64\x09", 4), 0);
	CU_ASSERT_EQUAL(p->gateway6.family, 0);
	free(blob);
	fog_config_free(c);
	fog_topology_free(t);
	free(a);
	free(b);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"addresses and gateways", test_addresses},
	        {"what is on link", test_links},
	        {"gateways", test_gateways},
	        {"driver auto", test_devices},
	        {"driver auto by sysfs", test_choose},
	        {"compiled", test_compiled},
	        CU_TEST_INFO_NULL,
	};
	return check_run("config ports", tests);
}
