// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// libseccomp writes the program, once; a thread needs one system call to put it on.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox.h"

struct fog_seccomp {
	const char *policy;
	struct sock_fprog program;
	struct sock_filter code[];
};

// si_code of a filter's SIGSYS: SYS_SECCOMP of the kernel's asm-generic/siginfo.h, which the C library of
// Debian 12 does not name.
enum { SYS_SECCOMP_CODE = 1 };

static _Thread_local const char *entered; // name of this thread's policy, when it entered by itself

static int rule_add(scmp_filter_ctx ctx, const struct fog_sandbox_rule *r)
{
	const uint32_t actions[] = {
	        [FOG_SANDBOX_ALLOW] = SCMP_ACT_ALLOW,
	        [FOG_SANDBOX_KILL] = SCMP_ACT_KILL_PROCESS,
	        [FOG_SANDBOX_ABSENT] = SCMP_ACT_ERRNO(ENOSYS),
	};
	const uint32_t action = actions[r->action];

	if (r->argument < 0)
		return seccomp_rule_add(ctx, action, r->call, 0);
	struct scmp_arg_cmp arg = {
	        .arg = (unsigned)r->argument,
	        .op = SCMP_CMP_MASKED_EQ,
	        .datum_a = r->mask,
	        .datum_b = r->value,
	};
	return seccomp_rule_add_array(ctx, action, r->call, 1, &arg);
}

static int rules_add(scmp_filter_ctx ctx, const struct fog_sandbox_policy *p, uint32_t whom)
{
	int ret = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (unsigned i = 0; i < p->count && ret == 0; i++)
		if (p->rule[i].whom & whom)
			ret = rule_add(ctx, &p->rule[i]);
	return ret;
}

// libseccomp writes to a descriptor only.
static int program_export(scmp_filter_ctx ctx, struct fog_seccomp **out)
{
	struct stat st;
	struct fog_seccomp *s = NULL;
	int ret, fd = memfd_create("fog-seccomp", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if ((ret = seccomp_export_bpf(ctx, fd)) < 0)
		goto out;
	if (fstat(fd, &st) < 0) {
		ret = -errno;
		goto out;
	}
	if ((s = malloc(sizeof(*s) + (size_t)st.st_size)) == NULL) {
		ret = -ENOMEM;
		goto out;
	}
	s->program.len = (unsigned short)((size_t)st.st_size / sizeof(s->code[0]));
	s->program.filter = s->code;
	if (pread(fd, s->code, (size_t)st.st_size, 0) != st.st_size) {
		ret = -EIO;
		free(s);
		goto out;
	}
	*out = s;
out:
	close(fd);
	return ret;
}

int fog_seccomp_make(const struct fog_sandbox_policy *p, uint32_t whom, struct fog_seccomp **out)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int ret;

	if (ctx == NULL)
		return -ENOMEM;
	if ((ret = rules_add(ctx, p, whom)) == 0)
		ret = program_export(ctx, out);
	if (ret == 0)
		(*out)->policy = p->name;
	seccomp_release(ctx);
	return ret;
}

int fog_seccomp_enter(const struct fog_seccomp *s)
{
	entered = s->policy;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &s->program) < 0)
		return -errno;
	return 0;
}

void fog_seccomp_free(struct fog_seccomp *s)
{
	free(s);
}

static char *digits(char *at, unsigned long n)
{
	char text[24], *p = text;

	do
		*p++ = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	while (p > text)
		*at++ = *--p;
	return at;
}

static void call_tell(const char *what, unsigned call, const char *end)
{
	char line[320], *at = stpncpy(line, program_invocation_short_name, 64);

	at = digits(stpcpy(at, what), call);
	if (entered != NULL)
		at = stpcpy(stpcpy(at, " in the "), entered);
	at = stpcpy(at, end);
	if (write(STDERR_FILENO, line, (size_t)(at - line)) < 0)
		return; // nobody reads it, and nothing more can be done here
}

// The call was not made. The process dies of a call that every policy kills for, so that whoever
// waits for it sees SIGSYS and not an exit code. Only write(2) is used: it alone is in all policies.
static void call_die(int sig, siginfo_t *info, void *context)
{
	call_tell(
	        "/sandbox: error: the sandbox forbids system call ", (unsigned)info->si_syscall,
	        " (see syscalls(2)): a fault of this program, or somebody has taken it over; it ends "
	        "here\n"
	);
	for (;;)
		syscall(SYS_execve, NULL, NULL, NULL);
}

// The call was not made, and returns EPERM.
static void call_refuse(int sig, siginfo_t *info, void *context)
{
	static _Atomic uint64_t told[512 / 64];
	ucontext_t *at = context;
	unsigned call = (unsigned)info->si_syscall % 512;
	uint64_t bit = UINT64_C(1) << call % 64;
	int saved = errno;

	if (info->si_code != SYS_SECCOMP_CODE)
		return; // somebody sent it: no call is to be answered
	if ((atomic_fetch_or(&told[call / 64], bit) & bit) == 0)
		call_tell(
		        "/sandbox: warning: the sandbox refuses system call ", call,
		        " (see syscalls(2)): a fault of this program or a library, please report "
		        "it\n"
		);
	at->uc_mcontext.gregs[REG_RAX] = -EPERM;
	errno = saved;
}

void fog_seccomp_handle(enum fog_sandbox_rest rest)
{
	struct sigaction action = {
	        .sa_sigaction = rest == FOG_SANDBOX_DIE ? call_die : call_refuse,
	        .sa_flags = SA_SIGINFO,
	};

	sigaction(SIGSYS, &action, NULL);
}
