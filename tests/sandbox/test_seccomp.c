// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Every policy on a process of its own, and every call there is: what a row allows returns, what none
// allows is deadly, or refused where the policy says so; wrong arguments likewise.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../unit/run.h"

enum {
	CALL_MAX = 470, // x86-64's table has no more yet
	PARTS_ALL = FOG_FOR_ALL | FOG_FOR_AFXDP | FOG_FOR_ADAPTIVE | FOG_FOR_DPDK | FOG_FOR_PCI,
};

static const struct fog_sandbox_policy *const policies[] = {
        &fog_sandbox_worker,  &fog_sandbox_manager,   &fog_sandbox_interrupt,
        &fog_sandbox_control, &fog_sandbox_authority,
};

enum { POLICIES = sizeof(policies) / sizeof(policies[0]) };

struct outcome {
	bool returned;
	int error; // of the call, when it returned
	int status; // of waitpid, when it did not
};

struct child {
	const struct fog_sandbox_policy *policy;
	struct fog_seccomp *filter;
	bool handle; // with the handler of SIGSYS
};

// Enter and make the call. Arguments mean nothing to any call (descriptor -1, address -1), so that an
// allowed one fails at once; write(2) is in every policy and brings the news.
static void child_run(const struct child *c, int pipe_fd, int null_fd, long call, const long arg[6])
{
	int error;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	dup2(null_fd, STDERR_FILENO);
	if (c->handle)
		fog_seccomp_handle(c->policy->rest);
	if (fog_seccomp_enter(c->filter) < 0)
		_exit(99);
	error = syscall(call, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]) < 0 ? errno : 0;
	if (write(pipe_fd, &error, sizeof(error)) < 0)
		error = 0;
	for (;;) // no policy lets it go on
		syscall(SYS_execve, NULL, NULL, NULL);
}

static struct outcome child_call(const struct child *c, int stderr_fd, long call, const long arg[6])
{
	struct outcome o = {};
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		child_run(c, fds[1], stderr_fd, call, arg);
	}
	close(fds[1]);
	o.returned = read(fds[0], &o.error, sizeof(o.error)) == sizeof(o.error);
	close(fds[0]);
	waitpid(pid, &o.status, 0);
	return o;
}

static bool killed(const struct outcome *o)
{
	return !o->returned && WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGSYS;
}

static struct child child_make(const struct fog_sandbox_policy *p, uint32_t parts, bool handle)
{
	struct child c = {.policy = p, .handle = handle};

	CU_ASSERT_EQUAL_FATAL(fog_seccomp_make(p, parts, &c.filter), 0);
	return c;
}

static int null_open(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

static void fail_row(const struct fog_sandbox_policy *p, const char *call, long n, const char *what)
{
	char text[200];

	snprintf(text, sizeof(text), "%s: call %s (%ld) %s", p->name, call, n, what);
	CU_FAIL(text);
	printf("\n%s\n", text);
}

static const struct fog_sandbox_rule *row_find(
        const struct fog_sandbox_policy *p, uint32_t parts, long call
)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->rule[i].call == call && (p->rule[i].whom & parts) != 0)
			return &p->rule[i];
	return NULL;
}

// Whether the outcome is that of a call which no row allows.
static bool stopped(const struct child *c, const struct outcome *o)
{
	if (c->handle && c->policy->rest == FOG_SANDBOX_REFUSE)
		return o->returned && o->error == EPERM;
	return killed(o);
}

// The kernel's own returns from probes: no filter sees them since Linux 6.12, and outside of a probe
// they do nothing.
static bool unseen(long call)
{
	return call == 335 || call == 336; // uretprobe, uprobe
}

// Numbers without a call would be ENOSYS; here they are as forbidden as the others.
static void forbidden_calls(const struct child *c, uint32_t parts)
{
	static const long none[6] = {-1, -1, -1, -1, -1, -1};
	int null_fd = null_open();

	for (long call = 0; call < CALL_MAX; call++) {
		const struct fog_sandbox_rule *r = row_find(c->policy, parts, call);
		if (unseen(call) || (r != NULL && r->action != FOG_SANDBOX_KILL))
			continue;
		struct outcome o = child_call(c, null_fd, call, none);
		if (r != NULL ? !killed(&o) : !stopped(c, &o))
			fail_row(c->policy, r != NULL ? r->name : "?", call, "is not stopped");
	}
	close(null_fd);
}

static void test_forbidden(void)
{
	for (unsigned i = 0; i < POLICIES; i++) {
		struct child c = child_make(policies[i], PARTS_ALL, true);
		forbidden_calls(&c, PARTS_ALL);
		fog_seccomp_free(c.filter);
	}
}

// What belongs to drivers and idling that a configuration does without is forbidden, too.
static void test_forbidden_parts(void)
{
	for (unsigned i = 0; i < 3; i++) {
		struct child c = child_make(policies[i], FOG_FOR_ALL, false);
		forbidden_calls(&c, FOG_FOR_ALL);
		fog_seccomp_free(c.filter);
	}
}

// Calls that don't come back by themselves, and what their end looks like.
static bool ends(const struct fog_sandbox_rule *r, const struct outcome *o)
{
	if (r->call == SYS_exit || r->call == SYS_exit_group)
		return !o->returned && WIFEXITED(o->status) && WEXITSTATUS(o->status) == 255;
	if (r->call == SYS_rt_sigreturn) // from no signal: to a frame that is none
		return !o->returned && WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGSEGV;
	if (r->action == FOG_SANDBOX_ABSENT)
		return o->returned && o->error == ENOSYS;
	return o->returned;
}

