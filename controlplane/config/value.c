// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From the text of one key to its value.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/api/abi.h"
#include "../../log/log.h"
#include "../mixnet/topology.h"
#include "schema.h"

enum { VALUE_WORDS_MAX = 5 };

struct value_word {
	const char *word;
	uint64_t value;
};

// Sets of words by kind, each ended by a NULL.
static const struct value_word value_words[KIND_END][VALUE_WORDS_MAX] = {
        [KIND_BOOL] = {{"false", 0}, {"true", 1}},
        [KIND_DRIVER] =
                {{"afxdp", FOG_DRIVER_AFXDP},
                 {"dpdk", FOG_DRIVER_DPDK},
                 {"auto", FOG_DRIVER_AUTO},
                 {"loop", FOG_DRIVER_LOOP}},
        [KIND_XDP_MODE] =
                {{"auto", FOG_XDP_AUTO}, {"native", FOG_XDP_NATIVE}, {"generic", FOG_XDP_GENERIC}},
        [KIND_IDLE] = {{"busy", FOG_IDLE_BUSY}, {"adaptive", FOG_IDLE_ADAPTIVE}},
        [KIND_LINKS] = {{"none", FOG_LINKS_NONE}, {"noise", FOG_LINKS_NOISE}},
        [KIND_ROLE] =
                {{"gateway", FOG_ROLE_GATEWAY},
                 {"mix", FOG_ROLE_MIX},
                 {"service", FOG_ROLE_SERVICE}},
        [KIND_TLS] =
                {{"auto", FOG_REST_TLS_AUTO}, {"on", FOG_REST_TLS_ON}, {"off", FOG_REST_TLS_OFF}},
        [KIND_LOG_LEVEL] =
                {{"error", FOG_LOG_ERROR},
                 {"warning", FOG_LOG_WARNING},
                 {"info", FOG_LOG_INFO},
                 {"debug", FOG_LOG_DEBUG}},
};

struct value_unit {
	const char *name;
	uint64_t factor;
};

static const struct value_unit units_count[] = {
        {"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {NULL, 0},
};
static const struct value_unit units_mib[] = {{"", 1}, {"MiB", 1}, {"GiB", 1024}, {NULL, 0}};
static const struct value_unit units_us[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {NULL, 0}};
static const struct value_unit units_ms[] = {{"ms", 1}, {"s", 1000}, {NULL, 0}};
static const struct value_unit units_s[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {NULL, 0}};

// Units of a numeric kind, as an operator would be told.
static const struct {
	const struct value_unit *units;
	const char *say, *unit;
} value_numeric[KIND_END] = {
        [KIND_COUNT] = {units_count, "a whole number such as 4096 or 4M", ""},
        [KIND_MIB] = {units_mib, "a whole number of MiB such as 64 or 2GiB", " MiB"},
        [KIND_US] = {units_us, "a whole number with unit us, ms or s such as 50ms", " us"},
        [KIND_MS] = {units_ms, "a whole number with unit ms or s such as 50ms", " ms"},
        [KIND_SECONDS] = {units_s, "a whole number with unit s, min or h such as 20min", " s"},
};

const char *config_words(enum config_kind kind)
{
	static const char *const joined[KIND_END] = {
	        [KIND_BOOL] = "true|false",
	        [KIND_DRIVER] = "afxdp|dpdk|auto|loop",
	        [KIND_XDP_MODE] = "auto|native|generic",
	        [KIND_IDLE] = "busy|adaptive",
	        [KIND_LINKS] = "none|noise",
	        [KIND_ROLE] = "gateway|mix|service",
	        [KIND_LOG_LEVEL] = "error|warning|info|debug",
	        [KIND_TLS] = "auto|on|off",
	};

	return joined[kind] != NULL ? joined[kind] : "";
}

const char *config_word(enum config_kind kind, uint64_t value)
{
	for (int i = 0; i < VALUE_WORDS_MAX && value_words[kind][i].word != NULL; i++)
		if (value_words[kind][i].value == value)
			return value_words[kind][i].word;
	return "?";
}

static int value_store(const struct config_key *k, uint64_t v, void *out)
{
	switch (k->out_len) {
	case 1:
		*(uint8_t *)out = (uint8_t)v;
		return 0;
	case 2:
		*(uint16_t *)out = (uint16_t)v;
		return 0;
	case 4:
		*(uint32_t *)out = (uint32_t)v;
		return 0;
	default:
		*(uint64_t *)out = v;
		return 0;
	}
}

// Decimal digits and nothing else: what strtoull would make of signs, blanks, hexadecimal or octal
// numbers is seldom what the operator meant.
static int value_digits(const char **text, uint64_t *v)
{
	const char *p = *text;

	*v = 0;
	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v))
			return -ERANGE;
	*text = p;
	return 0;
}

