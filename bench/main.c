// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fog-bench: the benches by name. Reached by `./fogline bench`.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { WINDOWS = 51, WINDOWS_QUICK = 2, USAGE = 2 };

static const struct bench *const benches[] = {
        &bench_sphinx,   &bench_wrap,  &bench_x25519,    &bench_symmetric, &bench_replay,
        &bench_calendar, &bench_delay, &bench_worker,    &bench_scale,     &bench_dudect,
        &bench_flood,    &bench_link,  &bench_directory,
};

struct common {
	bool json, quick;
	int cpu;
	unsigned windows;
};

unsigned bench_isas(const struct fog_crypto_ops *isa[BENCH_ISAS_MAX])
{
	static const char *const names[BENCH_ISAS_MAX] = {"ref", "avx2", "avx512"};
	unsigned n = 0;

	for (unsigned i = 0; i < BENCH_ISAS_MAX; i++) {
		if ((isa[n] = fog_crypto_ops_get(names[i])) != NULL)
			n++;
	}
	return n;
}

int bench_option_wrong(const struct bench_option *o)
{
	fprintf(stderr, "bench: %s is %s, not '%s'\n", o->name, o->values, o->value);
	return -EINVAL;
}

int bench_option_list(
        const struct bench_option *o, double low, double high, double out[], unsigned max
)
{
	const char *at = o->value;
	unsigned n = 0;

	for (;; at++) {
		char *end;
		if (n == max)
			return bench_option_wrong(o);
		out[n] = strtod(at, &end);
		if (end == at || !(out[n] >= low && out[n] <= high))
			return bench_option_wrong(o);
		n++;
		if (*end == '\0')
			return (int)n;
		if (*end != ',')
			return bench_option_wrong(o);
		at = end;
	}
}

static int usage(FILE *to)
{
	fprintf(to,
	        "usage: ./fogline bench NAME [--json] [--cpu N] [--windows N] [--quick] [OPTION...]\n"
	        "\n"
	        "  --json       one object on standard output, nothing else there\n"
	        "  --cpu N      core to run on (the last one allowed)\n"
	        "  --windows N  how often each case is timed, %d to %d (%d)\n"
	        "  --quick      tiny sizes, to see that it runs; the figures mean nothing\n"
	        "\n",
	        BENCH_WINDOWS_MIN, BENCH_WINDOWS_MAX, WINDOWS);
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		fprintf(to, "%-10s %s\n", benches[i]->name, benches[i]->what);
		for (const struct bench_option *o = benches[i]->options; o && o->name; o++)
			fprintf(to, "%-10s   %s %s (%s)\n", "", o->name, o->values, o->value);
	}
	return to == stdout ? 0 : USAGE;
}

static int whole_number(const char *text, long low, long high, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return errno != 0 || end == text || *end != '\0' || *out < low || *out > high ? -1 : 0;
}

static const struct bench *bench_named(const char *name)
{
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		if (strcmp(benches[i]->name, name) == 0)
			return benches[i];
	}
	return NULL;
}

static struct bench_option *option_named(const struct bench *b, const char *name)
{
	struct bench_option *o = b->options;

	while (o != NULL && o->name != NULL && strcmp(o->name, name) != 0)
		o++;
	return o != NULL && o->name != NULL ? o : NULL;
}

// Options behind the bench's name. Returns 0, or USAGE after saying what is wrong.
static int options_parse(const struct bench *b, struct common *c, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		struct bench_option *own = option_named(b, name);
		long n = 0;
		int bad = 0;

		if (strcmp(name, "--json") == 0 || strcmp(name, "--quick") == 0) {
			*(name[2] == 'j' ? &c->json : &c->quick) = true;
			continue;
		}
		i++;
		if (own != NULL) {
			own->value = value;
		} else if (strcmp(name, "--cpu") == 0) {
			bad = whole_number(value, 0, 1023, &n);
			c->cpu = (int)n;
		} else if (strcmp(name, "--windows") == 0) {
			bad = whole_number(value, BENCH_WINDOWS_MIN, BENCH_WINDOWS_MAX, &n);
			c->windows = (unsigned)n;
		} else {
			fprintf(stderr, "bench: %s has no option '%s'\n", b->name, name);
			return usage(stderr);
		}
		if (bad || value[0] == '\0') {
			fprintf(stderr, "bench: '%s' is no value for %s\n", value, name);
			return usage(stderr);
		}
	}
	return 0;
}

static int bench_do(const struct bench *b, const struct common *c)
{
	struct bench_report r = {.rows = json_array(), .notes = json_array()};
	int ret;

	r.plan.quick = c->quick;
	r.plan.windows = c->quick ? WINDOWS_QUICK : c->windows;
	if (fog_crypto_init() < 0 || fog_crypto_thread_init() < 0) {
		fprintf(stderr, "bench: this CPU lacks AES-NI, or memory is short\n");
		return 1;
	}
	if ((ret = bench_plan_init(&r.plan, c->cpu)) < 0) {
		fprintf(stderr, "bench: cannot pin to core %d: %s; --cpu takes one of `nproc`\n",
		        c->cpu, strerror(-ret));
		return 1;
	}
	if (c->quick)
		bench_note(&r, "--quick: the figures mean nothing");
	ret = b->run(&r);
	if (ret == 0 && (ret = bench_report_print(&r, b, c->json)) < 0)
		fprintf(stderr, "bench: cannot write the result\n");
	json_decref(r.rows);
	json_decref(r.notes);
	if (ret == -EINVAL)
		return USAGE;
	return ret < 0;
}

int main(int argc, char **argv)
{
	struct common c = {.cpu = -1, .windows = WINDOWS};
	const struct bench *b;
	int ret;

	if (argc < 2 || strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if ((b = bench_named(argv[1])) == NULL) {
		fprintf(stderr, "bench: no bench is called '%s'\n", argv[1]);
		return usage(stderr);
	}
	if ((ret = options_parse(b, &c, argc - 2, argv + 2)) != 0)
		return ret;
	return bench_do(b, &c);
}
