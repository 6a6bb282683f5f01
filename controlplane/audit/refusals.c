// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Refusals of strangers, counted: whoever can be refused as often as he likes must not fill the store by it.
#include "chain_private.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct audit_source *refusals_source(
        struct audit_refusals *t, const char *address, int64_t now_us
)
{
	struct audit_source *s;

	for (unsigned i = 0; i < t->count; i++)
		if (strcmp(t->source[i].address, address) == 0)
			return &t->source[i];
	if (t->count < FOG_AUDIT_SOURCES_MAX) {
		s = &t->source[t->count++];
	} else {
		s = &t->source[FOG_AUDIT_SOURCES_MAX];
		if (t->others)
			return s;
		t->others = true;
		address = "others";
	}
	memset(s, 0, sizeof(*s));
	snprintf(s->address, sizeof(s->address), "%s", address);
	s->first_us = now_us;
	return s;
}

static void source_action(struct audit_source *s, const char *name, uint32_t count)
{
	unsigned i = 0;

	while (i < FOG_AUDIT_ACTIONS_MAX && s->action[i].name != NULL &&
	       (name == NULL || strcmp(s->action[i].name, name) != 0))
		i++;
	if (name == NULL)
		i = FOG_AUDIT_ACTIONS_MAX;
	if (i < FOG_AUDIT_ACTIONS_MAX)
		s->action[i].name = name;
	s->action[i].count += count;
}

static void source_status(struct audit_source *s, unsigned status, uint32_t count)
{
	unsigned i = 0;

	while (i < AUDIT_STATUSES_MAX && s->status[i].status != 0 && s->status[i].status != status)
		i++;
	if (status == 0)
		i = AUDIT_STATUSES_MAX;
	if (i < AUDIT_STATUSES_MAX)
		s->status[i].status = status;
	s->status[i].count += count;
}

void audit_refusals_add(
        struct audit_refusals *t, const char *source, const char *action, unsigned status,
        int64_t now_us
)
{
	struct audit_source *s = refusals_source(t, source, now_us);

	s->count++;
	s->last_us = now_us;
	source_action(s, action, 1);
	source_status(s, status, 1);
}

bool audit_refusals_any(const struct audit_refusals *t)
{
	return t->count > 0;
}

static void source_merge(struct audit_refusals *into, const struct audit_source *from)
{
	struct audit_source *s = refusals_source(into, from->address, from->first_us);

	s->count += from->count;
	if (from->first_us < s->first_us)
		s->first_us = from->first_us;
	if (from->last_us > s->last_us)
		s->last_us = from->last_us;
	for (unsigned i = 0; i <= FOG_AUDIT_ACTIONS_MAX; i++)
		if (from->action[i].count > 0)
			source_action(s, from->action[i].name, from->action[i].count);
	for (unsigned i = 0; i <= AUDIT_STATUSES_MAX; i++)
		if (from->status[i].count > 0)
			source_status(s, from->status[i].status, from->status[i].count);
}

void audit_refusals_merge(struct audit_refusals *into, const struct audit_refusals *from)
{
	for (unsigned i = 0; i < from->count; i++)
		source_merge(into, &from->source[i]);
	if (from->others)
		source_merge(into, &from->source[FOG_AUDIT_SOURCES_MAX]);
}

static void add_count(json_t *counts, const char *name, uint32_t count)
{
	if (count > 0)
		json_object_set_new(counts, name, json_integer(count));
}

int audit_refusals_event(const struct audit_source *s, struct fog_audit_event *e, char **details)
{
	json_t *actions = json_object(), *statuses = json_object();
	char status[16];

	for (unsigned i = 0; i <= FOG_AUDIT_ACTIONS_MAX; i++)
		add_count(
		        actions, s->action[i].name != NULL ? s->action[i].name : "others",
		        s->action[i].count
		);
	for (unsigned i = 0; i <= AUDIT_STATUSES_MAX; i++) {
		snprintf(status, sizeof(status), "%u", s->status[i].status);
		add_count(
		        statuses, s->status[i].status != 0 ? status : "others", s->status[i].count
		);
	}
	json_t *all = json_pack(
	        "{s:I, s:I, s:I, s:o, s:o}", "count", (json_int_t)s->count, "first_us",
	        (json_int_t)s->first_us, "last_us", (json_int_t)s->last_us, "actions", actions,
	        "statuses", statuses
	);
	*details = all != NULL ? json_dumps(all, JSON_COMPACT) : NULL;
	json_decref(all);
	*e = (struct fog_audit_event){
	        .actor_kind = FOG_AUDIT_ANONYMOUS,
	        .action = "audit.anonymous",
	        .source = s->address,
	        .outcome = FOG_AUDIT_REFUSED,
	        .time_us = s->last_us,
	        .details = *details,
	};
	return *details != NULL ? 0 : -ENOMEM;
}
