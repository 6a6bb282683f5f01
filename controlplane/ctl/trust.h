// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which certificates of an appliance count: what --ca and --fingerprint mean to libcurl.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ctl_client;

#define CTL_TRUST_FORM \
	"a fingerprint is the SHA-256 of the key in 64 hexadecimal digits, as 'fogctl status' on the appliance shows it"

// "64 hexadecimal digits", also with colons in between, or "sha256//BASE64" as curl writes it. Returns 0 or -EINVAL.
int ctl_trust_parse(const char *fingerprint, uint8_t key[32]);
// Set the options of a connection; the fingerprint has been parsed before. With one and without a CA nothing but the
// key counts, since who runs the appliance has said which it is.
void ctl_trust_options(const struct ctl_client *, void *curl);
// The mend of an error of libcurl that concerns TLS, or NULL.
const char *ctl_trust_mend(int curl_code);
// Whether what is said to 'url' can't be read on the way: https, or a loopback address.
bool ctl_trust_private(const char *url);
