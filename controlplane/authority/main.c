// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-authority: options, identity, listener, then without rights in a loop.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fog_version.h> // made from git describe during the build
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../../sandbox/sandbox.h"
#include "../auth/privileges.h"
#include "../http/listen.h"
#include "service.h"

enum { TICK_MS = 100, PATH_LEN = 512, DENIED_MAX = 4096 };

struct main_options {
	const char *network, *state_dir, *listen, *user, *refuse;
	bool show;
};

struct main_state {
	struct fog_identity *identity;
	struct fog_topology *network;
	struct service *service;
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
        "  --refuse FILE    IDs of nodes that are not taken, one a line; read again on SIGHUP\n"
        "  --show           print our line for the network file; makes the identity if there is none\n"
        "  --log-format FORMAT  text, journal (systemd's prefixes) or json; auto when left out\n"
        "  --version        print the version\n"
        "  --help           print this help\n";

static int main_option(int c, struct main_options *o)
{
	int format;

	switch (c) {
	case 'n':
		o->network = optarg;
		break;
	case 's':
		o->state_dir = optarg;
		break;
	case 'L':
		o->listen = optarg;
		break;
	case 'u':
		o->user = optarg;
		break;
	case 'r':
		o->refuse = optarg;
		break;
	case 'S':
		o->show = true;
		break;
	case 'l':
		if ((format = fog_log_format_parse(optarg)) < 0)
			return 2;
		fog_log_format_set((enum fog_log_format)format);
		break;
	case 'v':
		puts("fog-authority " FOG_VERSION);
		return 0;
	case 'h':
		fputs(main_usage, stdout);
		return 0;
	default:
		return 2;
	}
	return -1;
}

// Returns -1 to go on, else the exit code.
static int main_parse(int argc, char **argv, struct main_options *o)
{
	static const struct option known[] = {
	        {"network", required_argument, NULL, 'n'},
	        {"state-dir", required_argument, NULL, 's'},
	        {"listen", required_argument, NULL, 'L'},
	        {"user", required_argument, NULL, 'u'},
	        {"refuse", required_argument, NULL, 'r'},
	        {"show", no_argument, NULL, 'S'},
	        {"log-format", required_argument, NULL, 'l'},
	        {"version", no_argument, NULL, 'v'},
	        {"help", no_argument, NULL, 'h'},
	        {NULL, 0, NULL, 0},
	};
	int c, r = -1;

	while (r < 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		r = main_option(c, o);
	if (r < 0 &&
	    (optind != argc || o->state_dir == NULL ||
	     (!o->show && (o->network == NULL || o->listen == NULL))))
		r = 2;
	if (r == 2)
		fputs(main_usage, stderr);
	return r;
}

// Our line of the network file.
static void main_show(const struct fog_identity *id, const struct main_options *o)
{
	char identity[65], vrf[65], tls[65], host[INET6_ADDRSTRLEN + 2] = "ADDRESS";
	const char *base = strrchr(o->state_dir, '/'), *port = "9003";

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
	       base != NULL && base[1] != '\0' ? base + 1 : "authority", identity, vrf, tls, host,
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

// IDs of nodes, one a line; '#' begins a comment. Returns 0 or -errno, logged.
static int main_refuse(struct main_state *m, const char *path)
{
	uint8_t(*ids)[FOG_ID_LEN] = calloc(DENIED_MAX, sizeof(*ids));
	FILE *file = ids != NULL ? fopen(path, "re") : NULL;
	unsigned count = 0, line = 0;
	char text[256];
	int r = ids == NULL ? -ENOMEM : file == NULL ? -errno : 0;

	while (r == 0 && fgets(text, sizeof(text), file) != NULL) {
		size_t len = 0;
		line++;
		text[strcspn(text, "# \t\r\n")] = '\0';
		if (text[0] == '\0')
			continue;
		if (count == DENIED_MAX)
			r = -E2BIG;
		else if (sodium_hex2bin(ids[count++], FOG_ID_LEN, text, strlen(text), NULL, &len, NULL) != 0 || len != FOG_ID_LEN || strlen(text) != 2 * FOG_ID_LEN)
			r = -EINVAL;
	}
	if (file != NULL)
		fclose(file);
	if (r == 0)
		r = service_deny(m->service, (const uint8_t(*)[FOG_ID_LEN])ids, count);
	if (r < 0)
		LOG_ERR("%s line %u: %s: write one node ID of 64 hexadecimal digits on a line, at most "
		        "%d; the list before it stays in force",
		        path, line, strerror(-r), DENIED_MAX);
	else
		LOG_INFO("%u nodes are refused by %s", count, path);
	free(ids);
	return r;
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
	const struct fog_landlock_path paths[] = {
	        {m->dir, FOG_LANDLOCK_WRITE},
	        {o->refuse != NULL ? o->refuse : "/dev/null", FOG_LANDLOCK_READ},
	        {"/etc", FOG_LANDLOCK_READ}, // time zone, GnuTLS's settings
	        {"/dev/urandom", FOG_LANDLOCK_READ},
	        {NULL, FOG_LANDLOCK_CONNECT},
	};
	int fd, abi;

	if (!FOG_SANDBOX_ON) {
		LOG_WARN("no sandbox in a build with sanitizers: not for a real network");
		return 0;
	}
	abi = fog_landlock_make(paths, sizeof(paths) / sizeof(paths[0]), &fd);
	int r = abi > 0 ? fog_landlock_enter(fd) : abi;
	if (fd >= 0)
		close(fd);
	if (r < 0)
		LOG_ERR("cannot enter the sandbox: %s: run under no filter that forbids landlock(7)",
		        strerror(-r));
	else if (abi > 0)
		LOG_INFO("sandbox: landlock ABI %d", abi);
	else
		LOG_WARN("no sandbox: the kernel has no landlock; run one with "
		         "CONFIG_SECURITY_LANDLOCK and landlock in lsm=");
	return r;
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
	uid_t uid = user != NULL ? user->pw_uid : geteuid();
	gid_t gid = user != NULL ? user->pw_gid : getegid();
	r = fog_privileges_drop(user != NULL, uid, gid);
	return r < 0 ? r : main_confine(m, o);
}

static int main_begin(struct main_state *m, const struct main_options *o)
{
	sigset_t signals;
	const struct service_params params = {
	        .network = m->network,
	        .identity = m->identity,
	        .dir = m->dir,
	        .self = m->self,
	        .listen_fd = m->listen_fd,
	};

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	m->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	int r = m->signal_fd < 0 ? -errno : service_create(&params, &m->service);
	if (r == 0 && o->refuse != NULL)
		r = main_refuse(m, o->refuse);
	return r == 0 ? service_start(m->service) : r;
}

static void main_loop(struct main_state *m, const struct main_options *o)
{
	struct pollfd wait = {.fd = m->signal_fd, .events = POLLIN};
	struct signalfd_siginfo info;

	for (;;) {
		poll(&wait, 1, TICK_MS);
		while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo != SIGHUP) {
				LOG_INFO("stopping on signal %u", info.ssi_signo);
				return;
			}
			if (o->refuse != NULL)
				main_refuse(m, o->refuse);
		}
		service_tick(m->service);
		fog_log_flush();
	}
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
		main_loop(&m, &o);
	} else {
		LOG_ERR("it does not start: %s: mend what the lines above say", strerror(-r));
	}
	main_stop(&m);
	return r == 0 ? 0 : 1;
}
