// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reading /proc and /sys below a root folder, which is "" but for trees of other hosts.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define PATH_OF(h, path, format) \
	do { \
		va_list read_args; \
		int read_at = snprintf(path, sizeof(path), "%s", (h)->root); \
		va_start(read_args, format); \
		vsnprintf(path + read_at, sizeof(path) - (size_t)read_at, format, read_args); \
		va_end(read_args); \
	} while (0)

int host_read(const struct host *h, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];

	text[0] = '\0';
	PATH_OF(h, path, format);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	errno = 0;
	size_t n = fread(text, 1, size - 1, f);
	int ret = ferror(f) ? -errno : 0;
	fclose(f);
	if (ret < 0)
		n = 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return ret < 0 ? ret : (int)n;
}

long long host_number(const struct host *h, long long missing, const char *format, ...)
{
	char path[PATH_MAX], text[64], *end;

	PATH_OF(h, path, format);
	const struct host plain = {.root = ""};
	if (host_read(&plain, text, sizeof(text), "%s", path) <= 0)
		return missing;
	long long n = strtoll(text, &end, 0);
	return end == text ? missing : n;
}

bool host_exists(const struct host *h, const char *format, ...)
{
	char path[PATH_MAX];

	PATH_OF(h, path, format);
	return access(path, F_OK) == 0;
}

int host_link(const struct host *h, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX], to[PATH_MAX];

	text[0] = '\0';
	PATH_OF(h, path, format);
	ssize_t n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return -errno;
	to[n] = '\0';
	const char *slash = strrchr(to, '/');
	snprintf(text, size, "%s", slash != NULL ? slash + 1 : to);
	return 0;
}

FILE *host_file(const struct host *h, const char *format, ...)
{
	char path[PATH_MAX];

	PATH_OF(h, path, format);
	return fopen(path, "re");
}

DIR *host_folder(const struct host *h, const char *format, ...)
{
	char path[PATH_MAX];

	PATH_OF(h, path, format);
	return opendir(path);
}

int host_real(const struct host *h, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX], real[PATH_MAX], root[PATH_MAX] = "";

	text[0] = '\0';
	PATH_OF(h, path, format);
	if (realpath(path, real) == NULL || (h->root[0] != '\0' && realpath(h->root, root) == NULL))
		return -errno;
	size_t skip = strlen(root);
	snprintf(text, size, "%s", strncmp(real, root, skip) == 0 ? real + skip : real);
	return 0;
}

const char *host_entry(DIR *d)
{
	const struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			return e->d_name;
	return NULL;
}

bool host_running(const struct host *h, const char *comm)
{
	DIR *d = host_folder(h, "/proc");
	const char *pid;
	bool found = false;
	char name[32];

	if (d == NULL)
		return false;
	while (!found && (pid = host_entry(d)) != NULL)
		found = isdigit((unsigned char)*pid) &&
		        host_read(h, name, sizeof(name), "/proc/%s/comm", pid) > 0 &&
		        strcmp(name, comm) == 0;
	closedir(d);
	return found;
}
