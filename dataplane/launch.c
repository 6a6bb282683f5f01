// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// blob -> EAL -> memory -> ports -> session -> workers -> rights dropped -> run, and back.
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <fog_version.h> // made from git describe during the build
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../drivers/neigh.h"
#include "api/device.h"
#include "blob_check.h"
#include "launch_eal.h"
#include "log.h"
#include "manager.h"
#include "manager_drain.h"
#include "rights.h"
#include "secret_memory.h"
#include "self_check.h"
#include "tsc.h"

static struct fog_blob *blob_read(const char *path)
{
	struct fog_blob *blob = malloc(FOG_BLOB_SIZE_MAX);
	char text[200];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (blob == NULL || fd < 0 || fstat(fd, &st) < 0) {
		LOG_ERR("%s: %s: compile it with fogctl config compile", path, strerror(errno));
		goto err;
	}
	// Whoever may write it, may have root open any device, file and address.
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022) != 0) {
		LOG_ERR("%s: owner %u, mode %04o: others could have changed it; compile it again, as root",
		        path, st.st_uid, st.st_mode & 07777);
		goto err;
	}
	ssize_t len = read(fd, blob, FOG_BLOB_SIZE_MAX);
	if (len < 0) {
		LOG_ERR("%s: %s: compile it again with fogctl config compile", path,
		        strerror(errno));
		goto err;
	}
	if (fog_blob_check(blob, (size_t)len, text, sizeof(text)) < 0) {
		LOG_ERR("%s: %s: compile it again with this version's fogctl", path, text);
		goto err;
	}
	close(fd);
	return blob;
err:
	if (fd >= 0)
		close(fd);
	free(blob);
	return NULL;
}

static int ports_open(struct fog_manager *m, const struct fog_blob_launch *l)
{
	char error[256];
	int ret;

	fog_port_sweep(l->instance, l->port, l->port_count);
	for (uint32_t i = 0; i < l->port_count; i++) {
		struct fog_port_params params = {
		        .conf = &l->port[i],
		        .mix_port = l->mix_port,
		        .pool = m->pools.of_worker,
		        .workers = l->worker_count,
		        .payload_len = m->payload_len,
		        .busy = l->idle == FOG_IDLE_BUSY,
		        .instance = l->instance,
		        .data_uid = l->data_uid,
		        .data_gid = l->data_gid,
		        .error = error,
		        .error_len = sizeof(error),
		};
		error[0] = '\0';
		if ((ret = fog_port_open(&params, &m->ports[i])) < 0) {
			LOG_ERR("port %s (%s): %s", l->port[i].name, l->port[i].device,
			        error[0] != '\0' ? error : strerror(-ret));
			return ret;
		}
		m->port_count++;
		if (m->ports[i]->ifindex == 0 || m->neigh != NULL)
			continue;
		if ((ret = fog_neigh_open(&m->neigh)) < 0) {
			LOG_ERR("rtnetlink: %s: neighbours can't be asked for; raise LimitNOFILE, "
			        "or free memory",
			        strerror(-ret));
			return ret;
		}
	}
	return 0;
}

// With 'driver: auto' decided; whatever is not is refused by the driver in its own words.
static int drivers_choose(
        struct fog_manager *m, const struct fog_blob_launch *from, struct fog_blob_launch *to
)
{
	struct fog_device_choice choice;

	*to = *from;
	for (uint32_t i = 0; i < to->port_count; i++) {
		struct fog_blob_port *p = &to->port[i];
		if (p->driver != FOG_DRIVER_AUTO)
			continue;
		if (fog_device_choose("/sys", p->device, &choice) < 0) {
			LOG_ERR("port %s: driver auto: %s", p->name, choice.why);
			return -ENODEV;
		}
		if (choice.driver == FOG_DRIVER_DPDK && p->address_count == 0) {
			LOG_ERR("port %s: driver auto: %s, where no kernel knows our addresses: set "
			        "the port's addresses",
			        p->name, choice.why);
			return -EINVAL;
		}
		p->driver = choice.driver;
		memcpy(p->device, choice.device, sizeof(p->device));
		if (p->driver == FOG_DRIVER_DPDK)
			p->xdp_mode = FOG_XDP_AUTO;
		memcpy(m->driver_why[i], choice.why, sizeof(m->driver_why[i]));
		LOG_INFO("port %s: driver auto: %s", p->name, choice.why);
	}
	return 0;
}

