// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What init does to the host: told as a shell command, recorded, then done.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

int host_stop(const struct host *h, int ret, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "fogctl: host %s: ", h->stage);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return ret;
}

// What a shell needs quotes for: everything but a few harmless characters.
static void change_print_word(const char *word)
{
	static const char plain[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=+@";

	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word != '\0'; word++)
		fputs(*word == '\'' ? "'\\''" : (const char[2]){*word, '\0'}, stdout);
	putchar('\'');
}

static void change_print_write(const char *value, const char *path)
{
	fputs("echo ", stdout);
	change_print_word(value);
	fputs(" >", stdout);
	change_print_word(path);
	putchar('\n');
	fflush(stdout);
}

// sysfs takes a value by one write, and the line end that a shell's echo would add.
static int change_write(const char *value, const char *path)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%s\n", value);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);

	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, line, (size_t)len);
	int ret = n == len ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

int host_write(struct host *h, const char *value, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	change_print_write(value, path);
	h->changes++;
	return h->dry ? 0 : change_write(value, path);
}

// The kernel may write a value in its own way, or take less of it than was asked for.
static int change_read_back(struct host *h, const char *path)
{
	json_t *changes = json_object_get(h->undo, "changes");
	json_t *last = json_array_get(changes, json_array_size(changes) - 1);
	char now[512];

	host_read(h, now, sizeof(now), "%s", path);
	json_object_set_new(last, "set", json_string(now));
	return host_undo_save(h);
}

int host_set(struct host *h, const char *value, const char *format, ...)
{
	char path[PATH_MAX], was[512];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	int ret = host_read(h, was, sizeof(was), "%s", path);
	// A command before this one may be what brings the file.
	if (ret < 0 && !h->dry)
		return ret;
	if (strcmp(was, value) == 0)
		return 0;
	change_print_write(value, path);
	h->changes++;
	if (h->dry)
		return 0;
	ret = host_undo_add(
	        h,
	        json_pack(
	                "{s:s, s:s, s:s, s:s, s:s}", "stage", h->stage, "kind", "file", "path",
	                path, "was", was, "set", value
	        )
	);
	if (ret < 0)
		return ret;
	ret = change_write(value, path);
	if (ret < 0) {
		host_undo_drop(h);
		return ret;
	}
	return change_read_back(h, path);
}

// The shell's rule, with the folders of system programs in any case.
static int change_find(const char *program, char *path, size_t size)
{
	static const char *const folder[] = {
	        "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin"};

	for (unsigned i = 0; i < sizeof(folder) / sizeof(folder[0]); i++) {
		snprintf(path, size, "%s/%s", folder[i], program);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

int host_run(struct host *h, const char *const argv[])
{
	char path[PATH_MAX];
	int status;

	for (unsigned i = 0; argv[i] != NULL; i++) {
		if (i > 0)
			putchar(' ');
		change_print_word(argv[i]);
	}
	putchar('\n');
	fflush(stdout);
	h->changes++;
	if (h->dry)
		return 0;
	if (change_find(argv[0], path, sizeof(path)) < 0)
		return -ENOENT;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		execv(path, (char *const *)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
