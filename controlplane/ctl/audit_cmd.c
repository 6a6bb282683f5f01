// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl audit delays: send loops, wait until their epochs' proofs are public, judge. The other words are audit_rows.c's.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "rest.h"
#include "verb.h"

const char audit_usage[] =
        "usage: fogctl audit verify [STORE] [--heads FILE] [--log FILE] [-j]\n"
        "       fogctl audit show [STORE] [FILTER].. [--limit N] [-j]\n"
        "       fogctl audit export [STORE] [FILTER].. [--csv]\n"
        "       fogctl audit events [FILTER].. [--limit N] [--after ROW] [--order ORDER] [-j]\n"
        "       fogctl audit download [FILTER].. [--format FORMAT]\n"
        "       fogctl audit delays [--loops N] [--rate R] [--epochs FIRST[-LAST]] [--wait S]\n"
        "                           [--again] [--keep] [--json]\n"
        "                           [--consensus FILE --network NETWORK]\n"
        "\n"
        "verify, show and export read the audit from the store itself, as root; no control plane has to\n"
        "run. verify looks whether all rows are there and as they were written, and exits with 4 when\n"
        "they are not. show has the newest rows, export all, as lines of JSON.\n"
        "  STORE        --instance NAME, --config FILE (default: the only /etc/fogline/NAME.yaml), or\n"
        "               --store PATH or postgresql://..\n"
        "  --heads FILE  the file of heads (default: those of STATE_DIR/control, and those put aside)\n"
        "  --log FILE   logs of the control plane, in which heads stand, too: they show a cut also when an older\n"
        "               file of heads was put back; - is the standard input\n"
        "  FILTER       --actor ID or name, --action BEGINNING, --object X, --source ADDRESS,\n"
        "               --outcome begun|done|refused|failed|unknown, --correlation ID, --chain ID,\n"
        "               --from TIME, --until TIME (2026-01-31T12:00:00Z)\n"
        "  --limit N    rows of show and events (at most 1000)\n"
        "  --csv        export as CSV\n"
        "\n"
        "events and download ask a control plane for rows that fit FILTER: a page of them, or all as a file.\n"
        "  --after ROW  go on behind this one\n"
        "  --order ORDER    oldest (default) or newest first\n"
        "  --format FORMAT  jsonl (default) or csv\n"
        "\n"
        "delays asks whether the nodes delay packets as they owe.\n"
        "  --loops N    send so many loop packets (1000; at most 100000)\n"
        "  --rate R     loops per second on average (50; at most 1000)\n"
        "  --epochs E   judge loops of these epochs only\n"
        "  --wait S     how long to wait for proofs after they are due (60)\n"
        "  --again      send nothing, judge the loops that are there\n"
        "  --keep       leave them there in any case\n"
        "  --json       as -j\n"
        "  --consensus FILE   consensus of an epoch that the node has forgotten: delays of epoch x are drawn\n"
        "               with the beacon of x - 1, which the consensuses of x - 1 to x + 1 have\n"
        "  --network NETWORK  network file (topology.yaml) that verifies it\n"
        "Proofs are due when the keys of an epoch are destroyed, so an audit takes an epoch and the\n"
        "overlap. Exit code beside those of all commands: 0 all nodes delay as they owe, 4 somebody\n"
        "cheats, 5 no verdict on every node (what is missing is said).\n";

enum { PAGE = 500, POLL_MS = 500, PROOF_POLL_MS = 2000 };

static const int audit_exit[] = {
        [AUDIT_HONEST] = CTL_OK, [AUDIT_CHEATING] = 4, [AUDIT_UNDECIDED] = 5};

// Functions below that ask the node return 0, an exit code that has been explained (> 0), or a negative
// errno.

struct audit_options {
	const char *loops, *rate, *epochs, *wait, *consensus, *network;
	bool again, keep, json;
	uint64_t first, last; // epochs
	uint64_t wait_s;
};

static void pause_ms(unsigned ms)
{
	usleep(ms * 1000);
}

static int audit_get(struct ctl_client *c, const char *path, struct ctl_answer *a)
{
	struct ctl_request request = {.method = "GET", .path = path, .timeout_s = 30};
	bool json = c->json;

	c->json = false; // a problem is for people, the report is what -j prints
	int r = ctl_client_call(c, &request, a);
	c->json = json;
	return r;
}

