// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is wrong between the keys of the REST API and of the platform behind it.
#include <stdio.h>
#include <string.h>

#include "private.h"

static bool rest_loopback(const struct fog_config_rest *rest)
{
	return strncmp(rest->tcp, "127.", 4) == 0 || strncmp(rest->tcp, "[::1]:", 6) == 0;
}

bool fog_config_rest_tls(const struct fog_config_rest *rest)
{
	if (rest->tcp[0] == '\0' || rest->tls == FOG_REST_TLS_OFF)
		return false;
	return rest->tls == FOG_REST_TLS_ON || rest->tls_certificate[0] != '\0' ||
	        !rest_loopback(rest);
}

static void check_tls(const struct fog_config *c, struct fog_report *r)
{
	const struct fog_config_rest *rest = &c->rest;
	bool certificate = rest->tls_certificate[0] != '\0', key = rest->tls_key[0] != '\0';

	if (certificate != key)
		config_finding(
		        c, r, certificate ? "rest.tls_certificate" : "rest.tls_key",
		        "a certificate and its key belong together: name both, or none to have one made"
		);
	if (rest->tls == FOG_REST_TLS_OFF && (certificate || key))
		config_finding(
		        c, r, "rest.tls",
		        "'off' makes no use of the certificate: remove one of them"
		);
	if (rest->tcp[0] == '\0' && (certificate || rest->tls == FOG_REST_TLS_ON))
		config_warning(
		        c, r, "rest.tls",
		        "there is no TCP listener to protect: set rest.tcp, or remove it"
		);
	if (rest->tcp[0] != '\0' && !rest_loopback(rest) && rest->tls == FOG_REST_TLS_OFF)
		config_warning(
		        c, r, "rest.tls",
		        "%s is no address of this host alone, and tokens travel in clear: remove 'off', or "
		        "take 127.0.0.1 and reach it through a tunnel or a TLS proxy",
		        rest->tcp
		);
}

// The configuration is shown to operators, so it must have no secrets.
static bool store_has_password(const char *url)
{
	const char *authority = strstr(url, "://") + 3;
	size_t len = strcspn(authority, "/?");
	const char *at = memchr(authority, '@', len);

	return (at != NULL && memchr(authority, ':', (size_t)(at - authority)) != NULL) ||
	        strstr(url, "password=") != NULL;
}

// Whether nobody is on the way to the database: a UNIX socket, or this host.
static bool store_local(const char *url)
{
	static const char *const hosts[] = {"localhost", "127.", "[::1]", "%2F", "%2f"};
	const char *host = strstr(url, "://") + 3;
	const char *at = memchr(host, '@', strcspn(host, "/?"));

	host = at != NULL ? at + 1 : host;
	if (host[strspn(host, ":0123456789")] == '\0' || strchr("/?:", host[0]) != NULL)
		return true;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strncmp(host, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

static void check_store(const struct fog_config *c, struct fog_report *r)
{
	const char *url = c->store.url;

	if (url[0] == '\0') {
		if (c->store.password_file[0] != '\0')
			config_finding(
			        c, r, "store.password_file",
			        "the store is a file of this node and asks for no password: set store.url, "
			        "or remove it"
			);
		return;
	}
	if (strncmp(url, "postgresql://", 13) != 0 && strncmp(url, "postgres://", 11) != 0) {
		config_finding(
		        c, r, "store.url",
		        "is no address of a PostgreSQL: write postgresql://USER@HOST/DATABASE, or leave it "
		        "out for a file of this node"
		);
		return;
	}
	if (store_has_password(url))
		config_finding(
		        c, r, "store.url",
		        "has a password in it, and operators can read the configuration: put it into a "
		        "store.password_file"
		);
	if (!store_local(url) && strstr(url, "sslmode=verify-full") == NULL)
		config_warning(
		        c, r, "store.url",
		        "whoever is on the way to that host can read and change all accounts: add "
		        "?sslmode=verify-full&sslrootcert=FILE"
		);
}

void config_check_platform(const struct fog_config *c, struct fog_report *r)
{
	check_tls(c, r);
	check_store(c, r);
}
