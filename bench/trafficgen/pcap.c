// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Classic pcap (pcap-savefile(5)): microseconds, link type Ethernet, byte order of this host. Only
// one batch of packets is in memory.
#include "pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "maker.h"
#include "tell.h"

#define PCAP_MAGIC UINT32_C(0xa1b2c3d4)
#define PCAP_ETHERNET 1u

struct pcap_head {
	uint32_t magic;
	uint16_t major, minor;
	int32_t zone;
	uint32_t accuracy, snap_len, link_type;
};

struct pcap_record {
	uint32_t seconds, microseconds, stored, length;
};

_Static_assert(sizeof(struct pcap_head) == 24 && sizeof(struct pcap_record) == 16, "file format");

struct pcap {
	FILE *file;
	const char *path;
	char fresh[PATH_MAX]; // what is written, until it is whole; empty: 'path' itself
	uint32_t rate;
	uint64_t start; // seconds since 1970 of the first packet
	uint64_t written; // packets
};

static const uint8_t pcap_to_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t pcap_from_mac[6] = {2, 0, 0, 0, 0, 2};

static int pcap_fail(const struct pcap *p)
{
	int error = errno != 0 ? errno : EIO;

	tell_error(
	        "%s: %s: give --out a file that you may write, with room for it", p->path,
	        strerror(error)
	);
	return -error;
}

// A file that is made anew or replaced is written beside its place: half a file would look like a
// whole one. A device, a pipe, or a link (/dev/stdout) is written itself.
static FILE *pcap_create(struct pcap *p)
{
	struct stat st;
	FILE *f;

	if (lstat(p->path, &st) == 0 && !S_ISREG(st.st_mode))
		return fopen(p->path, "we");
	int n = snprintf(p->fresh, sizeof(p->fresh), "%s.%d.new", p->path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(p->fresh)) {
		p->fresh[0] = '\0';
		errno = ENAMETOOLONG;
		return NULL;
	}
	int fd = open(p->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0) {
		p->fresh[0] = '\0';
		return NULL;
	}
	f = fdopen(fd, "w");
	if (f == NULL)
		close(fd);
	return f;
}

static int pcap_open(struct pcap *p, const struct options *o)
{
	const struct pcap_head head = {
	        .magic = PCAP_MAGIC,
	        .major = 2,
	        .minor = 4,
	        .snap_len = 65535,
	        .link_type = PCAP_ETHERNET,
	};

	*p = (struct pcap){.path = o->out, .rate = o->rate, .start = (uint64_t)time(NULL)};
	p->file = pcap_create(p);
	if (p->file == NULL || fwrite(&head, sizeof(head), 1, p->file) != 1)
		return pcap_fail(p);
	return 0;
}

static int pcap_put(struct pcap *p, const uint8_t *frame, uint32_t len)
{
	uint64_t us = p->written * 1000000 / p->rate;
	const struct pcap_record record = {
	        .seconds = (uint32_t)(p->start + us / 1000000),
	        .microseconds = (uint32_t)(us % 1000000),
	        .stored = len,
	        .length = len,
	};

	if (fwrite(&record, sizeof(record), 1, p->file) != 1 || fwrite(frame, len, 1, p->file) != 1)
		return pcap_fail(p);
	p->written++;
	return 0;
}

static int pcap_close(struct pcap *p, int ret)
{
	if (p->file != NULL && fclose(p->file) != 0 && ret == 0)
		ret = pcap_fail(p);
	if (p->fresh[0] == '\0')
		return ret;
	if (ret == 0 && rename(p->fresh, p->path) < 0)
		ret = pcap_fail(p);
	if (ret < 0)
		unlink(p->fresh);
	return ret;
}