static int session_open(struct fog_manager *m, const struct fog_blob_launch *l, const char *run_dir)
{
	char path[108];
	struct timespec now;
	int ret;

	if (mkdir(run_dir, 0755) < 0 && errno != EEXIST) {
		LOG_ERR("run_dir %s: %s: make the folder above it, and start fog-dataplane as root",
		        run_dir, strerror(errno));
		return -errno;
	}
	if (snprintf(path, sizeof(path), "%s/dp.sock", run_dir) >= (int)sizeof(path)) {
		LOG_ERR("run_dir %s: path too long for a socket, use less than 100 bytes", run_dir);
		return -ENAMETOOLONG;
	}
	struct fog_session_params params = {
	        .socket_path = path,
	        .allowed_uid = l->control_uid,
	        .group_gid = l->control_gid,
	        .worker_count = l->worker_count,
	        .deliver_slots = l->deliver_slots,
	        .deliver_len = (uint32_t)sizeof(struct fog_deliver) + FOG_SPHINX_TAG_LEN +
	                m->geo.payload_len,
	        .inject_slots = l->inject_slots,
	        .inject_len = (uint32_t)sizeof(struct fog_inject) + m->geo.packet_len,
	        .build = FOG_VERSION,
	};
	if ((ret = fog_session_create(&params, &fog_manager_session_ops, m, &m->session, &m->stats)
	    ) < 0)
		return ret;
	clock_gettime(CLOCK_REALTIME, &now);
	m->stats->tsc_hz = fog_tsc_hz(&m->started);
	m->stats->start_unix_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	m->stats->port_count = m->port_count;
	m->stats->slots = m->geo.slots;
	m->stats->payload_len = m->geo.payload_len;
	atomic_store_explicit(&m->stats->test_seed, l->delay_seed != 0, memory_order_relaxed);
	atomic_store_explicit(&m->stats->accept_replays, m->accept_replays, memory_order_relaxed);
	snprintf(m->stats->crypto, sizeof(m->stats->crypto), "%s", m->crypto->name);
	for (unsigned i = 0; i < m->port_count; i++)
		snprintf(
		        m->stats->port[i].name, sizeof(m->stats->port[i].name), "%s",
		        m->ports[i]->name
		);
	return 0;
}

static struct fog_worker *worker_create(
        struct fog_manager *m, const struct fog_blob_launch *l, unsigned i
)
{
	int node = m->pools.plan.share[m->pools.plan.of_worker[i]].node;
	struct fog_worker *w = rte_zmalloc_socket("worker", sizeof(*w), FOG_CACHE_LINE, node);

	if (w == NULL)
		return NULL;
	w->index = i;
	w->workers = l->worker_count;
	w->lcore = i + 1;
	w->crypto = m->crypto;
	w->geo = m->geo;
	w->ports = m->ports;
	w->port_count = m->port_count;
	w->pool = m->pools.of_worker[i];
	w->qsbr = m->qsbr;
	w->shared = (struct fog_stats_worker *)(m->stats + 1) + i;
	w->shared->cpu = l->worker[i].cpu;
	w->tsc_hz = m->stats->tsc_hz;
	w->mix_port = l->mix_port;
	w->idle = l->idle;
	w->max_rate = l->max_rate;
	w->accept_replays = m->accept_replays;
	w->wake_fd = fog_session_wake_fd(m->session, i);
	w->doorbell_fd = fog_session_doorbell_fd(m->session);
	w->heard = m->host.heard[i];
	w->links = m->links.table;
	w->punts = m->punt.punts[i];
	w->letters = i == 0 ? m->punt.letters : NULL;
	w->errands = i == 0 ? m->host.errands : NULL;
	return w;
}

struct worker_order {
	struct fog_worker *worker;
	uint32_t parked_max, inject_slot_size;
};

// On the worker's own lcore: memory that is touched here first lies on its NUMA node, and what is
// measured here is its CPU.
static int worker_prepare(void *arg)
{
	const struct worker_order *o = arg;
	struct fog_worker *w = o->worker;

	int ret = fog_crypto_thread_init();

	if (ret == 0)
		ret = fog_worker_init(w, o->parked_max, o->inject_slot_size);
	if (ret < 0)
		return ret;
	w->count.capacity =
	        fog_self_check_capacity(w->crypto, &w->geo, w->chunk_size, FOG_SELF_CHECK_MS);
	return 0;
}

