// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl profile: appliances by name.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "session.h"
#include "table.h"

static const char profile_usage[] =
        "usage: fogctl profile list [-j]\n"
        "       fogctl profile add NAME --url URL|--socket PATH [--ca FILE] [--fingerprint HEX] [--token-file FILE]\n"
        "       fogctl profile remove NAME\n"
        "       fogctl profile use NAME|none\n"
        "\n"
        "Appliances by name, in ~/.config/fogline/fogctl.yaml. add also replaces. What is asked without --profile,\n"
        "--instance, --socket or --url goes to the one in use; none: to the instance of this host again.\n";

static int profile_list(const struct ctl_profiles *all, bool json)
{
	static const char *const keys[] = {"name",       "address", "ca", "fingerprint",
	                                   "token_file", "in_use",  NULL};
	json_t *list = json_array();

	for (unsigned i = 0; i < all->count; i++) {
		const struct ctl_profile *p = &all->profile[i];
		bool used = strcmp(p->name, all->current) == 0;
		json_array_append_new(
		        list,
		        json_pack(
		                "{s:s s:s s:s? s:s? s:s? s:o}", "name", p->name, "address",
		                p->url[0] != '\0' ? p->url : p->socket, "ca",
		                p->ca[0] != '\0' ? p->ca : NULL, "fingerprint",
		                p->fingerprint[0] != '\0' ? p->fingerprint : NULL, "token_file",
		                p->token_file[0] != '\0' ? p->token_file : NULL, "in_use",
		                json ? json_boolean(used) : json_string(used ? "yes" : "no")
		        )
		);
	}
	if (json && json_dumpf(list, stdout, JSON_INDENT(2)) == 0)
		puts("");
	else if (json_array_size(list) == 0)
		puts("no profiles: make one with 'fogctl profile add'");
	else
		ctl_table_print(
		        ctl_table_list("name|address|ca|fingerprint|token file|in use", list, keys),
		        stdout
		);
	json_decref(list);
	return CTL_OK;
}

// Relative paths would mean another file in another folder.
static int profile_path(const char *given, char *out, size_t len, const char *option)
{
	char *full = given != NULL ? realpath(given, NULL) : NULL;
	int r = CTL_OK;

	out[0] = '\0';
	if (given != NULL && (full == NULL || strlen(full) >= len)) {
		fprintf(stderr,
		        "fogctl: %s %s: there is no such file, or its path is too long: name another one\n",
		        option, given);
		r = CTL_USAGE;
	} else if (full != NULL) {
		snprintf(out, len, "%s", full);
	}
	free(full);
	return r;
}

