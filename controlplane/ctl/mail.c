// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl as a client of the network: send, receive, ping, client.
#include "mail.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../client/client.h"
#include "../now.h"
#include "client.h"
#include "table.h"

static const char mail_send_usage[] =
        "usage: fogctl send --client DIR [--network FILE] [--gateway NODE] [--wait SECONDS]\n"
        "                   [--file F] ADDRESS [TEXT]\n"
        "Without --file and TEXT the message comes from standard input.\n"
        "\n" MAIL_SEND_OPTIONS "  --file F         the message\n";
static const char mail_receive_usage[] =
        "usage: fogctl receive --client DIR [--network FILE] [--gateway NODE] [--wait SECONDS]\n"
        "                      [--follow] [--keep] [--raw]\n" MAIL_RECEIVE_OPTIONS
        "  --wait SECONDS   wait for the first message for so long [0]\n"
        "  --follow         go on until Ctrl-C\n";
static const char mail_ping_usage[] =
        "usage: fogctl ping --client DIR [--network FILE] [--gateway NODE] [--wait SECONDS]\n"
        "                   [--count N] NODE\n"
        "NODE is a gateway or a service, by name or ID. Exit status 0 when one came back.\n"
        "\n" MAIL_FOLDER_OPTIONS
        "  --wait SECONDS   wait for so long until the first can be sent [60]\n"
        "  --count N        echo packets to send, one a second on average [5]\n";
static const char mail_client_usage[] =
        "usage: fogctl client address --client DIR [--network FILE] [--gateway NODE]\n"
        "                             [--wait SECONDS]\n"
        "       fogctl client status --client DIR ID\n"
        "  address          what others send to; runs the network until its gateway has answered\n"
        "  status           what became of a sent message\n"
        "\n" MAIL_FOLDER_OPTIONS
        "  --wait SECONDS   wait for the gateway's answer for so long [60]\n";

enum { MAIL_WAIT_S = 60, MAIL_SILENT_MS = 5000 };

struct mail_options {
	const char *dir, *network, *gateway, *wait, *file, *count;
	bool follow, keep, raw, help;
};

// What Ctrl-C ends.
static struct fog_client *mail_client;

static void mail_interrupted(int signal)
{
	if (mail_client != NULL)
		fog_client_stop(mail_client);
}

bool mail_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--client") == 0 || strncmp(argv[i], "--client=", 9) == 0)
			return true;
	return false;
}

// What is no option is moved to the front. Returns CTL_OK, or the exit code (-1: help).
static int mail_parse(struct mail_options *o, int *argc, char **argv, const char *usage)
{
	const struct ctl_option options[] = {
	        {"--client", &o->dir, NULL},      {"--network", &o->network, NULL},
	        {"--gateway", &o->gateway, NULL}, {"--wait", &o->wait, NULL},
	        {"--file", &o->file, NULL},       {"--count", &o->count, NULL},
	        {"--follow", NULL, &o->follow},   {"--keep", NULL, &o->keep},
	        {"--raw", NULL, &o->raw},         {"--help", NULL, &o->help},
	};
	int words = 1;

	for (int i = 1; i < *argc; i++) {
		size_t k = 0, n = sizeof(options) / sizeof(options[0]);
		if (strncmp(argv[i], "--", 2) != 0) {
			argv[words++] = argv[i];
			continue;
		}
		while (k < n && strcmp(argv[i], options[k].name) != 0)
			k++;
		if (k == n || (options[k].value != NULL && i + 1 == *argc)) {
			fprintf(stderr, "fogctl: %s: no such option, or it needs a value\n%s",
			        argv[i], usage);
			return CTL_USAGE;
		}
		if (options[k].value != NULL)
			*options[k].value = argv[++i];
		else
			*options[k].flag = true;
	}
	*argc = words;
	if (o->help) {
		fputs(usage, stdout);
		return -1;
	}
	if (o->dir != NULL)
		return CTL_OK;
	fprintf(stderr, "fogctl: name the client's folder with --client\n%s", usage);
	return CTL_USAGE;
}

static int mail_refuse(struct fog_client *c, int error)
{
	fprintf(stderr, "fogctl: %s\n", c != NULL ? fog_client_error(c) : "out of memory");
	return error == -ENETUNREACH ? CTL_UNREACHABLE : error == -EINVAL ? CTL_USAGE : CTL_REFUSED;
}

static int mail_open(const struct mail_options *o, struct fog_client **c)
{
	const struct fog_client_options options = {
	        .dir = o->dir, .network = o->network, .gateway = o->gateway};
	const struct sigaction action = {.sa_handler = mail_interrupted};
	int r = fog_client_open(&options, c);

	if (r < 0) {
		r = mail_refuse(*c, r);
		fog_client_close(*c);
		return r;
	}
	mail_client = *c;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return CTL_OK;
}

static int mail_close(struct fog_client *c, int r)
{
	mail_client = NULL;
	fog_client_close(c);
	return r;
}

