// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "audit.h"
#include "../../log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { REFUSED_PER_MINUTE = 60 };

struct fog_audit {
	int fd;
	pthread_mutex_t lock; // over what follows
	time_t minute; // in which 'refused' were written
	unsigned refused; // entries without authentication
	unsigned left_out; // more of them, not written
};

int fog_audit_open(struct fog_audit **out, const char *path)
{
	struct fog_audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->fd < 0) {
		int r = -errno;
		LOG_ERR("%s: cannot open the audit log: %s: give this folder and all in it to the "
		        "control plane's user (chown -R)",
		        path, strerror(-r));
		free(a);
		return r;
	}
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return 0;
}

void fog_audit_close(struct fog_audit *a)
{
	if (a == NULL)
		return;
	pthread_mutex_destroy(&a->lock);
	close(a->fd);
	free(a);
}

// Whoever reaches the port can be refused as often as he likes and must not fill the disk by it.
// Returns whether this entry is written; '*left_out' is how many before it were not.
static bool audit_refused_due(struct fog_audit *a, time_t now, unsigned *left_out)
{
	bool due;

	pthread_mutex_lock(&a->lock);
	if (a->minute != now / 60) {
		a->minute = now / 60;
		a->refused = 0;
	}
	due = a->refused < REFUSED_PER_MINUTE;
	*left_out = due ? a->left_out : 0;
	a->left_out = due ? 0 : a->left_out + 1;
	a->refused += due;
	pthread_mutex_unlock(&a->lock);
	return due;
}

int fog_audit_append(struct fog_audit *a, const struct fog_audit_entry *e)
{
	char stamp[32], hex[65];
	uint8_t digest[32];
	struct timespec now;
	struct tm tm;

	unsigned left_out = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (e->status == 401 && !audit_refused_due(a, now.tv_sec, &left_out))
		return 0;
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &tm));
	crypto_generichash(digest, sizeof(digest), e->body, e->body_len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	json_t *line = json_pack(
	        "{s:s s:s s:s s:s s:s s:i s:I s:s}", "time", stamp, "request_id", e->request_id,
	        "peer", e->peer, "method", e->method, "path", e->path, "status", e->status,
	        "body_bytes", (json_int_t)e->body_len, "body_blake2b", hex
	);
	if (left_out > 0)
		json_object_set_new(line, "refused_before", json_integer(left_out));
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
