// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of fogctl betanet share. Each returns enum ctl_exit (client.h).
#pragma once

extern const char betanet_usage[];

int betanet_deploy(int argc, char **argv); // argv[1] is "deploy"
int betanet_enrol(int argc, char **argv); // argv[1] is "enrol"

// Write 'text' to DIR/NAME, which must not be there yet. Returns CTL_OK, or CTL_REFUSED after having said why.
int betanet_write(const char *dir, const char *name, const char *text);
