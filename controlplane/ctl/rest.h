// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl's commands that ask a running control plane through its REST API. Each gets its own argv
// and returns enum ctl_exit (client.h).
#pragma once

int ctl_status(int argc, char **argv);
int ctl_ready(int argc, char **argv);
int ctl_ports(int argc, char **argv);
int ctl_workers(int argc, char **argv);
int ctl_drops(int argc, char **argv);
int ctl_links(int argc, char **argv);
int ctl_betanet(int argc, char **argv);
int ctl_nodes(int argc, char **argv);
int ctl_cover(int argc, char **argv);
int ctl_epochs(int argc, char **argv);
int ctl_timing(int argc, char **argv);
int ctl_top(int argc, char **argv);
int ctl_log(int argc, char **argv);
int ctl_trace(int argc, char **argv);
int ctl_capture(int argc, char **argv);
int ctl_filter(int argc, char **argv);
int ctl_deny(int argc, char **argv);
int ctl_send(int argc, char **argv);
int ctl_receive(int argc, char **argv);
int ctl_consensus(int argc, char **argv); // some of it offline
int ctl_withdraw(int argc, char **argv);
int ctl_drain(int argc, char **argv);
int ctl_audit(int argc, char **argv);
int ctl_profile(int argc, char **argv); // offline
int ctl_login(int argc, char **argv);
int ctl_logout(int argc, char **argv);
// `config show` and `config put`; argv[0] is the subcommand.
int ctl_settings(int argc, char **argv);
// `config history`, `diff`, `revert`, `confirm`; argv[0] is the subcommand.
int ctl_revisions(int argc, char **argv);
