// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#define LOG_MODULE "audit"
#include "head.h"
#include "../../log/log.h"
#include "field.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool head_hex(const json_t *line, const char *name, uint8_t *out, size_t len)
{
	const char *text = json_string_value(json_object_get(line, name));
	size_t got = 0;

	return text != NULL && strlen(text) == 2 * len &&
	        sodium_hex2bin(out, len, text, 2 * len, NULL, &got, NULL) == 0 && got == len;
}

static bool head_number(const json_t *line, const char *name, int64_t *out)
{
	const json_t *value = json_object_get(line, name);

	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= 0;
}

static bool head_fields(const json_t *line, struct fog_audit_head *h)
{
	uint8_t id[32];

	if (!head_hex(line, "chain", id, sizeof(id)) ||
	    !head_number(line, "sequence", &h->sequence) ||
	    !head_hex(line, "hash", h->hash, sizeof(h->hash)) ||
	    !head_number(line, "time_us", &h->time_us))
		return false;
	sodium_bin2hex(h->chain, sizeof(h->chain), id, sizeof(id));
	h->newest = json_is_true(json_object_get(line, "newest"));
	return head_hex(line, "key", h->key, sizeof(h->key)) &&
	        head_hex(line, "signature", h->signature, sizeof(h->signature));
}

int fog_audit_head_read(const char *line, size_t len, struct fog_audit_head *head)
{
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	memset(head, 0, sizeof(*head));
	bool good = json != NULL && head_fields(json, head);
	json_decref(json);
	return good ? 0 : -EBADMSG;
}

