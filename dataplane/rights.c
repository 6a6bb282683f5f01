// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "rights.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../sandbox/sandbox.h"
#include "log.h"
#include "rights_folder.h"
#include "secret_memory.h"

struct fog_rights {
	uid_t uid; // 0: stay who we are
	gid_t gid;
	struct fog_seccomp *worker, *manager, *interrupt;
	int landlock; // ruleset, -1: none
	int landlock_abi; // 0: the kernel has none
};

enum { INTERRUPT_WAIT_MS = 5000 };

static uint32_t parts_of(const struct fog_blob_launch *l)
{
	uint32_t parts = FOG_FOR_ALL | (l->idle == FOG_IDLE_ADAPTIVE ? FOG_FOR_ADAPTIVE : 0);

	for (uint32_t i = 0; i < l->port_count; i++) {
		unsigned domain, bus, device, function;
		if (l->port[i].driver == FOG_DRIVER_AFXDP)
			parts |= FOG_FOR_AFXDP;
		else if (l->port[i].driver == FOG_DRIVER_DPDK)
			parts |= sscanf(l->port[i].device, "%x:%x:%x.%x", &domain, &bus, &device,
			                &function) == 4
			        ? FOG_FOR_PCI
			        : FOG_FOR_DPDK;
	}
	return parts;
}

static int landlock_prepare(
        struct fog_rights *r, const struct fog_blob_launch *l, const char *run_dir
)
{
	const struct fog_landlock_path paths[] = {
	        {l->replay_dir, FOG_LANDLOCK_WRITE},
	        {run_dir, FOG_LANDLOCK_REMOVE}, // dp.sock
	        {"/sys/fs/bpf/fogline", FOG_LANDLOCK_CLEAR}, // pinned links
	};

	r->landlock_abi = fog_landlock_make(paths, sizeof(paths) / sizeof(paths[0]), &r->landlock);
	return r->landlock_abi;
}

static int sandbox_prepare(
        struct fog_rights *r, const struct fog_blob_launch *l, const char *run_dir
)
{
	const uint32_t parts = parts_of(l);
	int ret;

	if ((ret = fog_seccomp_make(&fog_sandbox_worker, parts, &r->worker)) < 0 ||
	    (ret = fog_seccomp_make(&fog_sandbox_manager, parts, &r->manager)) < 0 ||
	    (ret = fog_seccomp_make(&fog_sandbox_interrupt, parts, &r->interrupt)) < 0 ||
	    (ret = landlock_prepare(r, l, run_dir)) < 0) {
		LOG_ERR("the sandbox cannot be made: %s: %s", strerror(-ret),
		        ret == -EPERM || ret == -EACCES
		                ? "start it under no other filter of system calls that forbids "
		                  "landlock(7)"
		                : "give the host more memory");
		return ret;
	}
	return 0;
}

int fog_rights_prepare(
        const struct fog_blob_launch *l, const char *run_dir, struct fog_rights **out
)
{
	struct fog_rights *r = calloc(1, sizeof(*r));
	uint32_t uid = l->data_uid != 0 ? l->data_uid : geteuid();
	char text[512] = "";
	int ret;

	if (r == NULL)
		return -ENOMEM;
	*out = r;
	r->landlock = -1;
	r->uid = l->data_uid;
	r->gid = l->data_gid;
	if (r->uid != 0 && geteuid() != 0 && geteuid() != r->uid) {
		LOG_ERR("cannot become user %u: start fog-dataplane as root, or set dataplane_user to the "
		        "one that starts it",
		        r->uid);
		return -EPERM;
	}
	ret = fog_rights_folder(
	        l->replay_dir, uid, l->data_uid != 0 ? l->data_gid : getegid(), text, sizeof(text)
	);
	if (ret < 0) {
		LOG_ERR("%s", text);
		return ret;
	}
	return FOG_SANDBOX_ON ? sandbox_prepare(r, l, run_dir) : 0;
}

// What threads other than this one do, in turn.
struct step {
	const struct fog_rights *rights;
	int (*run)(const struct fog_rights *, const struct fog_seccomp *);
	const struct fog_seccomp *seccomp; // of that thread
	atomic_int done; // of the interrupt thread: 1, or -errno
};

static int step_lcore(void *arg)
{
	const struct step *s = arg;

	return s->run(s->rights, s->seccomp);
}

static void step_alarm(void *arg)
{
	struct step *s = arg;
	int ret = s->run(s->rights, s->seccomp);

	atomic_store(&s->done, ret < 0 ? ret : 1);
}

// EAL's own thread is reached by an alarm, which may come after we have given up: hence static.
static int step_interrupt_thread(
        const struct fog_rights *r,
        int (*run)(const struct fog_rights *, const struct fog_seccomp *)
)
{
	static struct step step;

	step.rights = r;
	step.run = run;
	step.seccomp = r->interrupt;
	atomic_store(&step.done, 0);
	if (rte_eal_alarm_set(1, step_alarm, &step) < 0)
		return -EBUSY;
	for (int i = 0; i < INTERRUPT_WAIT_MS && atomic_load(&step.done) == 0; i++)
		rte_delay_us_sleep(1000);
	int done = atomic_load(&step.done);
	return done == 1 ? 0 : done < 0 ? done : -EBUSY;
}

// On every thread of EAL but this one, each at its own leisure; returns when all are through.
static int step_threads(
        const struct fog_rights *r,
        int (*run)(const struct fog_rights *, const struct fog_seccomp *)
)
{
	struct step step = {.rights = r, .run = run, .seccomp = r->worker};
	int ret = 0;
	unsigned lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		int one = rte_eal_remote_launch(step_lcore, &step, lcore);
		if (one == 0)
			one = rte_eal_wait_lcore(lcore);
		if (one < 0 && ret == 0)
			ret = one;
	}
	return ret < 0 ? ret : step_interrupt_thread(r, run);
}

