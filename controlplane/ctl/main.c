// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl: one table of subcommands, each a function that gets its own argv.
#include <fog_version.h> // made from git describe during the build
#include <stdio.h>
#include <string.h>

#include "../accounts/wiped.h"
#include "config.h"
#include "describe.h"
#include "host.h"
#include "identity.h"
#include "mail.h"
#include "rest.h"
#include "sphinx.h"
#include "store.h"
#include "user.h"
#include "verb.h"

static int ctl_help(int argc, char **argv);

static int ctl_version(int argc, char **argv)
{
	puts("fogctl " FOG_VERSION);
	return 0;
}

// What concerns a running node goes to its control plane, the rest works on files.
static int ctl_config_any(int argc, char **argv)
{
	static const char *const revisions[] = {"history", "diff", "revert", "confirm"};

	if (argc > 1 && (strcmp(argv[1], "show") == 0 || strcmp(argv[1], "put") == 0))
		return ctl_settings(argc - 1, argv + 1);
	for (size_t i = 0; argc > 1 && i < sizeof(revisions) / sizeof(revisions[0]); i++)
		if (strcmp(argv[1], revisions[i]) == 0)
			return ctl_revisions(argc - 1, argv + 1);
	return ctl_config(argc, argv);
}

// Commands that are rows of tables (verb.h).
#define GROUP(group) \
	static int ask_##group(int argc, char **argv) \
	{ \
		return ctl_verbs_run(&ctl_group_##group, argc, argv); \
	}

GROUP(sent)
GROUP(descriptor)
GROUP(proof)
GROUP(loops)
GROUP(password)
GROUP(mfa)
GROUP(key)
GROUP(sessions)
GROUP(whoami)
GROUP(usage)
GROUP(tiers)
GROUP(signing_key)
GROUP(services)
GROUP(operations)
GROUP(bench)

static const struct ctl_command ctl_commands[] = {
        {"status", ctl_status, "what state the node is in"},
        {"ready", ctl_ready, "whether the node is ready, and what it lacks"},
        {"ports", ctl_ports, "network ports and their counters"},
        {"workers", ctl_workers, "workers: packets, delays, loop times, peers"},
        {"drops", ctl_drops, "dropped packets by reason"},
        {"nodes", ctl_nodes, "nodes of the network"},
        {"timing", ctl_timing, "how well the traffic hides: correlation, pool, anonymity set"},
        {"links", ctl_links, "encrypted links with nodes and clients; replace their sessions"},
        {"epochs", ctl_epochs, "key epochs: keys of this node, clock, what is known of the others"},
        {"cover", ctl_cover, "cover traffic: rates, stock, loops that were lost and where"},
        {"top", ctl_top, "what the workers do, once a second"},
        {"log", ctl_log, "what the processes log, and how much of it"},
        {"trace", ctl_trace, "what happens to single packets, stage by stage"},
        {"capture", ctl_capture, "sizes and headers of frames, as a pcapng file"},
        {"filter", ctl_filter, "limits of what ports take: show, set, reset"},
        {"deny", ctl_deny, "prefixes that nothing is taken from: list, add, remove"},
        {"send", ctl_send, "send a message through the mixnet"},
        {"receive", ctl_receive, "show received messages"},
        {"sent", ask_sent, "what became of a sent message"},
        {"ping", ctl_ping, "echo packets through the mixnet to a node; without an appliance"},
        {"client", ctl_mailbox,
         "a client's address, and what became of its messages; without an appliance"},
        {"consensus", ctl_consensus,
         "what the authorities have agreed on: show, verify offline, compare"},
        {"descriptor", ask_descriptor, "what this node announces of itself"},
        {"proof", ask_proof, "a node's proof of its delays in an epoch that is over"},
        {"loops", ask_loops, "packets through the network back to this node: start, list, stop"},
        {"betanet", ctl_betanet,
         "appliances that the platform manages: list, add, deploy; enrol a new one"},
        {"withdraw", ctl_withdraw,
         "have the authorities leave this node out; when it may go without a loss"},
        {"drain", ctl_drain, "let the data plane send what it holds, take nothing more, and end"},
        {"audit", ctl_audit,
         "what was done, and whether anybody changed it since; whether nodes delay as they owe"},
        {"sphinx", ctl_sphinx, "make, open and verify packets offline"},
        {"profile", ctl_profile, "appliances by name: list, add, remove, use"},
        {"login", ctl_login, "log in at the appliance of a profile with an account"},
        {"logout", ctl_logout, "end that session"},
        {"config", ctl_config_any,
         "show, put, revert, confirm the configuration; check and compile it offline"},
        {"user", ctl_user,
         "accounts: list, add, change, disable, let in again; some of it offline: the first administrator"},
        {"password", ask_password, "change the own password, or set one with a token"},
        {"mfa", ask_mfa, "one-time codes of the own account"},
        {"key", ask_key, "API keys of the own account: list, add, revoke, rotate"},
        {"sessions", ask_sessions, "sessions of the own account: list, end"},
        {"whoami", ask_whoami, "who you are to the control plane, and what you may"},
        {"usage", ask_usage, "what the own account has used of the day"},
        {"tiers", ask_tiers, "tiers of accounts and their daily limits"},
        {"signing-key", ask_signing_key, "keys that sign access tokens: list, rotate"},
        {"services", ask_services, "parts of the control plane: health, dependencies, restart"},
        {"operations", ask_operations, "long work: list, follow, cancel"},
        {"bench", ask_bench, "measure what the appliance can do"},
        {"identity", ctl_identity, "show, back up, restore, rotate the node's identity; offline"},
        {"store", ctl_store, "back up, restore, migrate, move the platform's store; offline"},
        {"host", ctl_host, "check that this host is ready, make it so, put it back; offline"},
        {"version", ctl_version, "print the version"},
        {"help", ctl_help, "print this help"},
};

static void ctl_usage(FILE *to)
{
	fputs("usage: fogctl COMMAND [ARGUMENT]..\n\n", to);
	for (size_t i = 0; i < sizeof(ctl_commands) / sizeof(ctl_commands[0]); i++)
		fprintf(to, "  %-11s %s\n", ctl_commands[i].name, ctl_commands[i].help);
}

// 'help --describe' is for who makes the manuals, so the usage is silent about it.
static int ctl_help(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--describe") == 0)
		return ctl_describe(ctl_commands, sizeof(ctl_commands) / sizeof(ctl_commands[0]));
	ctl_usage(stdout);
	return 0;
}

// Options may stand before the command too: `fogctl --socket PATH status`. They go to its end.
// Returns the number of words before the command.
static int ctl_leading(int argc, char **argv)
{
	static const char *const with_value[] = {"--socket",     "--instance",   "--url",
	                                         "--profile",    "--token-file", "--ca",
	                                         "--fingerprint"};
	int i = 1;

	while (i < argc && argv[i][0] == '-') {
		int words = 1;
		for (size_t k = 0; k < sizeof(with_value) / sizeof(with_value[0]); k++)
			words += strcmp(argv[i], with_value[k]) == 0;
		i += words;
	}
	return (i < argc ? i : argc) - 1;
}

static void ctl_rotate(int argc, char **argv, int leading)
{
	for (int moved = 0; moved < leading; moved++) {
		char *first = argv[1];
		memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof(*argv));
		argv[argc - 1] = first;
	}
}

int main(int argc, char **argv)
{
	int leading = ctl_leading(argc, argv);

	fog_wiped_json();
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return ctl_help(1, argv);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return ctl_version(argc, argv);
	if (leading < argc - 1)
		ctl_rotate(argc, argv, leading);
	for (size_t i = 0; argc > 1 && i < sizeof(ctl_commands) / sizeof(ctl_commands[0]); i++) {
		if (strcmp(argv[1], ctl_commands[i].name) == 0)
			return ctl_commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1)
		fprintf(stderr, "fogctl: there is no command '%s'\n", argv[1]);
	ctl_usage(stderr);
	return 2;
}
