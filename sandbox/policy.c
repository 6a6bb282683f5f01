// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The policies as tables, from their files.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox.h"

// Integers of 32 bits: what stands above them in a register is nobody's business.
#define WORD UINT64_C(0xffffffff)
#define ALL FOG_FOR_ALL
#define AFXDP FOG_FOR_AFXDP
#define ADAPTIVE FOG_FOR_ADAPTIVE
#define DPDK FOG_FOR_DPDK
#define PCI FOG_FOR_PCI

#define CALL(call_, whom_, text) \
	{ \
	        .name = #call_, \
	        .call = SCMP_SYS(call_), \
	        .action = FOG_SANDBOX_ALLOW, \
	        .whom = (whom_), \
	        .argument = -1, \
	        .reason = text, \
	},
#define ONLY(call_, whom_, argument_, mask_, value_, text) \
	{ \
	        .name = #call_, \
	        .call = SCMP_SYS(call_), \
	        .action = FOG_SANDBOX_ALLOW, \
	        .whom = (whom_), \
	        .argument = (argument_), \
	        .mask = (mask_), \
	        .value = (value_), \
	        .reason = text, \
	},
#define KILL(call_, text) \
	{ \
	        .name = #call_, \
	        .call = SCMP_SYS(call_), \
	        .action = FOG_SANDBOX_KILL, \
	        .whom = FOG_FOR_ALL, \
	        .argument = -1, \
	        .reason = text, \
	},
#define ABSENT(call_, text) \
	{ \
	        .name = #call_, \
	        .call = SCMP_SYS(call_), \
	        .action = FOG_SANDBOX_ABSENT, \
	        .whom = FOG_FOR_ALL, \
	        .argument = -1, \
	        .reason = text, \
	},

#define POLICY(symbol, title, otherwise) \
	const struct fog_sandbox_policy fog_sandbox_##symbol = { \
	        .name = title, \
	        .rest = otherwise, \
	        .count = sizeof(symbol##_rules) / sizeof(symbol##_rules[0]), \
	        .rule = symbol##_rules, \
	};

static const struct fog_sandbox_rule worker_rules[] = {
#include "hostile.def"
#include "worker.def"
};
static const struct fog_sandbox_rule manager_rules[] = {
#include "hostile.def"
#include "manager.def"
};
static const struct fog_sandbox_rule interrupt_rules[] = {
#include "hostile.def"
#include "interrupt.def"
};
static const struct fog_sandbox_rule control_rules[] = {
#include "control.def"
#include "hostile.def"
};

static const struct fog_sandbox_rule authority_rules[] = {
#include "authority.def"
#include "hostile.def"
};

POLICY(worker, "worker", FOG_SANDBOX_DIE)
POLICY(manager, "manager", FOG_SANDBOX_DIE)
POLICY(interrupt, "interrupt thread", FOG_SANDBOX_DIE)
POLICY(control, "control plane", FOG_SANDBOX_REFUSE)
POLICY(authority, "authority", FOG_SANDBOX_REFUSE)