// All at once, as they will run: CPUs that share a core or a clock limit slow each other down.
static int workers_prepare(struct fog_manager *m, const struct fog_blob_launch *l)
{
	struct worker_order order[FOG_WORKERS_MAX];
	int ret = 0;

	for (unsigned i = 0; i < m->worker_count; i++) {
		order[i] = (struct worker_order){
		        .worker = m->workers[i],
		        .parked_max = RTE_MAX(l->parked_max / l->worker_count, 1u),
		        .inject_slot_size = fog_ring_slot_size(
		                (uint32_t)sizeof(struct fog_inject) + m->geo.packet_len
		        ),
		};
		if (rte_eal_remote_launch(worker_prepare, &order[i], m->workers[i]->lcore) < 0)
			ret = -EBUSY;
	}
	for (unsigned i = 0; i < m->worker_count; i++) {
		int prepared = rte_eal_wait_lcore(m->workers[i]->lcore);
		if (prepared < 0 && ret == 0)
			ret = prepared;
		LOG_INFO(
		        "worker %u on CPU %u: crypto %s opens %llu packets/s", i,
		        m->workers[i]->shared->cpu, m->crypto->name,
		        (unsigned long long)m->workers[i]->count.capacity
		);
	}
	return ret;
}

static const char *workers_mend(int err)
{
	switch (err) {
	case -ENOMEM:
		return "no memory for their calendars or crypto: lower memory.parked_max, or give the "
		       "host more";
	case -EINVAL:
		return "the crypto implementation does not fit a chunk: leave --crypto out";
	case -EBUSY:
		return "a CPU of workers.cpus runs something of this process already: start again";
	default:
		return strerror(-err);
	}
}

static int workers_create(struct fog_manager *m, const struct fog_blob_launch *l)
{
	int ret = -ENOMEM;

	m->qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(l->worker_count), FOG_CACHE_LINE);
	if (m->qsbr == NULL || rte_rcu_qsbr_init(m->qsbr, l->worker_count) < 0)
		goto err;
	for (unsigned i = 0; i < l->worker_count; i++) {
		if ((m->workers[i] = worker_create(m, l, i)) == NULL)
			goto err;
		m->worker_count++;
	}
	if ((ret = workers_prepare(m, l)) == 0)
		return 0;
err:
	LOG_ERR("workers cannot be made: %s", workers_mend(ret));
	return ret;
}

static int workers_run(struct fog_manager *m, const struct fog_blob_launch *l, const char *run_dir)
{
	for (unsigned i = 0; i < m->port_count; i++) {
		int ret = m->ports[i]->ops->start(m->ports[i]);
		if (ret < 0) {
			LOG_ERR("port %s does not start: %s: see what 'fogctl host check' says of "
			        "its device",
			        m->ports[i]->name, strerror(-ret));
			return ret;
		}
		fog_manager_port_stats(m, i, &m->stats->port[i]);
		LOG_INFO(
		        "port %s: %s, %u queue(s)", m->ports[i]->name, m->stats->port[i].mode,
		        m->ports[i]->queues
		);
	}
	// Everything that needs rights is open by now.
	struct fog_rights *rights = NULL;
	int ret = fog_rights_prepare(l, run_dir, &rights);
	if (ret == 0)
		ret = fog_rights_drop(rights);
	if (ret < 0)
		return ret; // a thread may still be on its way into the sandbox, and the process ends
	fog_rights_free(rights);
	for (unsigned i = 0; i < m->worker_count; i++)
		if (rte_eal_remote_launch(fog_worker_run, m->workers[i], m->workers[i]->lcore) < 0)
			return -EBUSY;
	return 0;
}

static void workers_stop(struct fog_manager *m)
{
	for (unsigned i = 0; i < m->worker_count; i++) {
		struct fog_worker *w = m->workers[i];
		atomic_store(&w->stop, true);
		fog_session_wake(m->session, i);
		rte_eal_wait_lcore(w->lcore);
	}
}

static void teardown(struct fog_manager *m)
{
	workers_stop(m);
	for (unsigned i = 0; i < m->port_count; i++)
		m->ports[i]->ops->stop(m->ports[i]);
	if (m->worker_count > 0 && m->stats != NULL)
		fog_manager_stop(m);
	for (unsigned i = 0; i < m->worker_count; i++)
		fog_worker_fini(m->workers[i]);
	if (m->notify.ready)
		manager_books_tell(m);
	for (unsigned i = 0; i < m->worker_count; i++)
		rte_free(m->workers[i]);
	manager_punt_close(m);
	manager_link_close(m);
	rte_free(m->qsbr);
	manager_host_close(m);
	for (unsigned i = m->port_count; i > 0; i--)
		m->ports[i - 1]->ops->close(m->ports[i - 1]);
	fog_session_destroy(m->session);
	fog_neigh_close(m->neigh);
	fog_pools_free(&m->pools);
}