static int pcap_write(struct pcap *p, struct maker *m, uint64_t count)
{
	uint32_t len = frame_len(&m->frame);
	uint8_t *frame[MAKER_BATCH], *buffer = malloc((size_t)MAKER_BATCH * len);
	int ret = 0;

	if (buffer == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < MAKER_BATCH; i++)
		frame[i] = buffer + (size_t)i * len;
	while (ret == 0 && p->written < count) {
		uint64_t left = count - p->written;
		unsigned n = left < MAKER_BATCH ? (unsigned)left : MAKER_BATCH;

		ret = interrupt_seen() ? -EINTR : maker_make(m, frame, n);
		for (unsigned i = 0; ret == 0 && i < n; i++)
			ret = pcap_put(p, frame[i], len);
	}
	free(buffer);
	return ret;
}

static bool pcap_is_stdout(const char *path)
{
	struct stat out, to;

	return stat(path, &out) == 0 && fstat(STDOUT_FILENO, &to) == 0 && out.st_dev == to.st_dev &&
	        out.st_ino == to.st_ino;
}

static void pcap_report(
        const struct options *o, const struct route *r, const struct maker *m, double seconds
)
{
	uint64_t bytes = sizeof(struct pcap_head) +
	        o->count * (sizeof(struct pcap_record) + frame_len(&m->frame));

	if (o->json) {
		json_t *j = json_pack(
		        "{s:s, s:s, s:I, s:i, s:i, s:I, s:s, s:s, s:i, s:s, s:f}", "schema",
		        "fogline-trafficgen-pcap-1", "file", o->out, "packets",
		        (json_int_t)o->count, "packet_bytes", (int)m->geo->packet_len,
		        "frame_bytes", (int)frame_len(&m->frame), "file_bytes", (json_int_t)bytes,
		        "first", r->first->name, "last", r->last->name, "hops", (int)r->hops, "isa",
		        m->ops->name, "packets_per_second", (double)o->count / seconds
		);
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(j);
		return;
	}
	fprintf(pcap_is_stdout(o->out) ? stderr : stdout,
	        "%s: %llu packets of %u bytes in frames of %u, %llu bytes\n"
	        "way: %s, %u hops, to %s; made at %.0f packets/s by %s\n",
	        o->out, (unsigned long long)o->count, m->geo->packet_len, frame_len(&m->frame),
	        (unsigned long long)bytes, r->first->name, r->hops, r->last->name,
	        (double)o->count / seconds, m->ops->name);
}

static double pcap_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The report of --json must be able to name the file, and have a place of its own.
static int pcap_check(const struct options *o)
{
	if (!o->json)
		return 0;
	json_t *name = json_string(o->out);
	json_decref(name);
	if (name == NULL) {
		tell_error("--json cannot name a file that isn't UTF-8: choose another --out");
		return -EINVAL;
	}
	if (pcap_is_stdout(o->out)) {
		tell_error("%s is where the report of --json goes: leave one of both out", o->out);
		return -EINVAL;
	}
	return 0;
}

int pcap_main(const struct options *o)
{
	struct frame_spec spec;
	struct route route;
	struct maker *maker = NULL;
	struct pcap pcap = {0};
	int ret = pcap_check(o);

	interrupt_watch();
	if (ret < 0 || route_open(&route, o->topology, o->first, o->last) < 0)
		return 1;
	if ((ret = options_frames(o, &route, &spec)) < 0)
		goto out;
	if (!o->to.has_mac)
		memcpy(spec.to.mac, pcap_to_mac, 6);
	if (!o->from.has_mac)
		memcpy(spec.from.mac, pcap_from_mac, 6);
	if ((ret = maker_open(&maker, &route, &spec)) < 0)
		goto out;
	double start = pcap_now();
	if ((ret = pcap_open(&pcap, o)) == 0)
		ret = pcap_write(&pcap, maker, o->count);
	ret = pcap_close(&pcap, ret);
	if (ret == 0)
		pcap_report(o, &route, maker, pcap_now() - start);
out:
	maker_close(maker);
	route_close(&route);
	return ret < 0 ? 1 : 0;
}
