// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-controlplane: start in the order that privileges ask for, then one event loop.
#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../log/log.h"
#include "accounts/wiped.h"
#include "auth/confine.h"
#include "auth/privileges.h"
#include "daemon.h"
#include "http/listen.h"
#include "http/server.h"
#include "node.h"
#include "node_cover.h"
#include "node_directory.h"
#include "node_epochs.h"
#include "node_links.h"
#include "node_services.h"
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
	struct fog_notify notify;
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

static int main_parse(int argc, char **argv, struct main_options *o)
{
	const struct fog_daemon_option own[] = {
	        {.name = "config", .value = &o->config},
	        {.name = "run-dir", .value = &o->run_dir},
	        {.name = "state-dir", .value = &o->state_dir},
	        {.name = NULL},
	};
	const struct fog_daemon daemon = {
	        .name = "fog-controlplane", .usage = main_usage, .option = own};
	int r = fog_daemon_parse(&daemon, argc, argv);

	return r < 0 && o->config == NULL ? fog_daemon_usage(&daemon) : r;
}

struct main_reason {
	char text[400];
};

// The first reason is enough for one line; `fogctl ready` has them all.
static void main_reason(void *ctx, const char *code, const char *text)
{
	struct main_reason *r = ctx;

	if (r->text[0] == '\0')
		snprintf(r->text, sizeof(r->text), "%s: %s", code, text);
}

static void main_say(void *ctx, char text[FOG_NOTIFY_TEXT_LEN])
{
	struct main_state *m = ctx;
	struct main_reason reason = {""};

	if (fog_node_unready(m->node, main_reason, &reason) == 0)
		snprintf(text, FOG_NOTIFY_TEXT_LEN, "ready");
	else
		snprintf(text, FOG_NOTIFY_TEXT_LEN, "serving, not ready: %s", reason.text);
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
	struct fog_daemon_user user = fog_daemon_user(c->user[0] != '\0', c->uid, c->gid);
	if (c->rest.token_file[0] != '\0') {
		r = fog_token_load(&m->token, c->rest.token_file);
		if (r < 0)
			return r;
	}
	if (fog_config_rest_tls(&c->rest)) {
		r = fog_certificate_open(&m->node->certificate, c, user.uid, user.gid);
		if (r < 0)
			return r;
	}
	m->unix_fd = fog_listen_unix(c->rest.unix_path, user.uid, user.gid);
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
	r = fog_privileges_drop(user.change, user.uid, user.gid);
	return r < 0 ? r : fog_confine(c, o->config);
}

static int main_events(struct main_state *m)
{
	int r;

	m->signal_fd = fog_daemon_signals();
	if (m->signal_fd < 0)
		return m->signal_fd;
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll_fd < 0)
		return -errno;
	m->timer_fd = fog_daemon_timer(TICK_MS);
	if (m->timer_fd < 0)
		return m->timer_fd;
	m->sample_fd = fog_daemon_timer(FOG_TIMING_SAMPLE_MS);
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
	int signal;

	while ((signal = fog_daemon_signal(m->signal_fd)) != 0) {
		if (signal == SIGHUP) {
			fog_notify_reloading();
			if (m->node->certificate != NULL)
				fog_certificate_reload(m->node->certificate);
			fog_node_config_reload(m->node);
			fog_node_topology_poll(m->node, true);
			fog_notify_ready(&m->notify);
		} else {
			LOG_INFO("stopping on signal %d", signal);
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
	node_services_beat(m->node);
	fog_server_tick(m->server);
	fog_log_flush();
	fog_notify_tick(&m->notify);
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
	fog_wiped_json();
	fog_daemon_memlock();
	fog_notify_open(&m.notify, main_say, &m);
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
		fog_notify_ready(&m.notify);
		main_loop(&m);
		fog_notify_stopping("stopping; packets keep flowing");
	} else {
		LOG_ERR("it does not start: %s: mend what the lines above say, or free memory and "
		        "descriptors",
		        strerror(-r));
	}
	main_stop(&m);
	return r == 0 ? 0 : 1;
}
