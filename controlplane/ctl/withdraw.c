// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl withdraw: ask the authorities to leave this node out, and say when it may go without a loss.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "rest.h"

static const char withdraw_usage[] =
        "usage: fogctl withdraw [--wait] [-j]\n"
        "       fogctl withdraw --undo [-j]\n"
        "Asks the authorities to leave this node out of the next consensus, and says which epoch is its "
        "last one and when it may be switched off without a loss. It stays withdrawn over restarts. "
        "The same command again says how things stand.\n"
        "\n"
        "  --wait        return when it may be switched off, and say meanwhile what is waited for\n"
        "  --undo        take it back: the node is in again with one of the next consensuses\n";

// Where the network is in its epochs, by the node's clock; seconds since 1970.
struct withdraw_epoch {
	long long epoch, epoch_s, overlap_s;
	double now;
};

static double withdraw_time(const json_t *text)
{
	int64_t ns = ctl_time_ns(text);

	return ns < 0 ? -1 : (double)ns / 1e9;
}

static void withdraw_print_time(double s)
{
	time_t whole = (time_t)s;
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&whole, &tm));
	fputs(text, stdout);
}

static int withdraw_get(struct ctl_client *c, const char *path, struct ctl_answer *a)
{
	struct ctl_request request = {.method = "GET", .path = path};

	return ctl_client_request(c, &request, a);
}

static int withdraw_look(struct ctl_client *c, struct withdraw_epoch *out)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/epochs"};
	struct ctl_answer a;
	int r = ctl_client_call(c, &request, &a);

	if (r != CTL_OK)
		return r;
	out->epoch = json_integer_value(json_object_get(a.json, "epoch"));
	out->epoch_s = json_integer_value(json_object_get(a.json, "epoch_s"));
	out->overlap_s = json_integer_value(json_object_get(a.json, "overlap_s"));
	out->now = withdraw_time(json_object_get(json_object_get(a.json, "clock"), "now"));
	ctl_answer_free(&a);
	if (out->epoch_s > 0 && out->now >= 0)
		return CTL_OK;
	fputs("fogctl: the node's epochs can't be read: use the fogctl of the node's version\n",
	      stderr);
	return CTL_REFUSED;
}

static bool withdraw_has(const json_t *nodes, const char *id)
{
	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const json_t *of = json_object_get(json_array_get(nodes, i), "node_id");
		if (id != NULL && json_is_string(of) && strcmp(json_string_value(of), id) == 0)
			return true;
	}
	return false;
}

// Whether the consensus of 'epoch' is here and has this node.
static int withdraw_in(struct ctl_client *c, long long epoch, bool *in)
{
	struct ctl_answer status, consensus;
	char path[64];
	int r = withdraw_get(c, "/v1/status", &status);

	*in = false;
	if (r != CTL_OK)
		return r;
	snprintf(path, sizeof(path), "/v1/consensus?epoch=%lld", epoch);
	r = withdraw_get(c, path, &consensus);
	if (r == CTL_OK) {
		const char *id = json_string_value(json_object_get(status.json, "node_id"));
		*in = withdraw_has(json_object_get(consensus.json, "nodes"), id);
		ctl_answer_free(&consensus);
	}
	ctl_answer_free(&status);
	return r;
}

// A consensus without this node is known.
static void withdraw_certain(long long last, double gone, const struct withdraw_epoch *at)
{
	printf("last epoch %lld: from epoch %lld on no path leads over this node\n", last,
	       last + 1);
	if (at->now >= gone) {
		puts("switch off now: nothing is on its way over it any more (fogctl drain --wait)"
		);
		return;
	}
	fputs("switch off from ", stdout);
	withdraw_print_time(gone);
	printf(" on, in %.0f s, when packets of epoch %lld are over: nothing is lost then\n",
	       gone - at->now + 0.5, last);
}

