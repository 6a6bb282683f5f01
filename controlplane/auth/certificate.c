// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "certificate.h"
#include "../../log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificate_make.h"

enum {
	FILE_MAX = 64 << 10,
	CHAIN_MAX = 8,
	PATH_MAX_LEN = FOG_CONFIG_PATH_LEN + 32,
	KEY_MAX = 4096
};

struct chain {
	struct chain *older; // a handshake may still use it: they end together
	struct fog_certificate_view view;
	uint8_t digest[32]; // of the files
	gnutls_privkey_t key;
	unsigned count;
	gnutls_pcert_st link[CHAIN_MAX];
};

struct fog_certificate {
	char certificate[PATH_MAX_LEN], key[PATH_MAX_LEN];
	bool made; // by us
	pthread_mutex_t lock; // over 'newest'
	struct chain *newest;
};

// A file's text, NUL-terminated, in locked memory that the caller frees. Those of others may be links. A key must be
// closed to strangers; groups are for who shares it with other servers.
static int certificate_read(const char *path, bool made, bool secret, char **text)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | (made ? O_NOFOLLOW : 0)), r = 0;

	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		r = -EFBIG;
	else if (secret && (st.st_mode & 007) != 0)
		r = -EPERM;
	else if ((*text = sodium_malloc(FILE_MAX + 1)) == NULL)
		r = -ENOMEM;
	if (r == 0) {
		ssize_t n = read(fd, *text, FILE_MAX);
		r = n < 0 ? -errno : 0;
		(*text)[n < 0 ? 0 : n] = '\0';
	}
	close(fd);
	return r;
}

static void chain_free(struct chain *c)
{
	while (c != NULL) {
		struct chain *older = c->older;
		for (unsigned i = 0; i < c->count; i++)
			gnutls_pcert_deinit(&c->link[i]);
		if (c->key != NULL)
			gnutls_privkey_deinit(c->key);
		free(c);
		c = older;
	}
}

static int chain_view(struct chain *c, gnutls_x509_crt_t crt)
{
	size_t len = sizeof(c->view.sha256);
	int r = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, c->view.sha256, &len);

	c->view.from = gnutls_x509_crt_get_activation_time(crt);
	c->view.until = gnutls_x509_crt_get_expiration_time(crt);
	len = sizeof(c->view.key_sha256);
	if (r >= 0)
		r = gnutls_x509_crt_get_key_id(
		        crt, GNUTLS_KEYID_USE_SHA256, c->view.key_sha256, &len
		);
	return r;
}

static int chain_certificates(struct chain *c, const char *text)
{
	gnutls_datum_t pem = {(unsigned char *)text, (unsigned)strlen(text)};
	gnutls_x509_crt_t crt[CHAIN_MAX];
	unsigned count = CHAIN_MAX;
	int r = gnutls_x509_crt_list_import(
	        crt, &count, &pem, GNUTLS_X509_FMT_PEM,
	        GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED | GNUTLS_X509_CRT_LIST_SORT
	);

	if (r < 0)
		return r;
	r = chain_view(c, crt[0]);
	for (unsigned i = 0; i < count; i++) {
		if (r >= 0 && (r = gnutls_pcert_import_x509(&c->link[i], crt[i], 0)) >= 0)
			c->count++;
		gnutls_x509_crt_deinit(crt[i]);
	}
	return r;
}

static int chain_key(struct chain *c, const char *text)
{
	gnutls_datum_t pem = {(unsigned char *)text, (unsigned)strlen(text)};
	gnutls_x509_privkey_t key = NULL;
	uint8_t id[32];
	size_t len = sizeof(id);
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_privkey_import(key, &pem, GNUTLS_X509_FMT_PEM);
	if (r >= 0)
		r = gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &len);
	if (r >= 0 && memcmp(id, c->view.key_sha256, sizeof(id)) != 0)
		r = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
	if (r >= 0)
		r = gnutls_privkey_init(&c->key);
	if (r >= 0)
		r = gnutls_privkey_import_x509(c->key, key, GNUTLS_PRIVKEY_IMPORT_COPY);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	return r;
}

static int certificate_refuse(const char *path, int r)
{
	LOG_ERR("TLS certificate: %s: %s: user %u must be allowed to read a PEM file of at most 64 KiB there, and nobody "
	        "else a key (chmod o=)",
	        path, strerror(-r), geteuid());
	return r;
}

