// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl user add, list, passwd, unlock, disable, enable on the store itself, so it also works when nobody can log in: this
// is how the first admin comes about. A control plane that runs meanwhile follows within a second.
#include "user.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../accounts/accounts.h"
#include "../config/config.h"
#include "client.h"
#include "platform.h"
#include "profile.h"
#include "secret.h"
#include "table.h"
#include "trail.h"
#include "verb.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { ROLES_LEN = 64, PAGE = 100, TIME_LEN = 32, OBJECT_LEN = 64 };

struct user_command {
	const char *verb, *name, *config, *instance, *role, *tier;
	bool json;
	struct ctl_platform platform;
	struct fog_accounts *accounts;
	struct ctl_trail trail;
};

static int user_refuse(const struct fog_denial *refusal)
{
	fprintf(stderr, "fogctl: %s\n", refusal->text);
	return CTL_REFUSED;
}

static int user_usage(void)
{
	char *text = ctl_verbs_usage(&ctl_group_user);

	fputs("fogctl: on this host's store there is no such command: name a control plane with --socket, --url or --profile, "
	      "or mend the words\n",
	      stderr);
	fputs(text != NULL ? text : "", stderr);
	free(text);
	return CTL_USAGE;
}

// Bits of a list of names. Returns 0 when one is none, which is said.
static uint32_t user_roles(const char *list)
{
	char copy[ROLES_LEN], *rest = copy, *name;
	uint32_t roles = 0;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((name = strsep(&rest, ",")) != NULL) {
		int role = fog_account_role_parse(name);

		if (role < 0) {
			fprintf(stderr,
			        "fogctl: there is no role '%s': user, auditor, operator, admin\n",
			        name);
			return 0;
		}
		roles |= (uint32_t)role;
	}
	return roles;
}

// Nothing is changed when the audit does not take it.
static int user_begin(struct user_command *c, const char *action, int64_t id, json_t *details)
{
	char object[OBJECT_LEN] = "/v1/users", *text = json_dumps(details, JSON_COMPACT);
	size_t len = strlen(object);

	if (id != 0)
		snprintf(object + len, sizeof(object) - len, "/%lld", (long long)id);
	int r = ctl_trail_prepare(&c->trail, &c->platform);
	if (r == CTL_OK)
		r = ctl_trail_begin(&c->trail, c->platform.db, action, object, text);
	free(text);
	json_decref(details);
	return r;
}

static int user_end(struct user_command *c, int r, const struct fog_denial *refusal)
{
	json_t *details = r < 0 ? json_pack("{s:s}", "code", refusal->code) : NULL;
	char *text = details != NULL ? json_dumps(details, JSON_COMPACT) : NULL;
	int code = r < 0 ? user_refuse(refusal) : CTL_OK;

	code = ctl_trail_end(&c->trail, c->platform.db, code, NULL, text);
	free(text);
	json_decref(details);
	return code;
}

static int user_made(struct user_command *c, const struct fog_user *user)
{
	char object[OBJECT_LEN];

	snprintf(object, sizeof(object), "/v1/users/%lld", (long long)user->id);
	printf("%s: account %lld\n", user->name, (long long)user->id);
	return ctl_trail_end(&c->trail, c->platform.db, CTL_OK, object, NULL);
}

static int user_add(struct user_command *c)
{
	uint32_t roles = user_roles(c->role != NULL ? c->role : "user");
	int tier = fog_tier_parse(c->tier != NULL ? c->tier : "free");
	struct fog_denial refusal;
	struct fog_user user;

	if (tier < 0)
		fprintf(stderr, "fogctl: there is no tier '%s': free, pro, enterprise\n", c->tier);
	if (roles == 0 || tier < 0)
		return CTL_USAGE;
	char *password = ctl_secret_new("password");
	if (password == NULL)
		return CTL_REFUSED;
	const struct fog_user_new fresh = {
	        .name = c->name, .password = password, .roles = roles, .tier = (enum fog_tier)tier};
	int r = user_begin(
	        c, "user.create", 0,
	        json_pack(
	                "{s:s s:s s:s}", "name", c->name, "roles",
	                c->role != NULL ? c->role : "user", "tier", fog_tier_name(fresh.tier)
	        )
	);
	if (r != CTL_OK) {
		sodium_free(password);
		return r;
	}
	r = fog_user_add(c->accounts, &fresh, &user, &refusal);
	sodium_free(password);
	return r < 0 ? user_end(c, r, &refusal) : user_made(c, &user);
}

