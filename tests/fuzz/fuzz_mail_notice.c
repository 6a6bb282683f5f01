// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Notices about mail, from clients to a gateway (first byte even) and back (odd). What parses has one form
// only: written again, it is the same; and a mail's part lies within the whole.
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/mixnet/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fetch(const uint8_t *notice, size_t len)
{
	uint8_t again[FOG_FETCH_LEN];
	struct fog_fetch f;

	if (fog_fetch_parse(notice, len, &f) < 0)
		return;
	fog_fetch_put(&f, again);
	if (len != sizeof(again) || memcmp(again, notice, len) != 0)
		abort();
}

static void mail(const uint8_t *notice, size_t len)
{
	uint8_t again[FOG_MAIL_HEAD + FOG_MAIL_MAX], whole[FOG_MAIL_MAX];
	struct fog_mail m;

	if (fog_mail_parse(notice, len, &m) < 0)
		return;
	if (m.at + m.len > m.whole || m.whole > FOG_MAIL_MAX || len != FOG_MAIL_HEAD + m.len)
		abort();
	memcpy(whole + m.at, m.data, m.len); // as a client puts it together
	if (fog_mail_put(&m, again) != len || memcmp(again, notice, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	// The exact size on the heap, so that a byte too far is found.
	uint8_t *notice = malloc(size > 1 ? size - 1 : 1);
	memcpy(notice, data + 1, size - 1);
	if (data[0] & 1)
		mail(notice, size - 1);
	else
		fetch(notice, size - 1);
	free(notice);
	return 0;
}
