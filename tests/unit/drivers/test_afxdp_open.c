// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which AF_XDP ports open, which are refused and with what words, and what is left when they end.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../drivers/afxdp_queue.h"
#include "../../../drivers/netdev.h"
#include "../run.h"
#include "afxdp_pair.h"

struct refusal {
	const char *prepare;
	struct fog_blob_port conf;
	int ret;
	const char *says;
};

static const struct refusal refusals[] = {
        {"true", {.device = "nowhere", .queues = 1, .mtu = 1500}, -ENODEV, "ip link show"},
        {"true", {.device = "fa", .queues = 1, .mtu = 1500}, -EINVAL, "ethtool -L fa rx 1"},
        {"true", {.device = "fa", .queues = 3, .mtu = 1500}, -EINVAL, "set queues: 2"},
        {"true",
         {.device = "fa", .queues = 2, .mtu = 1501},
         -EINVAL,
         "ip link set dev fa mtu 1501"},
        {"true", {.device = "fa", .queues = 2, .mtu = 1500, .vlan = 5}, -ENODEV, "type vlan id 5"},
        {"ip link set fa mtu 5000",
         {.device = "fa", .queues = 2, .mtu = 3900},
         -EINVAL,
         "AF_XDP frame"},
        {"ip link set fa mtu 5000",
         {.device = "fa", .queues = 2, .mtu = 3600},
         -EINVAL,
         "packet buffers"},
        {"ip addr flush dev fa",
         {.device = "fa", .queues = 2, .mtu = 1500},
         -EADDRNOTAVAIL,
         "ip address add"},
        {"ip link set fa down",
         {.device = "fa", .queues = 2, .mtu = 1500},
         -ENETDOWN,
         "ip link set dev fa up"},
};

// Every refusal says what is wrong and what mends it.
static void test_refusals(void)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct fog_blob_port conf = refusals[i].conf;
		struct fog_port *port = NULL;
		char error[512];
		int ret;

		pair_make(2, 1500);
		conf.driver = FOG_DRIVER_AFXDP;
		memcpy(conf.name, "px", 3);
		net_run("%s", refusals[i].prepare);
		ret = pair_open(pair_a, &conf, &port, error);
		if (ret != refusals[i].ret || !strstr(error, refusals[i].says))
			printf("\n  row %u: %d %s", i, ret, error);
		CU_ASSERT_EQUAL(ret, refusals[i].ret);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, refusals[i].says));
		pair_remove();
	}
}

static uint32_t program_on(const char *interface)
{
	uint32_t id = 0;

	bpf_xdp_query_id(if_nametoindex(interface), 0, &id);
	return id;
}

// An interface that takes VLAN tags away, where XDP may miss them, is known as one.
static void test_tags(void)
{
	struct netdev dev;
	int fd;

	pair_make(1, 1500);
	fd = socket(AF_INET, SOCK_DGRAM, 0); // of that network namespace
	CU_ASSERT_EQUAL(net_run("ethtool -K fa rxvlan on"), 0);
	CU_ASSERT_EQUAL(netdev_query(fd, "fa", &dev), 0);
	CU_ASSERT_TRUE(dev.strips_tags);
	CU_ASSERT_EQUAL(net_run("ethtool -K fa rxvlan off"), 0);
	CU_ASSERT_EQUAL(netdev_query(fd, "fa", &dev), 0);
	CU_ASSERT_FALSE(dev.strips_tags);
	pair_remove();
	close(fd);
}

// A program of somebody else, attached without and with a bpf_link, is named and left alone.
static void test_foreign(void)
{
	const struct bpf_insn pass_all[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	struct fog_blob_port conf;
	struct fog_port *port = NULL;
	char error[512], named[64];
	int program, link;
	uint32_t id;

	pair_make(1, 1500);
	conf = pair_conf("fa", 1);
	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", pass_all, 2, NULL);
	CU_ASSERT_TRUE_FATAL(program >= 0);
	CU_ASSERT_EQUAL_FATAL(bpf_xdp_attach(if_nametoindex("fa"), program, 0, NULL), 0);
	id = program_on("fa");
	snprintf(named, sizeof(named), "XDP program %u (stranger)", id);
	CU_ASSERT_EQUAL(pair_open(pair_a, &conf, &port, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, named));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "ip link set dev fa xdp off"));
	CU_ASSERT_EQUAL(program_on("fa"), id);
	// The mend mends.
	CU_ASSERT_EQUAL(net_run("ip link set dev fa xdp off"), 0);
	CU_ASSERT_EQUAL(pair_open(pair_a, &conf, &port, error), 0);
	port->ops->close(port);
	CU_ASSERT_EQUAL(program_on("fa"), 0);

	link = bpf_link_create(program, if_nametoindex("fa"), BPF_XDP, NULL);
	CU_ASSERT_TRUE_FATAL(link >= 0);
	CU_ASSERT_EQUAL(pair_open(pair_a, &conf, &port, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, named));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "owns its bpf_link"));
	CU_ASSERT_EQUAL(program_on("fa"), id);
	close(link);
	close(program);
	CU_ASSERT_EQUAL(pair_open(pair_a, &conf, &port, error), 0);
	port->ops->close(port);
	pair_remove();
}