static void head_digest(const struct fog_audit_head *h, uint8_t digest[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	field_text(&state, "fogline audit head v1");
	field_text(&state, h->chain);
	field_number(&state, h->sequence);
	field_bytes(&state, h->hash, sizeof(h->hash));
	field_number(&state, h->time_us);
	crypto_generichash_final(&state, digest, 32);
}

bool fog_audit_head_good(const struct fog_audit_head *h)
{
	char chain[FOG_AUDIT_CHAIN_LEN];
	uint8_t digest[32];

	fog_audit_chain_name(h->key, chain);
	head_digest(h, digest);
	return strcmp(chain, h->chain) == 0 &&
	        crypto_sign_verify_detached(h->signature, digest, sizeof(digest), h->key) == 0;
}

// The line of a head, signed. Returns its length without an end.
static int head_line(struct audit_head_file *f, struct fog_audit_head *h, char *line, size_t room)
{
	char hash[65], key[65], signature[129];
	uint8_t digest[32];

	head_digest(h, digest);
	memcpy(h->key, f->public_key, sizeof(h->key));
	crypto_sign_detached(h->signature, NULL, digest, sizeof(digest), f->secret_key);
	sodium_bin2hex(hash, sizeof(hash), h->hash, sizeof(h->hash));
	sodium_bin2hex(key, sizeof(key), h->key, sizeof(h->key));
	sodium_bin2hex(signature, sizeof(signature), h->signature, sizeof(h->signature));
	return snprintf(
	        line, room,
	        "{%s\"chain\":\"%s\",\"sequence\":%" PRId64 ",\"hash\":\"%s\",\"time_us\":%" PRId64
	        ",\"key\":\"%s\",\"signature\":\"%s\"}",
	        h->newest ? "\"newest\":true," : "", h->chain, h->sequence, hash, h->time_us, key,
	        signature
	);
}

int audit_head_newest(struct audit_head_file *f, struct fog_audit_head *h)
{
	char line[FOG_AUDIT_NEWEST_LEN + 1];

	h->newest = true;
	int n = head_line(f, h, line, sizeof(line));
	h->newest = false;
	memset(line + n, ' ', sizeof(line) - (size_t)n);
	line[FOG_AUDIT_NEWEST_LEN - 1] = '\n';
	ssize_t written = pwrite(f->fd, line, FOG_AUDIT_NEWEST_LEN, 0);
	return written == FOG_AUDIT_NEWEST_LEN ? 0 : written < 0 ? -errno : -EIO;
}

int audit_head_append(struct audit_head_file *f, struct fog_audit_head *h)
{
	char line[768];
	struct stat st;

	h->newest = false;
	int n = head_line(f, h, line, sizeof(line) - 1);
	line[n++] = '\n';
	if (fstat(f->fd, &st) < 0)
		return -errno;
	ssize_t written = pwrite(f->fd, line, (size_t)n, st.st_size);
	if (written == n && fsync(f->fd) == 0)
		return 0;
	int r = written >= 0 && written < n ? -ENOSPC : -errno;
	if (ftruncate(f->fd, st.st_size) < 0)
		LOG_ERR("%s: the end of a line stays behind: %s: free some space", f->path,
		        strerror(errno));
	return r;
}

static int head_folder_sync(const char *path)
{
	char folder[FOG_AUDIT_HEAD_PATH_MAX];
	int fd, r = 0;

	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

// Whoever dies while appending leaves a line without an end.
static int head_cut_rest(struct audit_head_file *f, off_t size)
{
	char last[1024];
	off_t from = size > (off_t)sizeof(last) ? size - (off_t)sizeof(last) : 0;
	ssize_t n = pread(f->fd, last, sizeof(last), from);

	if (n < 0)
		return -errno;
	while (n > 0 && last[n - 1] != '\n')
		n--;
	return from + n < size && ftruncate(f->fd, from + n) < 0 ? -errno : 0;
}

// Returns 0 with the first line, 1 when there is none that can be read, or -errno.
static int head_first(struct audit_head_file *f, struct fog_audit_head *newest)
{
	char line[FOG_AUDIT_NEWEST_LEN];
	ssize_t n = pread(f->fd, line, sizeof(line), 0);

	if (n < 0)
		return -errno;
	if (n == sizeof(line) && fog_audit_head_read(line, sizeof(line), newest) == 0 &&
	    newest->newest && fog_audit_head_good(newest))
		return 0;
	memset(newest, 0, sizeof(*newest));
	return 1;
}

static int head_make(struct audit_head_file *f, const char *chain, struct fog_audit_head *newest)
{
	f->fd = open(
	        f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR
	);
	if (f->fd < 0)
		return -errno;
	memset(newest, 0, sizeof(*newest));
	snprintf(newest->chain, sizeof(newest->chain), "%s", chain);
	int r = audit_head_newest(f, newest);
	if (r == 0 && fsync(f->fd) < 0)
		r = -errno;
	return r == 0 ? head_folder_sync(f->path) : r;
}

enum { NEWEST_LEN_BEFORE = 256 }; // of a first line without a signature, as it once was

// Whether the file begins so.
static bool head_before(const struct audit_head_file *f, struct fog_audit_head *newest)
{
	char line[NEWEST_LEN_BEFORE];
	ssize_t n = pread(f->fd, line, sizeof(line), 0);
	json_t *json = n == sizeof(line) && line[n - 1] == '\n'
	        ? json_loadb(line, sizeof(line), JSON_REJECT_DUPLICATES, NULL)
	        : NULL;

	memset(newest, 0, sizeof(*newest));
	bool is = json_is_true(json_object_get(json, "newest")) &&
	        json_object_get(json, "signature") == NULL && !head_fields(json, newest) &&
	        newest->sequence >= 0 && newest->chain[0] != '\0';
	json_decref(json);
	return is;
}

static int head_copy(int from, int to)
{
	char block[4096];
	off_t at = NEWEST_LEN_BEFORE;
	ssize_t n;

	if (lseek(to, FOG_AUDIT_NEWEST_LEN, SEEK_SET) < 0)
		return -errno;
	for (; (n = pread(from, block, sizeof(block), at)) > 0; at += n)
		if (write(to, block, (size_t)n) != n)
			return -ENOSPC;
	return n < 0 || fsync(to) < 0 ? -errno : 0;
}

// The same file with a signed first line.
static int head_convert(struct audit_head_file *f, struct fog_audit_head *newest)
{
	char fresh[FOG_AUDIT_HEAD_PATH_MAX + 8];
	int before = f->fd, r;

	snprintf(fresh, sizeof(fresh), "%s.fresh", f->path);
	unlink(fresh);
	f->fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	r = f->fd < 0 ? -errno : audit_head_newest(f, newest);
	if (r == 0)
		r = head_copy(before, f->fd);
	if (r == 0 && rename(fresh, f->path) < 0)
		r = -errno;
	close(before);
	return r == 0 ? head_folder_sync(f->path) : r;
}

static int head_put_aside(struct audit_head_file *f, const char *other)
{
	char kept[FOG_AUDIT_HEAD_PATH_MAX + FOG_AUDIT_CHAIN_LEN];

	snprintf(kept, sizeof(kept), "%s.%s", f->path, other);
	close(f->fd);
	f->fd = -1;
	if (rename(f->path, kept) < 0)
		return -errno;
	LOG_INFO("%s: heads of another chain, kept as %s", f->path, kept);
	return 0;
}

static int head_take(struct audit_head_file *f, const char *chain, struct fog_audit_head *newest)
{
	struct stat st;
	int r;

	f->fd = open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0 && errno == ENOENT)
		return head_make(f, chain, newest);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return -errno;
	bool before = head_before(f, newest);
	if (before && strcmp(newest->chain, chain) == 0) {
		r = head_convert(f, newest);
		if (r < 0 || fstat(f->fd, &st) < 0)
			return r < 0 ? r : -errno;
		before = false;
	}
	if (before) {
		r = head_put_aside(f, newest->chain);
		return r == 0 ? head_make(f, chain, newest) : r;
	}
	r = st.st_size < FOG_AUDIT_NEWEST_LEN ? 1 : head_first(f, newest);
	if (r == 0 && strcmp(newest->chain, chain) != 0) {
		r = head_put_aside(f, newest->chain);
		return r == 0 ? head_make(f, chain, newest) : r;
	}
	int cut = r >= 0 && st.st_size >= FOG_AUDIT_NEWEST_LEN ? head_cut_rest(f, st.st_size) : 0;
	return cut < 0 ? cut : r;
}

int audit_head_open(
        struct audit_head_file *f, const char *path, const uint8_t *secret_key, const char *chain,
        struct fog_audit_head *newest
)
{
	int n = snprintf(f->path, sizeof(f->path), "%s", path);

	f->fd = -1;
	f->secret_key = secret_key;
	crypto_sign_ed25519_sk_to_pk(f->public_key, secret_key);
	int r = (size_t)n < sizeof(f->path) ? head_take(f, chain, newest) : -ENAMETOOLONG;
	if (r < 0) {
		LOG_ERR("%s: cannot keep the heads of the audit: %s: give this folder and all in it to the "
		        "control plane's user (chown -R)",
		        path, strerror(-r));
		audit_head_close(f);
	}
	return r;
}

void audit_head_close(struct audit_head_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
