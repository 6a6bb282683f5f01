// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The server under test and its client (test_http.c), for the files that try single routes.
#pragma once

#include <stdbool.h>

#include "../../../controlplane/node.h"

extern struct fog_node *node;
extern char topology_path[128];

int write_file(const char *path, const char *text); // 0, or -1
// One request on a connection of its own. Returns the status of the answer.
int ask(const char *method, const char *path, const char *body);
// The same with lines of the head, each ended by CR LF.
int ask_headers(const char *method, const char *path, const char *headers, const char *body);
bool says(const char *part); // whether the last answer has this in it
const char *answered(void); // all of it

int dial(bool tcp); // a connection

void test_http_betanet(void);
void test_http_betanet_deploy(void);
void test_http_cover(void);
void test_http_epochs(void);
void test_http_cover_noise(void);
void test_http_filter(void);
void test_http_privileges(void);
void test_http_slow(void);
