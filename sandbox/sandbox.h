// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a thread may still ask the kernel for: system calls by seccomp, files by Landlock. Both bind
// the calling thread and what it starts, for good, and both want no_new_privs (or CAP_SYS_ADMIN),
// so a process makes its filters while it may do anything, gives its rights away, and then each of
// its threads enters. See seccomp(2), landlock(7).
#pragma once

#include <stdint.h>

// Under a sanitizer neither is in force: its run-time makes calls of its own, and writes files.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FOG_SANDBOX_ON 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOG_SANDBOX_ON 0
#else
#define FOG_SANDBOX_ON 1
#endif
#else
#define FOG_SANDBOX_ON 1
#endif

// For whom a row of a policy is there. A process adds up what its configuration uses.
enum fog_sandbox_for {
	FOG_FOR_ALL = 1,
	FOG_FOR_AFXDP = 2, // ports on kernel interfaces
	FOG_FOR_ADAPTIVE = 4, // workers that sleep
	FOG_FOR_DPDK = 8, // DPDK's devices in software: TAP, packet sockets, files
	FOG_FOR_PCI = 16, // ... and in hardware, behind VFIO
};

enum fog_sandbox_do {
	FOG_SANDBOX_ALLOW,
	FOG_SANDBOX_KILL, // ends the process at once, whatever the policy says of the rest
	FOG_SANDBOX_ABSENT, // ENOSYS, so that the C library takes the older call, whose arguments show
};

// One row of a .def: a call, or one set of arguments of it; rows of one call add up.
struct fog_sandbox_rule {
	const char *name;
	int call;
	enum fog_sandbox_do action;
	uint32_t whom; // enum fog_sandbox_for, added up
	int argument; // number of the one that is looked at, -1: none
	uint64_t mask, value; // allowed when (argument & mask) == value
	const char *reason;
};

enum fog_sandbox_rest {
	FOG_SANDBOX_DIE, // any other call ends the process; its last line names the call
	FOG_SANDBOX_REFUSE, // any other call is an EPERM; a line names it the first time
};

struct fog_sandbox_policy {
	const char *name;
	enum fog_sandbox_rest rest;
	unsigned count;
	const struct fog_sandbox_rule *rule;
};

// Data plane: a worker, the manager, EAL's interrupt thread. Control plane, authority: all of its threads.
extern const struct fog_sandbox_policy fog_sandbox_worker, fog_sandbox_manager,
        fog_sandbox_interrupt, fog_sandbox_control, fog_sandbox_authority;

struct fog_seccomp;

// Make the filter of a policy's rows for 'whom'. Any thread. Returns 0, -ENOMEM, -errno of
// libseccomp.
int fog_seccomp_make(const struct fog_sandbox_policy *, uint32_t whom, struct fog_seccomp **);
// Put it on the calling thread; threads that it makes inherit it. Sets no_new_privs. The filter may be
// entered by several threads and freed afterwards. Returns 0, or -errno: -EINVAL or -ENOSYS when the
// kernel has no seccomp filters.
int fog_seccomp_enter(const struct fog_seccomp *);
void fog_seccomp_free(struct fog_seccomp *); // accepts NULL
// What becomes of calls that no row of the policies allows: a handler of SIGSYS that says which call it
// was. Once a process, before its first thread enters; without it all such calls are deadly. All
// policies of a process have the same 'rest'.
void fog_seccomp_handle(enum fog_sandbox_rest);

enum fog_landlock_may {
	FOG_LANDLOCK_READ, // files and folders below
	FOG_LANDLOCK_WRITE, // ... and make, change, rename and remove files
	FOG_LANDLOCK_REMOVE, // nothing but remove files
	FOG_LANDLOCK_CLEAR, // list folders, remove files and folders
	FOG_LANDLOCK_CONNECT, // not a path (NULL): connect by TCP, to anywhere
};

struct fog_landlock_path {
	const char *path; // a file or folder; skipped when there is none that the caller can reach
	enum fog_landlock_may may;
};

// Make a ruleset: these paths, no others; no TCP beyond sockets that are bound and listen already (and
// those that connect, if CONNECT is among them);
// no signals and abstract sockets of other processes, as far as the kernel's ABI has it. Reads the
// folders' names now, with the rights of now. Returns the ABI number (1, 2, ...) and a descriptor that
// the caller closes, 0 when the kernel has no Landlock ('*fd' is -1 then), or -errno.
int fog_landlock_make(const struct fog_landlock_path *, unsigned count, int *fd);
// Put it on the calling thread; threads that it makes inherit it. Sets no_new_privs. 'fd' -1 does
// nothing. Returns 0 or -errno.
int fog_landlock_enter(int fd);
