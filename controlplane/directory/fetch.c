// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "fetch_form.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPKI_HEAD = 12, // DER before the 32 bytes of an Ed25519 key (RFC 8410 §4)
	URL_LEN = 512,
	DATA_FIRST = 4096,
};

#define PIN_HEAD "sha256//"

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static CURLcode fetch_ready;

static void fetch_init(void)
{
	fetch_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool fetch_prepare(void)
{
	pthread_once(&fetch_once, fetch_init);
	return fetch_ready == CURLE_OK;
}

// Room for one byte more than what comes: the zero behind it.
static bool fetch_grow(struct fetch_request *s, size_t more)
{
	size_t room = s->room > 0 ? s->room : DATA_FIRST;

	while (room < s->len + more + 1)
		room *= 2;
	if (room == s->room)
		return true;
	uint8_t *data = realloc(s->data, room);
	if (data == NULL) {
		s->no_memory = true;
		return false;
	}
	s->data = data;
	s->room = room;
	return true;
}

static size_t fetch_take(char *data, size_t one, size_t len, void *user)
{
	struct fetch_request *s = user;

	len *= one;
	if (len > s->max - s->len) {
		s->too_long = true;
		return 0;
	}
	if (!fetch_grow(s, len))
		return 0;
	memcpy(s->data + s->len, data, len);
	s->len += len;
	return len;
}

// What libcurl compares with: the SHA-256 of the certificate's SubjectPublicKeyInfo, which for Ed25519 is
// a constant head and the key.
static void fetch_pin(const uint8_t key[32], char *text, size_t len)
{
	uint8_t spki[SPKI_HEAD + 32] = {
	        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
	};
	uint8_t hash[crypto_hash_sha256_BYTES];

	memcpy(spki + SPKI_HEAD, key, 32);
	crypto_hash_sha256(hash, spki, sizeof(spki));
	memcpy(text, PIN_HEAD, sizeof(PIN_HEAD));
	sodium_bin2base64(
	        text + strlen(PIN_HEAD), len - strlen(PIN_HEAD), hash, sizeof(hash),
	        sodium_base64_VARIANT_ORIGINAL
	);
}

static int fetch_url(const struct fog_fetch_peer *peer, const char *path, char url[URL_LEN])
{
	char host[INET6_ADDRSTRLEN] = "";
	bool six = peer->address.family == 6;

	inet_ntop(six ? AF_INET6 : AF_INET, peer->address.addr, host, sizeof(host));
	int n = snprintf(
	        url, URL_LEN, "https://%s%s%s:%u%s", six ? "[" : "", host, six ? "]" : "",
	        peer->port, path
	);
	return n < URL_LEN ? 0 : -EINVAL;
}

// Nothing of the host's own (proxies, its list of authorities, redirections) has a say in it.
static void fetch_options(CURL *curl, const char *url, const char *pin, char *error)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)FOG_FETCH_PATIENCE_MS);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)FOG_FETCH_PATIENCE_MS);
	curl_easy_setopt(
	        curl, CURLOPT_SSLVERSION,
	        (long)CURL_SSLVERSION_TLSv1_3 | (long)CURL_SSLVERSION_MAX_TLSv1_3
	);
	curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin);
}

static int fetch_error(CURLcode code, const struct fetch_request *s)
{
	if (s->too_long)
		return -EMSGSIZE;
	if (s->no_memory)
		return -ENOMEM;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		return -EHOSTUNREACH;
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return -EKEYREJECTED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void fetch_explain(int ret, size_t max, const char *detail, char *text)
{
	switch (ret) {
	case -EHOSTUNREACH:
		snprintf(
		        text, FOG_FETCH_TEXT_LEN,
		        "there is no connection: is it running, and does a firewall let TCP "
		        "through? (%.90s)",
		        detail
		);
		break;
	case -EKEYREJECTED:
		snprintf(
		        text, FOG_FETCH_TEXT_LEN,
		        "it has another TLS key than the one that is known of it: look at its "
		        "address, and whether its identity was changed"
		);
		break;
	case -EMSGSIZE:
		snprintf(text, FOG_FETCH_TEXT_LEN, "the answer has more than %zu bytes", max);
		break;
	case -ETIMEDOUT:
		snprintf(
		        text, FOG_FETCH_TEXT_LEN, "there was no whole answer within %d ms",
		        FOG_FETCH_PATIENCE_MS
		);
		break;
	default:
		snprintf(
		        text, FOG_FETCH_TEXT_LEN, "it failed: %.150s",
		        detail[0] != '\0' ? detail : strerror(-ret)
		);
	}
}

// Without "Expect", which would cost a round trip, and with a type that nobody parses.
static int fetch_body(struct fetch_request *s, const void *body, size_t len, bool copy)
{
	s->head = curl_slist_append(NULL, "Content-Type: application/octet-stream");
	struct curl_slist *more = s->head != NULL ? curl_slist_append(s->head, "Expect:") : NULL;

	if (more == NULL)
		return -ENOMEM;
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->head);
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	CURLcode code =
	        curl_easy_setopt(s->easy, copy ? CURLOPT_COPYPOSTFIELDS : CURLOPT_POSTFIELDS, body);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

int fetch_open(
        struct fetch_request *s, const struct fog_fetch_peer *peer, const char *path,
        const void *body, size_t body_len, bool copy, size_t max, char *text
)
{
	char url[URL_LEN], pin[sizeof(PIN_HEAD) + 64];
	int ret = fetch_url(peer, path, url);

	*s = (struct fetch_request){.max = max};
	text[0] = '\0';
	if (ret == 0 && (!fetch_prepare() || (s->easy = curl_easy_init()) == NULL))
		ret = -ENOMEM;
	if (ret == 0 && !fetch_grow(s, 0))
		ret = -ENOMEM;
	if (ret == 0) {
		fetch_pin(peer->tls_key, pin, sizeof(pin));
		fetch_options(s->easy, url, pin, s->error);
		curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, fetch_take);
		curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	}
	if (ret == 0 && body != NULL)
		ret = fetch_body(s, body, body_len, copy);
	if (ret < 0)
		fetch_explain(ret, max, "", text);
	return ret;
}

static int64_t fetch_date(CURL *curl)
{
	struct curl_header *date;

	if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
		return 0;
	time_t t = curl_getdate(date->value, NULL);
	return t < 0 ? 0 : t;
}

int fetch_finish(
        struct fetch_request *s, CURLcode code, struct fog_fetch_answer *answer, char *text
)
{
	int ret = fetch_error(code, s);

	*answer = (struct fog_fetch_answer){0};
	text[0] = '\0';
	if (ret < 0) {
		fetch_explain(
		        ret, s->max, s->error[0] != '\0' ? s->error : curl_easy_strerror(code), text
		);
		return ret;
	}
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->date_s = fetch_date(s->easy);
	s->data[s->len] = 0;
	answer->data = s->data;
	answer->len = s->len;
	s->data = NULL;
	return 0;
}

void fetch_close(struct fetch_request *s)
{
	curl_easy_cleanup(s->easy);
	curl_slist_free_all(s->head);
	free(s->data);
	*s = (struct fetch_request){0};
}

int fog_fetch(
        const struct fog_fetch_peer *peer, const char *path, const void *body, size_t body_len,
        size_t max, struct fog_fetch_answer *answer, char *text
)
{
	struct fetch_request s;
	int ret = fetch_open(&s, peer, path, body, body_len, false, max, text);

	*answer = (struct fog_fetch_answer){0};
	if (ret == 0)
		ret = fetch_finish(&s, curl_easy_perform(s.easy), answer, text);
	fetch_close(&s);
	return ret;
}