static int value_number(
        const struct config_key *k, const char *text, void *out, char *why, size_t n
)
{
	const struct value_unit *u = value_numeric[k->kind].units;
	const char *p = text;
	uint64_t v;
	int ret = value_digits(&p, &v);

	if (ret == 0) {
		while (u->name != NULL && strcmp(u->name, p) != 0)
			u++;
		if (u->name == NULL && !(v == 0 && *p == '\0'))
			ret = -EINVAL;
		else if (u->name != NULL && __builtin_mul_overflow(v, u->factor, &v))
			ret = -ERANGE;
	}
	if (ret == -EINVAL) {
		snprintf(why, n, "'%.40s' is not %s", text, value_numeric[k->kind].say);
		return -EINVAL;
	}
	if (ret == -ERANGE || v < k->min || v > k->max) {
		const char *unit = value_numeric[k->kind].unit;
		snprintf(
		        why, n, "%.40s is out of range: %" PRIu64 "%s to %" PRIu64 "%s", text,
		        k->min, unit, k->max, unit
		);
		return -EINVAL;
	}
	return value_store(k, v, out);
}

static int value_word(const struct config_key *k, const char *text, void *out, char *why, size_t n)
{
	for (int i = 0; i < VALUE_WORDS_MAX && value_words[k->kind][i].word != NULL; i++)
		if (strcmp(value_words[k->kind][i].word, text) == 0)
			return value_store(k, value_words[k->kind][i].value, out);
	snprintf(why, n, "'%.40s' is not one of %s", text, config_words(k->kind));
	return -EINVAL;
}

static int name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int value_name(const char *text, char *why, size_t n)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (name_char(*p) || (p > text && strchr("._-", *p) != NULL))
			continue;
		snprintf(
		        why, n, "'%.40s' has other characters than letters, digits, '.', '_', '-'",
		        text
		);
		return -EINVAL;
	}
	return 0;
}

static int value_path(const char *text, char *why, size_t n)
{
	if (text[0] == '\0')
		return 0;
	if (text[0] != '/') {
		snprintf(why, n, "'%.80s' is not an absolute path: start it with /", text);
		return -EINVAL;
	}
	for (const char *p = text; (p = strstr(p, "/..")) != NULL; p += 3) {
		if (p[3] != '/' && p[3] != '\0')
			continue;
		snprintf(why, n, "'%.80s' contains '..': write the path without it", text);
		return -EINVAL;
	}
	return 0;
}

static int value_text(const struct config_key *k, const char *text, void *out, char *why, size_t n)
{
	size_t len = strlen(text);
	int ret = 0;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p >= ' ' && *p <= '~')
			continue;
		snprintf(why, n, "has a character outside of printable ASCII");
		return -EINVAL;
	}
	if (len > 0 && (text[0] == ' ' || text[len - 1] == ' ')) {
		snprintf(why, n, "begins or ends with a blank");
		return -EINVAL;
	}
	if (len < k->min || len > k->max || len >= k->out_len) {
		snprintf(
		        why, n, "'%.40s' has %zu characters, must have %" PRIu64 " to %" PRIu64,
		        text, len, k->min, k->max
		);
		return -EINVAL;
	}
	if (k->kind == KIND_NAME)
		ret = value_name(text, why, n);
	if (k->kind == KIND_PATH)
		ret = value_path(text, why, n);
	if (ret == 0)
		memcpy(out, text, len + 1);
	return ret;
}

