// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl user at a control plane; without one: user.c.
#include <sodium.h>

#include "secret.h"
#include "verb.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int user_add(struct ctl_client *c, struct ctl_call *call)
{
	if (!ctl_call_flag(call, "--no-password")) {
		char *password = ctl_secret_new("password");
		json_t *value = password != NULL ? json_string(password) : NULL;
		sodium_free(password);
		if (value == NULL)
			return CTL_USAGE;
		json_object_set_new(call->body, "password", value);
	}
	return ctl_call_plain(c, call);
}

// clang-format off
static const struct ctl_field list_fields[] = {
	{.option = "--role", .value = "ROLE", .field = "role", .text = "user, auditor, operator or admin; of add and set several, with ',' between"},
	{.option = "--disabled", .value = "BOOL", .field = "disabled", .text = "true: those that are disabled; false: the others"},
	{.option = "--name", .value = "BEGINNING", .field = "name", .text = "those whose name begins so"},
	{.option = "--after", .value = "NUMBER", .field = "after", .kind = CTL_NUMBER, .text = "go on behind this one"},
	{.option = "--limit", .value = "N", .field = "limit", .kind = CTL_NUMBER, .text = "how many at most"},
	{0},
};

#define LIMITS \
	{.option = "--limit-auth", .value = "N", .field = "limits.auth", .kind = CTL_NUMBER, .text = "requests a minute of class auth; none: as everybody"}, \
	{.option = "--limit-write", .value = "N", .field = "limits.write", .kind = CTL_NUMBER, .text = "... of class write"}, \
	{.option = "--limit-read", .value = "N", .field = "limits.read", .kind = CTL_NUMBER, .text = "... of class read"}

static const struct ctl_field add_fields[] = {
	{.value = "NAME", .field = "name", .needed = true},
	{.option = "--role", .value = "ROLE", .field = "roles", .kind = CTL_WORDS, .text = "-"},
	{.option = "--tier", .value = "TIER", .field = "tier", .text = "free, pro or enterprise"},
	{.option = "--no-password", .kind = CTL_FLAG, .text = "none, until its owner sets one by 'user reset'"},
	LIMITS,
	{0},
};
static const struct ctl_field set_fields[] = {
	{.option = "--role", .value = "ROLE", .field = "roles", .kind = CTL_WORDS, .text = "-"},
	{.option = "--tier", .value = "TIER", .field = "tier", .text = "-"},
	LIMITS,
	{0},
};

static const struct ctl_verb verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_users, .fields = list_fields, .list = "users", .columns = "id name roles tier disabled has_password totp last_login_at"},
	{.word = "add", .route = CTL_ROUTE_post_users, .fields = add_fields, .fixed = "{\"roles\": [\"user\"]}", .run = user_add},
	{.word = "show", .route = CTL_ROUTE_get_user},
	{.word = "set", .route = CTL_ROUTE_patch_user, .fields = set_fields},
	{.word = "disable", .route = CTL_ROUTE_patch_user, .fixed = "{\"disabled\": true}"},
	{.word = "enable", .route = CTL_ROUTE_patch_user, .fixed = "{\"disabled\": false}"},
	{.word = "unlock", .route = CTL_ROUTE_post_user_unlock},
	{.word = "reset", .route = CTL_ROUTE_post_user_reset},
	{.word = "mfa-off", .route = CTL_ROUTE_delete_user_totp},
	{.word = "logout", .route = CTL_ROUTE_delete_user_sessions},
	{.word = "remove", .route = CTL_ROUTE_delete_user},
	{.word = "usage", .route = CTL_ROUTE_get_user_usage},
};
const struct ctl_group ctl_group_user = {
	.name = "user", .verb = verbs, .count = COUNT(verbs),
	.synopsis = "       fogctl user passwd USER [--config FILE | --instance NAME]\n",
	.text =
		"USER is a name or a number. The password is asked for, or is the first line of the standard input.\n"
		"add, list, unlock, disable, enable and passwd work on this host's store, as root or as the control plane's user,\n"
		"whether a control plane runs or not: with --config or --instance, and without any --url, --socket or --profile\n"
		"while no profile is in use. That is how the first administrator comes about. All else asks a control plane.\n"
		"\n"
		"disable ends all sessions, unlock forgets failed logins, reset makes a token for 'fogctl password reset', passwd and a reset end API keys, too, mfa-off takes\n"
		"one-time codes from who has lost them, logout ends all sessions. Whoever changes something is in the audit.\n"
		"\n"
		"  --config FILE           configuration of the appliance whose store is meant; default: the only one of /etc/fogline\n"
		"  --instance NAME         of those: the same as --config /etc/fogline/NAME.yaml\n",
};
// clang-format on
