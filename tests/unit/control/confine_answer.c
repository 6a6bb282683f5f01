// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the control plane can do with its store in its sandbox: for confine_check.py.
// Usage: confine_answer CONFIG PORT. Prints "store: ..." and "tcp: ...", with what came of it.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../controlplane/auth/confine.h"
#include "../../../controlplane/store/db.h"

static int write_some(struct fog_tx *tx, void *ctx)
{
	int r = fog_db_run(tx, "CREATE TABLE confined (id INTEGER PRIMARY KEY)", FOG_NONE);

	return r < 0 ? r : fog_db_run(tx, "INSERT INTO confined VALUES ($1)", FOG_BIND(FOG_INT(7)));
}

static int read_some(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	int r = fog_db_one(tx, &rows, "SELECT id FROM confined", FOG_NONE);

	if (r >= 0)
		r = fog_rows_int(&rows, 0) == 7 ? 0 : -EBADMSG;
	fog_rows_end(&rows);
	return r;
}

static int store(const struct fog_config *c)
{
	char path[FOG_CONFIG_PATH_LEN + 32], error[512] = "";
	struct fog_db *db = NULL;
	struct fog_db_params p = {.error = error, .error_len = sizeof(error)};

	snprintf(path, sizeof(path), "%s/control/platform.db", c->state_dir);
	p.url = c->store.url[0] != '\0' ? c->store.url : path;
	p.password_file = c->store.password_file[0] != '\0' ? c->store.password_file : NULL;
	int r = fog_db_open(&db, &p);
	if (r == 0)
		r = fog_db_write(db, write_some, NULL);
	if (r == 0 || r == 1)
		r = fog_db_read(db, read_some, NULL);
	fog_db_close(db);
	if (error[0] != '\0')
		fprintf(stderr, "%s\n", error);
	return r;
}

static int tcp(int port)
{
	struct sockaddr_in to = {
	        .sin_family = AF_INET,
	        .sin_port = htons((uint16_t)port),
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const void *generic = &to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 || connect(fd, generic, sizeof(to)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

int main(int argc, char **argv)
{
	struct fog_report *report = calloc(1, sizeof(*report));
	struct fog_config *c = NULL;

	if (argc != 3 || report == NULL || fog_config_load(argv[1], &c, report) < 0 ||
	    fog_confine(c, argv[1]) < 0) {
		fprintf(stderr, "%s", report != NULL ? report->text : "");
		return 1;
	}
	printf("store: %s\n", strerror(-store(c)));
	printf("tcp: %s\n", strerror(-tcp(atoi(argv[2]))));
	fog_config_free(c);
	free(report);
	return 0;
}
