// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-authority: options, identity, listener, then without rights in a loop.
#include <arpa/inet.h>
#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../auth/confine.h"
#include "../auth/privileges.h"
#include "../daemon.h"
#include "../http/listen.h"
#include "../notify.h"
#include "refuse.h"
#include "service.h"

enum { TICK_MS = 100, REFUSE_TICKS = 1000 / TICK_MS, PATH_LEN = 512 };

struct main_options {
	const char *network, *state_dir, *listen, *user, *refuse;
	bool show;
};

struct main_state {
	struct fog_identity *identity;
	struct fog_topology *network;
	struct service *service;
	struct refuse refuse; // path NULL: nobody is refused
	struct fog_notify notify;
	char dir[PATH_LEN]; // what the user may write to
	int listen_fd, signal_fd;
	unsigned self;
};

static const char main_usage[] =
        "usage: fog-authority --network FILE --state-dir DIR --listen ADDRESS:PORT\n"
        "                     [--user USER] [--refuse FILE] [--log-format FORMAT]\n"
        "       fog-authority --state-dir DIR --show [--listen ADDRESS:PORT]\n"
        "\n"
        "  --network FILE   network file, equal for all authorities, nodes and clients\n"
        "  --state-dir DIR  folder of the identity, of consensuses and of what was signed\n"
        "  --listen ADDRESS:PORT  where others reach us; an IPv6 address in brackets\n"
        "  --user USER      user to become after the start, by name\n"
        "  --refuse FILE    IDs of nodes that are not taken, one a line; read again when it changes\n"
        "  --show           print our line for the network file; makes the identity if there is none\n"
        "  --log-format FORMAT  text, journal (systemd's prefixes) or json; auto when left out\n"
        "  --version        print the version\n"
        "  --help           print this help\n";

static int main_parse(int argc, char **argv, struct main_options *o)
{
	const struct fog_daemon_option own[] = {
	        {.name = "network", .value = &o->network},
	        {.name = "state-dir", .value = &o->state_dir},
	        {.name = "listen", .value = &o->listen},
	        {.name = "user", .value = &o->user},
	        {.name = "refuse", .value = &o->refuse},
	        {.name = "show", .flag = &o->show},
	        {.name = NULL},
	};
	const struct fog_daemon daemon = {
	        .name = "fog-authority", .usage = main_usage, .option = own};
	int r = fog_daemon_parse(&daemon, argc, argv);

	if (r < 0 &&
	    (o->state_dir == NULL || (!o->show && (o->network == NULL || o->listen == NULL))))
		return fog_daemon_usage(&daemon);
	return r;
}

// Our line of the network file.
static void main_show(const struct fog_identity *id, const struct main_options *o)
{
	char identity[65], vrf[65], tls[65], host[INET6_ADDRSTRLEN + 2] = "ADDRESS";
	const char *slash = strrchr(o->state_dir, '/'), *port = "9003";
	const char *base = slash != NULL ? slash + 1 : o->state_dir;

	if (o->listen != NULL && (port = strrchr(o->listen, ':')) != NULL) {
		size_t skip = o->listen[0] == '[';
		snprintf(
		        host, sizeof(host), "%.*s", (int)(port - o->listen - 2 * (long)skip),
		        o->listen + skip
		);
		port++;
	}
	sodium_bin2hex(identity, sizeof(identity), id->public_key, 32);
	sodium_bin2hex(vrf, sizeof(vrf), id->vrf_public, 32);
	sodium_bin2hex(tls, sizeof(tls), id->tls_public, 32);
	printf("    - {name: %.31s, identity: %s, vrf_key: %s, tls_key: %s, address: '%s', port: "
	       "%s}\n",
	       base[0] != '\0' ? base : "authority", identity, vrf, tls, host,
	       port != NULL ? port : "9003");
}

static int main_identity(struct main_state *m, const struct main_options *o)
{
	char text[512] = "";
	int r = fog_identity_open(o->state_dir, &m->identity, text, sizeof(text));

	if (r < 0)
		LOG_ERR("identity: %s", text);
	return r;
}

static int main_network(struct main_state *m, const struct main_options *o)
{
	struct fog_report *report = calloc(1, sizeof(*report));
	int r = report != NULL ? fog_topology_load(o->network, &m->network, report) : -ENOMEM;

	if (r < 0) {
		LOG_ERR("network file %s: %s: mend what follows", o->network, strerror(-r));
		if (report != NULL && report->len > 0)
			LOG_LINES(FOG_LOG_ERROR, report->text);
	}
	free(report);
	if (r < 0)
		return r;
	for (m->self = 0; m->self < m->network->authority_count; m->self++)
		if (memcmp(m->network->authority[m->self].identity, m->identity->public_key, 32) ==
		    0)
			break;
	if (m->self == m->network->authority_count) {
		LOG_ERR("network file %s does not name us: put the line that --show prints into "
		        "its directory.authorities, everywhere",
		        o->network);
		return -ENOENT;
	}
	const struct fog_authority *us = &m->network->authority[m->self];
	if (memcmp(us->vrf_key, m->identity->vrf_public, 32) != 0 ||
	    memcmp(us->tls_key, m->identity->tls_public, 32) != 0) {
		LOG_ERR("network file %s has other keys for '%s' than we have: put the line that "
		        "--show prints into it, everywhere",
		        o->network, us->name);
		return -EKEYREJECTED;
	}
	return 0;
}