// libcap-ng keeps its state and acts per thread. Only root has a bounding set to lose, and needs
// CAP_SETPCAP for it, so it goes before the user.
static int bounds_drop(const struct fog_rights *r, const struct fog_seccomp *s)
{
	if (geteuid() != 0)
		return 0;
	capng_clear(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_BOUNDS) == 0 ? 0 : -EPERM;
}

static int thread_enter(const struct fog_rights *r, const struct fog_seccomp *s)
{
	int ret = fog_stack_hide();

	if (ret < 0)
		return ret;
	// A worker that sleeps: timers are otherwise rounded up by 50 us, about a tick of the calendar.
	if (prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	if (!FOG_SANDBOX_ON)
		return 0;
	ret = fog_landlock_enter(r->landlock);
	return ret < 0 ? ret : fog_seccomp_enter(s);
}

// The C library changes the user of all threads; they lose their capabilities by it, as this one
// doesn't ask for that (PR_SET_KEEPCAPS is a thread's own).
static int user_change(const struct fog_rights *r)
{
	int ret;

	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(
	        CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_IPC_LOCK, -1
	);
	if (r->uid != 0 && geteuid() == 0)
		ret = capng_change_id(
		        (int)r->uid, (int)r->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING
		);
	else
		ret = capng_apply(geteuid() == 0 ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
	if (ret == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		return 0;
	LOG_ERR("cannot become user %u with CAP_NET_ADMIN and CAP_IPC_LOCK (%d): start fog-dataplane as "
	        "root",
	        r->uid, ret);
	return -EPERM;
}

// Whether the thread has neither capabilities nor the right to get any, and a filter.
static bool thread_inside(const char *tid)
{
	unsigned found = 0, seccomp, nnp;
	char path[64], line[128];
	unsigned long long caps;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", tid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT; // it has ended
	while (fgets(line, sizeof(line), f) != NULL) {
		found += sscanf(line, "CapPrm: %llx", &caps) == 1 && caps == 0;
		found += sscanf(line, "NoNewPrivs: %u", &nnp) == 1 && nnp == 1;
		found += sscanf(line, "Seccomp: %u", &seccomp) == 1 && seccomp == 2;
	}
	fclose(f);
	return found == 3;
}

// Drivers of devices may have made threads that we know nothing of.
static int threads_check(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int ret = 0;

	if (d == NULL) {
		LOG_ERR("/proc is not there, so nobody can say whether all threads gave up their rights: "
		        "mount it");
		return -errno;
	}
	while ((e = readdir(d)) != NULL && ret == 0) {
		if (e->d_name[0] == '.' || atoi(e->d_name) == gettid() || thread_inside(e->d_name))
			continue;
		LOG_ERR("thread %s keeps rights: the driver of a port made it: use another device",
		        e->d_name);
		ret = -EPERM;
	}
	closedir(d);
	return ret;
}

static void rights_tell(const struct fog_rights *r)
{
	if (!FOG_SANDBOX_ON) {
		LOG_WARN(
		        "rights: user %u; no sandbox in a build with sanitizers: not for real traffic",
		        geteuid()
		);
	} else if (r->landlock_abi > 0) {
		LOG_INFO(
		        "rights: user %u, CAP_NET_ADMIN and CAP_IPC_LOCK in the manager only; sandbox: "
		        "seccomp, landlock ABI %d",
		        geteuid(), r->landlock_abi
		);
	} else {
		LOG_WARN(
		        "rights: user %u, CAP_NET_ADMIN and CAP_IPC_LOCK in the manager only; sandbox: "
		        "seccomp; landlock: the kernel has none, run one with CONFIG_SECURITY_LANDLOCK "
		        "and landlock in lsm=",
		        geteuid()
		);
	}
}

int fog_rights_drop(struct fog_rights *r)
{
	int ret;

	if (FOG_SANDBOX_ON)
		fog_seccomp_handle(FOG_SANDBOX_DIE);
	if ((ret = step_threads(r, bounds_drop)) < 0) {
		LOG_ERR("threads keep their bounding set (%s): start fog-dataplane as root",
		        strerror(-ret));
		return ret;
	}
	if ((ret = user_change(r)) < 0)
		return ret;
	if ((ret = step_threads(r, thread_enter)) < 0) {
		LOG_ERR("threads do not enter their sandbox (%s): run a kernel with "
		        "CONFIG_SECCOMP_FILTER",
		        strerror(-ret));
		return ret;
	}
	if (FOG_SANDBOX_ON && (ret = threads_check()) < 0)
		return ret;
	rights_tell(r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		ret = -errno;
	if (ret == 0 && FOG_SANDBOX_ON)
		ret = fog_landlock_enter(r->landlock);
	if (ret == 0 && FOG_SANDBOX_ON)
		ret = fog_seccomp_enter(r->manager);
	if (ret < 0)
		LOG_ERR("the manager does not enter its sandbox (%s): run a kernel with "
		        "CONFIG_SECCOMP_FILTER",
		        strerror(-ret));
	return ret;
}

void fog_rights_free(struct fog_rights *r)
{
	if (r == NULL)
		return;
	fog_seccomp_free(r->worker);
	fog_seccomp_free(r->manager);
	fog_seccomp_free(r->interrupt);
	if (r->landlock >= 0)
		close(r->landlock);
	free(r);
}
