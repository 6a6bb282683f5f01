// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Commands that get one document and show it as a table.
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static void show_list(const char *titles, const json_t *list, const char *const *keys)
{
	ctl_table_print(ctl_table_list(titles, list, keys), stdout);
	if (!json_is_array(list))
		puts("no data: no data plane is attached");
}

static void show_sentences(const char *title, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		const char *text = json_string_value(json_object_get(e, "text"));
		printf("%-10s %s", title, json_string_value(json_object_get(e, "code")));
		fputs(text != NULL ? ": " : "", stdout);
		ctl_print_safe(stdout, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
		puts("");
	}
}

static const char *show_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "-";
}

static void show_books(const json_t *books)
{
	static const char *const keys[] = {
	        "rx",          "injected",  "made",           "tx",     "delivered",
	        "punted",      "answered",  "drops",          "parked", "in_batch",
	        "cover_stock", "port_lost", "accounting_gap", NULL};

	if (!json_is_object(books)) {
		puts("books      no data: no data plane is attached");
		return;
	}
	struct ctl_table *t = ctl_table_new(
	        "received|injected|made|sent|delivered|punted|answered|dropped|parked|in batch|lost at "
	        "port|gap"
	);
	ctl_table_row(t, books, keys);
	ctl_table_print(t, stdout);
}

static void show_data_plane(const json_t *dp)
{
	const json_t *capacity = json_object_get(dp, "capacity_pps");
	json_int_t count = json_integer_value(json_object_get(dp, "replay_count"));
	json_int_t most = json_integer_value(json_object_get(dp, "replay_capacity"));

	printf("data plane build %s, crypto %s, since %s\n", show_text(dp, "build"),
	       show_text(dp, "crypto"), show_text(dp, "started_at"));
	if (json_is_integer(capacity))
		printf("capacity   %lld packets/s, all workers, measured at start, crypto only\n",
		       (long long)json_integer_value(capacity));
	if (most > 0)
		printf("replay     %lld of %lld packets, %.1f %%%s\n", (long long)count,
		       (long long)most, 100.0 * (double)count / (double)most,
		       json_is_true(json_object_get(dp, "replay_alarm")) ? ": ALARM" : "");
}

// Nothing of it at a node that has no clients and never had one.
static void show_mail(const json_t *mail)
{
	const json_t *boxes = json_object_get(mail, "mailboxes");

	if (json_integer_value(boxes) == 0)
		return;
	printf("mail       %lld mailboxes, %lld mails waiting, %.1f MB\n",
	       (long long)json_integer_value(boxes),
	       (long long)json_integer_value(json_object_get(mail, "waiting")),
	       (double)json_integer_value(json_object_get(mail, "waiting_bytes")) / 1e6);
}

static void show_status(const json_t *s)
{
	const json_t *dp = json_object_get(s, "data_plane"), *m = json_object_get(s, "messages");
	const json_t *tls = json_object_get(s, "tls");

	printf("node       %s (%s), instance %s, network %s\n", show_text(s, "name"),
	       show_text(s, "role"), show_text(s, "instance"), show_text(s, "network"));
	printf("node id    %s\n", show_text(s, "node_id"));
	printf("identity   %s\n", show_text(s, "identity_public_key"));
	printf("link key   %s\n", show_text(s, "link_key"));
	printf("vrf key    %s\n", show_text(s, "vrf_key"));
	printf("mix key    %s\n", show_text(s, "mix_public_key"));
	if (json_is_object(tls))
		printf("tls        fingerprint %s, until %s\n", show_text(tls, "fingerprint"),
		       show_text(tls, "valid_until"));
	printf("ready      %s\n", json_is_true(json_object_get(s, "ready")) ? "yes" : "no");
	show_sentences("not ready", json_object_get(s, "reasons"));
	show_sentences("warning", json_object_get(s, "warnings"));
	if (json_is_integer(json_object_get(s, "generation")))
		printf("config     generation %lld, %s\n",
		       (long long)json_integer_value(json_object_get(s, "generation")),
		       show_text(json_object_get(s, "config_ack"), "state"));
	if (json_is_object(dp))
		show_data_plane(dp);
	if (json_is_object(dp))
		printf("next hops  %lld of %lld reachable\n",
		       (long long)json_integer_value(json_object_get(dp, "next_hops_ready")),
		       (long long)json_integer_value(json_object_get(dp, "next_hops")));
	printf("messages   %lld received (%lld replies), %lld malformed, %lld duplicates\n",
	       (long long)json_integer_value(json_object_get(m, "received")),
	       (long long)json_integer_value(json_object_get(m, "replies")),
	       (long long)json_integer_value(json_object_get(m, "malformed")),
	       (long long)json_integer_value(json_object_get(m, "duplicates")));
	show_mail(json_object_get(s, "mail"));
	show_books(json_object_get(s, "books"));
}