// The folder that is the user's, within the one that is root's.
static int main_folder(
        struct main_state *m, const struct main_options *o, const struct passwd *user
)
{
	int n = snprintf(m->dir, sizeof(m->dir), "%s/authority", o->state_dir);
	int r = n < (int)sizeof(m->dir) ? 0 : -ENAMETOOLONG;

	if (r == 0 && mkdir(m->dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0 && user != NULL && lchown(m->dir, user->pw_uid, user->pw_gid) < 0)
		r = -errno;
	if (r < 0)
		LOG_ERR("%s: %s: make the folder above it writable, or start as root", m->dir,
		        strerror(-r));
	return r;
}

// Files: what is read again, and the folder of state. TCP to the other authorities.
static int main_confine(const struct main_state *m, const struct main_options *o)
{
	char refuse[FOG_CONFIG_PATH_LEN];
	const struct fog_landlock_path paths[] = {
	        {m->dir, FOG_LANDLOCK_WRITE},        {refuse, FOG_LANDLOCK_READ},
	        {"/etc", FOG_LANDLOCK_READ}, // time zone, GnuTLS's settings
	        {"/dev/urandom", FOG_LANDLOCK_READ}, {NULL, FOG_LANDLOCK_CONNECT},
	};

	fog_confine_folder(refuse, o->refuse != NULL ? o->refuse : "/dev/null/none");
	return fog_confine_to(paths, sizeof(paths) / sizeof(paths[0]), &fog_sandbox_authority);
}

// What only root may do, then root is gone.
static int main_privileged(struct main_state *m, const struct main_options *o)
{
	const struct passwd *user = NULL;
	int r;

	if (o->user != NULL && geteuid() == 0 && (user = getpwnam(o->user)) == NULL) {
		LOG_ERR("there is no user '%s': make it, or name another by --user", o->user);
		return -ENOENT;
	}
	if ((r = main_identity(m, o)) < 0 || (r = main_network(m, o)) < 0 ||
	    (r = main_folder(m, o, user)) < 0)
		return r;
	m->listen_fd = fog_listen_tcp(o->listen);
	if (m->listen_fd < 0)
		return m->listen_fd;
	struct fog_daemon_user become = fog_daemon_user(
	        user != NULL, user != NULL ? user->pw_uid : 0, user != NULL ? user->pw_gid : 0
	);
	r = fog_privileges_drop(become.change, become.uid, become.gid);
	return r < 0 ? r : main_confine(m, o);
}

static int main_begin(struct main_state *m, const struct main_options *o)
{
	const struct service_params params = {
	        .network = m->network,
	        .identity = m->identity,
	        .dir = m->dir,
	        .self = m->self,
	        .listen_fd = m->listen_fd,
	};

	m->signal_fd = fog_daemon_signals();
	int r = m->signal_fd < 0 ? m->signal_fd : service_create(&params, &m->service);
	if (r == 0 && o->refuse != NULL) {
		m->refuse.path = o->refuse;
		r = refuse_read(&m->refuse, m->service);
	}
	return r == 0 ? service_start(m->service) : r;
}

static void main_reload(struct main_state *m)
{
	fog_notify_reloading();
	if (m->refuse.path != NULL)
		refuse_read(&m->refuse, m->service);
	fog_notify_ready(&m->notify);
}

static void main_loop(struct main_state *m)
{
	struct pollfd wait = {.fd = m->signal_fd, .events = POLLIN};

	for (unsigned ticks = 0;; ticks++) {
		int signal;
		poll(&wait, 1, TICK_MS);
		while ((signal = fog_daemon_signal(m->signal_fd)) != 0) {
			if (signal != SIGHUP) {
				LOG_INFO("stopping on signal %d", signal);
				return;
			}
			main_reload(m);
		}
		service_tick(m->service);
		if (m->refuse.path != NULL && ticks % REFUSE_TICKS == 0)
			refuse_poll(&m->refuse, m->service);
		fog_notify_tick(&m->notify);
		fog_log_flush();
	}
}

static void main_say(void *ctx, char text[FOG_NOTIFY_TEXT_LEN])
{
	struct main_state *m = ctx;

	service_say(m->service, text, FOG_NOTIFY_TEXT_LEN);
}

static void main_stop(struct main_state *m)
{
	service_destroy(m->service);
	fog_topology_free(m->network);
	fog_identity_close(m->identity);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
}

int main(int argc, char **argv)
{
	struct main_options o = {0};
	struct main_state m = {.listen_fd = -1, .signal_fd = -1};
	int r = main_parse(argc, argv, &o);

	if (r >= 0)
		return r;
	fog_daemon_memlock();
	fog_notify_open(&m.notify, main_say, &m);
	if (sodium_init() < 0) {
		LOG_ERR("libsodium does not start: see whether the kernel has getrandom(2)");
		return 1;
	}
	if (o.show) {
		r = main_identity(&m, &o);
		if (r == 0)
			main_show(m.identity, &o);
		main_stop(&m);
		return r == 0 ? 0 : 1;
	}
	r = main_privileged(&m, &o);
	if (r == 0)
		r = main_begin(&m, &o);
	if (r == 0) {
		LOG_INFO(
		        "version " FOG_VERSION " serves %s as '%s' of '%s'", o.listen,
		        m.network->authority[m.self].name, m.network->name
		);
		fog_notify_ready(&m.notify);
		main_loop(&m);
		fog_notify_stopping("stopping; the others go on");
	} else {
		LOG_ERR("it does not start: %s: mend what the lines above say", strerror(-r));
	}
	main_stop(&m);
	return r == 0 ? 0 : 1;
}
