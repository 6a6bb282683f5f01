// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The session of a profile after 'fogctl login': NAME.session beside fogctl.yaml, of mode 0600. A refresh token is good
// for one use, and a second one ends the session, so processes take turns (flock on fogctl.lock).
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct ctl_client;

bool ctl_session_exists(const struct ctl_client *);
// Show the access token from now on; renew it first if it is about to end. Returns CTL_OK, or the exit code after having
// said why.
int ctl_session_use(struct ctl_client *);
// The token that is shown was refused. Returns whether there is another one now; the session's end is said.
bool ctl_session_renew(struct ctl_client *);
// Keep what the answer to a login or a renewal has. Returns as 'use'.
int ctl_session_keep(const struct ctl_client *, const json_t *answer);
// Returns whether there was one.
bool ctl_session_forget(const char *profile);