struct mail_until {
	fog_client_until *until;
	void *ctx;
	bool said;
};

// A command that only waits looks like one that hangs: say what for, once each time that it begins.
static bool mail_look(void *ctx, struct fog_client *c)
{
	struct mail_until *u = ctx;
	uint64_t ms;
	const char *what = fog_client_waiting(c, &ms);

	if (what[0] != '\0' && ms >= MAIL_SILENT_MS && !u->said)
		fprintf(stderr, "fogctl: still waiting: %s\n", what);
	u->said = what[0] != '\0' && (u->said || ms >= MAIL_SILENT_MS);
	return u->until(u->ctx, c);
}

// Run the network, or look on while another process does. Returns 0 or -errno.
static int mail_run(struct fog_client *c, int timeout_ms, fog_client_until *until, void *ctx)
{
	struct mail_until look = {.until = until, .ctx = ctx};
	const struct timespec pause = {.tv_nsec = 100000000};
	uint64_t end_ms = fog_now_ms() + (uint64_t)timeout_ms;
	int r = -EBUSY;

	while (r == -EBUSY && !until(ctx, c)) {
		uint64_t now_ms = fog_now_ms();
		if (timeout_ms >= 0 && now_ms >= end_ms)
			return 0;
		r = fog_client_run(
		        c, timeout_ms < 0 ? -1 : (int)(end_ms - now_ms), mail_look, &look
		);
		if (r == -EBUSY && nanosleep(&pause, NULL) < 0)
			return 0; // Ctrl-C
	}
	return r == -EBUSY ? 0 : r;
}

static int mail_seconds(const char *text, int otherwise)
{
	char *end;
	long value;

	if (text == NULL)
		return otherwise;
	value = strtol(text, &end, 10);
	return *text != '\0' && *end == '\0' && value >= 0 && value <= 1000000 ? (int)value : -1;
}

// Returns the bytes, which the caller frees, or NULL, said.
static uint8_t *mail_content(const struct mail_options *o, const char *text, size_t *len)
{
	uint8_t *data = malloc(FOG_CLIENT_MESSAGE_MAX + 1);
	FILE *f = stdin;

	if (data == NULL)
		return NULL;
	if (text != NULL) {
		*len = strnlen(text, FOG_CLIENT_MESSAGE_MAX + 1);
		memcpy(data, text, *len);
		return data;
	}
	if (o->file != NULL)
		f = fopen(o->file, "re");
	*len = f != NULL ? fread(data, 1, FOG_CLIENT_MESSAGE_MAX + 1, f) : 0;
	if (f == NULL || ferror(f)) {
		fprintf(stderr, "fogctl: %s: %s: give a file that you may read\n",
		        o->file != NULL ? o->file : "standard input", strerror(errno));
		free(data);
		data = NULL;
	}
	if (f != NULL && f != stdin)
		fclose(f);
	return data;
}

static bool mail_over(void *ctx, struct fog_client *c)
{
	struct fog_client_status s;

	return fog_client_status(c, *(int64_t *)ctx, &s) < 0 || s.state >= FOG_CLIENT_ACKNOWLEDGED;
}

// Returns CTL_REFUSED when it has failed.
static int mail_show(struct fog_client *c, int64_t id)
{
	static const char *const names[] = {"", "queued", "sent", "acknowledged", "failed"};
	struct fog_client_status s;
	int r = fog_client_status(c, id, &s);

	if (r < 0)
		return mail_refuse(c, r);
	printf("message %lld: %s%s%s, %u of %u fragments acknowledged, %u sent, %u again\n",
	       (long long)id, names[s.state], s.why[0] != '\0' ? ": " : "", s.why, s.acknowledged,
	       s.fragments, s.sent, s.retransmissions);
	return s.state == FOG_CLIENT_FAILED ? CTL_REFUSED : CTL_OK;
}

int mail_send(int argc, char **argv)
{
	struct mail_options o = {0};
	struct fog_client *c;
	int r = mail_parse(&o, &argc, argv, mail_send_usage), wait = mail_seconds(o.wait, 300);
	uint8_t *data;
	size_t len;
	int64_t id;

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc < 2 || argc > 3 || (argc == 3 && o.file != NULL) || wait < 0) {
		fputs(mail_send_usage, stderr);
		return CTL_USAGE;
	}
	data = mail_content(&o, argc == 3 ? argv[2] : NULL, &len);
	r = data != NULL ? mail_open(&o, &c) : CTL_REFUSED;
	if (r != CTL_OK) {
		free(data);
		return r;
	}
	r = fog_client_send(c, argv[1], data, len, &id);
	free(data);
	if (r == 0 && wait > 0)
		r = mail_run(c, wait * 1000, mail_over, &id);
	return mail_close(c, r < 0 ? mail_refuse(c, r) : mail_show(c, id));
}

struct mail_reader {
	const struct mail_options *options;
	int64_t after;
	unsigned shown;
	bool failed;
};