static void allowed_row(const struct child *c, int null_fd, const struct fog_sandbox_rule *r)
{
	long arg[6] = {-1, -1, -1, -1, -1, -1};
	struct outcome o;

	if (r->argument >= 0)
		arg[r->argument] = (long)r->value;
	o = child_call(c, null_fd, r->call, arg);
	if (!ends(r, &o))
		fail_row(c->policy, r->name, r->call, "is not allowed as its row says");
	if (r->argument < 0)
		return;
	// A value that is no row's: every bit that is looked at, turned round.
	arg[r->argument] = (long)(r->value ^ r->mask);
	o = child_call(c, null_fd, r->call, arg);
	if (!stopped(c, &o))
		fail_row(c->policy, r->name, r->call, "is allowed with an argument of no row");
}

static void test_allowed(void)
{
	int null_fd = null_open();

	for (unsigned i = 0; i < POLICIES; i++) {
		struct child c = child_make(policies[i], PARTS_ALL, true);
		for (unsigned k = 0; k < policies[i]->count; k++)
			if (policies[i]->rule[k].action != FOG_SANDBOX_KILL)
				allowed_row(&c, null_fd, &policies[i]->rule[k]);
		fog_seccomp_free(c.filter);
	}
	close(null_fd);
}

// Code can't be made: neither mapped nor turned from memory into it.
static void test_no_code(void)
{
	const long map[6] = {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
	const long plain[6] = {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
	int null_fd = null_open();

	for (unsigned i = 1; i < POLICIES; i += i == 1 ? 2 : 1) { // those that map memory at all
		struct child c = child_make(policies[i], PARTS_ALL, true);
		struct outcome o = child_call(&c, null_fd, SYS_mmap, plain);
		CU_ASSERT_TRUE(o.returned && o.error == 0);
		o = child_call(&c, null_fd, SYS_mmap, map);
		CU_ASSERT_TRUE(stopped(&c, &o));
		fog_seccomp_free(c.filter);
	}
	close(null_fd);
}

// The 32-bit and x32 tables have other numbers for the same calls: both are the end.
static void test_other_tables(void)
{
	static const long none[6] = {-1, -1, -1, -1, -1, -1};
	struct child c = child_make(&fog_sandbox_control, PARTS_ALL, true);
	int null_fd = null_open();
	struct outcome o = child_call(&c, null_fd, SYS_getpid | 0x40000000, none);

	CU_ASSERT_FALSE(o.returned);
	CU_ASSERT_TRUE(WIFSIGNALED(o.status) && WTERMSIG(o.status) == SIGSYS);
	fog_seccomp_free(c.filter);
	close(null_fd);
}

static void line_of(const struct fog_sandbox_policy *p, long call, char *text, size_t len)
{
	static const long none[6] = {-1, -1, -1, -1, -1, -1};
	struct child c = child_make(p, PARTS_ALL, true);
	int fd = memfd_create("line", MFD_CLOEXEC);

	child_call(&c, fd, call, none);
	ssize_t n = pread(fd, text, len - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	fog_seccomp_free(c.filter);
	close(fd);
}

static void test_last_line(void)
{
	char text[400], want[80];

	snprintf(
	        want, sizeof(want), "error: the sandbox forbids system call %d in the worker",
	        SYS_openat
	);
	line_of(&fog_sandbox_worker, SYS_openat, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, want));
	snprintf(want, sizeof(want), "warning: the sandbox refuses system call %d", SYS_chmod);
	line_of(&fog_sandbox_control, SYS_chmod, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, want));
}

// Only the filter's own signal changes what a call returns: anybody of the same user can send one, at
// any moment.
static void test_sent_signal(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		fog_seccomp_handle(FOG_SANDBOX_REFUSE);
		_exit(kill(getpid(), SIGSYS) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
}

// A row is there for a reason, and once.
static void test_reasons(void)
{
	for (unsigned i = 0; i < POLICIES; i++) {
		const struct fog_sandbox_policy *p = policies[i];
		for (unsigned a = 0; a < p->count; a++) {
			const struct fog_sandbox_rule *r = &p->rule[a];
			if (r->call < 0)
				fail_row(p, r->name, r->call, "does not exist on this machine");
			if (strlen(r->reason) < 6)
				fail_row(p, r->name, r->call, "has no reason");
			for (unsigned b = 0; b < a; b++) {
				const struct fog_sandbox_rule *o = &p->rule[b];
				if (o->call == r->call && (o->whom & r->whom) != 0 &&
				    (o->argument < 0 || r->argument < 0 ||
				     (o->argument == r->argument && o->value == r->value)))
					fail_row(p, r->name, r->call, "stands twice");
			}
		}
	}
}

static void test_short(void)
{
	// Workers are what everybody can send packets to: their list must not grow unnoticed.
	unsigned calls = 0;

	for (unsigned i = 0; i < fog_sandbox_worker.count; i++)
		calls += fog_sandbox_worker.rule[i].action == FOG_SANDBOX_ALLOW &&
		        (fog_sandbox_worker.rule[i].whom & FOG_FOR_ALL) != 0;
	CU_ASSERT_EQUAL(calls, 3); // read, write, restart_syscall
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"every call without a row is stopped", test_forbidden},
	        {"rows of other configurations are no rows", test_forbidden_parts},
	        {"every row allows, and its arguments only", test_allowed},
	        {"no code is made", test_no_code},
	        {"calls of other tables", test_other_tables},
	        {"the last line", test_last_line},
	        {"a signal that somebody sent", test_sent_signal},
	        {"every row has a reason", test_reasons},
	        {"a worker without ports and sleep has three calls", test_short},
	        CU_TEST_INFO_NULL,
	};

	if (!FOG_SANDBOX_ON) {
		puts("a build without sanitizers: their run-time needs calls of its own");
		return 77;
	}
	return check_run("seccomp", tests);
}