static int certificate_refuse_tls(const struct fog_certificate *f, const char *path, int error)
{
	LOG_ERR("TLS certificate: %s: %s: %s", path, gnutls_strerror(error),
	        f->made ? "remove it, another one is made at the next start"
	                : "name a PEM file of the certificate and those above it, and one of its own key "
	                  "without a passphrase");
	return error == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static int certificate_load(const struct fog_certificate *f, struct chain **out)
{
	struct chain *c = calloc(1, sizeof(*c));
	char *certificate = NULL, *key = NULL;
	crypto_generichash_state hash;
	int r = c != NULL ? certificate_read(f->certificate, f->made, false, &certificate)
	                  : -ENOMEM,
	    tls;

	if (r < 0) {
		certificate_refuse(f->certificate, r);
		goto out;
	}
	r = certificate_read(f->key, f->made, true, &key);
	if (r < 0) {
		certificate_refuse(f->key, r);
		goto out;
	}
	crypto_generichash_init(&hash, NULL, 0, sizeof(c->digest));
	crypto_generichash_update(&hash, (const uint8_t *)certificate, strlen(certificate) + 1);
	crypto_generichash_update(&hash, (const uint8_t *)key, strlen(key));
	crypto_generichash_final(&hash, c->digest, sizeof(c->digest));
	tls = chain_certificates(c, certificate);
	if (tls < 0) {
		r = certificate_refuse_tls(f, f->certificate, tls);
		goto out;
	}
	tls = chain_key(c, key);
	if (tls < 0)
		r = certificate_refuse_tls(f, f->key, tls);
out:
	sodium_free(certificate);
	sodium_free(key);
	if (r < 0)
		chain_free(c);
	else
		*out = c;
	return r;
}

static const char *chain_warning(
        const struct fog_certificate_view *v, time_t now, char *text, size_t len
)
{
	const char *code = now < v->from               ? "certificate_early"
	        : now >= v->until                      ? "certificate_expired"
	        : now + CERTIFICATE_SOON_S >= v->until ? "certificate_expires"
	                                               : NULL;
	char day[32] = "";
	time_t when = now < v->from ? v->from : v->until;
	struct tm tm;

	if (code == NULL)
		return NULL;
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M UTC", gmtime_r(&when, &tm));
	snprintf(
	        text, len,
	        "the certificate of rest.tcp is %s %s: put another one there and send SIGHUP",
	        now < v->from             ? "good from"
	                : now >= v->until ? "no good since"
	                                  : "good until",
	        day
	);
	return code;
}

static void certificate_tell(const struct fog_certificate *f, const struct chain *c)
{
	char hex[65], text[160];

	sodium_bin2hex(hex, sizeof(hex), c->view.key_sha256, sizeof(c->view.key_sha256));
	LOG_INFO("TLS certificate: %s, fingerprint %s", f->certificate, hex);
	if (chain_warning(&c->view, time(NULL), text, sizeof(text)) != NULL)
		LOG_WARN("%s", text);
}

// Under another name first, so that there is never half of a file; a link of somebody else's is not followed.
static int certificate_write(const char *path, const void *data, size_t len, uid_t uid, gid_t gid)
{
	char fresh[PATH_MAX_LEN + 8];
	int fd, r = 0;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, data, len);
	if (n != (ssize_t)len)
		r = n < 0 ? -errno : -ENOSPC;
	else if ((uid != geteuid() || gid != getegid()) && fchown(fd, uid, gid) < 0)
		r = -errno;
	else if (fsync(fd) < 0 || rename(fresh, path) < 0)
		r = -errno;
	close(fd);
	if (r < 0)
		unlink(fresh);
	return r;
}

// The key of an earlier start, or a new one.
static int made_key(const struct fog_certificate *f, gnutls_x509_privkey_t *key, bool *fresh)
{
	char *text = NULL;
	int r = certificate_read(f->key, true, true, &text);

	*fresh = r < 0;
	if (r == 0) {
		gnutls_datum_t pem = {(unsigned char *)text, (unsigned)strlen(text)};
		r = gnutls_x509_privkey_init(key);
		if (r >= 0)
			r = gnutls_x509_privkey_import(*key, &pem, GNUTLS_X509_FMT_PEM);
	} else if (r == -ENOENT) {
		r = certificate_make_key(key);
	} else {
		certificate_refuse(f->key, r);
		r = GNUTLS_E_FILE_ERROR;
	}
	sodium_free(text);
	return r;
}

