// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage kernel: what the running kernel offers. Tried out where that is harmless, and where the
// kernel keeps it from us without root, unknown.
// Source: bpf(2), landlock(7), seccomp(2).
#include <errno.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

enum {
	KERNEL_LEAST = 5 << 8 | 9, // XDP programs attached by a bpf_link
	KERNEL_BUSY_POLL = 5 << 8 | 11, // SO_PREFER_BUSY_POLL
};

static void kernel_check_version(struct host *h)
{
	unsigned major = 0, minor = 0;
	char release[128];

	host_read(h, release, sizeof(release), "/proc/sys/kernel/osrelease");
	sscanf(release, "%u.%u", &major, &minor);
	unsigned version = major << 8 | minor;
	if (version < KERNEL_LEAST) {
		host_say(
		        h, HOST_FAIL, "Linux %s is too old: it can't attach XDP by a bpf_link",
		        release
		);
		host_mend(h, "use Linux 5.11 or later, such as Debian 12's 6.1");
		return;
	}
	host_say(h, version < KERNEL_BUSY_POLL ? HOST_WARN : HOST_OK, "Linux %s", release);
	if (version < KERNEL_BUSY_POLL)
		host_mend(h, "Linux 5.11 or later has preferred busy polling");
}

bool host_kernel_needs_xdp(const struct host *h)
{
	if (h->config == NULL)
		return true;
	for (uint32_t i = 0; i < h->config->port_count; i++)
		if (h->config->port[i].driver == FOG_DRIVER_AFXDP)
			return true;
	return false;
}

// Load a program that passes every packet, and forget it. Returns 0 or -errno.
static int kernel_try_xdp(void)
{
	const struct bpf_insn program[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
	        .prog_type = BPF_PROG_TYPE_XDP,
	        .insns = (uint64_t)(uintptr_t)program,
	        .insn_cnt = sizeof(program) / sizeof(program[0]),
	        .license = (uint64_t)(uintptr_t) "Dual BSD/GPL",
	};
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

static int kernel_try_socket(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void kernel_check_tried(struct host *h, int ret, const char *what, const char *option)
{
	if (ret == 0) {
		host_say(h, HOST_OK, "%s works", what);
		return;
	}
	if (ret == -EPERM || ret == -EACCES) {
		bool root = geteuid() == 0;
		host_say(h, root ? HOST_FAIL : HOST_UNKNOWN, "%s: %s", what, strerror(-ret));
		host_mend(
		        h, "%s",
		        root ? "allow it: CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW, no lockdown"
		             : "run this as root"
		);
		return;
	}
	host_say(h, HOST_FAIL, "%s: %s", what, strerror(-ret));
	host_mend(h, "use a kernel with %s, as Debian's is", option);
}

bool host_kernel_has_bpffs(const struct host *h)
{
	FILE *f = host_file(h, "/proc/self/mounts");
	char line[4096];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, " " HOST_BPFFS " bpf ") != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static void kernel_check_xdp(struct host *h)
{
	if (!host_kernel_needs_xdp(h))
		return;
	if (h->root[0] == '\0') {
		kernel_check_tried(h, kernel_try_xdp(), "XDP", "CONFIG_BPF_SYSCALL");
		kernel_check_tried(h, kernel_try_socket(), "AF_XDP", "CONFIG_XDP_SOCKETS");
	} else {
		host_say(
		        h, HOST_UNKNOWN, "a copy of files doesn't tell whether XDP and AF_XDP work"
		);
		host_mend(h, "run this on that host");
	}
	if (host_kernel_has_bpffs(h)) {
		host_say(h, HOST_OK, "bpffs at " HOST_BPFFS);
		return;
	}
	host_say(
	        h, HOST_WARN,
	        "no bpffs at " HOST_BPFFS
	        ": the XDP program is not pinned there, and ends with its process"
	);
	host_mend(h, "run: fogctl host init kernel");
}

static void kernel_check_sandbox(struct host *h)
{
	char actions[256];

	host_read(h, actions, sizeof(actions), "/proc/sys/kernel/seccomp/actions_avail");
	if (strstr(actions, "kill_process") != NULL) {
		host_say(h, HOST_OK, "seccomp filters");
	} else {
		host_say(h, HOST_FAIL, "no seccomp filters: workers can't be confined");
		host_mend(h, "use a kernel with CONFIG_SECCOMP_FILTER, as Debian's is");
	}
	if (h->root[0] != '\0')
		return;
	long abi = syscall(
	        SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION
	);
	if (abi > 0) {
		host_say(h, HOST_OK, "landlock %ld", abi);
		return;
	}
	host_say(h, HOST_WARN, "no landlock: files are guarded by owner and mode only");
	host_mend(
	        h,
	        errno == EOPNOTSUPP ? "add 'lsm=landlock,apparmor,bpf' to the kernel's command line"
	                            : "use a kernel with CONFIG_SECURITY_LANDLOCK, as Debian's is"
	);
}

void host_check_kernel(struct host *h)
{
	kernel_check_version(h);
	kernel_check_xdp(h);
	kernel_check_sandbox(h);
	host_say(
	        h, HOST_OK, "kernel types (BTF) %s",
	        host_exists(h, "/sys/kernel/btf/vmlinux") ? "yes" : "no, not needed"
	);
}
