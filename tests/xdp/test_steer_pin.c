// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The program's way to the interface and away again: pinned, taken over, refused, swept. In network
// and mount namespaces of its own, so it sees no bpffs but the one that it mounts.
#include <CUnit/CUnit.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/drivers/net.h"
#include "../unit/run.h"
#include "steer_rig.h"

#define BPFFS "/sys/fs/bpf"
#define PIN_A BPFFS "/fogline/mix-1/p%2f0/link" // of instance mix-1, port p/0
#define PIN_B BPFFS "/fogline/mix-1/p1/link"

enum { NOBODY = 65534 };

static int ns_a, ns_b;

static struct fog_steer_place place(const char *interface, const char *port)
{
	return (struct fog_steer_place){
	        .interface = interface,
	        .ifindex = (int)if_nametoindex(interface),
	        .instance = "mix-1",
	        .port = port,
	};
}

static void bpffs_mount(void)
{
	CU_ASSERT_EQUAL_FATAL(mount("bpf", BPFFS, "bpf", 0, NULL), 0);
}

static void bpffs_remove(void)
{
	CU_ASSERT_EQUAL(umount2(BPFFS, MNT_DETACH), 0);
}

// A fresh bpffs and two veth pairs, pa and pb at this end.
static void setup(void)
{
	bpffs_mount();
	ns_a = net_new();
	ns_b = net_new();
	net_veth(ns_a, "pa", ns_b, "qa", 1, 1500);
	net_veth(ns_a, "pb", ns_b, "qb", 1, 1500);
}

static void teardown(void)
{
	net_run("ip link del pa; ip link del pb");
	close(ns_a);
	close(ns_b);
	bpffs_remove();
}

static uint32_t program_on(const char *interface)
{
	uint32_t id = 0;

	bpf_xdp_query_id((int)if_nametoindex(interface), 0, &id);
	return id;
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

// Id of a pinned link; 0 when there is none.
static uint32_t pinned_link(const char *path)
{
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	return info.id;
}

static struct fog_steer *attach(const struct fog_steer_place *at)
{
	struct fog_steer *steer = steer_load(0, NULL);
	char error[320] = "";
	int ret = fog_steer_attach(steer, at, error, sizeof(error));

	if (ret < 0)
		printf("\n  %s", error);
	CU_ASSERT_EQUAL_FATAL(ret, 0);
	return steer;
}

// Attaching must fail with -EBUSY and a sentence that holds 'says'.
static void refuse(const struct fog_steer_place *at, const char *says)
{
	struct fog_steer *steer = steer_load(0, NULL);
	char error[320] = "";

	CU_ASSERT_EQUAL(fog_steer_attach(steer, at, error, sizeof(error)), -EBUSY);
	if (!strstr(error, says))
		printf("\n  %s", error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, says));
	fog_steer_close(steer);
}

// A process that runs the port until it is killed.
static pid_t hold(const struct fog_steer_place *at)
{
	int ready[2];
	char byte;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		attach(at);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void leave_behind(const struct fog_steer_place *at)
{
	end(hold(at));
}

// A clean end leaves neither program nor pin nor folder.
static void test_clean_end(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;
	const char *why;

	setup();
	at = place("pa", "p/0");
	steer = attach(&at);
	CU_ASSERT_STRING_EQUAL(fog_steer_pin(steer, &why), PIN_A);
	CU_ASSERT_TRUE(pinned_link(PIN_A) > 0);
	CU_ASSERT_TRUE(program_on("pa") > 0);
	fog_steer_close(steer);
	CU_ASSERT_FALSE(exists(BPFFS "/fogline"));
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	teardown();
}

// Keep those that the loader asks for, and no more.
static void drop_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	        {.effective = CAP_TO_MASK(CAP_NET_ADMIN)},
	        {.effective = CAP_TO_MASK(CAP_BPF) | CAP_TO_MASK(CAP_PERFMON)},
	};

	data[0].permitted = data[0].effective;
	data[1].permitted = data[1].effective;
	if (syscall(SYS_capset, &head, data) < 0)
		_exit(9);
}

