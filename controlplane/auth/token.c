// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "token.h"
#include "../../log/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static void token_hash(uint8_t hash[32], const char *token, size_t len)
{
	crypto_generichash(hash, 32, (const uint8_t *)token, len, NULL, 0);
}

// Trailing white space is the editor's, not the token's.
static int token_take(struct fog_token *t, char *text, size_t len, const char *path)
{
	uint8_t id[8];

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)text[i])) {
			LOG_ERR("%s: a token has no spaces or control characters: make one with "
			        "'openssl rand -hex 32'",
			        path);
			return -EINVAL;
		}
	}
	if (len < FOG_TOKEN_LEN_MIN || len > FOG_TOKEN_LEN_MAX) {
		LOG_ERR("%s: a token has %d to %d characters, this one %zu: "
		        "make one with 'openssl rand -hex 32'",
		        path, FOG_TOKEN_LEN_MIN, FOG_TOKEN_LEN_MAX, len);
		return -EINVAL;
	}
	token_hash(t->hash, text, len);
	crypto_generichash(id, sizeof(id), t->hash, sizeof(t->hash), NULL, 0);
	sodium_bin2hex(t->id, sizeof(t->id), id, sizeof(id));
	return 0;
}

int fog_token_load(struct fog_token *t, const char *path)
{
	char text[FOG_TOKEN_LEN_MAX + 64];
	struct stat st;
	ssize_t n;
	int r, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		LOG_ERR("%s: cannot read the API token: %s: make it with 'openssl rand -hex 32', "
		        "chown it to user %u and chmod 0600 it, or take rest.tcp and rest.token_file "
		        "out",
		        path, strerror(-r), geteuid());
		goto out;
	}
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & 077) != 0) {
		r = -EPERM;
		LOG_ERR("%s: the API token must be closed to everybody but its owner: "
		        "chown it to user %u and chmod 0600 it",
		        path, geteuid());
		goto out;
	}
	n = read(fd, text, sizeof(text));
	r = n < 0 ? -errno : token_take(t, text, (size_t)n, path);
	sodium_memzero(text, sizeof(text));
out:
	if (fd >= 0)
		close(fd);
	return r;
}

int fog_token_matches(const struct fog_token *t, const char *header)
{
	static const char scheme[] = "Bearer ";
	uint8_t hash[32];

	if (header == NULL || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return 0;
	header += sizeof(scheme) - 1;
	token_hash(hash, header, strlen(header));
	return sodium_memcmp(hash, t->hash, sizeof(hash)) == 0;
}
