// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "trail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "../audit/chain.h"
#include "../config/config.h"
#include "client.h"
#include "platform.h"

enum { TRAIL_PATH_LEN = FOG_CONFIG_PATH_LEN + 48 };

static int trail_refuse(const char *what, int error, const char *mend)
{
	fprintf(stderr, "fogctl: %s: %s: %s\n", what, strerror(-error), mend);
	return CTL_REFUSED;
}

void ctl_trail_who(struct ctl_trail *t)
{
	const char *sudo_uid = getenv("SUDO_UID"), *name = getenv("SUDO_USER");
	char host[64] = "";
	uid_t uid = getuid();

	// Only root can have been somebody else before.
	if (uid == 0 && sudo_uid != NULL && sudo_uid[0] != '\0' && name != NULL) {
		uid = (uid_t)strtoul(sudo_uid, NULL, 10);
	} else {
		const struct passwd *who = getpwuid(uid);
		name = who != NULL ? who->pw_name : "?";
	}
	gethostname(host, sizeof(host) - 1);
	snprintf(t->actor_id, sizeof(t->actor_id), "%" PRIu32, (uint32_t)uid);
	snprintf(t->actor_name, sizeof(t->actor_name), "%.62s@%s", name, host);
}

static void trail_path(const struct ctl_platform *p, const char *name, char path[TRAIL_PATH_LEN])
{
	snprintf(path, TRAIL_PATH_LEN, "%s/control/%s", p->config->state_dir, name);
}

// Whoever made the file may have died before the key was in it. Under its lock.
static int trail_key_make(int fd, uint8_t seed[crypto_sign_SEEDBYTES])
{
	randombytes_buf(seed, crypto_sign_SEEDBYTES);
	if (pwrite(fd, seed, crypto_sign_SEEDBYTES, 0) != crypto_sign_SEEDBYTES)
		return -ENOSPC;
	return fsync(fd) == 0 ? 0 : -errno;
}

static int trail_key_read(int fd, uint8_t *secret_key)
{
	uint8_t seed[crypto_sign_SEEDBYTES], public_key[32];
	struct stat st;
	int r = 0;

	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return -EPERM;
	if (st.st_size == 0)
		r = trail_key_make(fd, seed);
	else if (st.st_size != sizeof(seed) || pread(fd, seed, sizeof(seed), 0) != sizeof(seed))
		r = -EBADMSG;
	if (r == 0)
		crypto_sign_seed_keypair(public_key, secret_key, seed);
	sodium_memzero(seed, sizeof(seed));
	return r;
}

int ctl_trail_prepare(struct ctl_trail *t, const struct ctl_platform *p)
{
	char path[TRAIL_PATH_LEN];

	t->platform = p;
	if (sodium_init() < 0)
		return trail_refuse(
		        "libsodium", -ENOSYS, "it does not work on this CPU: take another host"
		);
	trail_path(p, "audit-host.key", path);
	t->key_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	t->secret_key = t->key_fd >= 0 ? sodium_malloc(crypto_sign_SECRETKEYBYTES) : NULL;
	int r = t->key_fd < 0           ? -errno
	        : t->secret_key == NULL ? -ENOMEM
	                                : trail_key_read(t->key_fd, t->secret_key);
	if (r == 0)
		return CTL_OK;
	if (t->secret_key == NULL && t->key_fd >= 0)
		close(t->key_fd);
	ctl_trail_close(t);
	return trail_refuse(
	        path, r,
	        "nothing is changed without an audit: give this file and its folder to the control plane's user, mode 0600, "
	        "or remove it for a new chain"
	);
}

static int trail_open(struct ctl_trail *t, struct fog_db *db)
{
	char path[TRAIL_PATH_LEN];
	const struct fog_audit_params params = {
	        .db = db,
	        .secret_key = t->secret_key,
	        .head_path = path,
	        .brief = true,
	        .begun = t->request_id};

	if (t->chain != NULL)
		return CTL_OK;
	trail_path(t->platform, "audit-host-head.jsonl", path);
	int r = fog_audit_chain_open(&t->chain, &params);
	return r == 0 ? CTL_OK : trail_refuse(path, r, "nothing is changed without an audit");
}

static int trail_append(
        struct ctl_trail *t, struct fog_db *db, enum fog_audit_outcome outcome, const char *details
)
{
	static const char *const words[] = {
	        [FOG_AUDIT_DONE] = "done",
	        [FOG_AUDIT_REFUSED] = "refused",
	        [FOG_AUDIT_BEGUN] = "begun"};
	const struct fog_audit_event e = {
	        .actor_kind = FOG_AUDIT_LOCAL,
	        .actor_id = t->actor_id,
	        .actor_name = t->actor_name,
	        .action = t->action,
	        .object = t->object,
	        .source = "host",
	        .request_id = t->request_id,
	        .correlation_id = t->request_id,
	        .outcome = outcome,
	        .details = details};
	int64_t sequence = 0;

	if (trail_open(t, db) != CTL_OK)
		return CTL_REFUSED;
	int r = fog_audit_chain_append(t->chain, &e, &sequence);
	if (r < 0)
		return trail_refuse(
		        "the audit", r,
		        "it takes no row of this: see that the store answers and has space"
		);
	if (outcome != FOG_AUDIT_BEGUN)
		syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s: %s %s: %s: row %" PRId64 " of chain %s",
		       t->actor_name, t->action, t->object, words[outcome], sequence,
		       fog_audit_chain_id(t->chain));
	return CTL_OK;
}

static void trail_name(struct ctl_trail *t, const char *action, const char *object)
{
	uint8_t id[8];

	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(t->request_id, sizeof(t->request_id), id, sizeof(id));
	t->action = action;
	snprintf(t->object, sizeof(t->object), "%s", object);
}

int ctl_trail_begin(
        struct ctl_trail *t, struct fog_db *db, const char *action, const char *object,
        const char *details
)
{
	trail_name(t, action, object);
	return trail_append(t, db, FOG_AUDIT_BEGUN, details);
}

void ctl_trail_pause(struct ctl_trail *t)
{
	fog_audit_chain_close(t->chain);
	t->chain = NULL;
}

int ctl_trail_end(
        struct ctl_trail *t, struct fog_db *db, int code, const char *object, const char *details
)
{
	if (object != NULL)
		snprintf(t->object, sizeof(t->object), "%s", object);
	int r = trail_append(t, db, code == CTL_OK ? FOG_AUDIT_DONE : FOG_AUDIT_REFUSED, details);
	return r == CTL_OK ? code : r;
}

int ctl_trail_done(
        struct ctl_trail *t, struct fog_db *db, const char *action, const char *object,
        const char *details
)
{
	trail_name(t, action, object);
	return trail_append(t, db, FOG_AUDIT_DONE, details);
}

void ctl_trail_close(struct ctl_trail *t)
{
	ctl_trail_pause(t);
	if (t->secret_key == NULL)
		return;
	sodium_free(t->secret_key);
	t->secret_key = NULL;
	close(t->key_fd);
}
