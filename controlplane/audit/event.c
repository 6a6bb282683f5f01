// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// An event becomes a row: texts are checked, cut and copied.
#include "../now.h"
#include "chain_private.h"

#include <stdio.h>
#include <string.h>

static const uint16_t text_max[FOG_AUDIT_TEXTS] = {
#define X(name, max) (max),
#include "texts.def"
#undef X
};

static const char *const outcome_name[] = {
        [FOG_AUDIT_DONE] = "done",   [FOG_AUDIT_REFUSED] = "refused", [FOG_AUDIT_FAILED] = "failed",
        [FOG_AUDIT_BEGUN] = "begun", [FOG_AUDIT_UNKNOWN] = "unknown",
};

// Bytes of the character at 's', 0 when it is none (RFC 3629) or a control character.
static unsigned character_len(const unsigned char *s)
{
	static const struct {
		unsigned char from, to, second_from, second_to, len;
	} forms[] = {
	        {0x20, 0x7e, 0, 0, 1},       {0xc3, 0xdf, 0x80, 0xbf, 2},
	        {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
	        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].from || s[0] > forms[i].to)
			continue;
		if (forms[i].len > 1 && (s[1] < forms[i].second_from || s[1] > forms[i].second_to))
			continue;
		for (unsigned k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

// Returns the end of what was written, behind its NUL.
static char *text_copy(char *to, const char *text, size_t max)
{
	const unsigned char *s = (const unsigned char *)(text != NULL ? text : "");
	char *end = to + max;

	while (*s != '\0') {
		unsigned n = character_len(s);
		if (to + (n > 0 ? n : 1) > end)
			break;
		if (n == 0)
			*to++ = '?';
		for (unsigned i = 0; i < n; i++)
			*to++ = (char)s[i];
		s += n > 0 ? n : 1;
	}
	*to = '\0';
	return to + 1;
}

void audit_pending_fill(struct audit_pending *p, const struct fog_audit_event *e)
{
	char left_out[48];
	size_t details_len = e->details != NULL ? strlen(e->details) : 0;
	const char *text[FOG_AUDIT_TEXTS] = {
	        [FOG_AUDIT_TEXT_actor_kind] = e->actor_kind != NULL ? e->actor_kind
	                                                            : FOG_AUDIT_ANONYMOUS,
	        [FOG_AUDIT_TEXT_actor_id] = e->actor_id,
	        [FOG_AUDIT_TEXT_actor_name] = e->actor_name,
	        [FOG_AUDIT_TEXT_action] = e->action,
	        [FOG_AUDIT_TEXT_object] = e->object,
	        [FOG_AUDIT_TEXT_source] = e->source,
	        [FOG_AUDIT_TEXT_request_id] = e->request_id,
	        [FOG_AUDIT_TEXT_correlation_id] = e->correlation_id,
	        [FOG_AUDIT_TEXT_method] = e->method,
	        [FOG_AUDIT_TEXT_path] = e->path,
	        [FOG_AUDIT_TEXT_outcome] = outcome_name[e->outcome],
	        [FOG_AUDIT_TEXT_details] = details_len > 0 ? e->details : "{}",
	};
	char *to = p->text;

	if (details_len > FOG_AUDIT_MAX_details) {
		snprintf(left_out, sizeof(left_out), "{\"left_out_bytes\":%zu}", details_len);
		text[FOG_AUDIT_TEXT_details] = left_out;
	}
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++) {
		p->row.text[i] = to;
		to = text_copy(to, text[i], text_max[i]);
	}
	p->row.time_us = e->time_us != 0 ? e->time_us : fog_now_unix_us();
	p->row.status = e->status;
	p->row.duration_us = (int64_t)e->duration_us;
	p->row.body_digest_len = 0;
	p->row.body_digest = NULL;
	if (e->body_digest == NULL)
		return;
	memcpy(p->body_digest, e->body_digest, sizeof(p->body_digest));
	p->row.body_digest = p->body_digest;
	p->row.body_digest_len = sizeof(p->body_digest);
}
