// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The audit's foreign bytes: lines of a file of heads and of a log, and texts of a request. A line that is taken is a head with a chain
// that is one; nobody's signature is good. What is made of a text is UTF-8 without control characters, within its
// length, and made of itself again the same.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/audit/chain_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void head_check(const struct fog_audit_head *h)
{
	if (strlen(h->chain) != 64 || strspn(h->chain, "0123456789abcdef") != 64 || h->sequence < 0)
		abort();
	fog_audit_head_good(h);
}

static void head(const uint8_t *data, size_t size)
{
	struct fog_audit_head h;

	if (fog_audit_head_read((const char *)data, size, &h) == 0)
		head_check(&h);
	if (fog_audit_head_logged((const char *)data, size, &h) == 0)
		head_check(&h);
}

static void text_check(const char *text, size_t max)
{
	json_t *json = json_string(text); // NULL: no UTF-8

	if (json == NULL || strlen(text) > max)
		abort();
	json_decref(json);
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

static void text(const uint8_t *data, size_t size)
{
	static struct audit_pending first, second;
	char *copy =
	        malloc(size + 1); // the exact size on the heap, so that a byte too far is found

	memcpy(copy, data, size);
	copy[size] = '\0';
	audit_pending_fill(
	        &first, &(struct fog_audit_event){.action = copy, .path = copy, .details = copy}
	);
	free(copy);
	const char *path = first.row.text[FOG_AUDIT_TEXT_path];
	text_check(first.row.text[FOG_AUDIT_TEXT_action], FOG_AUDIT_MAX_action);
	text_check(first.row.text[FOG_AUDIT_TEXT_details], FOG_AUDIT_MAX_details);
	text_check(path, FOG_AUDIT_MAX_path);
	audit_pending_fill(&second, &(struct fog_audit_event){.path = path});
	if (strcmp(second.row.text[FOG_AUDIT_TEXT_path], path) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	head(data, size);
	text(data, size);
	return 0;
}
