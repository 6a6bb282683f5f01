// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rows that a chain writes of itself.
#define LOG_MODULE "audit"
#include "../../log/log.h"
#include "../now.h"
#include "chain_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct audit_pending *audit_note(const char *action, const char *details)
{
	const struct fog_audit_event e = {
	        .actor_kind = FOG_AUDIT_SYSTEM, .action = action, .details = details};
	struct audit_pending *p = calloc(1, sizeof(*p));

	if (p != NULL)
		audit_pending_fill(p, &e);
	return p;
}

static void note_put(struct audit_pending **list, const char *action, const char *details)
{
	struct audit_pending *p = audit_note(action, details);

	if (p == NULL)
		return;
	p->next = *list;
	*list = p;
}

void audit_notes_free(struct audit_pending *list, const struct audit_pending *until)
{
	while (list != until) {
		struct audit_pending *next = list->next;
		free(list);
		list = next;
	}
}

static void note_foreign(const struct fog_audit_chain *c, struct audit_pending **list)
{
	char details[128];

	snprintf(
	        details, sizeof(details), "{\"rows\":%" PRId64 ",\"to\":%" PRId64 "}", c->foreign,
	        c->tail.sequence
	);
	note_put(list, "audit.foreign", details);
	LOG_ERR("%" PRId64 " rows of this node's audit were written by somebody else: one control "
	        "plane has one identity: look for another one that uses a copy of it",
	        c->foreign);
}

static void note_start(const struct fog_audit_chain *c, struct audit_pending **list)
{
	char details[128];

	snprintf(
	        details, sizeof(details),
	        "{\"ahead\":%" PRId64 ",\"missing\":%" PRId64 ",\"head\":%s}", c->ahead, c->missing,
	        c->head_unread ? "\"unreadable\"" : "\"read\""
	);
	note_put(list, "audit.start", details);
}

static void note_back(struct fog_audit_chain *c, struct audit_pending **list)
{
	char details[128];

	pthread_mutex_lock(&c->lock);
	c->lost_told = c->lost;
	pthread_mutex_unlock(&c->lock);
	if (c->lost_told == 0 && (c->away_us == 0 || !c->started))
		return;
	snprintf(
	        details, sizeof(details), "{\"since_us\":%" PRId64 ",\"lost\":%" PRIu64 "}",
	        c->away_us, c->lost_told
	);
	note_put(list, "audit.back", details);
}

struct audit_pending *audit_notes(struct fog_audit_chain *c, struct audit_pending *first)
{
	bool told = c->ahead != 0 || c->missing != 0 || c->head_unread;

	note_back(c, &first);
	if (c->foreign > 0)
		note_foreign(c, &first);
	if (c->started)
		return first;
	first = audit_left_notes(c, first);
	if (!c->brief || told)
		note_start(c, &first);
	return first;
}