// Without CAP_SYS_ADMIN no program can be asked for its name: the pin is taken over all the same.
static void test_take_over_unnamed(void)
{
	struct fog_steer_place at;
	int status;
	pid_t pid;

	setup();
	at = place("pa", "p/0");
	leave_behind(&at);
	uint32_t link = pinned_link(PIN_A);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		drop_rights();
		struct fog_steer *steer = steer_load(0, NULL);
		char error[320] = "";
		if (fog_steer_attach(steer, &at, error, sizeof(error)) < 0)
			_exit(1);
		if (pinned_link(PIN_A) != link)
			_exit(2);
		fog_steer_close(steer);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	teardown();
}

struct watch {
	int ns, ifindex;
	atomic_bool stop;
	unsigned looks, gaps;
};

static void *watch_interface(void *arg)
{
	struct watch *w = arg;

	net_enter(w->ns);
	while (!atomic_load(&w->stop)) {
		uint32_t id = 0;

		bpf_xdp_query_id(w->ifindex, 0, &id);
		w->gaps += id == 0;
		w->looks++;
	}
	return NULL;
}

// A killed data plane leaves program and link. The next one takes the link over with its own program:
// the interface is never without one.
static void test_take_over(void)
{
	struct watch watch = {};
	struct fog_steer_place at;
	struct fog_steer *steer;
	uint32_t program, link;
	pthread_t thread;

	setup();
	at = place("pa", "p/0");
	leave_behind(&at);
	program = program_on("pa");
	link = pinned_link(PIN_A);
	CU_ASSERT_TRUE(program > 0);
	CU_ASSERT_TRUE(link > 0);
	watch.ns = ns_a;
	watch.ifindex = at.ifindex;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, watch_interface, &watch), 0);
	steer = attach(&at);
	atomic_store(&watch.stop, true);
	pthread_join(thread, NULL);
	CU_ASSERT_TRUE(watch.looks > 0);
	CU_ASSERT_EQUAL(watch.gaps, 0);
	CU_ASSERT_EQUAL(pinned_link(PIN_A), link);
	CU_ASSERT_TRUE(program_on("pa") > 0);
	CU_ASSERT_NOT_EQUAL(program_on("pa"), program);
	CU_ASSERT_STRING_EQUAL(fog_steer_mode(steer), "native");
	fog_steer_close(steer);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	CU_ASSERT_FALSE(exists(BPFFS "/fogline"));
	teardown();
}

// A living data plane keeps its port; killed, it gives it to the next one at once.
static void test_living(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;
	uint32_t program;
	pid_t holder;

	setup();
	at = place("pa", "p/0");
	holder = hold(&at);
	program = program_on("pa");
	refuse(&at, "instance mix-1 runs port p/0; stop that one first");
	CU_ASSERT_EQUAL(program_on("pa"), program);
	CU_ASSERT_TRUE(pinned_link(PIN_A) > 0);
	kill(holder, SIGKILL); // not waited for: attaching waits
	steer = attach(&at);
	waitpid(holder, NULL, 0);
	fog_steer_close(steer);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	teardown();
}

// The port's new place counts; its old one is freed.
static void test_moved(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;

	setup();
	at = place("pa", "p/0");
	leave_behind(&at);
	at = place("pb", "p/0");
	steer = attach(&at);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	CU_ASSERT_TRUE(program_on("pb") > 0);
	fog_steer_close(steer);
	CU_ASSERT_EQUAL(program_on("pb"), 0);
	CU_ASSERT_FALSE(exists(BPFFS "/fogline"));
	teardown();
}