static json_t *user_time(int64_t us)
{
	time_t s = us / 1000000;
	char text[TIME_LEN];
	struct tm tm;

	if (us == 0 || gmtime_r(&s, &tm) == NULL)
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *user_json(const struct fog_user *u)
{
	char roles[ROLES_LEN] = "";

	for (uint32_t role = 1; role <= FOG_ROLE_ADMIN; role <<= 1) {
		if ((u->roles & role) == 0)
			continue;
		size_t used = strlen(roles);
		snprintf(
		        roles + used, sizeof(roles) - used, "%s%s", used > 0 ? "," : "",
		        fog_account_role_name(role)
		);
	}
	const char *state = u->disabled ? "disabled" : u->password ? "active" : "no password";
	return json_pack(
	        "{s:I s:s s:s s:s s:s s:b s:o s:o}", "id", (json_int_t)u->id, "name", u->name,
	        "roles", roles, "tier", fog_tier_name(u->tier), "state", state, "totp", u->totp,
	        "created_at", user_time(u->created_us), "login_at", user_time(u->login_us)
	);
}

static int user_list(struct user_command *c)
{
	static const char *const keys[] = {"id",    "name", "roles",    "tier",
	                                   "state", "totp", "login_at", NULL};
	static struct fog_user page[PAGE];
	struct fog_user_query query = {.limit = PAGE, .disabled = -1};
	struct fog_denial refusal;
	json_t *list = json_array();
	int n;

	while ((n = fog_user_list(c->accounts, &query, page, &refusal)) > 0) {
		for (int i = 0; i < n; i++)
			json_array_append_new(list, user_json(&page[i]));
		query.after = page[n - 1].id;
	}
	if (n == 0 && c->json) {
		json_t *all = json_pack("{s:O}", "users", list);
		json_dumpf(all, stdout, JSON_COMPACT);
		puts("");
		json_decref(all);
	} else if (n == 0) {
		ctl_table_print(
		        ctl_table_list("id|name|roles|tier|state|totp|last login", list, keys),
		        stdout
		);
	}
	json_decref(list);
	return n < 0 ? user_refuse(&refusal) : CTL_OK;
}

static int user_passwd(struct user_command *c, const struct fog_user *u, struct fog_denial *refusal)
{
	char *password = ctl_secret_new("password");

	if (password == NULL)
		return CTL_REFUSED;
	int r = user_begin(c, "password.set", u->id, json_pack("{s:s}", "name", u->name));
	if (r == CTL_OK)
		r = user_end(c, fog_password_set(c->accounts, u->id, password, refusal), refusal);
	sodium_free(password);
	return r;
}

static int user_unlock(struct user_command *c, const struct fog_user *u, struct fog_denial *refusal)
{
	int r = user_begin(c, "user.unlock", u->id, json_pack("{s:s}", "name", u->name));

	return r == CTL_OK ? user_end(c, fog_user_unlock(c->accounts, u->id, refusal), refusal) : r;
}

static int user_able(
        struct user_command *c, const struct fog_user *u, bool disabled, struct fog_denial *refusal
)
{
	const struct fog_user_change change = {.disabled = &disabled};
	struct fog_user after;
	int r = user_begin(
	        c, "user.update", u->id,
	        json_pack("{s:s s:b}", "name", u->name, "disabled", disabled)
	);

	return r == CTL_OK
	        ? user_end(
	                  c, fog_user_change(c->accounts, u->id, &change, &after, refusal), refusal
	          )
	        : r;
}

static int user_one(struct user_command *c)
{
	struct fog_denial refusal;
	struct fog_user u;

	if (fog_user_find(c->accounts, c->name, &u, &refusal) < 0) {
		fprintf(stderr, "fogctl: %s: there is no such account: see 'fogctl user list'\n",
		        c->name);
		return CTL_REFUSED;
	}
	if (strcmp(c->verb, "passwd") == 0)
		return user_passwd(c, &u, &refusal);
	if (strcmp(c->verb, "unlock") == 0)
		return user_unlock(c, &u, &refusal);
	return user_able(c, &u, strcmp(c->verb, "disable") == 0, &refusal);
}

// Returns CTL_OK or CTL_USAGE.
static int user_parse(struct user_command *c, int argc, char **argv)
{
	const struct {
		const char *name, **value;
	} options[] = {
	        {"--role", &c->role},
	        {"--tier", &c->tier},
	        {"--config", &c->config},
	        {"--instance", &c->instance}};

	const char **words[] = {&c->verb, &c->name};
	size_t word = 0;

	for (int i = 1; i < argc; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			if (strcmp(argv[i], options[k].name) == 0 && i + 1 < argc)
				value = options[k].value;
		if (value != NULL)
			*value = argv[++i];
		else if (strcmp(argv[i], "-j") == 0)
			c->json = true;
		else if (argv[i][0] == '-' || word == 2)
			return CTL_USAGE;
		else
			*words[word++] = argv[i];
	}
	return word > 0 ? CTL_OK : CTL_USAGE;
}

static const char *const user_offline[] = {"add", "list", "passwd", "unlock", "disable", "enable"};

static bool user_has(int argc, char **argv, const char *option)
{
	size_t len = strlen(option);

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], option, len) == 0 &&
		    (argv[i][len] == '\0' || argv[i][len] == '='))
			return true;
	return false;
}