static int value_ip(const struct config_key *k, const char *text, void *out, char *why, size_t n)
{
	struct fog_ip ip = {.family = 4};
	static const struct fog_ip any4 = {.family = 4}, any6 = {.family = 6};

	// Where a key may be left out, its empty default is no address.
	if (text[0] == '\0' && k->fallback != NULL) {
		memset(out, 0, sizeof(ip));
		return 0;
	}
	if (inet_pton(AF_INET, text, ip.addr) != 1) {
		ip.family = 6;
		if (inet_pton(AF_INET6, text, ip.addr) != 1) {
			snprintf(why, n, "'%.60s' is not an IPv4 or IPv6 address", text);
			return -EINVAL;
		}
	}
	uint8_t first = ip.addr[0];
	if (memcmp(&ip, &any4, sizeof(ip)) == 0 || memcmp(&ip, &any6, sizeof(ip)) == 0 ||
	    (ip.family == 4 && first >= 224) || (ip.family == 6 && first == 0xff)) {
		snprintf(why, n, "'%.60s' is not the address of one host", text);
		return -EINVAL;
	}
	if (k->max != 0 && ip.family != k->max) {
		snprintf(why, n, "'%.60s' is not an IPv%" PRIu64 " address", text, k->max);
		return -EINVAL;
	}
	memcpy(out, &ip, sizeof(ip));
	return 0;
}

int config_value_address(
        const char *text, struct fog_ip *ip, uint8_t *prefix, char *why, size_t why_len
)
{
	static const struct config_key any = {.kind = KIND_IP};
	const char *slash = strchr(text, '/');
	char address[64];
	uint64_t bits = 0;

	*prefix = 0;
	if (slash == NULL)
		return value_ip(&any, text, ip, why, why_len);
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (value_ip(&any, address, ip, why, why_len) < 0)
		return -EINVAL;
	const char *digits = slash + 1;
	unsigned most = ip->family == 4 ? 32 : 128;
	if (value_digits(&digits, &bits) < 0 || *digits != '\0' || bits < 1 || bits > most) {
		snprintf(
		        why, why_len, "'%.60s' has no prefix length from 1 to %u such as %s/%u",
		        text, most, address, most - (most == 32 ? 8 : 64)
		);
		return -EINVAL;
	}
	*prefix = (uint8_t)bits;
	return 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// 'len' bytes in hexadecimal with 'separator' (0: none) between them, not all zero.
static int value_hex(const char *text, char separator, uint8_t *out, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && separator != 0 && *text++ != separator)
			return -EINVAL;
		int high = nibble(text[0]), low = high < 0 ? -1 : nibble(text[1]);
		if (low < 0)
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
		any |= out[i];
		text += 2;
	}
	return *text == '\0' && any != 0 ? 0 : -EINVAL;
}

static int value_mac(const char *text, uint8_t *out, char *why, size_t n)
{
	if (value_hex(text, ':', out, 6) == 0 && (out[0] & 1) == 0)
		return 0;
	snprintf(
	        why, n, "'%.40s' is not the MAC address of one host such as 02:00:00:00:00:01", text
	);
	return -EINVAL;
}

static int value_key(
        const struct config_key *k, const char *text, uint8_t *out, char *why, size_t n
)
{
	// Where a key may be left out, its empty default is none.
	if (text[0] == '\0' && k->fallback != NULL) {
		memset(out, 0, 32);
		return 0;
	}
	if (value_hex(text, 0, out, 32) == 0)
		return 0;
	snprintf(why, n, "'%.70s' is not 32 bytes in 64 hexadecimal digits, not all zero", text);
	return -EINVAL;
}

// "127.0.0.1:8000", "[::1]:8000"
static int value_socket(
        const struct config_key *k, const char *text, void *out, char *why, size_t n
)
{
	char host[64];
	uint8_t addr[16];
	uint64_t port;
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;
	int family = AF_INET;

	if (text[0] == '\0') {
		memset(out, 0, k->out_len);
		return 0;
	}
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		family = AF_INET6;
		text++;
		len -= 2;
	}
	if (colon != NULL && len < sizeof(host)) {
		memcpy(host, text, len);
		host[len] = '\0';
		const char *digits = colon + 1;
		if (inet_pton(family, host, addr) == 1 && value_digits(&digits, &port) == 0 &&
		    *digits == '\0' && port >= 1 && port <= 65535)
			return value_text(k, text - (family == AF_INET6), out, why, n);
	}
	snprintf(why, n, "is not address:port such as 127.0.0.1:8000 or [::1]:8000");
	return -EINVAL;
}

