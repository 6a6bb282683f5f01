// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config/config.h"
#include "../config/report.h"
#include "../store/db.h"
#include "client.h"

#define ETC_DIR "/etc/fogline"

enum { PLATFORM_PATH_LEN = 512 };

int ctl_config_path(const char *file, const char *instance, char *path, size_t len)
{
	glob_t files = {0};
	unsigned found = 0;

	path[0] = '\0';
	if (file != NULL && instance != NULL)
		return -EINVAL;
	if (file != NULL)
		snprintf(path, len, "%s", file);
	if (instance != NULL)
		snprintf(path, len, ETC_DIR "/%s.yaml", instance);
	if (path[0] != '\0')
		return 0;
	if (glob(ETC_DIR "/*.yaml", 0, NULL, &files) == 0)
		for (size_t i = 0; i < files.gl_pathc; i++)
			if (strcmp(files.gl_pathv[i], ETC_DIR "/topology.yaml") != 0 &&
			    found++ == 0)
				snprintf(path, len, "%s", files.gl_pathv[i]);
	globfree(&files);
	return found > 1 ? -E2BIG : 0;
}

static int platform_refuse(const char *text)
{
	fprintf(stderr, "fogctl: %s\n", text);
	return CTL_REFUSED;
}

static int platform_config(struct ctl_platform *p, const struct ctl_platform_where *w)
{
	static struct fog_report report;
	char path[PLATFORM_PATH_LEN];
	int r = ctl_config_path(w->config, w->instance, path, sizeof(path));

	if (r == -EINVAL)
		return platform_refuse("give --config or --instance, not both");
	if (r < 0)
		return platform_refuse("several configs are in " ETC_DIR ": name one by --instance"
		);
	if (path[0] == '\0')
		return platform_refuse("no config is in " ETC_DIR ": name one by --config");
	if (fog_config_load(path, &p->config, &report) == 0)
		return CTL_OK;
	fputs(report.text, stderr);
	fprintf(stderr, "fogctl: mend %s first: fogctl config check %s\n", path, path);
	return CTL_REFUSED;
}

// The folder that the control plane makes at its first start, for who comes before it. Root only.
static int platform_make_folder(const struct fog_config *c)
{
	char path[FOG_CONFIG_PATH_LEN + 16];

	snprintf(path, sizeof(path), "%s/control", c->state_dir);
	if (access(path, F_OK) == 0)
		return 0;
	if ((mkdir(c->state_dir, 0711) < 0 && errno != EEXIST) || mkdir(path, 0700) < 0 ||
	    lchown(path, c->uid, c->gid) < 0)
		return -errno;
	return 0;
}

static int platform_become(const struct fog_config *c)
{
	char text[PLATFORM_PATH_LEN];

	if (geteuid() != 0 || c->user[0] == '\0')
		return CTL_OK;
	if (!c->user_found) {
		snprintf(
		        text, sizeof(text),
		        "there is no user '%s', whom the store belongs to: make it (adduser --system), or change 'user'",
		        c->user
		);
		return platform_refuse(text);
	}
	int r = platform_make_folder(c);
	if (r < 0) {
		snprintf(
		        text, sizeof(text), "%s: cannot be made: %s: make the folder above it",
		        c->state_dir, strerror(-r)
		);
		return platform_refuse(text);
	}
	if (setgroups(0, NULL) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
	    setresuid(c->uid, c->uid, c->uid) < 0) {
		snprintf(
		        text, sizeof(text), "cannot become user %s: %s: run this as that user",
		        c->user, strerror(errno)
		);
		return platform_refuse(text);
	}
	return CTL_OK;
}

// A control plane holds the lock of its state folder for as long as it runs.
static int platform_lock(struct ctl_platform *p)
{
	const char *dir = p->config->state_dir;

	p->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->lock < 0 && errno == ENOENT)
		return CTL_OK;
	p->locked = p->lock >= 0;
	if (p->locked && flock(p->lock, LOCK_EX | LOCK_NB) == 0)
		return CTL_OK;
	fprintf(stderr, "fogctl: %s: %s: %s\n", dir, strerror(errno),
	        errno == EWOULDBLOCK
	                ? "its control plane runs: stop it first"
	                : "whether a control plane runs can't be told: run this as root");
	return CTL_REFUSED;
}

static bool platform_shared(const char *url)
{
	return strncmp(url, "postgresql:", 11) == 0 || strncmp(url, "postgres:", 9) == 0;
}

static int platform_migrate(
        struct ctl_platform *p, const struct ctl_platform_where *w, char *error, size_t len
)
{
	return w->make && !w->as_it_is ? fog_db_migrate(p->db, &fog_schema_platform, 0, error, len)
	                               : 0;
}

int ctl_platform_open(struct ctl_platform *p, const struct ctl_platform_where *w)
{
	char path[PLATFORM_PATH_LEN], error[512] = "";
	struct fog_db_params params = {.url = w->store, .error = error, .error_len = sizeof(error)};
	int r = CTL_OK;

	*p = (struct ctl_platform){0};
	if (w->store == NULL || w->config != NULL || w->instance != NULL)
		r = platform_config(p, w);
	if (r == CTL_OK && w->alone)
		r = platform_lock(p);
	if (r == CTL_OK && w->make)
		r = platform_become(p->config);
	if (r != CTL_OK) {
		ctl_platform_close(p);
		return r;
	}
	if (params.url == NULL && p->config->store.url[0] != '\0') {
		params.url = p->config->store.url;
		params.password_file = p->config->store.password_file[0] != '\0'
		        ? p->config->store.password_file
		        : NULL;
	} else if (params.url == NULL) {
		snprintf(path, sizeof(path), "%s/control/platform.db", p->config->state_dir);
		params.url = path;
	}
	if (!w->make && !platform_shared(params.url) && access(params.url, R_OK | W_OK) < 0)
		fprintf(stderr,
		        "fogctl: %s: %s: name the store of a control plane that has run, and run this with sudo\n",
		        params.url, strerror(errno));
	else if (fog_db_open(&p->db, &params) < 0 || platform_migrate(p, w, error, sizeof(error)) < 0)
		platform_refuse(error);
	else
		return CTL_OK;
	ctl_platform_close(p);
	return CTL_REFUSED;
}

void ctl_platform_close(struct ctl_platform *p)
{
	fog_db_close(p->db);
	fog_config_free(p->config);
	if (p->locked)
		close(p->lock);
	*p = (struct ctl_platform){0};
}
