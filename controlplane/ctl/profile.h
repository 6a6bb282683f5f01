// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Profiles: appliances by name, in fogctl.yaml of the user's folder of configuration.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CTL_PROFILES_MAX = 64,
	CTL_NAME_LEN = 32,
	CTL_PATH_LEN = 256,
	CTL_PIN_LEN = 112,
};

// Texts are empty where the file says nothing.
struct ctl_profile {
	char name[CTL_NAME_LEN];
	char url[CTL_PATH_LEN], socket[108]; // one of them
	char ca[CTL_PATH_LEN], fingerprint[CTL_PIN_LEN];
	char token_file[CTL_PATH_LEN];
};

struct ctl_profiles {
	char current
	        [CTL_NAME_LEN]; // profile that is meant when none is named; empty = this host's instance
	uint32_t count;
	struct ctl_profile profile[CTL_PROFILES_MAX];
};

// $XDG_CONFIG_HOME/fogline, or ~/.config/fogline, and a file in it. Returns 0, or -ENAMETOOLONG.
int ctl_profiles_path(const char *file, char path[CTL_PATH_LEN]);
// Read the file; without one there are no profiles. Returns CTL_OK, or the exit code after having said why.
int ctl_profiles_load(struct ctl_profiles *);
// Write it, of mode 0600. Returns as above.
int ctl_profiles_save(const struct ctl_profiles *);
// NULL: there is none, which is said.
struct ctl_profile *ctl_profiles_find(struct ctl_profiles *, const char *name);
// Whether name, address and the rest of it go together. Returns 0, or -EINVAL with a sentence in 'why'.
int ctl_profile_check(const struct ctl_profile *, char *why, size_t len);
// Replace a file of the folder, which is made if it is missing. Returns 0 or -errno.
int ctl_profiles_write(const char *file, const char *text, size_t len);
