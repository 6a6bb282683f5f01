// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What happens to accounts without a request, for the audit.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "private.h"

enum { OBJECT_LEN = 64 };

static void note_say(
        struct fog_accounts *a, const char *action, const char *object, json_t *details
)
{
	char *text = json_dumps(details, JSON_COMPACT);

	a->note(a->note_ctx, action, object, text);
	free(text);
	json_decref(details);
}

void accounts_note_lock(const struct work *w, int64_t user_id, const char *network)
{
	char object[OBJECT_LEN] = "nobody";

	if (!w->locks || w->a->note == NULL)
		return;
	if (user_id != 0)
		snprintf(object, sizeof(object), "/v1/users/%" PRId64, user_id);
	note_say(w->a, "user.lock", object, json_pack("{s:s}", "network", network));
}

void accounts_note_reuse(struct fog_accounts *a, int64_t user_id, int64_t session_id)
{
	char object[OBJECT_LEN];

	if (a->note == NULL)
		return;
	snprintf(object, sizeof(object), "/v1/auth/sessions/%" PRId64, session_id);
	note_say(
	        a, "session.revoke", object,
	        json_pack(
	                "{s:s s:I}", "why", "refresh_token_reused", "user_id", (json_int_t)user_id
	        )
	);
}

void accounts_note_key(struct fog_accounts *a, const char *kid)
{
	if (a->note != NULL)
		note_say(a, "signing_key.rotate", kid, json_pack("{s:s}", "why", "age"));
}

void accounts_note_over(struct fog_accounts *a, int sessions, int resets)
{
	if (a->note != NULL && sessions + resets > 0)
		note_say(
		        a, "session.expire", "/v1/auth/sessions",
		        json_pack("{s:i s:i}", "sessions", sessions, "password_resets", resets)
		);
}