int ctl_status(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl status [-j]\n", "/v1/status", show_status
	);
}

// What the columns have no room for: why a driver was chosen, and what the device itself counts.
static void show_ports_notes(const json_t *ports)
{
	for (size_t i = 0; i < json_array_size(ports); i++) {
		json_t *port = json_array_get(ports, i), *value;
		const char *why = show_text(port, "driver_why"), *stat;
		if (why[0] != '\0' && strcmp(why, "-") != 0) {
			printf("%s: driver auto: ", show_text(port, "name"));
			ctl_print_safe(stdout, why, strlen(why));
			puts("");
		}
		json_object_foreach(json_object_get(port, "device"), stat, value)
		{
			if (json_integer_value(value) == 0)
				continue;
			printf("%s: device ", show_text(port, "name"));
			ctl_print_safe(stdout, stat, strlen(stat));
			printf(" %lld\n", (long long)json_integer_value(value));
		}
	}
}

// Why a port is not in its fastest mode, and what the XDP program made of the frames; verdicts that
// never happened are left out: the whole list is in the JSON.
static void show_steer(const json_t *ports)
{
	struct ctl_table *t = ctl_table_new("port|verdict|frames");
	size_t rows = 0;

	for (size_t i = 0; i < json_array_size(ports); i++) {
		json_t *port = json_array_get(ports, i), *count;
		const char *why = json_string_value(json_object_get(port, "mode_why")), *verdict;
		if (why != NULL)
			printf("%s is not faster because: %s\n", show_text(port, "name"), why);
		json_object_foreach(json_object_get(port, "steer"), verdict, count)
		{
			if (json_integer_value(count) == 0)
				continue;
			ctl_table_value(t, json_object_get(port, "name"));
			ctl_table_text(t, verdict);
			ctl_table_value(t, count);
			rows++;
		}
	}
	if (rows > 0)
		puts("");
	ctl_table_print(t, rows > 0 ? stdout : NULL);
}

static void show_ports(const json_t *a)
{
	static const char *const keys[] = {"name",      "mode",      "queues",    "link_up",
	                                   "rx_frames", "tx_frames", "port_lost", "to_kernel",
	                                   "tx_failed", NULL};

	show_list(
	        "port|mode|queues|link|received|sent|lost|to kernel|send failed",
	        json_object_get(a, "ports"), keys
	);
	show_ports_notes(json_object_get(a, "ports"));
	show_steer(json_object_get(a, "ports"));
}

int ctl_ports(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl ports [-j]\n", "/v1/ports", show_ports
	);
}

static void show_worker_delays(const json_t *workers)
{
	static const char *const hists[] = {"owed_us", "given_us", "late_ns", "loop_ns"};
	static const char *const keys[] = {"count", "p50", "p99", "max", NULL};
	struct ctl_table *t = ctl_table_new("worker|what|count|p50|p99|max");

	for (size_t i = 0; i < json_array_size(workers); i++) {
		const json_t *w = json_array_get(workers, i);
		for (size_t h = 0; h < sizeof(hists) / sizeof(hists[0]); h++) {
			ctl_table_value(t, json_object_get(w, "worker"));
			ctl_table_text(t, hists[h]);
			ctl_table_row(t, json_object_get(w, hists[h]), keys);
		}
	}
	ctl_table_print(t, stdout);
}