static void mail_print(const struct mail_options *o, const struct fog_client_message *m)
{
	if (!o->raw)
		printf("message %lld, %zu bytes\n", (long long)m->id, m->len);
	if (o->raw)
		fwrite(m->data, 1, m->len, stdout);
	else
		ctl_print_safe(stdout, (const char *)m->data, m->len);
	if (!o->raw)
		puts("\n");
	fflush(stdout);
}

// Shows what is there; what was shown is forgotten.
static bool mail_read(void *ctx, struct fog_client *c)
{
	struct mail_reader *reader = ctx;
	struct fog_client_message m;
	int r;

	while ((r = fog_client_receive(c, reader->after, &m)) == 1) {
		mail_print(reader->options, &m);
		reader->shown++;
		reader->after = m.id;
		if (!reader->options->keep)
			r = fog_client_forget(c, m.id);
		if (r < 0 || ferror(stdout))
			break;
	}
	reader->failed = r < 0;
	return reader->failed || (reader->shown > 0 && !reader->options->follow);
}

int mail_receive(int argc, char **argv)
{
	struct mail_options o = {0};
	struct mail_reader reader = {.options = &o};
	struct fog_client *c;
	int r = mail_parse(&o, &argc, argv, mail_receive_usage), wait = mail_seconds(o.wait, 0);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1 || wait < 0) {
		fputs(mail_receive_usage, stderr);
		return CTL_USAGE;
	}
	r = mail_open(&o, &c);
	if (r != CTL_OK)
		return r;
	r = mail_run(c, o.follow ? -1 : wait * 1000, mail_read, &reader);
	if (r == 0 && !reader.failed && reader.shown == 0 && !o.raw)
		puts("no messages");
	return mail_close(c, r < 0 || reader.failed ? mail_refuse(c, r) : CTL_OK);
}

struct mail_ping {
	struct fog_client_ping result;
	uint64_t end_ms; // when the first must have left
};

static bool mail_ping_late(void *ctx, struct fog_client *c)
{
	const struct mail_ping *p = ctx;

	return p->result.sent == 0 && fog_now_ms() >= p->end_ms;
}

// Returns the exit code.
static int mail_ping_show(struct fog_client *c, const struct fog_client_ping *p)
{
	const char *why = fog_client_waiting(c, NULL);

	printf("%u sent, %u returned, %u lost\n", p->sent, p->returned, p->lost);
	if (p->returned > 0)
		printf("round trip %.1f ms min, %.1f ms mean, %.1f ms max\n", p->min_ms, p->mean_ms,
		       p->max_ms);
	else if (why[0] != '\0')
		fprintf(stderr, "fogctl: %s\n", why);
	return p->returned > 0 ? CTL_OK : CTL_REFUSED;
}

int ctl_ping(int argc, char **argv)
{
	struct mail_options o = {0};
	struct mail_ping p = {0};
	struct mail_until look = {.until = mail_ping_late, .ctx = &p};
	struct fog_client *c;
	int r = mail_parse(&o, &argc, argv, mail_ping_usage), count = mail_seconds(o.count, 5);
	int wait = mail_seconds(o.wait, MAIL_WAIT_S);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc != 2 || count < 1 || wait < 0) {
		fputs(mail_ping_usage, stderr);
		return CTL_USAGE;
	}
	r = mail_open(&o, &c);
	if (r != CTL_OK)
		return r;
	p.end_ms = fog_now_ms() + (uint64_t)wait * 1000;
	r = fog_client_ping(c, argv[1], (unsigned)count, mail_look, &look, &p.result);
	return mail_close(c, r < 0 ? mail_refuse(c, r) : mail_ping_show(c, &p.result));
}

static bool mail_has_address(void *ctx, struct fog_client *c)
{
	return fog_client_address(c, ctx) == 0;
}

static int mail_address(struct fog_client *c, int wait)
{
	char address[FOG_CLIENT_ADDRESS_LEN] = "";
	int r = mail_run(c, wait * 1000, mail_has_address, address);
	const char *why = fog_client_waiting(c, NULL);

	if (r == 0 && address[0] == '\0' && why[0] != '\0') {
		fprintf(stderr, "fogctl: %s\n", why);
		return CTL_REFUSED;
	}
	if (r < 0 || address[0] == '\0')
		return mail_refuse(c, r);
	puts(address);
	return CTL_OK;
}

int ctl_mailbox(int argc, char **argv)
{
	struct mail_options o = {0};
	struct fog_client *c;
	int r = mail_parse(&o, &argc, argv, mail_client_usage);
	int wait = mail_seconds(o.wait, MAIL_WAIT_S);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	bool wants_address = argc == 2 && strcmp(argv[1], "address") == 0;
	if (wait < 0 || (!wants_address && (argc != 3 || strcmp(argv[1], "status") != 0))) {
		fputs(mail_client_usage, stderr);
		return CTL_USAGE;
	}
	r = mail_open(&o, &c);
	if (r != CTL_OK)
		return r;
	return mail_close(c, wants_address ? mail_address(c, wait) : mail_show(c, atoll(argv[2])));
}
