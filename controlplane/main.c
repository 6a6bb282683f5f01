// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-controlplane: start in the order that privileges ask for, then one event loop.
#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../log/log.h"
#include "auth/confine.h"
#include "auth/privileges.h"
#include "http/listen.h"
#include "http/server.h"
#include "node.h"
#include "node_cover.h"
#include "node_directory.h"
#include "node_epochs.h"
#include "node_links.h"
#include "notify.h"

enum {
	TICK_MS = 250,
	PRUNE_TICKS = 60 * 1000 / TICK_MS,
};

enum main_source {
	SOURCE_SIGNAL,
	SOURCE_TIMER,
	SOURCE_SAMPLE,
	SOURCE_DATA_PLANE,
	SOURCE_UNIX,
	SOURCE_TCP,
};

struct main_state {
	struct fog_node *node;
	struct fog_server *server;
	struct fog_token token;
	struct notify notify;
	int epoll_fd, signal_fd, timer_fd, sample_fd, unix_fd, tcp_fd;
	unsigned ticks;
	bool stop;
};

struct main_options {
	const char *config, *run_dir, *state_dir;
};

static const char main_usage[] =
        "usage: fog-controlplane --config FILE [--run-dir DIR] [--state-dir DIR]\n"
        "                        [--log-format FORMAT]\n"
        "\n"
        "  --config FILE    configuration of the appliance (see 'fogctl config check FILE')\n"
        "  --run-dir DIR    folder of the sockets, instead of the file's run_dir\n"
        "  --state-dir DIR  folder of identity and messages, instead of the file's state_dir\n"
        "  --log-format FORMAT  text, journal (systemd's prefixes) or json; auto when left out\n"
        "  --version        print the version\n"
        "  --help           print this help\n";

// Returns -1 to go on, else the exit code.
static int main_parse(int argc, char **argv, struct main_options *o)
{
	static const struct option known[] = {
	        {"config", required_argument, NULL, 'c'},
	        {"run-dir", required_argument, NULL, 'r'},
	        {"state-dir", required_argument, NULL, 's'},
	        {"log-format", required_argument, NULL, 'l'},
	        {"version", no_argument, NULL, 'v'},
	        {"help", no_argument, NULL, 'h'},
	        {NULL, 0, NULL, 0},
	};
	int c, format;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'r':
			o->run_dir = optarg;
			break;
		case 's':
			o->state_dir = optarg;
			break;
		case 'l':
			if ((format = fog_log_format_parse(optarg)) < 0) {
				fputs(main_usage, stderr);
				return 2;
			}
			fog_log_format_set((enum fog_log_format)format);
			break;
		case 'v':
			puts("fog-controlplane " FOG_VERSION);
			return 0;
		case 'h':
			fputs(main_usage, stdout);
			return 0;
		default:
			fputs(main_usage, stderr);
			return 2;
		}
	}
	if (o->config == NULL || optind != argc) {
		fputs(main_usage, stderr);
		return 2;
	}
	return -1;
}

// The secrets of a whole node are small, but the default limit is small, too, in some containers.
static void main_raise_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
}

static int main_watch(struct main_state *m, int fd, enum main_source source)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = source};

	return epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

// Everything that only root may do, then root is gone.
static int main_privileged(struct main_state *m, const struct main_options *o)
{
	int r = fog_node_create(o->config, o->run_dir, o->state_dir, &m->node);
	const struct fog_config *c;

	if (r < 0)
		return r;
	c = m->node->config;
	bool change = c->user[0] != '\0' && geteuid() == 0;
	uid_t uid = change ? c->uid : geteuid();
	gid_t gid = change ? c->gid : getegid();
	if (c->rest.token_file[0] != '\0') {
		r = fog_token_load(&m->token, c->rest.token_file);
		if (r < 0)
			return r;
	}
	m->unix_fd = fog_listen_unix(c->rest.unix_path, uid, gid);
	if (m->unix_fd < 0)
		return m->unix_fd;
	if (c->rest.tcp[0] != '\0') {
		m->tcp_fd = fog_listen_tcp(c->rest.tcp);
		if (m->tcp_fd < 0)
			return m->tcp_fd;
	}
	if (c->directory.listen[0] != '\0') {
		m->node->directory_fd = fog_listen_tcp(c->directory.listen);
		if (m->node->directory_fd < 0)
			return m->node->directory_fd;
	}
	r = fog_privileges_drop(change, uid, gid);
	return r < 0 ? r : fog_confine(c, o->config);
}

// A descriptor that becomes readable every 'ms', or -errno.
static int main_timer(long ms)
{
	struct itimerspec every = {
	        .it_interval.tv_nsec = ms * 1000000L,
	        .it_value.tv_nsec = ms * 1000000L,
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) == 0)
		return fd < 0 ? -errno : fd;
	int r = -errno;
	close(fd);
	return r;
}

