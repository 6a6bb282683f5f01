// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the handlers of accounts share.
#pragma once

#include "../http.h"

// The accounts, or NULL after having answered 503: the platform's store has not answered yet.
struct fog_accounts *account_open(const struct fog_node *, struct http_response *);
// Answer with the status that an error of accounts.h stands for.
void account_denied(struct http_response *, int error, const struct fog_denial *);
// The account of the caller, or 0 after having answered 403: users of this host and the static token have none.
int64_t account_own(const struct http_request *, struct http_response *);
// null for never.
json_t *account_time(int64_t us);
json_t *account_roles(uint32_t roles);
json_t *account_limits(const struct fog_limits *);
// From a body that keeps to its schema; what is missing stays as it is.
void account_limits_read(const json_t *body, struct fog_limits *);
uint32_t account_roles_read(const json_t *list);
json_t *account_codes(fog_backup_codes codes); // wipes them