static int audit_nodes(struct ctl_client *c, struct audit *a)
{
	struct ctl_answer answer;
	int r = audit_get(c, "/v1/nodes", &answer);

	if (r != CTL_OK)
		return r;
	r = audit_read_nodes(a, answer.json);
	ctl_answer_free(&answer);
	return r;
}

static int audit_start(struct ctl_client *c, const struct audit_options *o)
{
	char body[128];
	struct ctl_request request = {.method = "POST", .path = "/v1/loops", .body = body};
	struct ctl_answer answer;

	request.body_len = (size_t
	)snprintf(body, sizeof(body), "{\"count\":%s,\"rate\":%s}", o->loops, o->rate);
	int r = ctl_client_call(c, &request, &answer);
	if (r != CTL_OK)
		return r;
	fprintf(stderr, "sending %s loops at %s a second\n", o->loops, o->rate);
	ctl_answer_free(&answer);
	return 0;
}

static int loops_page(struct ctl_client *c, uint64_t after, unsigned limit, struct ctl_answer *a)
{
	char path[96];

	snprintf(
	        path, sizeof(path), "/v1/loops?after=%llu&limit=%u", (unsigned long long)after,
	        limit
	);
	return audit_get(c, path, a);
}

// Until all that were sent are back or lost.
static int loops_wait(struct ctl_client *c)
{
	struct ctl_answer answer;
	int r;

	while ((r = loops_page(c, 0, 1, &answer)) == 0) {
		const char *state = json_string_value(json_object_get(answer.json, "state"));
		const char *why = json_string_value(json_object_get(answer.json, "why"));
		bool none = state == NULL || strcmp(state, "none") == 0;
		bool ended = state != NULL && strcmp(state, "ended") == 0;
		if (ended && why != NULL)
			fprintf(stderr, "fogctl: the loops ended early: %s\n", why);
		ctl_answer_free(&answer);
		if (none) {
			fprintf(stderr,
			        "fogctl: there are no loops: begin an audit without --again\n");
			return CTL_REFUSED;
		}
		if (ended)
			break;
		pause_ms(POLL_MS);
	}
	return r;
}

static int audit_loops(struct ctl_client *c, struct audit *a)
{
	uint64_t after = 0, next = 0;
	struct ctl_answer answer;
	int r = loops_wait(c);

	do {
		after = next;
		if (r == 0)
			r = loops_page(c, after, PAGE, &answer);
		if (r != 0)
			return r;
		r = audit_read_loops(a, answer.json);
		next = (uint64_t)json_integer_value(json_object_get(answer.json, "next"));
		ctl_answer_free(&answer);
	} while (r == 0 && next > after);
	return r;
}

// Ask for one proof.
static int proof_ask(struct ctl_client *c, struct audit *a, unsigned node, unsigned epoch)
{
	struct ctl_answer answer;
	char path[160];
	struct ctl_request request = {.method = "GET", .path = path};

	snprintf(
	        path, sizeof(path), "/v1/nodes/%s/epochs/%llu/vrf", a->node[node].id,
	        (unsigned long long)a->epoch[epoch]
	);
	int r = ctl_client_request(c, &request, &answer);
	if (r != CTL_OK)
		return r;
	audit_take_proof(a, node, epoch, answer.status == 200 ? answer.json : NULL);
	ctl_answer_free(&answer);
	return 0;
}

// Ask for all that are missing; some may still be afterwards.
static int proofs_ask(struct ctl_client *c, struct audit *a, bool *missing)
{
	*missing = false;
	for (unsigned e = 0; e < a->epoch_count; e++) {
		for (unsigned i = 0; i < a->node_count; i++) {
			const struct audit_key *k = audit_key_of(a, e, i);
			if (k->state != AUDIT_PROOF_MISSING)
				continue;
			int r = proof_ask(c, a, i, e);
			if (r != 0)
				return r;
			*missing |= k->state == AUDIT_PROOF_MISSING;
		}
	}
	return 0;
}

