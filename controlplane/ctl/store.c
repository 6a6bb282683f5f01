// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl store backup, restore, migrate, move: the platform's store as a whole, offline. Files are opened as who calls, then
// root becomes the control plane's user, so that a store that is made belongs to it.
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../config/config.h"
#include "../store/dump.h"
#include "client.h"
#include "platform.h"
#include "trail.h"

enum { STORE_TEXT = 512 };

static const char store_usage_text[] =
        "usage: fogctl store backup FILE [--config FILE | --instance NAME]\n"
        "       fogctl store restore FILE [--force]\n"
        "       fogctl store migrate\n"
        "       fogctl store move URL [--password-file FILE] [--force]\n"
        "\n"
        "The platform's store of this host's configuration: accounts, audit, limits, operations. Run it as root or as the\n"
        "control plane's user. backup and migrate may run beside the control plane; restore and move must not.\n"
        "\n"
        "  --config FILE         configuration of the appliance; default: the only file of /etc/fogline\n"
        "  --instance NAME       the same as --config /etc/fogline/NAME.yaml\n"
        "  --force               replace what is in the store that gets the rows\n"
        "  --password-file FILE  with the password of URL's user\n"
        "\n"
        "backup writes all rows as they are at one moment to a new file, which must be kept as secret as the store. restore\n"
        "takes it back into a store of either kind. move copies the store to URL (postgresql://.. or a path); store.url\n"
        "must say it afterwards. What is sealed in the store needs accounts.key_file, which is backed up apart.\n";

struct store_command {
	const char *verb, *argument; // FILE or URL
	const char *config, *instance, *password_file;
	bool force;
	FILE *file;
	struct ctl_platform platform;
	struct ctl_trail trail;
	bool began; // so the audit says
};

static int store_usage(void)
{
	fputs(store_usage_text, stderr);
	return CTL_USAGE;
}

static int store_refuse(const char *text)
{
	fprintf(stderr, "fogctl: %s\n", text);
	return CTL_REFUSED;
}

static int store_refuse_file(const char *path, const char *mend)
{
	fprintf(stderr, "fogctl: %s: %s: %s\n", path, strerror(errno), mend);
	return CTL_REFUSED;
}

static int store_open(struct store_command *c)
{
	const struct ctl_platform_where where = {
	        .config = c->config,
	        .instance = c->instance,
	        .make = true,
	        .as_it_is = true,
	        .alone = strcmp(c->verb, "restore") == 0 || strcmp(c->verb, "move") == 0,
	};

	return ctl_platform_open(&c->platform, &where);
}

// Of a backup that came to nothing nothing is left, or an empty file where we may not take it away any more.
static void backup_undo(struct store_command *c)
{
	if (ftruncate(fileno(c->file), 0) < 0 || unlink(c->argument) < 0)
		fprintf(stderr, "fogctl: %s is no backup: remove it\n", c->argument);
}