static void test_mode_changed(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;

	setup();
	at = place("pa", "p/0");
	leave_behind(&at);
	at.mode = FOG_XDP_GENERIC;
	steer = attach(&at);
	CU_ASSERT_STRING_EQUAL(fog_steer_mode(steer), "generic");
	CU_ASSERT_STRING_EQUAL(fog_steer_refusal(steer), "xdp_mode is generic");
	fog_steer_close(steer);
	// And the generic one that is left is taken over, or given up for native.
	leave_behind(&at);
	uint32_t link = pinned_link(PIN_A);
	steer = attach(&at);
	CU_ASSERT_EQUAL(pinned_link(PIN_A), link);
	CU_ASSERT_STRING_EQUAL(fog_steer_mode(steer), "generic");
	fog_steer_close(steer);
	leave_behind(&at);
	at.mode = FOG_XDP_AUTO;
	steer = attach(&at);
	CU_ASSERT_STRING_EQUAL(fog_steer_mode(steer), "native");
	fog_steer_close(steer);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	teardown();
}

// What the configuration no longer has is swept; kept ports, living ones and other instances stay.
static void test_sweep(void)
{
	const char *const keep[] = {"p/0"};
	struct fog_steer_place a, b, other;
	pid_t holder;

	setup();
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-1", keep, 1), 0);
	a = place("pa", "p/0");
	b = place("pb", "p1");
	leave_behind(&a);
	leave_behind(&b);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-2", NULL, 0), 0);
	CU_ASSERT_TRUE(program_on("pb") > 0);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-1", keep, 1), 1);
	CU_ASSERT_EQUAL(program_on("pb"), 0);
	CU_ASSERT_FALSE(exists(PIN_B));
	CU_ASSERT_TRUE(program_on("pa") > 0);
	CU_ASSERT_TRUE(exists(PIN_A));
	other = b;
	other.instance = "mix-2";
	holder = hold(&other);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-2", NULL, 0), 0);
	CU_ASSERT_TRUE(program_on("pb") > 0);
	end(holder);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-2", NULL, 0), 1);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-1", NULL, 0), 1);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	CU_ASSERT_EQUAL(program_on("pb"), 0);
	CU_ASSERT_FALSE(exists(BPFFS "/fogline"));
	teardown();
}

