// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// EAL leaves the folder of its prefix behind.
static void remove_runtime_dir(void)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(dir);
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

int net_new(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		die("new network namespace");
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/proc/thread-self/ns/net");
	// Addresses that come up by themselves, some seconds later, would disturb what tests expect.
	net_run("sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.accept_dad=0 && ip "
	        "link set lo up");
	return fd;
}

void net_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		die("enter network namespace");
}

int net_run(const char *format, ...)
{
	char command[512];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void net_veth(int in_a, const char *a, int in_b, const char *b, unsigned queues, unsigned mtu)
{
	int ret;

	net_enter(in_a);
	ret = net_run(
	        "ip link add %s mtu %u numtxqueues %u numrxqueues %u type veth peer name %s mtu %u "
	        "numtxqueues %u numrxqueues %u && ip link set %s netns /proc/%d/fd/%d && ip link set %s up",
	        a, mtu, queues, queues, b, mtu, queues, queues, b, getpid(), in_b, a
	);
	net_enter(in_b);
	ret += net_run("ip link set %s up", b);
	net_enter(in_a);
	if (ret) {
		fprintf(stderr, "cannot make the veth pair %s, %s\n", a, b);
		exit(2);
	}
}

void net_need_root(void)
{
	if (geteuid() == 0)
		return;
	printf("skipped: needs root (network namespaces, BPF)\n");
	exit(77);
}

void net_eal(const char *program)
{
	char prefix[64];
	// Without --no-pci EAL would take hold of the machine's own network devices.
	char *argv[] = {
	        (char *)program,
	        "--no-shconf",
	        "--no-huge",
	        "--no-telemetry",
	        "--no-pci",
	        "--file-prefix",
	        prefix,
	        "-m",
	        "128",
	        "-l",
	        "0",
	        NULL,
	};

	snprintf(prefix, sizeof(prefix), "fogt-%d", getpid());
	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0) {
		fprintf(stderr, "EAL does not start: %s\n", rte_strerror(rte_errno));
		exit(2);
	}
	atexit(remove_runtime_dir);
}

struct rte_mempool *net_pool(const char *name, unsigned buffers)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
	        name, buffers, 0, 64, 3584 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY
	);

	if (!pool) {
		fprintf(stderr, "pool of %u buffers: %s\n", buffers, rte_strerror(rte_errno));
		exit(2);
	}
	return pool;
}

struct rte_mbuf *net_mbuf(struct rte_mempool *pool, const uint8_t *data, unsigned len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m)
		memcpy(rte_pktmbuf_append(m, len), data, len);
	return m;
}

unsigned net_receive(struct fog_port *port, struct rte_mbuf **frames, unsigned n)
{
	for (unsigned tries = 0; tries < 10000; tries++) {
		unsigned got = 0;

		for (uint16_t q = 0; q < port->queues && got < n; q++)
			got += port->ops->rx_burst(port, q, frames + got, n - got);
		if (got)
			return got;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return 0;
}