static int store_backup(struct store_command *c)
{
	char error[STORE_TEXT];
	int fd = open(c->argument, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	c->file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (c->file == NULL)
		return store_refuse_file(
		        c->argument, "name a file that isn't there, in a folder that is"
		);
	int r = store_open(c);
	if (r != CTL_OK) {
		backup_undo(c);
		return r;
	}
	int64_t rows =
	        fog_db_dump(c->platform.db, &fog_schema_platform, c->file, error, sizeof(error));
	if (rows >= 0 && fsync(fd) == 0) {
		printf("%s: %" PRId64 " rows\n", c->argument, rows);
		return CTL_OK;
	}
	backup_undo(c);
	return rows < 0 ? store_refuse(error) : store_refuse_file(c->argument, "see to its disk");
}

// Returns the number of steps that ran, or -1 after having said why they did not.
static int store_steps(struct fog_db *db)
{
	char error[STORE_TEXT];
	int r = fog_db_migrate(db, &fog_schema_platform, 0, error, STORE_TEXT);

	if (r < 0)
		store_refuse(error);
	else
		printf("steps that ran: %d\n", r);
	return r < 0 ? -1 : r;
}

// A store of an older version takes no row before it is replaced.
static int store_begin(struct store_command *c, const char *action, const char *object)
{
	int r = ctl_trail_prepare(&c->trail, &c->platform);

	c->began = r == CTL_OK && fog_db_migrated(c->platform.db, &fog_schema_platform) == 0;
	if (c->began)
		r = ctl_trail_begin(&c->trail, c->platform.db, action, object, NULL);
	ctl_trail_pause(&c->trail);
	return r;
}

// Nothing came of it.
static int store_undone(struct store_command *c, const char *text)
{
	int code = store_refuse(text);

	return c->began ? ctl_trail_end(&c->trail, c->platform.db, code, NULL, NULL) : code;
}

// Into 'db', whose audit says so afterwards.
static int store_take(
        struct store_command *c, struct fog_db *db, const char *action, const char *object
)
{
	char error[STORE_TEXT], details[64];
	int64_t rows =
	        fog_db_undump(db, &fog_schema_platform, c->file, c->force, error, sizeof(error));

	if (rows < 0)
		return store_undone(c, error);
	printf("rows: %" PRId64 "\n", rows);
	int steps = store_steps(db);
	if (steps < 0)
		return CTL_REFUSED;
	snprintf(details, sizeof(details), "{\"rows\":%" PRId64 ",\"steps\":%d}", rows, steps);
	return c->began ? ctl_trail_end(&c->trail, db, CTL_OK, NULL, details)
	                : ctl_trail_done(&c->trail, db, action, object, details);
}

static int store_restore(struct store_command *c)
{
	c->file = fopen(c->argument, "re");
	if (c->file == NULL)
		return store_refuse_file(
		        c->argument, "name a file that 'fogctl store backup' has written"
		);
	int r = store_open(c);
	if (r == CTL_OK)
		r = store_begin(c, "store.restore", c->argument);
	return r == CTL_OK ? store_take(c, c->platform.db, "store.restore", c->argument) : r;
}

// Steps that ran are worth a row, which only the newest tables take.
static int store_migrate(struct store_command *c)
{
	char details[32];
	int steps, r = store_open(c);

	if (r == CTL_OK)
		r = ctl_trail_prepare(&c->trail, &c->platform);
	if (r != CTL_OK)
		return r;
	steps = store_steps(c->platform.db);
	snprintf(details, sizeof(details), "{\"steps\":%d}", steps);
	if (steps <= 0)
		return steps < 0 ? CTL_REFUSED : CTL_OK;
	return ctl_trail_done(&c->trail, c->platform.db, "store.migrate", "store", details);
}

// On its way the store is a file without a name, where its own file would be.
static int move_file(struct store_command *c)
{
	char path[FOG_CONFIG_PATH_LEN + 16];

	snprintf(path, sizeof(path), "%s/control", c->platform.config->state_dir);
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	c->file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	return c->file != NULL
	        ? CTL_OK
	        : store_refuse_file(path, "make this folder, for the control plane's user");
}

// What of a URL names the store: no user, no password, no settings.
static void move_name(const char *url, char name[STORE_TEXT])
{
	const char *host = strstr(url, "://"), *at = strchr(url, '@');
	size_t scheme = host != NULL && at != NULL ? (size_t)(host - url) + 3 : 0;

	snprintf(
	        name, STORE_TEXT, "%.*s%.*s", (int)scheme, url,
	        (int)strcspn(scheme > 0 ? at + 1 : url, "?"), scheme > 0 ? at + 1 : url
	);
}

static int store_move(struct store_command *c)
{
	char error[STORE_TEXT] = "", name[STORE_TEXT];
	struct fog_db *to = NULL;
	const struct fog_db_params params = {
	        .url = c->argument,
	        .password_file = c->password_file,
	        .error = error,
	        .error_len = sizeof(error)};
	int r = store_open(c);

	move_name(c->argument, name);
	if (r == CTL_OK)
		r = move_file(c);
	if (r == CTL_OK)
		r = store_begin(c, "store.move", name);
	if (r == CTL_OK &&
	    (fog_db_dump(c->platform.db, &fog_schema_platform, c->file, error, sizeof(error)) < 0 ||
	     fog_db_open(&to, &params) < 0))
		r = store_undone(c, error);
	if (r == CTL_OK)
		r = store_take(c, to, "store.move", name);
	if (r == CTL_OK)
		puts("the store that it came from stays as it was; let store.url name the new one, then start the "
		     "control plane");
	ctl_trail_close(&c->trail);
	fog_db_close(to);
	return r;
}

// Returns false when they are wrong.
static bool store_options(struct store_command *c, int argc, char **argv)
{
	static const struct option options[] = {
	        {"config", required_argument, NULL, 'c'},
	        {"instance", required_argument, NULL, 'i'},
	        {"password-file", required_argument, NULL, 'p'},
	        {"force", no_argument, NULL, 'f'},
	        {0},
	};
	int o;

	optind = 1;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'c')
			c->config = optarg;
		else if (o == 'i')
			c->instance = optarg;
		else if (o == 'p')
			c->password_file = optarg;
		else if (o == 'f')
			c->force = true;
		else
			return false;
	}
	c->verb = optind < argc ? argv[optind] : "";
	c->argument = optind + 1 < argc ? argv[optind + 1] : NULL;
	return argc - optind <= 2;
}

int ctl_store(int argc, char **argv)
{
	static const struct {
		const char *verb;
		int (*run)(struct store_command *);
		bool argument;
	} verbs[] = {
	        {"backup", store_backup, true},
	        {"restore", store_restore, true},
	        {"migrate", store_migrate, false},
	        {"move", store_move, true},
	};
	struct store_command c = {0};

	if (!store_options(&c, argc, argv))
		return store_usage();
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, c.verb) != 0 || verbs[i].argument != (c.argument != NULL))
			continue;
		ctl_trail_who(&c.trail);
		int r = verbs[i].run(&c);
		ctl_trail_close(&c.trail);
		ctl_platform_close(&c.platform);
		if (c.file != NULL)
			fclose(c.file);
		return r;
	}
	return store_usage();
}
