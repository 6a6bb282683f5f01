// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Address prefixes in CIDR notation (RFC 4632, RFC 4291 2.3) and sorted lists of them. Pure functions,
// any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "../../dataplane/api/blob.h"

enum { FOG_PREFIX_TEXT_LEN = 52 }; // IPv6 address, '/', length and the NUL

// Read "192.0.2.0/24", "2001:db8::/32", or the address of one host. Bits beyond the length must be
// zero: what was meant by others can only be guessed. Returns 0, or -EINVAL with what is wrong and the
// mend in 'why'.
int fog_prefix_parse(const char *text, struct fog_prefix *, char *why, size_t why_len);
// Write it in CIDR notation, always with its length. Returns 'text'.
const char *fog_prefix_print(const struct fog_prefix *, char text[FOG_PREFIX_TEXT_LEN]);

// The order of the blob: by family, address, length. 0 only for equal ones.
int fog_prefix_compare(const struct fog_prefix *, const struct fog_prefix *);
bool fog_prefix_holds(const struct fog_prefix *, const struct fog_ip *);
// Position of a prefix in a sorted list, or of the first one behind it with *found = false.
size_t fog_prefix_find(
        const struct fog_prefix *list, size_t count, const struct fog_prefix *, bool *found
);