// Link of somebody else's program on 'interface'.
static int stranger_on(const char *interface)
{
	const struct bpf_insn pass_all[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", pass_all, 2, NULL), link;

	CU_ASSERT_TRUE_FATAL(program >= 0);
	link = bpf_link_create(program, (int)if_nametoindex(interface), BPF_XDP, NULL);
	CU_ASSERT_TRUE_FATAL(link >= 0);
	close(program);
	return link;
}

// A program of somebody else stays, and no pin of ours appears.
static void test_foreign(void)
{
	struct fog_steer_place at;
	char named[80];
	uint32_t id;
	int link;

	setup();
	at = place("pa", "p/0");
	link = stranger_on("pa");
	id = program_on("pa");
	snprintf(named, sizeof(named), "XDP program %u (stranger), left alone", id);
	refuse(&at, named);
	refuse(&at, "bpftool link detach id");
	CU_ASSERT_EQUAL(program_on("pa"), id);
	CU_ASSERT_FALSE(exists(BPFFS "/fogline"));
	close(link);
	teardown();
}

static void make_folders(void)
{
	CU_ASSERT_EQUAL(mkdir(BPFFS "/fogline", 0755), 0);
	CU_ASSERT_EQUAL(mkdir(BPFFS "/fogline/mix-1", 0755), 0);
	CU_ASSERT_EQUAL(mkdir(BPFFS "/fogline/mix-1/p%2f0", 0755), 0);
}

// The data plane's user may put what he likes into the folder, a symbolic link to another pin or one
// more pin of a link: it does not make that link ours, to take over or to detach.
static void test_planted(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;
	int on_a, on_b;
	uint32_t a, b;

	setup();
	at = place("pa", "p/0");
	on_b = stranger_on("pb");
	b = program_on("pb");
	CU_ASSERT_EQUAL(bpf_obj_pin(on_b, BPFFS "/other"), 0);
	make_folders();
	CU_ASSERT_EQUAL(symlink(BPFFS "/other", PIN_A), 0);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-1", NULL, 0), 0);
	CU_ASSERT_EQUAL(program_on("pb"), b);
	make_folders();
	CU_ASSERT_EQUAL(symlink(BPFFS "/other", PIN_A), 0);
	steer = attach(&at);
	CU_ASSERT_EQUAL(program_on("pb"), b);
	CU_ASSERT_TRUE(pinned_link(PIN_A) > 0);
	fog_steer_close(steer);
	on_a = stranger_on("pa");
	a = program_on("pa");
	make_folders();
	CU_ASSERT_EQUAL(bpf_obj_pin(on_a, PIN_A), 0);
	refuse(&at, "(stranger), left alone");
	CU_ASSERT_EQUAL(program_on("pa"), a);
	make_folders();
	CU_ASSERT_EQUAL(bpf_obj_pin(on_a, PIN_A), 0);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-1", NULL, 0), 0);
	CU_ASSERT_EQUAL(program_on("pa"), a);
	CU_ASSERT_EQUAL(program_on("pb"), b);
	close(on_a);
	close(on_b);
	teardown();
}

// Without a bpffs the link is the process's, and goes with it.
static void test_no_bpffs(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;
	const char *why;

	setup();
	bpffs_remove();
	at = place("pa", "p/0");
	steer = attach(&at);
	CU_ASSERT_PTR_NULL(fog_steer_pin(steer, &why));
	CU_ASSERT_STRING_EQUAL(why, BPFFS " is no bpffs here");
	fog_steer_close(steer);
	leave_behind(&at);
	steer = attach(&at);
	fog_steer_close(steer);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	CU_ASSERT_EQUAL(fog_steer_sweep("mix-1", NULL, 0), 0);
	bpffs_mount();
	teardown();
}

// A folder that somebody else made first is not trusted: no pin, and a word why.
static void test_squatted(void)
{
	struct fog_steer_place at;
	struct fog_steer *steer;
	const char *why;

	setup();
	CU_ASSERT_EQUAL(mkdir(BPFFS "/fogline", 0777), 0);
	CU_ASSERT_EQUAL(chown(BPFFS "/fogline", NOBODY, NOBODY), 0);
	at = place("pa", "p/0");
	steer = attach(&at);
	CU_ASSERT_PTR_NULL(fog_steer_pin(steer, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "not permitted"));
	CU_ASSERT_TRUE(program_on("pa") > 0);
	fog_steer_close(steer);
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	teardown();
}

// After the rights are gone the owner of the folders still takes everything away, and still changes
// the filter.
static void test_lesser_rights(void)
{
	const struct fog_prefix deny = {.ip = frame_ip("198.51.100.7"), .len = 32};
	const struct fog_steer_rules rules = {.deny = &deny, .deny_count = 1, .source_rate = 9};
	struct fog_steer_place at;
	int status;
	pid_t pid;

	setup();
	at = place("pa", "p/0");
	at.uid = at.gid = NOBODY;
	CU_ASSERT_EQUAL(chmod(BPFFS, 0700), 0); // as systemd mounts it
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct fog_steer *steer = attach(&at);

		if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(1);
		if (fog_steer_set_rules(steer, &rules) < 0)
			_exit(2);
		fog_steer_close(steer);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_FALSE(exists(PIN_A));
	CU_ASSERT_EQUAL(program_on("pa"), 0);
	teardown();
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"clean end", test_clean_end},
	        {"killed and taken over", test_take_over},
	        {"taken over with less rights", test_take_over_unnamed},
	        {"living owner", test_living},
	        {"port moved", test_moved},
	        {"mode changed", test_mode_changed},
	        {"sweep", test_sweep},
	        {"foreign program", test_foreign},
	        {"planted pin", test_planted},
	        {"no bpffs", test_no_bpffs},
	        {"squatted folder", test_squatted},
	        {"lesser rights", test_lesser_rights},
	        CU_TEST_INFO_NULL,
	};

	steer_need_root();
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("new mount namespace");
		return 2;
	}
	while (umount2(BPFFS, MNT_DETACH) == 0) // the host's own, if it has one
		;
	return check_run("steer pin", tests);
}