static int audit_proofs(struct ctl_client *c, struct audit *a, const struct audit_options *o)
{
	uint64_t due, now = (uint64_t)time(NULL);
	bool missing;
	int r;

	if (a->epoch_count == 0)
		return 0;
	due = (a->epoch[a->epoch_count - 1] + 1) * a->epoch_s + a->overlap_s;
	// There they come in descriptors, with the second consensus after their epoch.
	if (a->directory)
		due = (a->epoch[a->epoch_count - 1] + 2) * a->epoch_s + a->epoch_s / 8;
	if (due > now)
		fprintf(stderr, "proofs are due in %llu s, %s epoch %llu%s\n",
		        (unsigned long long)(due - now),
		        a->directory ? "when the second consensus after" : "when the keys of",
		        (unsigned long long)a->epoch[a->epoch_count - 1],
		        a->directory ? " has come" : " are destroyed");
	while ((r = proofs_ask(c, a, &missing)) == 0 && missing &&
	       (uint64_t)time(NULL) <= due + o->wait_s)
		pause_ms(PROOF_POLL_MS);
	return r;
}

static void audit_forget(struct ctl_client *c)
{
	struct ctl_request request = {.method = "DELETE", .path = "/v1/loops"};
	struct ctl_answer answer;

	if (ctl_client_request(c, &request, &answer) == CTL_OK)
		ctl_answer_free(&answer);
}

static int audit_run(struct ctl_client *c, const struct audit_options *o)
{
	struct fog_judge_report *report = NULL;
	struct audit a = {0};
	size_t used = 0;
	enum audit_result result = AUDIT_UNDECIDED;
	int r = audit_nodes(c, &a);

	if (r == 0 && !o->again)
		r = audit_start(c, o);
	if (r == 0)
		r = audit_loops(c, &a);
	if (r == 0)
		r = audit_epochs(&a, o->first, o->last);
	if (r == 0)
		r = audit_beacons(c, &a, o->consensus, o->network);
	if (r == 0)
		r = audit_proofs(c, &a, o);
	if (r == 0)
		r = audit_judge(&a, &report, &used);
	if (r == -ENOMEM || r == -EINVAL)
		fprintf(stderr, "fogctl: %s: audit fewer loops\n", strerror(-r));
	if (r == 0)
		result = (c->json ? audit_print_json : audit_print)(&a, report, used);
	// Without a verdict the same loops may be worth another try.
	if (r == 0 && result != AUDIT_UNDECIDED && !o->keep)
		audit_forget(c);
	fog_judge_report_free(report);
	audit_free(&a);
	return r < 0 ? CTL_REFUSED : r > 0 ? r : audit_exit[result];
}

static bool option_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= max;
}

static bool option_epochs(struct audit_options *o)
{
	char first[24];
	size_t len;

	o->last = UINT64_MAX;
	if (o->epochs == NULL)
		return true;
	len = strcspn(o->epochs, "-");
	if (len >= sizeof(first))
		return false;
	snprintf(first, sizeof(first), "%.*s", (int)len, o->epochs);
	if (!option_number(first, INT64_MAX, &o->first))
		return false;
	o->last = o->first;
	return o->epochs[len] == '\0' ||
	        (option_number(o->epochs + len + 1, INT64_MAX, &o->last) && o->last >= o->first);
}

int ctl_audit(int argc, char **argv)
{
	struct audit_options o = {.loops = "1000", .rate = "50", .wait = "60"};
	const struct ctl_option own[] = {
	        {"--loops", &o.loops, NULL},     {"--rate", &o.rate, NULL},
	        {"--epochs", &o.epochs, NULL},   {"--wait", &o.wait, NULL},
	        {"--again", NULL, &o.again},     {"--keep", NULL, &o.keep},
	        {"--json", NULL, &o.json},       {"--consensus", &o.consensus, NULL},
	        {"--network", &o.network, NULL}, {NULL, NULL, NULL},
	};
	struct ctl_client client;
	uint64_t number;

	if (argc > 1 && ctl_verbs_find(&ctl_group_audit, argv[1]) != NULL)
		return ctl_verbs_run(&ctl_group_audit, argc, argv);
	if (argc > 1 && audit_rows_word(argv[1]))
		return audit_rows(argc, argv);
	int r = ctl_client_open(&client, &argc, argv, own, audit_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	client.json |= o.json;
	if (argc != 2 || strcmp(argv[1], "delays") != 0 || !option_epochs(&o) ||
	    (o.consensus == NULL) != (o.network == NULL) ||
	    !option_number(o.loops, UINT32_MAX, &number) ||
	    !option_number(o.rate, UINT32_MAX, &number) ||
	    !option_number(o.wait, UINT32_MAX, &o.wait_s)) {
		fputs(audit_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = audit_run(&client, &o);
	}
	ctl_client_close(&client);
	return r;
}