static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static const char *crypto_mend(int err)
{
	switch (err) {
	case -ENOTSUP:
		return "this CPU lacks AES-NI, SSE4.2 or PCLMUL: Fogline needs all three";
	case -EIO:
		return "no randomness: give the process getrandom or /dev/urandom";
	case -ENOMEM:
		return "no memory: give the host more";
	default:
		return strerror(-err);
	}
}

static int crypto_choose(struct fog_manager *m, const char *name)
{
	char text[256];

	int ret = fog_crypto_init();
	if (ret < 0) {
		LOG_ERR("crypto does not start: %s", crypto_mend(ret));
		return ret;
	}
	m->crypto = fog_crypto_ops_get(name);
	if (m->crypto == NULL) {
		LOG_ERR("--crypto %s: this CPU or this build has no such implementation; take ref, which "
		        "runs everywhere, or leave the option out",
		        name);
		return -ENOTSUP;
	}
	ret = fog_self_check_answers(m->crypto, text, sizeof(text));
	if (ret < 0)
		LOG_ERR("%s", text);
	return ret;
}

// Refused where it could do harm: somebody who sends a packet of others again learns from what
// comes out where it went.
static int replays_choose(struct fog_manager *m, const struct fog_blob *b, bool accept)
{
	m->accept_replays = accept;
	if (!accept)
		return 0;
	if (b->run.production) {
		LOG_ERR("--accept-replays takes the replay protection away, and the configuration says "
		        "production: true: leave the option out, or set production: false");
		return -EPERM;
	}
	LOG_WARN(
	        "--accept-replays: packets that were seen before are let through; this node protects "
	        "nobody, use it for benches only"
	);
	return 0;
}

static int memory_lock(void)
{
	int ret = fog_memory_lock();

	if (ret == 0)
		ret = fog_stack_hide();
	if (ret < 0)
		LOG_ERR("memory cannot be kept from swap and core dumps: %s: start as root, or raise the "
		        "memlock limit (LimitMEMLOCK=infinity)",
		        strerror(-ret));
	return ret;
}

int fog_launch(const struct fog_launch_options *o)
{
	static struct fog_manager manager; // one a process; too large for a stack
	struct fog_manager *m = &manager;
	static struct fog_blob_launch chosen;
	struct fog_blob *blob = blob_read(o->blob_path);
	int node[FOG_WORKERS_MAX], ret = -1;

	if (blob == NULL)
		return 1;
	const struct fog_blob_launch *l = &chosen;
	m->started = fog_tsc_mark();
	notify_open(&m->notify);
	m->signal_fd = signals_open(); // before EAL makes threads: they inherit the mask
	if (m->signal_fd < 0) {
		LOG_ERR("signalfd: %s: raise LimitNOFILE, or free memory", strerror(errno));
		goto out;
	}
	if (replays_choose(m, blob, o->accept_replays) < 0 || crypto_choose(m, o->crypto) < 0)
		goto out;
	if ((ret = memory_lock()) < 0 || (ret = drivers_choose(m, &blob->launch, &chosen)) < 0 ||
	    (ret = fog_eal_start(l)) < 0)
		goto out;
	fog_geometry_init(&m->geo, l->slots, l->payload_len);
	m->payload_len = (uint16_t)m->geo.packet_len;
	if (l->links == FOG_LINKS_NOISE)
		m->payload_len = (uint16_t)(m->payload_len + FOG_LINK_OVERHEAD);
	fog_eal_worker_nodes(l, node);
	if ((ret = fog_pools_create(l, m->geo.packet_len, node, &m->pools)) < 0)
		goto teardown;
	if ((ret = ports_open(m, l)) < 0 || (ret = manager_host_open(m, l->worker_count)) < 0 ||
	    (ret = session_open(m, l, o->run_dir)) < 0 || (ret = manager_link_open(m, l)) < 0 ||
	    (ret = manager_punt_open(m, l->worker_count)) < 0 || (ret = workers_create(m, l)) < 0 ||
	    (ret = fog_manager_start(m, blob)) < 0 || (ret = workers_run(m, l, o->run_dir)) < 0)
		goto teardown;
	LOG_INFO("%s is up: %u worker(s), waiting on dp.sock", l->instance, m->worker_count);
	ret = fog_manager_run(m);
teardown:
	teardown(m);
	fog_eal_stop();
out:
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	free(blob);
	return ret == 0 ? 0 : 1;
}
