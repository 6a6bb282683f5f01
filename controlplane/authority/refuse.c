// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "refuse.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../log/log.h"

enum { REFUSED_MAX = 4096, LINE_LEN = 256 };

struct refuse_list {
	unsigned count, line;
	uint8_t id[REFUSED_MAX][FOG_ID_LEN];
};

static int refuse_line(struct refuse_list *l, char *text)
{
	size_t len = 0;

	l->line++;
	text[strcspn(text, "# \t\r\n")] = '\0';
	if (text[0] == '\0')
		return 0;
	if (l->count == REFUSED_MAX)
		return -E2BIG;
	if (strlen(text) != 2 * FOG_ID_LEN ||
	    sodium_hex2bin(l->id[l->count], FOG_ID_LEN, text, 2 * FOG_ID_LEN, NULL, &len, NULL) !=
	            0 ||
	    len != FOG_ID_LEN)
		return -EINVAL;
	l->count++;
	return 0;
}

// A file that was written just now may be written again within the same tick of its clock.
static bool refuse_settled(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - st->st_mtim.tv_sec > 1;
}

static int refuse_load(struct refuse *r, struct refuse_list *l)
{
	FILE *file = fopen(r->path, "re");
	char text[LINE_LEN];
	int ret = 0;

	if (file == NULL)
		return -errno;
	if (fstat(fileno(file), &r->seen) < 0)
		ret = -errno;
	while (ret == 0 && fgets(text, sizeof(text), file) != NULL)
		ret = refuse_line(l, text);
	if (ret == 0 && ferror(file))
		ret = -EIO;
	fclose(file);
	if (ret == 0 && !refuse_settled(&r->seen))
		r->seen.st_ino = 0;
	return ret;
}

static int refuse_apply(struct refuse *r, struct service *s, const struct refuse_list *l)
{
	uint8_t digest[32];
	int ret;

	crypto_generichash(digest, 32, l->id[0], l->count * sizeof(l->id[0]), NULL, 0);
	if (memcmp(digest, r->digest, 32) == 0)
		return 0;
	if ((ret = service_deny(s, l->id, l->count)) < 0)
		return ret;
	memcpy(r->digest, digest, 32);
	LOG_INFO("%u nodes are refused by %s", l->count, r->path);
	return 0;
}

int refuse_read(struct refuse *r, struct service *s)
{
	struct refuse_list *l = calloc(1, sizeof(*l));
	int ret = l != NULL ? refuse_load(r, l) : -ENOMEM;

	if (ret == 0)
		ret = refuse_apply(r, s, l);
	if (ret < 0 && ret != r->error)
		LOG_ERR("%s line %u: %s: write one node ID of 64 hexadecimal digits on a line, at most "
		        "%d; the list before it stays in force",
		        r->path, l != NULL ? l->line : 0, strerror(-ret), REFUSED_MAX);
	r->error = ret;
	free(l);
	return ret;
}

void refuse_poll(struct refuse *r, struct service *s)
{
	struct stat now;

	// What can't be read now is told of once, and tried again when it has changed.
	if (stat(r->path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (now.st_dev == r->seen.st_dev && now.st_ino == r->seen.st_ino &&
	    now.st_size == r->seen.st_size &&
	    memcmp(&now.st_mtim, &r->seen.st_mtim, sizeof(now.st_mtim)) == 0 && now.st_ino != 0)
		return;
	refuse_read(r, s);
}