static bool profile_name_good(const char *name)
{
	static const char allowed[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return name[0] != '\0' && strchr("._-", name[0]) == NULL && strlen(name) < CTL_NAME_LEN &&
	        name[strspn(name, allowed)] == '\0' && strcmp(name, "none") != 0;
}

static int profile_fill(struct ctl_profile *p, const struct ctl_client *c, const char *name)
{
	char why[256];

	memset(p, 0, sizeof(*p));
	if (!profile_name_good(name)) {
		fprintf(stderr,
		        "fogctl: a profile's name has 1 to %d letters, digits, '.', '_', '-', and is not 'none': "
		        "choose another one\n",
		        CTL_NAME_LEN - 1);
		return CTL_USAGE;
	}
	snprintf(p->name, sizeof(p->name), "%s", name);
	if ((c->url != NULL && strlen(c->url) >= sizeof(p->url)) ||
	    (c->fingerprint != NULL && strlen(c->fingerprint) >= sizeof(p->fingerprint))) {
		fprintf(stderr, "fogctl: URL or fingerprint is too long: shorten it\n");
		return CTL_USAGE;
	}
	snprintf(p->url, sizeof(p->url), "%s", c->url != NULL ? c->url : "");
	snprintf(
	        p->fingerprint, sizeof(p->fingerprint), "%s",
	        c->fingerprint != NULL ? c->fingerprint : ""
	);
	// It makes no difference to a path, and two in a row to the server do.
	for (size_t len = strlen(p->url); len > 0 && p->url[len - 1] == '/'; len--)
		p->url[len - 1] = '\0';
	if (profile_path(c->socket_given, p->socket, sizeof(p->socket), "--socket") != CTL_OK ||
	    profile_path(c->ca, p->ca, sizeof(p->ca), "--ca") != CTL_OK ||
	    profile_path(c->token_file, p->token_file, sizeof(p->token_file), "--token-file") !=
	            CTL_OK)
		return CTL_USAGE;
	if (ctl_profile_check(p, why, sizeof(why)) < 0) {
		fprintf(stderr, "fogctl: %s\n", why);
		return CTL_USAGE;
	}
	return CTL_OK;
}

static int profile_add(struct ctl_profiles *all, const struct ctl_client *c, const char *name)
{
	struct ctl_profile fresh;
	unsigned at = 0;
	int r = profile_fill(&fresh, c, name);

	if (r != CTL_OK)
		return r;
	while (at < all->count && strcmp(all->profile[at].name, name) != 0)
		at++;
	if (at == CTL_PROFILES_MAX) {
		fprintf(stderr, "fogctl: there are %d profiles: remove one\n", CTL_PROFILES_MAX);
		return CTL_REFUSED;
	}
	// Tokens are for the appliance that gave them.
	if (at < all->count && strcmp(all->profile[at].url, fresh.url) != 0)
		ctl_session_forget(name);
	all->profile[at] = fresh;
	all->count += at == all->count;
	return ctl_profiles_save(all);
}

static int profile_remove(struct ctl_profiles *all, const char *name)
{
	struct ctl_profile *p = ctl_profiles_find(all, name);

	if (p == NULL)
		return CTL_REFUSED;
	if (strcmp(all->current, name) == 0)
		all->current[0] = '\0';
	ctl_session_forget(name);
	*p = all->profile[--all->count];
	return ctl_profiles_save(all);
}

static int profile_use(struct ctl_profiles *all, const char *name)
{
	bool none = strcmp(name, "none") == 0;

	if (!none && ctl_profiles_find(all, name) == NULL)
		return CTL_REFUSED;
	snprintf(all->current, sizeof(all->current), "%s", none ? "" : name);
	return ctl_profiles_save(all);
}

static int profile_run(int argc, char **argv, const struct ctl_client *c, struct ctl_profiles *all)
{
	const char *word = argc > 1 ? argv[1] : "";
	bool options = c->url != NULL || c->socket_given != NULL || c->ca != NULL ||
	        c->fingerprint != NULL || c->token_file != NULL;
	int r = c->instance == NULL && c->profile_name == NULL ? ctl_profiles_load(all) : -1;

	if (r != CTL_OK && r >= 0)
		return r;
	if (r == CTL_OK && argc == 2 && strcmp(word, "list") == 0 && !options)
		return profile_list(all, c->json);
	if (r == CTL_OK && argc == 3 && strcmp(word, "add") == 0)
		return profile_add(all, c, argv[2]);
	if (r == CTL_OK && argc == 3 && strcmp(word, "remove") == 0 && !options)
		return profile_remove(all, argv[2]);
	if (r == CTL_OK && argc == 3 && strcmp(word, "use") == 0 && !options)
		return profile_use(all, argv[2]);
	fputs(profile_usage, stderr);
	return CTL_USAGE;
}

int ctl_profile(int argc, char **argv)
{
	struct ctl_profiles *all = calloc(1, sizeof(*all));
	struct ctl_client c;
	int r = ctl_client_options(&c, &argc, argv, NULL, profile_usage);

	if (r == CTL_OK)
		r = all != NULL ? profile_run(argc, argv, &c, all) : CTL_REFUSED;
	free(all);
	return r < 0 ? CTL_OK : r;
}
