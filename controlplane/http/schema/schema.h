// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What routes take and answer: one schema for each body and answer that routes.def names, and what parts of paths and
// parameters are. Constant.
#pragma once

#include "../api.h"

// accounts.c
extern const struct api_schema api_login_post;
extern const struct api_schema api_tokens;
extern const struct api_schema api_login_mfa_post;
extern const struct api_schema api_refresh_post;
extern const struct api_schema api_me;
extern const struct api_schema api_password_post;
extern const struct api_schema api_password_reset_post;
extern const struct api_schema api_jwks;
extern const struct api_schema api_sessions;
extern const struct api_schema api_user;
extern const struct api_schema api_users;
extern const struct api_schema api_user_post;
extern const struct api_schema api_user_patch;
extern const struct api_schema api_user_reset;
extern const struct api_schema api_mfa;
extern const struct api_schema api_mfa_setup, api_mfa_setup_post;
extern const struct api_schema api_mfa_code_post;
extern const struct api_schema api_mfa_codes;
extern const struct api_schema api_mfa_disable_post;
extern const struct api_schema api_key;
extern const struct api_schema api_key_made;
extern const struct api_schema api_keys;
extern const struct api_schema api_key_post;
extern const struct api_parameter api_query_users[];
extern const struct api_parameter api_query_keys[];
// benchmarks.c
extern const struct api_schema api_benchmark;
extern const struct api_schema api_benchmark_taken; // answer to POST
extern const struct api_schema api_benchmarks;
extern const struct api_parameter api_query_benchmarks[];
extern const struct api_schema api_benchmarks_post; // body

// betanet.c
extern const struct api_schema api_betanet_deploy;
extern const struct api_schema api_betanet_deploy_post; // body
extern const struct api_schema api_betanet_enrol;
extern const struct api_schema api_betanet_enrol_post; // body
extern const struct api_schema api_betanet_health;
extern const struct api_schema api_betanet_history;
extern const struct api_parameter api_query_betanet_history[];
extern const struct api_schema api_betanet_node;
extern const struct api_schema api_betanet_nodes;
extern const struct api_schema api_betanet_patch; // body
extern const struct api_schema api_betanet_post; // body
extern const struct api_schema api_betanet_status;

// audit.c
extern const struct api_schema api_audit;
extern const struct api_schema api_tiers;
extern const struct api_schema api_usage;
extern const struct api_parameter api_query_audit[];
extern const struct api_parameter api_query_audit_export[];

// config.c
extern const struct api_schema api_config;
extern const struct api_schema api_config_put; // answer; the body is YAML

// history.c
extern const struct api_schema api_config_confirm_post; // body
extern const struct api_schema api_config_confirmed; // its answer
extern const struct api_schema api_config_diff;
extern const struct api_schema api_config_history;
extern const struct api_schema api_config_revert_post; // body
extern const struct api_schema api_config_revision;

// services.c
extern const struct api_schema api_operation;
extern const struct api_schema api_operations;
extern const struct api_schema api_service;
extern const struct api_schema api_service_restart_post; // body
extern const struct api_schema api_service_state; // its answer
extern const struct api_schema api_services;
extern const struct api_schema api_services_dependencies;
extern const struct api_schema api_services_health;

// consensus.c
extern const struct api_schema api_consensus;
extern const struct api_schema api_withdrawal;

// counters.c
extern const struct api_schema api_drops;
extern const struct api_schema api_ports;
extern const struct api_schema api_workers;

// diagnosis.c
extern const struct api_schema api_capture;
extern const struct api_schema api_log;
extern const struct api_schema api_log_put; // body
extern const struct api_schema api_none; // "state"
extern const struct api_schema api_trace;
extern const struct api_schema api_trace_post; // body, of captures, too
extern const struct api_schema api_trace_state;

// epochs.c
extern const struct api_schema api_descriptor;
extern const struct api_schema api_epochs;
extern const struct api_schema api_vrf;

// filter.c
extern const struct api_schema api_deny;
extern const struct api_schema api_deny_post; // body
extern const struct api_schema api_filter;
extern const struct api_schema api_filter_changed; // answer to PATCH, POST, DELETE
extern const struct api_schema api_filter_patch; // body

// host.c
extern const struct api_schema api_host;

// links.c
extern const struct api_schema api_links;
extern const struct api_schema api_links_rekey;

// loops.c
extern const struct api_schema api_cover;
extern const struct api_schema api_loops;
extern const struct api_schema api_loops_post; // body
extern const struct api_schema api_loops_state; // its answer
extern const struct api_schema api_timing;

// messages.c
extern const struct api_schema api_message_post; // body
extern const struct api_schema api_message_taken; // its answer
extern const struct api_schema api_messages;
extern const struct api_schema api_sent;

// network.c
extern const struct api_schema api_nodes;

// node.c
extern const struct api_schema api_drain;
extern const struct api_schema api_drain_post; // body
extern const struct api_schema api_health;
extern const struct api_schema api_ready;
extern const struct api_schema api_status;

// query.c
extern const struct api_schema api_problem; // any error
extern const struct api_schema api_part_number, api_part_word; // parts of paths

// Parameters, in the order of struct http_request's query[].
extern const struct api_parameter api_query_config_diff[]; // from, to
extern const struct api_parameter api_query_config_put[]; // confirm_within, comment
extern const struct api_parameter api_query_betanet[]; // node_type, state, region, after, limit
extern const struct api_parameter api_query_consensus[]; // raw, epoch
extern const struct api_parameter api_query_deny[]; // prefix
extern const struct api_parameter api_query_history[]; // before, limit
extern const struct api_parameter api_query_loops[]; // after, limit
extern const struct api_parameter api_query_messages[]; // after, limit, wait
extern const struct api_parameter api_query_operation[]; // after
extern const struct api_parameter api_query_operations[]; // before, limit, state, kind
extern const struct api_parameter api_query_trace[]; // after, limit, wait
