// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sends one message and waits until the receiver's gateway has it, or shows what comes:
//   fogclient-example FOLDER NETWORK-FILE                 say our address, then show messages
//   fogclient-example FOLDER NETWORK-FILE ADDRESS TEXT    send
// Built by: cc fogclient.c $(pkg-config --cflags --libs fogclient)
#include <fogclient.h>
#include <stdio.h>
#include <string.h>

static bool example_sent(void *ctx, struct fog_client *c)
{
	struct fog_client_status s;

	return fog_client_status(c, *(int64_t *)ctx, &s) < 0 || s.state >= FOG_CLIENT_ACKNOWLEDGED;
}

static bool example_show(void *ctx, struct fog_client *c)
{
	char address[FOG_CLIENT_ADDRESS_LEN];
	struct fog_client_message m;
	bool *said = ctx;

	if (!*said && fog_client_address(c, address) == 0) {
		printf("we are %s\n", address);
		*said = true;
	}
	while (fog_client_receive(c, 0, &m) == 1) {
		fwrite(m.data, 1, m.len, stdout);
		puts("");
		fog_client_forget(c, m.id);
	}
	fflush(stdout);
	return false;
}

static int example_send(struct fog_client *c, const char *to, const char *text)
{
	struct fog_client_status s = {0};
	int64_t id;
	int r = fog_client_send(c, to, text, strlen(text), &id);

	if (r == 0)
		r = fog_client_run(c, -1, example_sent, &id);
	if (r == 0)
		r = fog_client_status(c, id, &s);
	if (r == 0)
		puts(s.state == FOG_CLIENT_ACKNOWLEDGED ? "acknowledged" : s.why);
	return r;
}

int main(int argc, char **argv)
{
	const struct fog_client_options options = {
	        .dir = argc > 1 ? argv[1] : NULL, .network = argc > 2 ? argv[2] : NULL};
	struct fog_client *c = NULL;
	bool said = false;
	int r = fog_client_open(&options, &c);

	if (r == 0)
		r = argc > 4 ? example_send(c, argv[3], argv[4])
		             : fog_client_run(c, -1, example_show, &said);
	if (r < 0)
		fprintf(stderr, "%s\n", c != NULL ? fog_client_error(c) : "out of memory");
	fog_client_close(c);
	return r < 0;
}
