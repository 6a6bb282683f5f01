// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct fog_audit {
	int fd;
};

int fog_audit_open(struct fog_audit **out, const char *path)
{
	struct fog_audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->fd < 0) {
		int r = -errno;
		fprintf(stderr, "%s: cannot open the audit log: %s\n", path, strerror(-r));
		free(a);
		return r;
	}
	*out = a;
	return 0;
}

void fog_audit_close(struct fog_audit *a)
{
	if (a == NULL)
		return;
	close(a->fd);
	free(a);
}

int fog_audit_append(struct fog_audit *a, const struct fog_audit_entry *e)
{
	char stamp[32], hex[65];
	uint8_t digest[32];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &tm));
	crypto_generichash(digest, sizeof(digest), e->body, e->body_len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	json_t *line = json_pack(
	        "{s:s s:s s:s s:s s:s s:i s:I s:s}", "time", stamp, "request_id", e->request_id,
	        "peer", e->peer, "method", e->method, "path", e->path, "status", e->status,
	        "body_bytes", (json_int_t)e->body_len, "body_blake2b", hex
	);
	char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (text == NULL)
		return -ENOMEM;
	struct iovec iov[2] = {{text, strlen(text)}, {(char[]){'\n'}, 1}};
	ssize_t want = (ssize_t)(iov[0].iov_len + 1), n = writev(a->fd, iov, 2);
	int r = n == want ? 0 : n < 0 ? -errno : -ENOSPC;
	free(text);
	return r;
}
