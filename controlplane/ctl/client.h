// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How fogctl talks to a control plane: common options, one request at a time, errors for people.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"

enum ctl_exit { CTL_OK = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };

enum { CTL_TOKEN_LEN = 4096 };

struct ctl_client {
	void *curl;
	char socket[256]; // path, empty when 'url' is used
	const char *url;
	const char *socket_given, *instance, *token_file; // options, NULL: not given
	const char *ca, *fingerprint; // likewise, or of the profile
	const char *profile_name; // likewise, or the one in use
	struct ctl_profile profile; // its name is empty without one
	bool anonymous; // show no token; set between ctl_client_options and ctl_client_connect
	bool session; // the token is that of 'fogctl login' (session.h)
	char token[CTL_TOKEN_LEN]; // "Authorization: Bearer ..", wiped by close
	bool json; // -j: print the answer as it came
};

// An option of one command: either 'value' (takes an argument) or 'flag' is set.
struct ctl_option {
	const char *name; // with its dashes
	const char **value;
	bool *flag;
};

// Read options and connect nothing yet. Common: --socket PATH, --instance NAME, --url URL,
// --profile NAME, --token-file FILE, --ca FILE, --fingerprint HEX, -j. What is no option is moved to the front of argv (from index 1), *argc is
// their number + 1. 'usage' is printed on errors and for --help.
// Returns CTL_OK, or the exit code after having said why (-1: help was asked for, exit with 0).
int ctl_client_open(
        struct ctl_client *, int *argc, char **argv, const struct ctl_option *own, const char *usage
);
// The same in two steps, for commands that work on files, too: options first, then find the node.
int ctl_client_options(
        struct ctl_client *, int *argc, char **argv, const struct ctl_option *own, const char *usage
);
int ctl_client_connect(struct ctl_client
                               *); // returns CTL_OK, or the exit code after having said why
void ctl_client_close(struct ctl_client *);

struct ctl_request {
	const char *method, *path;
	const char *body; // NULL = none
	size_t body_len;
	const char *header; // one more, or NULL
	long timeout_s; // 0 = 10
};

struct ctl_answer {
	long status; // HTTP
	char *body; // NUL-terminated, never NULL after success
	size_t len, room;
	char etag[80];
	json_t *json; // NULL when the body is none
};

// Returns CTL_OK with any answer (status 400 and above too) or CTL_UNREACHABLE, which is said. A session whose access
// token is refused is renewed once, and the request sent again.
int ctl_client_request(struct ctl_client *, const struct ctl_request *, struct ctl_answer *);
// The same with the token that there is.
int ctl_client_send(struct ctl_client *, const struct ctl_request *, struct ctl_answer *);
// The same, and an answer of status 400 and above is printed as an error: CTL_REFUSED.
int ctl_client_call(struct ctl_client *, const struct ctl_request *, struct ctl_answer *);
// Print an answer of status 400 and above as an error, and free it. Returns CTL_REFUSED.
int ctl_client_refused(struct ctl_client *, struct ctl_answer *);
// The same as 'call', and prints the answer: as it came with -j, else by 'print'.
int ctl_client_show(
        struct ctl_client *, const struct ctl_request *, void (*print)(const json_t *answer)
);
// The whole of a command without words or options of its own: one GET, shown. Returns its exit code.
int ctl_client_command(
        int argc, char **argv, const char *usage, const char *path,
        void (*print)(const json_t *answer)
);
// An RFC 3339 time in UTC of an answer, in ns since 1970; -1: it is none.
int64_t ctl_time_ns(const json_t *text);
void ctl_answer_free(struct ctl_answer *); // and wipes it
