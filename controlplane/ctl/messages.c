// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl send and receive.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "mail.h"
#include "rest.h"
#include "table.h"

enum { CONTENT_MAX = 512 << 10, PAGE = 200, WAIT_MAX = 30 };

static const char send_usage[] =
        "usage: fogctl send --to NODE [--surb] [--recipient ID] [--path NODE,NODE..] [--file F | "
        "TEXT]\n"
        "       fogctl send NODE TEXT\n"
        "       fogctl send --reply-to ID [--file F | TEXT]\n"
        "       fogctl send --client DIR [--network FILE] [--gateway NODE] [--wait SECONDS] [--file F]\n"
        "                   ADDRESS [TEXT]\n"
        "Without --file and TEXT the message comes from standard input.\n"
        "\n"
        "  --to NODE        node that it is for, by name or ID\n"
        "  --surb           with a single-use reply block, so that it can be answered\n"
        "  --recipient ID   whom that node gives it to, 64 hexadecimal digits\n"
        "  --path NODE,NODE..  the nodes on its way, this one first; else they are drawn\n"
        "  --reply-to ID    answer the received message ID\n"
        "  --file F         the message\n" MAIL_SEND_OPTIONS;

struct send_options {
	const char *to, *recipient, *path, *file, *reply_to;
	bool surb;
};

// Returns the bytes of the message, which the caller frees, or NULL, said.
static uint8_t *send_content(const struct send_options *o, const char *text, size_t *len)
{
	uint8_t *data = malloc(CONTENT_MAX);
	FILE *f = stdin;

	if (data == NULL)
		return NULL;
	if (text != NULL) {
		*len = strnlen(text, CONTENT_MAX);
		memcpy(data, text, *len);
		return data;
	}
	if (o->file != NULL && strcmp(o->file, "-") != 0)
		f = fopen(o->file, "re");
	*len = f != NULL ? fread(data, 1, CONTENT_MAX, f) : 0;
	if (f == NULL || ferror(f)) {
		fprintf(stderr, "fogctl: %s: %s: give a file that you may read\n", o->file,
		        strerror(errno));
		free(data);
		data = NULL;
	}
	if (f != NULL && f != stdin)
		fclose(f);
	return data;
}

static json_t *send_path(const char *names)
{
	json_t *path = json_array();

	for (;;) {
		size_t len = strcspn(names, ",");
		json_array_append_new(path, json_stringn(names, len));
		if (names[len] == '\0')
			return path;
		names += len + 1;
	}
}

