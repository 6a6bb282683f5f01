// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "certificate_make.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../directory/tls.h"

enum { ADDRESSES_MAX = 32 };

int certificate_make_key(gnutls_x509_privkey_t *key)
{
	const unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
	int r = gnutls_x509_privkey_init(key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate2(*key, GNUTLS_PK_ECDSA, bits, 0, NULL, 0);
	return r;
}

// The literal address of "address:port" or "[address]:port". Returns its length in bytes; 0: it stands for all.
static size_t make_listener(const char *tcp, uint8_t address[16])
{
	static const uint8_t any[16] = {0};
	const char *colon = strrchr(tcp, ':');
	bool six = tcp[0] == '[';
	size_t len = six ? 16 : 4;
	char host[64];

	snprintf(host, sizeof(host), "%.*s", (int)(colon - tcp) - 2 * six, tcp + six);
	if (inet_pton(six ? AF_INET6 : AF_INET, host, address) != 1 ||
	    memcmp(address, any, len) == 0)
		return 0;
	return len;
}

static int make_add(gnutls_x509_crt_t crt, const void *address, size_t len)
{
	return gnutls_x509_crt_set_subject_alt_name(
	        crt, GNUTLS_SAN_IPADDRESS, address, (unsigned)len, GNUTLS_FSAN_APPEND
	);
}

// Nobody reaches a host by a link-local address without naming an interface of his own.
static int make_add_host(gnutls_x509_crt_t crt)
{
	struct ifaddrs *list = NULL;
	int r = 0, count = 0;

	if (getifaddrs(&list) < 0)
		return 0; // it has its name
	for (const struct ifaddrs *i = list; i != NULL && r >= 0 && count < ADDRESSES_MAX;
	     i = i->ifa_next) {
		const void *generic = i->ifa_addr;
		const struct sockaddr_in *four = generic;
		const struct sockaddr_in6 *six = generic;
		if (generic == NULL || (i->ifa_flags & IFF_UP) == 0)
			continue;
		if (four->sin_family == AF_INET)
			r = make_add(crt, &four->sin_addr, 4);
		else if (six->sin6_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr))
			r = make_add(crt, &six->sin6_addr, 16);
		count++;
	}
	freeifaddrs(list);
	return r;
}

static int make_names(gnutls_x509_crt_t crt, const char *tcp)
{
	char host[HOST_NAME_MAX + 1] = "";
	uint8_t address[16];
	size_t len = make_listener(tcp, address);
	int r = len > 0 ? make_add(crt, address, len) : make_add_host(crt);

	if (r < 0 || gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
		return r;
	return gnutls_x509_crt_set_subject_alt_name(
	        crt, GNUTLS_SAN_DNSNAME, host, (unsigned)strlen(host), GNUTLS_FSAN_APPEND
	);
}

int certificate_make(gnutls_x509_crt_t *crt, gnutls_x509_privkey_t key, const char *tcp)
{
	int r = gnutls_x509_crt_init(crt);

	if (r >= 0)
		r = make_names(*crt, tcp);
	if (r >= 0)
		r = gnutls_x509_crt_set_basic_constraints(*crt, 0, -1);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(*crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0)
		r = gnutls_x509_crt_set_key_purpose_oid(*crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	return r < 0 ? r : fog_tls_sign(*crt, key, GNUTLS_DIG_SHA256);
}

bool certificate_made_for(gnutls_x509_crt_t crt, const char *tcp)
{
	uint8_t address[16];
	size_t len = make_listener(tcp, address);

	return gnutls_x509_crt_get_expiration_time(crt) > time(NULL) + CERTIFICATE_SOON_S &&
	        (len == 0 || gnutls_x509_crt_check_ip(crt, address, (unsigned)len, 0) != 0);
}