// A browser compares byte by byte, so what it would write in another way never matches: capitals, a path, a
// port that the scheme has anyway.
static int value_origin(
        const struct config_key *k, const char *text, void *out, char *why, size_t n
)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-[]:";
	const char *host = strncmp(text, "https://", 8) == 0 ? text + 8
	        : strncmp(text, "http://", 7) == 0           ? text + 7
	                                                     : NULL;
	const char *end = host != NULL ? strrchr(host, host[0] == '[' ? ']' : ':') : NULL;
	const char *port = end != NULL && *end == ']' ? end + 1 : end;
	uint64_t number = 0;
	bool good = host != NULL && host[0] != '\0' && host[strspn(host, allowed)] == '\0' &&
	        port != host;

	if (good && port != NULL && *port != '\0') {
		good = *port++ == ':' && value_digits(&port, &number) == 0 && *port == '\0' &&
		        number >= 1 && number <= 65535 && number != (text[4] == 's' ? 443 : 80);
	}
	if (good)
		return value_text(k, text, out, why, n);
	snprintf(
	        why, n,
	        "'%.60s' is not what a browser calls an origin, such as https://panel.example.org or "
	        "http://localhost:3000",
	        text
	);
	return -EINVAL;
}

int config_value(const struct config_key *k, const char *text, void *out, char *why, size_t why_len)
{
	switch (k->kind) {
	case KIND_TEXT:
	case KIND_NAME:
	case KIND_PATH:
		return value_text(k, text, out, why, why_len);
	case KIND_COUNT:
	case KIND_MIB:
	case KIND_US:
	case KIND_MS:
	case KIND_SECONDS:
		return value_number(k, text, out, why, why_len);
	case KIND_IP:
		return value_ip(k, text, out, why, why_len);
	case KIND_MAC:
		return value_mac(text, out, why, why_len);
	case KIND_KEY:
		return value_key(k, text, out, why, why_len);
	case KIND_SOCKET:
		return value_socket(k, text, out, why, why_len);
	case KIND_ORIGIN:
		return value_origin(k, text, out, why, why_len);
	default:
		return value_word(k, text, out, why, why_len);
	}
}

// Defaults that lie under the instance's folders are written with these words in them.
static void value_expand(const struct config_source *s, const char *fallback, char *out, size_t len)
{
	static const char *const word[] = {"INSTANCE", "RUN_DIR", "STATE_DIR"};
	const char *with[] = {s->instance, s->run_dir, s->state_dir};
	const unsigned words = sizeof(word) / sizeof(word[0]);
	size_t at = 0;

	while (*fallback != '\0' && at + 1 < len) {
		unsigned i = 0;
		while (i < words &&
		       (with[i] == NULL || strncmp(fallback, word[i], strlen(word[i])) != 0))
			i++;
		if (i == words) {
			out[at++] = *fallback++;
			continue;
		}
		at += (size_t)snprintf(out + at, len - at, "%s", with[i]);
		fallback += strlen(word[i]);
	}
	out[at < len ? at : len - 1] = '\0';
}

void config_convert(
        const struct config_source *s, const char *path, const struct config_key *keys,
        unsigned count, const void *raw, void *out
)
{
	for (unsigned i = 0; i < count; i++) {
		const struct config_key *k = &keys[i];
		const char *text = *(char *const *)((const char *)raw + k->raw);
		char child[160], expanded[FOG_CONFIG_PATH_LEN], why[256] = "";

		snprintf(child, sizeof(child), "%s%s%s", path, path[0] != '\0' ? "." : "", k->key);
		if (text == NULL && k->fallback == NULL) {
			config_error(s, child, "is missing: %s", k->text);
			continue;
		}
		if (text == NULL) {
			value_expand(s, k->fallback, expanded, sizeof(expanded));
			text = expanded;
		}
		if (config_value(k, text, (char *)out + k->out, why, sizeof(why)) < 0)
			config_error(s, child, "%s", why);
	}
}