// Whether a control plane is asked, and not this host's store: what the usage says about it.
static bool user_remote(int argc, char **argv)
{
	static struct ctl_profiles profiles;
	size_t i = 0;

	if (user_has(argc, argv, "--help") || user_has(argc, argv, "--url") ||
	    user_has(argc, argv, "--socket") || user_has(argc, argv, "--profile"))
		return true;
	while (i < COUNT(user_offline) && (argc < 2 || strcmp(argv[1], user_offline[i]) != 0))
		i++;
	if (i == COUNT(user_offline))
		return argc > 1;
	if (user_has(argc, argv, "--config") || user_has(argc, argv, "--instance"))
		return false;
	return ctl_profiles_load(&profiles) == CTL_OK && profiles.current[0] != '\0';
}

static int user_ask(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "passwd") != 0 || user_has(argc, argv, "--help"))
		return ctl_verbs_run(&ctl_group_user, argc, argv);
	fputs("fogctl: 'user passwd' is for the host itself, with --config or --instance: let the owner set one, with a token "
	      "by 'fogctl user reset'\n",
	      stderr);
	return CTL_USAGE;
}

// Whether the words and options belong together.
static bool user_makes_sense(const struct user_command *c)
{
	static const char *const verbs[] = {"passwd", "unlock", "disable", "enable"};
	bool adds = strcmp(c->verb, "add") == 0, lists = strcmp(c->verb, "list") == 0;

	if ((c->role != NULL || c->tier != NULL) && !adds)
		return false;
	if (c->json && !lists)
		return false;
	if (adds || lists)
		return adds == (c->name != NULL);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(c->verb, verbs[i]) == 0)
			return c->name != NULL;
	return false;
}

static int user_open(struct user_command *c)
{
	const struct ctl_platform_where where = {
	        .config = c->config, .instance = c->instance, .make = true};
	char error[512] = "";
	int r = ctl_platform_open(&c->platform, &where);

	if (r != CTL_OK)
		return r;
	const struct fog_accounts_params params = {
	        .db = c->platform.db,
	        .key_file = c->platform.config->accounts.key_file,
	        .admins_need_totp = c->platform.config->accounts.require_totp,
	        .error = error,
	        .error_len = sizeof(error)};
	if (fog_accounts_open(&c->accounts, &params) == 0)
		return CTL_OK;
	fprintf(stderr, "fogctl: %s\n", error);
	ctl_platform_close(&c->platform);
	return CTL_REFUSED;
}

int ctl_user(int argc, char **argv)
{
	struct user_command c = {0};
	int r;

	if (user_remote(argc, argv))
		return user_ask(argc, argv);
	r = user_parse(&c, argc, argv);
	if (r != CTL_OK || !user_makes_sense(&c))
		return user_usage();
	if (sodium_init() < 0) {
		fputs("fogctl: libsodium does not work on this CPU: take another host\n", stderr);
		return CTL_REFUSED;
	}
	ctl_trail_who(&c.trail);
	r = user_open(&c);
	if (r != CTL_OK)
		return r;
	if (strcmp(c.verb, "add") == 0)
		r = user_add(&c);
	else if (strcmp(c.verb, "list") == 0)
		r = user_list(&c);
	else
		r = user_one(&c);
	ctl_trail_close(&c.trail);
	fog_accounts_close(c.accounts);
	ctl_platform_close(&c.platform);
	return r;
}