// Authorities take descriptors until 5/8 of an epoch for the next one's consensus.
static void withdraw_expected(const struct withdraw_epoch *at, bool next)
{
	double into = at->now - (double)at->epoch * (double)at->epoch_s;
	bool late = next || into >= (double)at->epoch_s * 5 / 8;
	long long last = at->epoch + late;

	printf("last epoch %lld, as soon as its authorities have agreed on the consensus of epoch %lld "
	       "without this node (%s)\n",
	       last, last + 1,
	       next ? "that of the next epoch still has it"
	               : late
	               ? "for the next epoch it is too late: they hear of it until 5/8 of one"
	               : "they hear of it until 5/8 of this epoch");
	fputs("switch off not before ", stdout);
	withdraw_print_time((double)((last + 1) * at->epoch_s + at->overlap_s));
	puts("; 'fogctl withdraw' again says when that is certain");
}

// 'self' is what the node says of itself. '*gone' is when it may go, -1: not known.
static int withdraw_say(struct ctl_client *c, const json_t *self, bool print, double *gone)
{
	const json_t *last = json_object_get(self, "last_epoch");
	struct withdraw_epoch at;
	bool next = false;
	int r = withdraw_look(c, &at);

	*gone = -1;
	if (r == CTL_OK && !json_is_integer(last))
		r = withdraw_in(c, at.epoch + 1, &next);
	if (r != CTL_OK)
		return r;
	if (json_is_integer(last)) {
		*gone = withdraw_time(json_object_get(self, "gone_at"));
		if (print)
			withdraw_certain(json_integer_value(last), *gone, &at);
	} else if (!next && json_is_false(json_object_get(self, "listed"))) {
		*gone = 0;
		if (print)
			puts("switch off now: this node is in no consensus that counts");
	} else if (print) {
		withdraw_expected(&at, next);
	}
	if (*gone >= 0 && at.now < *gone)
		*gone -= at.now; // what is left
	else if (*gone >= 0)
		*gone = 0;
	return CTL_OK;
}

static int withdraw_wait(struct ctl_client *c, const json_t *self)
{
	const struct timespec pause = {.tv_sec = 1};
	struct ctl_answer a = {.json = json_incref((json_t *)self)};
	const json_t *of = self;
	bool known = false;
	double left;
	int r;

	for (bool first = true;; first = false) {
		bool news = !known && json_is_integer(json_object_get(of, "last_epoch"));
		known |= news;
		r = withdraw_say(c, of, !c->json && (first || news), &left);
		if (r != CTL_OK || left == 0)
			break;
		fflush(stdout);
		nanosleep(&pause, NULL);
		ctl_answer_free(&a);
		struct ctl_request request = {.method = "GET", .path = "/v1/consensus"};
		if ((r = ctl_client_call(c, &request, &a)) != CTL_OK)
			return r;
		of = json_object_get(a.json, "self");
		if (!json_is_true(json_object_get(of, "withdrawn"))) {
			fputs("fogctl: somebody has taken the withdrawal back meanwhile\n", stderr);
			r = CTL_REFUSED;
			break;
		}
	}
	ctl_answer_free(&a);
	if (r == CTL_OK && !c->json)
		puts("withdrawn: it may be switched off");
	return r;
}

static int withdraw_send(struct ctl_client *c, bool undo, bool wait)
{
	struct ctl_request request = {
	        .method = undo ? "DELETE" : "POST", .path = "/v1/node/withdraw"};
	struct ctl_answer answer;
	double left;
	int r = ctl_client_call(c, &request, &answer);

	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else if (undo)
		puts("this node asks to be in again: authorities take descriptors until 5/8 of an epoch for "
		     "the next one, 'fogctl consensus show' says whether it is");
	else
		puts("withdrawn  the authorities are asked to leave this node out; 'fogctl withdraw --undo' "
		     "takes it back");
	if (!undo && wait)
		r = withdraw_wait(c, answer.json);
	else if (!undo && !c->json)
		r = withdraw_say(c, answer.json, true, &left);
	ctl_answer_free(&answer);
	return r;
}

int ctl_withdraw(int argc, char **argv)
{
	bool undo = false, wait = false;
	const struct ctl_option options[] = {
	        {"--undo", NULL, &undo}, {"--wait", NULL, &wait}, {NULL, NULL, NULL}};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, options, withdraw_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1 || (undo && wait)) {
		fputs(withdraw_usage, stderr);
		r = CTL_USAGE;
	} else {
		r = withdraw_send(&client, undo, wait);
	}
	ctl_client_close(&client);
	return r;
}
