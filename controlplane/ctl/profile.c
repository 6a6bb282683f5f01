// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config/schema.h"
#include "client.h"
#include "trust.h"

// clang-format off
#define PROFILE_KEYS(X) \
	X(profile, "name", name, NAME, NULL, 1, CTL_NAME_LEN - 1, RUN, "what it is called here") \
	X(profile, "url", url, TEXT, "", 0, CTL_PATH_LEN - 1, RUN, "address of its REST API") \
	X(profile, "socket", socket, PATH, "", 0, 107, RUN, "its UNIX socket") \
	X(profile, "ca", ca, PATH, "", 0, CTL_PATH_LEN - 1, RUN, "who has signed its certificate") \
	X(profile, "fingerprint", fingerprint, TEXT, "", 0, CTL_PIN_LEN - 1, RUN, "of its key") \
	X(profile, "token_file", token_file, PATH, "", 0, CTL_PATH_LEN - 1, RUN, "file with a token")
#define PROFILES_KEYS(X) \
	X(profiles, "current", current, NAME, "", 0, CTL_NAME_LEN - 1, RUN, "the one that is meant")
// clang-format on

typedef struct ctl_profile OUT_profile;
typedef struct ctl_profiles OUT_profiles;

struct raw_profile {
	PROFILE_KEYS(CONFIG_RAW)
};

struct raw_profiles {
	PROFILES_KEYS(CONFIG_RAW)
	struct raw_profile *profiles;
	unsigned profiles_count;
};

static const cyaml_schema_field_t profile_fields[] = {PROFILE_KEYS(CONFIG_CYAML) CYAML_FIELD_END};
static const cyaml_schema_value_t profile_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_profile, profile_fields)};
static const cyaml_schema_field_t profiles_fields[] = {
        PROFILES_KEYS(CONFIG_CYAML) CYAML_FIELD_SEQUENCE(
                "profiles", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_profiles, profiles,
                &profile_entry, 0, CTL_PROFILES_MAX
        ),
        CYAML_FIELD_END};
static const cyaml_schema_value_t profiles_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_profiles, profiles_fields)};

static const struct config_key profile_keys[] = {PROFILE_KEYS(CONFIG_ROW)};
static const struct config_key profiles_keys[] = {PROFILES_KEYS(CONFIG_ROW)};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int ctl_profiles_path(const char *file, char path[CTL_PATH_LEN])
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const struct passwd *entry = home == NULL || home[0] != '/' ? getpwuid(geteuid()) : NULL;
	int n;

	if (folder != NULL && folder[0] == '/')
		n = snprintf(path, CTL_PATH_LEN, "%s/fogline/%s", folder, file);
	else
		n = snprintf(
		        path, CTL_PATH_LEN, "%s/.config/fogline/%s",
		        entry != NULL          ? entry->pw_dir
		                : home != NULL ? home
		                               : "",
		        file
		);
	return n < CTL_PATH_LEN ? 0 : -ENAMETOOLONG;
}

int ctl_profile_check(const struct ctl_profile *p, char *why, size_t len)
{
	bool secure = strncmp(p->url, "https://", 8) == 0;
	uint8_t key[32];
	const char *wrong = NULL;

	if ((p->url[0] != '\0') == (p->socket[0] != '\0'))
		wrong = "an appliance has a URL or a socket: name one of them";
	else if (p->url[0] != '\0' && !secure && strncmp(p->url, "http://", 7) != 0)
		wrong = "its URL is none: write https://HOST:PORT";
	else if ((p->ca[0] != '\0' || p->fingerprint[0] != '\0') && !secure)
		wrong = "only https:// has a certificate: write the URL so, or leave out --ca and --fingerprint";
	else if (p->fingerprint[0] != '\0' && ctl_trust_parse(p->fingerprint, key) < 0)
		wrong = CTL_TRUST_FORM;
	if (wrong != NULL)
		snprintf(why, len, "%s", wrong);
	return wrong != NULL ? -EINVAL : 0;
}

static void profiles_convert(
        struct config_source *s, const struct raw_profiles *raw, struct ctl_profiles *out
)
{
	char path[32], why[256];

	config_convert(s, "", profiles_keys, COUNT(profiles_keys), raw, out);
	for (unsigned i = 0; i < raw->profiles_count; i++) {
		struct ctl_profile *p = &out->profile[i];
		snprintf(path, sizeof(path), "profiles[%u]", i);
		config_convert(s, path, profile_keys, COUNT(profile_keys), &raw->profiles[i], p);
		if (ctl_profile_check(p, why, sizeof(why)) < 0)
			config_error(s, path, "%s", why);
		for (unsigned k = 0; k < i; k++)
			if (strcmp(out->profile[k].name, p->name) == 0)
				config_error(s, path, "'%s' stands twice: remove one", p->name);
	}
	out->count = raw->profiles_count;
}