static bool made_good(const struct fog_certificate *f, const char *tcp)
{
	gnutls_x509_crt_t crt = NULL;
	char *text = NULL;
	bool good = false;

	if (certificate_read(f->certificate, true, false, &text) == 0 &&
	    gnutls_x509_crt_init(&crt) >= 0) {
		gnutls_datum_t pem = {(unsigned char *)text, (unsigned)strlen(text)};
		good = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) >= 0 &&
		        certificate_made_for(crt, tcp) && access(f->key, F_OK) == 0;
		gnutls_x509_crt_deinit(crt);
	}
	sodium_free(text);
	return good;
}

static int made_export(
        const struct fog_certificate *f, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
        bool fresh, uid_t uid, gid_t gid
)
{
	char *pem = sodium_malloc(KEY_MAX);
	size_t len = KEY_MAX;
	int r = pem != NULL ? 0 : -ENOMEM;

	if (r == 0 && fresh) {
		if (gnutls_x509_privkey_export_pkcs8(
		            key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, pem, &len
		    ) < 0)
			r = -EIO;
		else
			r = certificate_write(f->key, pem, len, uid, gid);
	}
	len = KEY_MAX;
	if (r == 0 && gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_PEM, pem, &len) < 0)
		r = -EIO;
	if (r == 0)
		r = certificate_write(f->certificate, pem, len, uid, gid);
	sodium_free(pem);
	if (r < 0)
		LOG_ERR("TLS certificate: %s: cannot be written: %s: make room in the state folder, and give it to the "
		        "control plane's user",
		        f->certificate, strerror(-r));
	return r;
}

static int certificate_provide(
        const struct fog_certificate *f, const char *tcp, uid_t uid, gid_t gid
)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	bool fresh = false;

	if (made_good(f, tcp))
		return 0;
	int tls = made_key(f, &key, &fresh);
	if (tls >= 0)
		tls = certificate_make(&crt, key, tcp);
	int r = tls >= 0 ? made_export(f, crt, key, fresh, uid, gid)
	                 : certificate_refuse_tls(f, f->key, tls);
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	return r;
}

int fog_certificate_open(
        struct fog_certificate **out, const struct fog_config *c, uid_t uid, gid_t gid
)
{
	struct fog_certificate *f = calloc(1, sizeof(*f));
	int r = 0;

	*out = NULL;
	if (f == NULL)
		return -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
	f->made = c->rest.tls_certificate[0] == '\0';
	if (f->made) {
		snprintf(
		        f->certificate, sizeof(f->certificate), "%s/control/rest.pem", c->state_dir
		);
		snprintf(f->key, sizeof(f->key), "%s/control/rest.key", c->state_dir);
		r = certificate_provide(f, c->rest.tcp, uid, gid);
	} else {
		snprintf(f->certificate, sizeof(f->certificate), "%s", c->rest.tls_certificate);
		snprintf(f->key, sizeof(f->key), "%s", c->rest.tls_key);
	}
	if (r == 0)
		r = certificate_load(f, &f->newest);
	if (r < 0) {
		fog_certificate_close(f);
		return r;
	}
	certificate_tell(f, f->newest);
	*out = f;
	return 0;
}

int fog_certificate_reload(struct fog_certificate *f)
{
	struct chain *fresh = NULL;
	int r = certificate_load(f, &fresh);

	if (r < 0) {
		LOG_WARN("TLS certificate: the one before stays in use");
		return r;
	}
	if (memcmp(fresh->digest, f->newest->digest, sizeof(fresh->digest)) == 0) {
		chain_free(fresh);
		return 0;
	}
	pthread_mutex_lock(&f->lock);
	fresh->older = f->newest;
	f->newest = fresh;
	pthread_mutex_unlock(&f->lock);
	certificate_tell(f, fresh);
	return 0;
}

void fog_certificate_close(struct fog_certificate *f)
{
	if (f == NULL)
		return;
	chain_free(f->newest);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void fog_certificate_take(
        struct fog_certificate *f, gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key
)
{
	pthread_mutex_lock(&f->lock);
	*chain = f->newest->link;
	*count = f->newest->count;
	*key = f->newest->key;
	pthread_mutex_unlock(&f->lock);
}

void fog_certificate_look(struct fog_certificate *f, struct fog_certificate_view *view)
{
	pthread_mutex_lock(&f->lock);
	*view = f->newest->view;
	pthread_mutex_unlock(&f->lock);
}

const char *fog_certificate_warning(struct fog_certificate *f, time_t now, char *text, size_t len)
{
	struct fog_certificate_view view;

	fog_certificate_look(f, &view);
	return chain_warning(&view, now, text, len);
}
