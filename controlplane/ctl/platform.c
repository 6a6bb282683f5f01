// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "platform.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../config/config.h"
#include "../config/report.h"
#include "../store/db.h"
#include "client.h"

#define ETC_DIR "/etc/fogline"

enum { PLATFORM_PATH_LEN = 512 };

static int platform_only_file(char path[PLATFORM_PATH_LEN])
{
	glob_t found = {0};
	int r = glob(ETC_DIR "/*.yaml", 0, NULL, &found);
	bool one = r == 0 && found.gl_pathc == 1;

	if (one)
		snprintf(path, PLATFORM_PATH_LEN, "%s", found.gl_pathv[0]);
	else
		fprintf(stderr, "fogctl: %s: name one with --instance, --config or --store\n",
		        r == 0 ? "several instances are configured in " ETC_DIR
		               : "no instance is configured in " ETC_DIR);
	globfree(&found);
	return one ? CTL_OK : CTL_USAGE;
}

static int platform_config(struct ctl_platform *p, const struct ctl_platform_where *w)
{
	struct fog_report report = {0};
	char path[PLATFORM_PATH_LEN];
	int r = CTL_OK;

	if (w->config != NULL)
		snprintf(path, sizeof(path), "%s", w->config);
	else if (w->instance != NULL)
		snprintf(path, sizeof(path), ETC_DIR "/%s.yaml", w->instance);
	else
		r = platform_only_file(path);
	if (r != CTL_OK || fog_config_load(path, &p->config, &report) == 0)
		return r;
	fputs(report.text, stderr);
	return CTL_REFUSED;
}

static bool platform_shared(const char *url)
{
	return strncmp(url, "postgresql:", 11) == 0 || strncmp(url, "postgres:", 9) == 0;
}

int ctl_platform_open(struct ctl_platform *p, const struct ctl_platform_where *w)
{
	char path[PLATFORM_PATH_LEN], error[512] = "";
	struct fog_db_params params = {.url = w->store, .error = error, .error_len = sizeof(error)};
	int r = CTL_OK;

	*p = (struct ctl_platform){0};
	if (w->store == NULL || w->config != NULL || w->instance != NULL)
		r = platform_config(p, w);
	if (r != CTL_OK)
		return r;
	if (params.url == NULL && p->config->store.url[0] != '\0') {
		params.url = p->config->store.url;
		params.password_file = p->config->store.password_file[0] != '\0'
		        ? p->config->store.password_file
		        : NULL;
	} else if (params.url == NULL) {
		snprintf(path, sizeof(path), "%s/control/platform.db", p->config->state_dir);
		params.url = path;
	}
	if (!platform_shared(params.url) && access(params.url, R_OK | W_OK) < 0)
		fprintf(stderr,
		        "fogctl: %s: %s: name the store of a control plane that has run, and run this with sudo\n",
		        params.url, strerror(errno));
	else if (fog_db_open(&p->db, &params) < 0)
		fprintf(stderr, "fogctl: %s\n", error);
	if (p->db == NULL)
		ctl_platform_close(p);
	return p->db != NULL ? CTL_OK : CTL_REFUSED;
}

void ctl_platform_close(struct ctl_platform *p)
{
	fog_db_close(p->db);
	fog_config_free(p->config);
	*p = (struct ctl_platform){0};
}