int ctl_profiles_load(struct ctl_profiles *out)
{
	struct fog_report *report = calloc(1, sizeof(*report));
	char file[CTL_PATH_LEN], *text = NULL;
	struct config_source s = {.file = file, .report = report};
	void *raw = NULL;
	size_t len = 0;
	int r = report != NULL ? ctl_profiles_path("fogctl.yaml", file) : -ENOMEM;

	memset(out, 0, sizeof(*out));
	if (r == 0)
		r = config_read(file, FOG_CONFIG_TEXT_MAX, report, &text, &len);
	if (r == 0)
		r = config_yaml_load(&s, text, len, &profiles_schema, &raw);
	if (r == 0)
		profiles_convert(&s, raw, out);
	config_yaml_free(&profiles_schema, raw);
	config_lines_free(s.lines);
	free(text);
	bool refused = r != -ENOENT && (r < 0 || report->errors > 0);
	if (refused)
		fprintf(stderr, "%s",
		        report != NULL && report->len > 0
		                ? report->text
		                : "fogctl: there is no memory: free some\n");
	free(report);
	return refused ? CTL_USAGE : CTL_OK;
}

// ~/.config and what is in it may be missing; what is above must be there.
static int profiles_folder(char folder[CTL_PATH_LEN])
{
	int r = ctl_profiles_path("", folder);
	char *slash;

	if (r < 0)
		return r;
	folder[strlen(folder) - 1] = '\0';
	slash = strrchr(folder, '/');
	*slash = '\0';
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	*slash = '/';
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int ctl_profiles_write(const char *file, const char *text, size_t len)
{
	char path[CTL_PATH_LEN], fresh[CTL_PATH_LEN + 8];
	int fd, r = profiles_folder(path);

	if (r == 0)
		r = ctl_profiles_path(file, path);
	if (r < 0)
		return r;
	snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path);
	fd = mkostemp(fresh, O_CLOEXEC); // mode 0600
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, len);
	if (n != (ssize_t)len)
		r = n < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0 || rename(fresh, path) < 0)
		r = -errno;
	close(fd);
	if (r < 0)
		unlink(fresh);
	return r;
}

// A text of YAML in quotes, in which only they themselves mean anything.
static void profiles_put(FILE *f, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	fprintf(f, "    %s: '", key);
	for (; *value != '\0'; value++)
		fprintf(f, *value == '\'' ? "''" : "%c", *value);
	fputs("'\n", f);
}

int ctl_profiles_save(const struct ctl_profiles *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r = -ENOMEM;

	if (f != NULL) {
		fputs("# Written by 'fogctl profile'.\n", f);
		fprintf(f, "current: '%s'\n", p->current);
		fputs(p->count > 0 ? "profiles:\n" : "profiles: []\n", f);
		for (unsigned i = 0; i < p->count; i++) {
			fprintf(f, "  - name: '%s'\n", p->profile[i].name);
			profiles_put(f, "url", p->profile[i].url);
			profiles_put(f, "socket", p->profile[i].socket);
			profiles_put(f, "ca", p->profile[i].ca);
			profiles_put(f, "fingerprint", p->profile[i].fingerprint);
			profiles_put(f, "token_file", p->profile[i].token_file);
		}
		r = fclose(f) == 0 ? ctl_profiles_write("fogctl.yaml", text, len) : -ENOMEM;
	}
	free(text);
	if (r < 0)
		fprintf(stderr,
		        "fogctl: the profiles can't be written: %s: give yourself a folder ~/.config/fogline\n",
		        strerror(-r));
	return r < 0 ? CTL_REFUSED : CTL_OK;
}

struct ctl_profile *ctl_profiles_find(struct ctl_profiles *p, const char *name)
{
	for (unsigned i = 0; i < p->count; i++)
		if (strcmp(p->profile[i].name, name) == 0)
			return &p->profile[i];
	fprintf(stderr,
	        "fogctl: there is no profile '%s': 'fogctl profile list' has those that there are\n",
	        name);
	return NULL;
}
