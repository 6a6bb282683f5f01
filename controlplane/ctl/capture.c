// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl capture: sizes and headers of frames as a pcapng file.
#include <errno.h>
#include <fcntl.h>
#include <fog_version.h> // made from git describe during the build
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "lookout.h"
#include "pcapng.h"
#include "rest.h"

enum { DATA_MAX = 256 };

static const char capture_usage[] =
        "usage: fogctl capture -w FILE [--sample N] [--count N] [--seconds S] [--worker W]\n"
        "       fogctl capture -j [--sample N] [--count N] [--seconds S] [--worker W]\n"
        "  -w FILE      write pcapng, for tcpdump and Wireshark; - = standard output\n"
        "  --sample N   one frame of N, of those that come and of those that leave (100; 1 = every frame)\n"
        "  --count N    end after N frames (100; at most 10000)\n"
        "  --seconds S  end after S seconds (10; at most 600)\n"
        "  --worker W   of this worker only\n"
        "Frames end behind their UDP header. Refused in production, unless the file says trace.allow:\n"
        "true. Ctrl-C ends it.\n";

struct capture {
	const char *path; // NULL with -j
	FILE *out; // NULL with -j, and before the capture has begun
	uint64_t began_ns; // since 1970
};

// One interface a port, in the order of their numbers.
static int capture_ports(struct capture *p, struct ctl_client *c)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/ports"};
	struct ctl_answer answer;
	int r = ctl_client_call(c, &request, &answer);

	if (r != CTL_OK)
		return r;
	const json_t *ports = json_object_get(answer.json, "ports");
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const char *name =
		        json_string_value(json_object_get(json_array_get(ports, i), "name"));
		pcapng_interface(p->out, name != NULL ? name : "", DATA_MAX);
	}
	ctl_answer_free(&answer);
	return CTL_OK;
}

// For nobody else's eyes.
static FILE *capture_open(const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0 && !isatty(STDOUT_FILENO))
		return stdout;
	if (strcmp(path, "-") == 0) {
		fputs("fogctl: pcapng is no text: redirect the output, or name a file\n", stderr);
		return NULL;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	// An older file may be open to others.
	bool ours = fd >= 0 && fstat(fd, &st) == 0 &&
	        (!S_ISREG(st.st_mode) || fchmod(fd, 0600) == 0);
	FILE *f = ours ? fdopen(fd, "w") : NULL;
	if (f == NULL)
		fprintf(stderr, "fogctl: %s: %s: name a file in a folder that you may write to\n",
		        path, strerror(errno));
	if (f == NULL && fd >= 0)
		close(fd);
	return f;
}

// A refused capture leaves the file of an earlier one as it is.
static int capture_begin(void *ctx, struct ctl_client *c, const json_t *answer)
{
	int64_t began_ns = ctl_time_ns(json_object_get(answer, "began_at"));
	struct capture *p = ctx;

	if (p->path == NULL)
		return CTL_OK;
	p->out = capture_open(p->path);
	if (p->out == NULL)
		return CTL_REFUSED;
	if (began_ns >= 0)
		p->began_ns = (uint64_t)began_ns;
	pcapng_begin(p->out, "fogctl " FOG_VERSION);
	return capture_ports(p, c);
}

static void capture_each(void *ctx, struct ctl_client *c, const json_t *r)
{
	const char *hex = json_string_value(json_object_get(r, "headers"));
	const char *direction = json_string_value(json_object_get(r, "direction"));
	const char *drop = json_string_value(json_object_get(r, "drop"));
	struct capture *p = ctx;
	uint8_t data[DATA_MAX];
	char comment[64];
	size_t len = 0;

	if (p->out == NULL) {
		json_dumpf(r, stdout, JSON_COMPACT);
		puts("");
		fflush(stdout);
		return;
	}
	if (hex == NULL ||
	    sodium_hex2bin(data, sizeof(data), hex, strlen(hex), NULL, &len, NULL) != 0)
		return;
	snprintf(comment, sizeof(comment), "dropped: %s", drop != NULL ? drop : "");
	pcapng_frame(
	        p->out,
	        &(struct pcapng_frame
	        ){.interface = (uint32_t)json_integer_value(json_object_get(r, "port")),
	          .time_ns = p->began_ns +
	                  (uint64_t)json_integer_value(json_object_get(r, "time_ns")),
	          .frame_len = (uint32_t)json_integer_value(json_object_get(r, "frame_bytes")),
	          .data_len = (uint32_t)len,
	          .data = data,
	          .inbound = direction != NULL && strcmp(direction, "in") == 0,
	          .comment = drop != NULL ? comment : NULL}
	);
	fflush(p->out);
}

static int capture_run(struct ctl_client *c, const char *path, const struct ctl_lookout_options *o)
{
	static const struct ctl_lookout lookout = {"/v1/capture", capture_begin, capture_each};
	struct capture p = {.path = path};

	int r = ctl_lookout_run(c, &lookout, o, &p, capture_usage);
	if (p.out == NULL)
		return r;
	bool bad = ferror(p.out) != 0;
	if ((fclose(p.out) != 0 || bad) && r == CTL_OK) {
		fprintf(stderr,
		        "fogctl: %s: not all could be written: %s: make room, or name another\n",
		        path, strerror(errno));
		r = CTL_REFUSED;
	}
	return r;
}

int ctl_capture(int argc, char **argv)
{
	struct ctl_lookout_options o = {0};
	const char *path = NULL;
	const struct ctl_option own[] = {
	        {"-w", &path, NULL},           {"--sample", &o.sample, NULL},
	        {"--count", &o.count, NULL},   {"--seconds", &o.seconds, NULL},
	        {"--worker", &o.worker, NULL}, {NULL, NULL, NULL},
	};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, capture_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc != 1 || (path == NULL) != client.json) {
		fputs(capture_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = capture_run(&client, path, &o);
	}
	ctl_client_close(&client);
	return r;
}
