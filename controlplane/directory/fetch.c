// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

enum {
	SPKI_HEAD = 12, // DER before the 32 bytes of an Ed25519 key (RFC 8410 §4)
	URL_LEN = 512,
	DATA_FIRST = 4096,
};

#define PIN_HEAD "sha256//"

struct fetch_sink {
	uint8_t *data;
	size_t len, room, max;
	bool too_long, no_memory;
};

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static CURLcode fetch_ready;

static void fetch_init(void)
{
	fetch_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

// Room for one byte more than what comes: the zero behind it.
static bool fetch_grow(struct fetch_sink *s, size_t more)
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
	struct fetch_sink *s = user;

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

static int fetch_error(CURLcode code, const struct fetch_sink *s)
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

static int fetch_perform(
        CURL *curl, const void *body, size_t body_len, struct fetch_sink *sink, const char *error,
        long *status, char *text
)
{
	// Without "Expect", which would cost a round trip, and with a type that nobody parses.
	struct curl_slist *head = NULL;

	if (body != NULL) {
		head = curl_slist_append(NULL, "Content-Type: application/octet-stream");
		struct curl_slist *more = head != NULL ? curl_slist_append(head, "Expect:") : NULL;
		if (more == NULL) {
			curl_slist_free_all(head);
			fetch_explain(-ENOMEM, sink->max, "", text);
			return -ENOMEM;
		}
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, head);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
	CURLcode code = curl_easy_perform(curl);
	curl_slist_free_all(head);
	if (code == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	int ret = fetch_error(code, sink);
	if (ret < 0)
		fetch_explain(
		        ret, sink->max, error[0] != '\0' ? error : curl_easy_strerror(code), text
		);
	return ret;
}

int fog_fetch(
        const struct fog_fetch_peer *peer, const char *path, const void *body, size_t body_len,
        size_t max, struct fog_fetch_answer *answer, char *text
)
{
	struct fetch_sink sink = {.max = max};
	char url[URL_LEN], pin[sizeof(PIN_HEAD) + 64], error[CURL_ERROR_SIZE] = "";
	CURL *curl = NULL;
	int ret = fetch_url(peer, path, url);

	*answer = (struct fog_fetch_answer){0};
	text[0] = '\0';
	pthread_once(&fetch_once, fetch_init);
	if (ret == 0 && (fetch_ready != CURLE_OK || (curl = curl_easy_init()) == NULL))
		ret = -ENOMEM;
	if (ret == 0 && !fetch_grow(&sink, 0))
		ret = -ENOMEM;
	if (ret < 0) {
		fetch_explain(ret, max, "", text);
		goto err;
	}
	fetch_pin(peer->tls_key, pin, sizeof(pin));
	fetch_options(curl, url, pin, error);
	ret = fetch_perform(curl, body, body_len, &sink, error, &answer->status, text);
	if (ret < 0)
		goto err;
	curl_easy_cleanup(curl);
	sink.data[sink.len] = 0;
	answer->data = sink.data;
	answer->len = sink.len;
	return 0;
err:
	curl_easy_cleanup(curl);
	free(sink.data);
	return ret;
}
