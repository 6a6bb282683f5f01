// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A program that uses libfogclient as any other would, and is made to be killed at any moment:
//   fog-mailer FOLDER NETWORK-FILE GATEWAY DESK
// The folder DESK has
//   plan        messages to send: length 4 | number of the receiver 2 | bytes; big-endian
//   receivers   one address a line; waited for
//   address     written by us: our own
//   accepted    written by us: an ID a line, for each message of the plan that was accepted, in its order
//   received    written by us: ID 8 | length 4 | bytes; the same ID again is the same message read again
//   finished    written by us once all of the plan has an end: how many were acknowledged, failed, and how
//               many fragments left again
// What was accepted is found again after a kill from the last line of 'accepted' and the library's own IDs,
// which grow by one.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../controlplane/big_endian.h"
#include "../../controlplane/client/client.h"

enum {
	MAILER_AHEAD = 64, // messages accepted beyond the oldest that isn't over
	MAILER_RECEIVERS_MAX = 64,
	MAILER_HEAD = 6,
};

struct mailer {
	struct fog_client *client;
	const char *desk;
	uint8_t *plan;
	size_t plan_len, at; // 'at': the next one to accept
	unsigned receivers;
	char address[FOG_CLIENT_ADDRESS_LEN];
	char receiver[MAILER_RECEIVERS_MAX][FOG_CLIENT_ADDRESS_LEN];
	int64_t accepted, over; // IDs: the last one; all up to this one have an end
	unsigned acknowledged, failed;
	uint64_t again;
	int accepted_fd, received_fd;
	bool finished;
};

static void mailer_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int mailer_file(const struct mailer *m, const char *name, int flags)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", m->desk, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0 && errno != ENOENT)
		mailer_die(path);
	return fd;
}

// A kill may cut a write short only between two calls, so each record is one.
static void mailer_write(int fd, const void *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		mailer_die("writing");
}

static void mailer_read_plan(struct mailer *m)
{
	int fd = mailer_file(m, "plan", O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		mailer_die("plan");
	m->plan_len = (size_t)st.st_size;
	m->plan = malloc(m->plan_len + 1);
	if (m->plan == NULL || read(fd, m->plan, m->plan_len) != (ssize_t)m->plan_len)
		mailer_die("plan");
	close(fd);
}

static void mailer_next(struct mailer *m)
{
	m->at += MAILER_HEAD + fog_be_get(m->plan + m->at, 4);
}

static void mailer_note(struct mailer *m, int64_t id)
{
	char line[32];

	mailer_write(
	        m->accepted_fd, line, (size_t)snprintf(line, sizeof(line), "%lld\n", (long long)id)
	);
	m->accepted = id;
	mailer_next(m);
}

// What an earlier life has accepted, and the one that it may not have come to write down.
static void mailer_resume(struct mailer *m)
{
	int fd = mailer_file(m, "accepted", O_RDONLY | O_CREAT);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct fog_client_status s;
	char line[32];

	if (f == NULL)
		mailer_die("accepted");
	while (fgets(line, sizeof(line), f) != NULL) {
		m->accepted = atoll(line);
		mailer_next(m);
	}
	fclose(f);
	m->accepted_fd = mailer_file(m, "accepted", O_WRONLY | O_APPEND);
	m->received_fd = mailer_file(m, "received", O_WRONLY | O_APPEND | O_CREAT);
	if (fog_client_status(m->client, m->accepted + 1, &s) == 0)
		mailer_note(m, m->accepted + 1);
}

static bool mailer_said(struct mailer *m, const char *name, const char *text)
{
	int fd = mailer_file(m, name, O_WRONLY | O_CREAT | O_TRUNC);

	mailer_write(fd, text, strlen(text));
	close(fd);
	return true;
}

static bool mailer_knows_receivers(struct mailer *m)
{
	int fd = m->receivers == 0 ? mailer_file(m, "receivers", O_RDONLY) : -1;
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;

	while (f != NULL && m->receivers < MAILER_RECEIVERS_MAX &&
	       fgets(m->receiver[m->receivers], FOG_CLIENT_ADDRESS_LEN, f) != NULL) {
		m->receiver[m->receivers][strcspn(m->receiver[m->receivers], "\n")] = '\0';
		m->receivers++;
	}
	if (f != NULL)
		fclose(f);
	return m->receivers > 0;
}

static void mailer_accept(struct mailer *m)
{
	const uint8_t *entry = m->plan + m->at;
	unsigned to = (unsigned)fog_be_get(entry + 4, 2);
	int64_t id;

	if (to >= m->receivers ||
	    fog_client_send(
	            m->client, m->receiver[to], entry + MAILER_HEAD, fog_be_get(entry, 4), &id
	    ) < 0) {
		fprintf(stderr, "not accepted: %s\n", fog_client_error(m->client));
		exit(1);
	}
	mailer_note(m, id);
}

static void mailer_look(struct mailer *m)
{
	struct fog_client_status s;

	while (m->over < m->accepted && fog_client_status(m->client, m->over + 1, &s) == 0 &&
	       s.state >= FOG_CLIENT_ACKNOWLEDGED) {
		m->acknowledged += s.state == FOG_CLIENT_ACKNOWLEDGED;
		m->failed += s.state == FOG_CLIENT_FAILED;
		m->again += s.retransmissions;
		m->over++;
	}
}

static void mailer_receive(struct mailer *m)
{
	struct fog_client_message got;

	while (fog_client_receive(m->client, 0, &got) == 1) {
		uint8_t *record = malloc(12 + got.len);
		if (record == NULL)
			mailer_die("received");
		fog_be_put(record, (uint64_t)got.id, 8);
		fog_be_put(record + 8, got.len, 4);
		memcpy(record + 12, got.data, got.len);
		mailer_write(m->received_fd, record, 12 + got.len);
		free(record);
		fog_client_forget(m->client, got.id);
	}
}

static bool mailer_work(void *ctx, struct fog_client *c)
{
	struct mailer *m = ctx;
	char text[100];

	if (m->address[0] == '\0' && fog_client_address(c, m->address) == 0)
		mailer_said(m, "address", m->address);
	mailer_receive(m);
	mailer_look(m);
	if (m->at < m->plan_len && m->accepted - m->over < MAILER_AHEAD &&
	    mailer_knows_receivers(m))
		mailer_accept(m);
	if (!m->finished && m->at == m->plan_len && m->over == m->accepted) {
		snprintf(
		        text, sizeof(text), "%u %u %llu\n", m->acknowledged, m->failed,
		        (unsigned long long)m->again
		);
		m->finished = mailer_said(m, "finished", text);
	}
	return false;
}

int main(int argc, char **argv)
{
	static struct mailer m;
	int r;

	if (argc != 5) {
		fputs("usage: fog-mailer FOLDER NETWORK-FILE GATEWAY DESK\n", stderr);
		return 2;
	}
	const struct fog_client_options options = {
	        .dir = argv[1], .network = argv[2], .gateway = argv[3]};
	m.desk = argv[4];
	r = fog_client_open(&options, &m.client);
	if (r == 0) {
		mailer_read_plan(&m);
		mailer_resume(&m);
		r = fog_client_run(m.client, -1, mailer_work, &m);
	}
	if (r < 0)
		fprintf(stderr, "%s\n",
		        m.client != NULL ? fog_client_error(m.client) : "out of memory");
	fog_client_close(m.client);
	free(m.plan);
	return r < 0;
}
