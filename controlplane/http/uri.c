// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int uri_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// In place.
static int uri_decode(char *text, bool plus)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		unsigned char c = (unsigned char)*in;
		if (c == '%') {
			int high = uri_digit(in[1]), low = high < 0 ? -1 : uri_digit(in[2]);
			if (low < 0)
				return -EINVAL;
			c = (unsigned char)(high << 4 | low);
			in += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		if (c < ' ' || c == 0x7f)
			return -EINVAL;
		*out++ = (char)c;
	}
	*out = '\0';
	return 0;
}

static bool uri_dots(const char *path)
{
	for (const char *at = path; (at = strchr(at, '/')) != NULL; at++) {
		size_t len = strcspn(at + 1, "/");
		if ((len == 0 && at[1] == '/') || (len == 1 && at[1] == '.') ||
		    (len == 2 && at[1] == '.' && at[2] == '.'))
			return true;
	}
	return false;
}

static int uri_query(struct http_uri *uri, char *text)
{
	char *next = text;

	while (next != NULL) {
		char *name = strsep(&next, "&"), *value = strchr(name, '=');
		if (*name == '\0')
			continue;
		if (uri->count == HTTP_URI_PAIRS)
			return -E2BIG;
		if (value != NULL)
			*value++ = '\0';
		if (uri_decode(name, true) < 0 || (value != NULL && uri_decode(value, true) < 0))
			return -EINVAL;
		uri->query[uri->count++] = (struct http_pair){name, value != NULL ? value : ""};
	}
	return 0;
}

int http_uri_parse(struct http_uri *uri, const char *target)
{
	size_t len = strnlen(target, HTTP_URI_MAX + 1);
	char *query;

	*uri = (struct http_uri){.path = "/"};
	if (len > HTTP_URI_MAX)
		return -E2BIG;
	for (size_t i = 0; i < len; i++)
		if (target[i] <= ' ' || target[i] > '~')
			return -EINVAL;
	if (target[0] != '/')
		return -EINVAL;
	uri->text = strdup(target);
	if (uri->text == NULL)
		return -ENOMEM;
	query = strchr(uri->text, '?');
	if (query != NULL)
		*query++ = '\0';
	if (uri_decode(uri->text, false) < 0 || uri_dots(uri->text))
		return -EINVAL;
	uri->path = uri->text;
	return query != NULL ? uri_query(uri, query) : 0;
}

void http_uri_free(struct http_uri *uri)
{
	free(uri->text);
	uri->text = NULL;
}