static int main_events(struct main_state *m)
{
	sigset_t signals;
	int r = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->epoll_fd < 0 || m->signal_fd < 0)
		return -errno;
	m->timer_fd = main_timer(TICK_MS);
	if (m->timer_fd < 0)
		return m->timer_fd;
	m->sample_fd = main_timer(FOG_TIMING_SAMPLE_MS);
	if (m->sample_fd < 0)
		return m->sample_fd;
	r = main_watch(m, m->signal_fd, SOURCE_SIGNAL);
	if (r == 0)
		r = main_watch(m, m->timer_fd, SOURCE_TIMER);
	if (r == 0)
		r = main_watch(m, m->sample_fd, SOURCE_SAMPLE);
	if (r == 0)
		r = main_watch(m, m->unix_fd, SOURCE_UNIX);
	if (r == 0 && m->tcp_fd >= 0)
		r = main_watch(m, m->tcp_fd, SOURCE_TCP);
	return r;
}

static void main_signal(struct main_state *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			notify_reloading();
			fog_audit_reopen(m->node->audit);
			fog_node_config_reload(m->node);
			fog_node_topology_poll(m->node, true);
			notify_ready(&m->notify, m->node);
		} else {
			LOG_INFO("stopping on signal %u", info.ssi_signo);
			m->stop = true;
		}
	}
}

static void main_tick(struct main_state *m)
{
	uint64_t expired;

	if (read(m->timer_fd, &expired, sizeof(expired)) < 0)
		return;
	fog_node_topology_poll(m->node, false);
	node_directory_tick(m->node);
	node_links_tick(m->node);
	node_epochs_tick(m->node);
	node_cover_tick(m->node);
	fog_sender_flush(m->node->sender);
	fog_tracer_tick(m->node->tracer);
	fog_log_flush();
	notify_tick(&m->notify, m->node);
	if (++m->ticks % PRUNE_TICKS == 0)
		node_prune(m->node);
}

static void main_sample(struct main_state *m)
{
	uint64_t expired;

	if (read(m->sample_fd, &expired, sizeof(expired)) > 0)
		fog_timing_sample(m->node->timing);
}

static void main_loop(struct main_state *m)
{
	struct epoll_event e[8];

	while (!m->stop) {
		int n = epoll_wait(m->epoll_fd, e, 8, -1);
		for (int i = 0; i < n; i++) {
			switch ((enum main_source)e[i].data.u32) {
			case SOURCE_SIGNAL:
				main_signal(m);
				break;
			case SOURCE_TIMER:
				main_tick(m);
				break;
			case SOURCE_SAMPLE:
				main_sample(m);
				break;
			case SOURCE_DATA_PLANE:
				fog_dpclient_process(m->node->dp);
				break;
			case SOURCE_UNIX:
				fog_server_accept(m->server, m->unix_fd);
				break;
			case SOURCE_TCP:
				fog_server_accept(m->server, m->tcp_fd);
				break;
			}
		}
	}
}

static void main_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void main_stop(struct main_state *m)
{
	if (m->node != NULL && m->node->inbox != NULL)
		fog_inbox_wake(m->node->inbox);
	if (m->node != NULL && m->node->tracer != NULL)
		fog_tracer_wake(m->node->tracer);
	fog_server_stop(m->server);
	// Fails when the folder is root's: the next start replaces a dead socket.
	if (m->unix_fd >= 0)
		unlink(m->node->started->rest.unix_path);
	fog_node_destroy(m->node);
	main_close(m->unix_fd);
	main_close(m->tcp_fd);
	main_close(m->timer_fd);
	main_close(m->sample_fd);
	main_close(m->signal_fd);
	main_close(m->epoll_fd);
}

int main(int argc, char **argv)
{
	struct main_options o = {0};
	struct main_state m = {
	        .epoll_fd = -1,
	        .signal_fd = -1,
	        .timer_fd = -1,
	        .sample_fd = -1,
	        .unix_fd = -1,
	        .tcp_fd = -1};
	int r = main_parse(argc, argv, &o);

	if (r >= 0)
		return r;
	main_raise_memlock();
	notify_open(&m.notify);
	if (sodium_init() < 0 || fog_crypto_init() < 0) {
		LOG_ERR("this CPU lacks AES-NI, SSE4.2 or PCLMUL: 'fogctl host check cpu' says "
		        "which");
		return 1;
	}
	r = main_privileged(&m, &o);
	if (r == 0)
		r = main_events(&m);
	if (r == 0)
		r = fog_node_start(m.node);
	if (r == 0)
		r = main_watch(&m, fog_dpclient_fd(m.node->dp), SOURCE_DATA_PLANE);
	if (r == 0)
		r = fog_server_start(
		        m.node, m.node->config->rest.token_file[0] ? &m.token : NULL, &m.server
		);
	if (r == 0) {
		LOG_INFO("version " FOG_VERSION " serves %s", m.node->config->rest.unix_path);
		notify_ready(&m.notify, m.node);
		main_loop(&m);
		notify_stopping();
	} else {
		LOG_ERR("it does not start: %s: mend what the lines above say, or free memory and "
		        "descriptors",
		        strerror(-r));
	}
	main_stop(&m);
	return r == 0 ? 0 : 1;
}