static void show_peers(const json_t *workers)
{
	static const char *const keys[] = {"name", "tx", "rx", NULL};
	struct ctl_table *t = ctl_table_new("worker|peer|sent|received");
	size_t rows = 0;

	for (size_t i = 0; i < json_array_size(workers); i++) {
		const json_t *w = json_array_get(workers, i), *peers = json_object_get(w, "peers");
		for (size_t p = 0; p < json_array_size(peers); p++, rows++) {
			ctl_table_value(t, json_object_get(w, "worker"));
			ctl_table_row(t, json_array_get(peers, p), keys);
		}
	}
	if (rows > 0)
		puts("");
	ctl_table_print(t, rows > 0 ? stdout : NULL);
}

static void show_workers(const json_t *a)
{
	static const char *const keys[] = {
	        "worker",    "cpu",   "rx",     "injected", "made",           "tx",
	        "delivered", "drops", "parked", "in_batch", "accounting_gap", NULL};
	const json_t *workers = json_object_get(a, "workers");

	show_list(
	        "worker|cpu|received|injected|made|sent|delivered|dropped|parked|in batch|gap",
	        workers, keys
	);
	if (json_array_size(workers) == 0)
		return;
	puts("");
	show_worker_delays(workers);
	show_peers(workers);
}

int ctl_workers(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl workers [-j]\n", "/v1/workers", show_workers
	);
}

// Reasons that never happened are left out: the whole list is in the JSON.
static void show_drops(const json_t *a)
{
	static const char *const keys[] = {"reason", "packets", "text", NULL};
	const json_t *reasons = json_object_get(a, "reasons");
	struct ctl_table *t = ctl_table_new("reason|packets|meaning");
	size_t rows = 0;

	if (json_is_null(json_object_get(a, "total"))) {
		puts("no data: no data plane is attached");
	} else {
		for (size_t i = 0; i < json_array_size(reasons); i++) {
			const json_t *r = json_array_get(reasons, i);
			if (json_integer_value(json_object_get(r, "packets")) == 0)
				continue;
			ctl_table_row(t, r, keys);
			rows++;
		}
		if (rows == 0)
			puts("nothing was dropped");
	}
	ctl_table_print(t, rows > 0 ? stdout : NULL);
}

int ctl_drops(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl drops [-j]\n", "/v1/drops", show_drops
	);
}

static void show_nodes(const json_t *a)
{
	static const char *const keys[] = {"name", "role",     "layer",   "address", "port",
	                                   "self", "off_path", "node_id", NULL};
	const json_t *nodes = json_object_get(a, "nodes");

	if (!json_is_array(nodes)) {
		puts("no data: there is no topology yet");
		return;
	}
	show_list("node|role|layer|address|port|self|off path|node id", nodes, keys);
}

int ctl_nodes(int argc, char **argv)
{
	return ctl_client_command(
	        argc, argv, "usage: fogctl nodes [-j]\n", "/v1/nodes", show_nodes
	);
}

int ctl_ready(int argc, char **argv)
{
	struct ctl_request request = {.method = "GET", .path = "/readyz"};
	struct ctl_answer answer;
	struct ctl_client client;
	int r = ctl_client_open(
	        &client, &argc, argv, NULL,
	        "usage: fogctl ready [-j]\nExit status 0 when the node is ready, 1 when it is not.\n"
	);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	r = ctl_client_request(&client, &request, &answer);
	if (r == CTL_OK) {
		bool ready = json_is_true(json_object_get(answer.json, "ready"));
		if (client.json)
			puts(answer.body);
		else if (ready)
			puts("ready");
		else
			show_sentences("not ready", json_object_get(answer.json, "reasons"));
		r = ready ? CTL_OK : CTL_REFUSED;
		ctl_answer_free(&answer);
	}
	ctl_client_close(&client);
	return r;
}
