// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Heads that a control plane has written into its log, wherever that was taken since.
#include "head.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LOGGED_MAX = 4096 };

// The value of ' NAME=' up to a space. Returns whether it fits.
static bool logged_value(const char *line, const char *name, char *out, size_t room)
{
	char key[32];

	snprintf(key, sizeof(key), " %s=", name);
	const char *at = strstr(line, key);
	if (at == NULL)
		return false;
	at += strlen(key);
	size_t len = strcspn(at, " \r\n\"\\");
	if (len == 0 || len >= room)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

// The same as a line of the heads' file.
static int logged_plain(const char *line, struct fog_audit_head *head)
{
	char chain[65], sequence[24], time_us[24], hash[65], key[65], signature[129], json[768];

	if (!logged_value(line, "chain", chain, sizeof(chain)) ||
	    !logged_value(line, "sequence", sequence, sizeof(sequence)) ||
	    !logged_value(line, "time_us", time_us, sizeof(time_us)) ||
	    !logged_value(line, "hash", hash, sizeof(hash)) ||
	    !logged_value(line, "key", key, sizeof(key)) ||
	    !logged_value(line, "signature", signature, sizeof(signature)))
		return -EBADMSG;
	int n = snprintf(
	        json, sizeof(json),
	        "{\"chain\":\"%s\",\"sequence\":%s,\"hash\":\"%s\",\"time_us\":%s,\"key\":\"%s\","
	        "\"signature\":\"%s\"}",
	        chain, sequence, hash, time_us, key, signature
	);
	return fog_audit_head_read(json, (size_t)n, head);
}

int fog_audit_head_logged(const char *line, size_t len, struct fog_audit_head *head)
{
	char text[LOGGED_MAX];

	if (len >= sizeof(text))
		return -EBADMSG;
	memcpy(text, line, len);
	text[len] = '\0';
	if (strstr(text, "head of the audit") == NULL)
		return -EBADMSG;
	int r = text[0] == '{' ? fog_audit_head_read(line, len, head) : -EBADMSG;
	if (r < 0)
		r = logged_plain(text, head);
	head->newest = false;
	return r;
}