static char *send_body(const struct send_options *o, const uint8_t *data, size_t len)
{
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *base64 = malloc(room), *body;
	json_t *json = json_object();

	if (base64 == NULL)
		return NULL;
	sodium_bin2base64(base64, room, data, len, sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(json, "data", json_string(base64));
	free(base64);
	if (o->to != NULL)
		json_object_set_new(json, "to", json_string(o->to));
	if (o->recipient != NULL)
		json_object_set_new(json, "recipient", json_string(o->recipient));
	if (o->path != NULL)
		json_object_set_new(json, "path", send_path(o->path));
	if (o->reply_to != NULL)
		json_object_set_new(json, "reply_to", json_integer(atoll(o->reply_to)));
	if (o->surb)
		json_object_set_new(json, "surb", json_true());
	body = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return body;
}

static void send_print(const json_t *a)
{
	const json_t *path = json_object_get(a, "path");

	printf("message %lld, %lld bytes%s",
	       (long long)json_integer_value(json_object_get(a, "id")),
	       (long long)json_integer_value(json_object_get(a, "bytes")),
	       json_is_true(json_object_get(a, "surb")) ? " and a SURB" : "");
	for (size_t i = 0; i < json_array_size(path); i++)
		printf("%s%s", i == 0 ? ", path " : " > ",
		       json_string_value(json_array_get(path, i)));
	puts("");
}

int ctl_send(int argc, char **argv)
{
	struct send_options o = {0};
	const struct ctl_option own[] = {
	        {"--to", &o.to, NULL},
	        {"--recipient", &o.recipient, NULL},
	        {"--path", &o.path, NULL},
	        {"--file", &o.file, NULL},
	        {"--reply-to", &o.reply_to, NULL},
	        {"--surb", NULL, &o.surb},
	        {NULL, NULL, NULL},
	};
	struct ctl_answer answer;
	struct ctl_client client;
	size_t len = 0;

	if (mail_wanted(argc, argv))
		return mail_send(argc, argv);
	int r = ctl_client_open(&client, &argc, argv, own, send_usage);
	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	// `send NODE TEXT` is short for `send --to NODE TEXT`.
	if (argc == 3 && o.to == NULL && o.reply_to == NULL) {
		o.to = argv[1];
		argv++;
		argc--;
	}
	if ((o.to == NULL) == (o.reply_to == NULL) || argc > 2 || (argc == 2 && o.file != NULL)) {
		fputs(send_usage, stderr);
		ctl_client_close(&client);
		return CTL_USAGE;
	}
	uint8_t *data = send_content(&o, argc == 2 ? argv[1] : NULL, &len);
	char *body = data != NULL ? send_body(&o, data, len) : NULL;
	struct ctl_request request = {
	        .method = "POST",
	        .path = "/v1/messages",
	        .body = body,
	        .body_len = body != NULL ? strlen(body) : 0,
	};
	r = body != NULL ? ctl_client_call(&client, &request, &answer) : CTL_REFUSED;
	if (r == CTL_OK) {
		if (client.json)
			puts(answer.body);
		else
			send_print(answer.json);
		ctl_answer_free(&answer);
	}
	free(body);
	free(data);
	ctl_client_close(&client);
	return r;
}

static const char receive_usage[] =
        "usage: fogctl receive [--after ID] [--wait SECONDS] [--follow]\n"
        "       fogctl receive --client DIR [--network FILE] [--gateway NODE] [--wait SECONDS]\n"
        "                      [--follow] [--keep] [--raw]\n"
        "  --after ID       only messages that came after message ID\n"
        "  --wait SECONDS   wait for the first one for so long [0]\n"
        "  --follow         go on until Ctrl-C\n" MAIL_RECEIVE_OPTIONS;

static void receive_print(const json_t *m)
{
	const json_t *text = json_object_get(m, "text");
	json_int_t reply = json_integer_value(json_object_get(m, "in_reply_to"));

	printf("message %lld, %s, %lld bytes",
	       (long long)json_integer_value(json_object_get(m, "id")),
	       json_string_value(json_object_get(m, "received_at")),
	       (long long)json_integer_value(json_object_get(m, "bytes")));
	if (reply > 0)
		printf(", reply to your message %lld", (long long)reply);
	if (json_is_true(json_object_get(m, "surb")))
		printf(", can be answered");
	puts("");
	if (json_is_string(text))
		ctl_print_safe(stdout, json_string_value(text), json_string_length(text));
	else
		printf("base64: %s", json_string_value(json_object_get(m, "data")));
	puts("\n");
}

// One page. Returns CTL_OK and moves *after, or the exit code.
static int receive_page(struct ctl_client *c, json_int_t *after, long wait)
{
	char path[96];
	struct ctl_request request = {.method = "GET", .path = path, .timeout_s = wait + 15};
	struct ctl_answer answer;

	snprintf(
	        path, sizeof(path), "/v1/messages?after=%lld&limit=%d&wait=%ld", (long long)*after,
	        PAGE, wait
	);
	int r = ctl_client_call(c, &request, &answer);
	if (r != CTL_OK)
		return r;
	const json_t *list = json_object_get(answer.json, "messages");
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (c->json) {
			json_dumpf(json_array_get(list, i), stdout, JSON_COMPACT);
			puts("");
		} else {
			receive_print(json_array_get(list, i));
		}
	}
	fflush(stdout);
	*after = json_integer_value(json_object_get(answer.json, "next"));
	ctl_answer_free(&answer);
	return CTL_OK;
}

int ctl_receive(int argc, char **argv)
{
	const char *after_text = "0", *wait_text = "0";
	bool follow = false;
	const struct ctl_option own[] = {
	        {"--after", &after_text, NULL},
	        {"--wait", &wait_text, NULL},
	        {"--follow", NULL, &follow},
	        {NULL, NULL, NULL},
	};
	struct ctl_client client;

	if (mail_wanted(argc, argv))
		return mail_receive(argc, argv);
	int r = ctl_client_open(&client, &argc, argv, own, receive_usage);
	json_int_t after = atoll(after_text), first = after, before;
	long wait = atol(wait_text);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1 || wait < 0 || after < 0) {
		fputs(receive_usage, stderr);
		ctl_client_close(&client);
		return CTL_USAGE;
	}
	if (follow || wait > WAIT_MAX)
		wait = WAIT_MAX;
	// Pages until there is nothing more: a wait is for the first message only.
	do {
		before = after;
		r = receive_page(&client, &after, wait);
		if (!follow)
			wait = 0;
	} while (r == CTL_OK && (follow || after != before));
	if (r == CTL_OK && after == first && !client.json)
		puts("no messages");
	ctl_client_close(&client);
	return r;
}
