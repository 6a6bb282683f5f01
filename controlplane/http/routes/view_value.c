// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "view_value.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { VIEW_HEX_MAX = 1024 }; // a descriptor is the longest

json_t *view_hex(const uint8_t *bytes, size_t len)
{
	char hex[2 * VIEW_HEX_MAX + 1];

	if (len > VIEW_HEX_MAX)
		return NULL;
	return json_string(sodium_bin2hex(hex, sizeof(hex), bytes, len));
}

json_t *view_hex_or_null(const uint8_t *bytes, size_t len)
{
	return sodium_is_zero(bytes, len) ? json_null() : view_hex(bytes, len);
}

json_t *view_time_us(int64_t us)
{
	char text[48], fraction[16];
	time_t s = us / 1000000;
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	snprintf(fraction, sizeof(fraction), ".%06dZ", (int)(us % 1000000));
	strcat(text, fraction);
	return json_string(text);
}

json_t *view_known(uint64_t value)
{
	return value != 0 ? json_integer((json_int_t)value) : json_null();
}

json_t *view_ip(const struct fog_ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	if (ip->family != 4 && ip->family != 6)
		return json_null();
	return json_string(
	        inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->addr, text, sizeof(text))
	);
}