// Start this program again as one that holds port fa; returns its pid once the port is open.
static pid_t start_holder(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ready[1], 3);
		execl("/proc/self/exe", "test_afxdp_open", "hold", NULL);
		_exit(127);
	}
	close(ready[1]);
	CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

// Wait for the killed holder and remove what its EAL left.
static void reap_holder(pid_t holder)
{
	waitpid(holder, NULL, 0);
	net_run("rmdir /var/run/dpdk/fogt-%d", holder);
}

static int hold(void)
{
	const struct fog_blob_port conf = pair_conf("fa", 2);
	char error[512] = "";
	const struct fog_port_params params = {
	        .conf = &conf,
	        .mix_port = FRAME_MIX_PORT,
	        .pool = &pair_pool,
	        .workers = 1,
	        .error = error,
	        .error_len = sizeof(error),
	};
	struct fog_port *port;

	if (fog_port_open(&params, &port) < 0 || port->ops->start(port) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (write(3, "r", 1) != 1)
		return 1;
	for (;;)
		pause();
}

// While another data plane lives its port is refused; killed, it leaves nothing behind and the next
// one opens at once.
static void test_kill(void)
{
	const struct frame shape = {.to = "10.9.0.1", .payload = 64};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a = NULL, *b;
	char error[512];
	pid_t holder;

	pair_make(2, 1500);
	conf_a = pair_conf("fa", 2);
	conf_b = pair_conf("fb", 2);
	b = pair_run(pair_b, &conf_b);
	for (int round = 0; round < 3; round++) {
		holder = start_holder();
		CU_ASSERT_TRUE(program_on("fa") > 0);
		if (round == 0) {
			CU_ASSERT_EQUAL(pair_open(pair_a, &conf_a, &a, error), -EBUSY);
			CU_ASSERT_PTR_NOT_NULL(strstr(error, "(fog_steer)"));
		}
		kill(holder, SIGKILL);
		if (round == 1) // else we are faster than the kernel's cleaning
			reap_holder(holder);
		a = pair_run(pair_a, &conf_a);
		if (round != 1)
			reap_holder(holder);
		pair_pass(b, a, &shape, 100);
		a->ops->close(a);
		CU_ASSERT_EQUAL(program_on("fa"), 0);
	}
	holder = start_holder();
	kill(holder, SIGKILL);
	reap_holder(holder);
	CU_ASSERT_EQUAL(program_on("fa"), 0);
	b->ops->close(b);
	pair_remove();
}

// A queue that somebody else's socket holds is refused by name when it stays held, and taken when it
// comes free meanwhile.
static void test_queue_held(void)
{
	static struct afxdp_queue other;
	struct fog_blob_port conf;
	struct fog_port *port = NULL;
	char error[512];
	pid_t heir;

	pair_make(1, 1500);
	conf = pair_conf("fa", 1);
	CU_ASSERT_EQUAL_FATAL(afxdp_queue_open(&other, "fa", 0, &afxdp_copy), 0);
	CU_ASSERT_EQUAL(pair_open(pair_a, &conf, &port, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "queue 0 of fa"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "stop the process"));
	CU_ASSERT_EQUAL(program_on("fa"), 0);
	heir = fork(); // keeps the socket open a little longer
	if (heir == 0) {
		usleep(200000);
		_exit(0);
	}
	afxdp_queue_close(&other);
	port = pair_run(pair_a, &conf);
	port->ops->close(port);
	waitpid(heir, NULL, 0);
	pair_remove();
}

int main(int argc, char **argv)
{
	CU_pSuite suite;

	net_need_root();
	pair_start(argv[0]);
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	CU_initialize_registry();
	suite = CU_add_suite("afxdp open", NULL, NULL);
	CU_add_test(suite, "refusals", test_refusals);
	CU_add_test(suite, "VLAN tags taken away", test_tags);
	CU_add_test(suite, "foreign XDP program", test_foreign);
	CU_add_test(suite, "owner killed", test_kill);
	CU_add_test(suite, "queue held by another socket", test_queue_held);
	return check_run_registered();
}
