// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "trust.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "client.h"

#define PIN_HEAD "sha256//"

int ctl_trust_parse(const char *fingerprint, uint8_t key[32])
{
	const char *end = NULL;
	size_t len = 0;
	int r;

	if (strncmp(fingerprint, PIN_HEAD, strlen(PIN_HEAD)) == 0) {
		fingerprint += strlen(PIN_HEAD);
		r = sodium_base642bin(
		        key, 32, fingerprint, strlen(fingerprint), NULL, &len, &end,
		        sodium_base64_VARIANT_ORIGINAL
		);
	} else {
		r = sodium_hex2bin(key, 32, fingerprint, strlen(fingerprint), ":", &len, &end);
	}
	return r == 0 && len == 32 && *end == '\0' ? 0 : -EINVAL;
}

// CURLOPT_PINNEDPUBLICKEY compares with the SHA-256 of the certificate's SubjectPublicKeyInfo.
static void trust_pin(const char *fingerprint, void *curl)
{
	char pin[64] = PIN_HEAD;
	uint8_t key[32];

	if (ctl_trust_parse(fingerprint, key) < 0)
		memset(key, 0, sizeof(key)); // nobody's
	sodium_bin2base64(
	        pin + strlen(PIN_HEAD), sizeof(pin) - strlen(PIN_HEAD), key, sizeof(key),
	        sodium_base64_VARIANT_ORIGINAL
	);
	curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin);
}

void ctl_trust_options(const struct ctl_client *c, void *curl)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->ca != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca);
	}
	if (c->fingerprint == NULL)
		return;
	trust_pin(c->fingerprint, curl);
	if (c->ca == NULL) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

const char *ctl_trust_mend(int curl_code)
{
	switch (curl_code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return "its certificate is not one that counts here, or no longer: name who has signed it with --ca, or its "
		       "key with --fingerprint, as 'fogctl status' on the appliance shows it";
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return "it has another key than the fingerprint says: somebody may be in between, or it was changed: compare "
		       "with what 'fogctl status' on the appliance shows";
	case CURLE_SSL_CACERT_BADFILE:
		return "--ca names no file of certificates (PEM) that can be read";
	case CURLE_SSL_CONNECT_ERROR:
		return "does it speak TLS there? Without it the URL begins with http://";
	default:
		return NULL;
	}
}

// By libcurl's own reading of a URL: what stands in front of an '@' is no host.
bool ctl_trust_private(const char *url)
{
	char *scheme = NULL, *host = NULL;
	CURLU *u = curl_url();
	struct in_addr four;
	bool good = false;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		good = strcmp(scheme, "https") == 0 || strcmp(host, "localhost") == 0 ||
		        strcmp(host, "[::1]") == 0 ||
		        (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return good;
}
