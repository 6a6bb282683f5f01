// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "daemon.h"

#include <errno.h>
#include <fog_version.h> // made from git describe during the build
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../log/log.h"

enum {
	OPTIONS_MAX = 16,
	// Values of getopt_long: places of the daemon's own options, then these.
	OPTION_LOG_FORMAT = OPTIONS_MAX,
	OPTION_VERSION,
	OPTION_HELP,
};

int fog_daemon_usage(const struct fog_daemon *d)
{
	fputs(d->usage, stderr);
	return 2;
}

// One option. Returns -1 to go on, else the exit code.
static int daemon_option(const struct fog_daemon *d, int which)
{
	const struct fog_daemon_option *o = d->option;
	int format;

	switch (which) {
	case OPTION_LOG_FORMAT:
		if ((format = fog_log_format_parse(optarg)) < 0)
			return fog_daemon_usage(d);
		fog_log_format_set((enum fog_log_format)format);
		return -1;
	case OPTION_VERSION:
		printf("%s " FOG_VERSION "\n", d->name);
		return 0;
	case OPTION_HELP:
		fputs(d->usage, stdout);
		return 0;
	default:
		if (which >= OPTIONS_MAX)
			return fog_daemon_usage(d);
	}
	if (o[which].value != NULL)
		*o[which].value = optarg;
	else
		*o[which].flag = true;
	return -1;
}

int fog_daemon_parse(const struct fog_daemon *d, int argc, char **argv)
{
	struct option known[OPTIONS_MAX + 4] = {0};
	int n = 0, c, r = -1;

	for (; n < OPTIONS_MAX && d->option[n].name != NULL; n++)
		known[n] = (struct option
		){.name = d->option[n].name,
		  .has_arg = d->option[n].value != NULL ? required_argument : no_argument,
		  .val = n};
	known[n] = (struct option){"log-format", required_argument, NULL, OPTION_LOG_FORMAT};
	known[n + 1] = (struct option){"version", no_argument, NULL, OPTION_VERSION};
	known[n + 2] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	while (r < 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		r = daemon_option(d, c);
	return r < 0 && optind != argc ? fog_daemon_usage(d) : r;
}

int fog_daemon_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int fog_daemon_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

int fog_daemon_timer(long ms)
{
	struct itimerspec every = {
	        .it_interval = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
	        .it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) == 0)
		return fd < 0 ? -errno : fd;
	int r = -errno;
	close(fd);
	return r;
}

void fog_daemon_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
}

struct fog_daemon_user fog_daemon_user(bool named, uid_t uid, gid_t gid)
{
	bool change = named && geteuid() == 0;

	return (struct fog_daemon_user
	){.change = change, .uid = change ? uid : geteuid(), .gid = change ? gid : getegid()};
}
