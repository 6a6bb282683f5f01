// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What tests leave in the keyring of their user outlives them: a test that has ended, or failed on the way,
// forgets its instance's keys.
#pragma once

#include <keyutils.h>
#include <stdio.h>
#include <string.h>

// All of them, whatever they are for.
static inline void check_forget_keys(const char *instance)
{
	char line[512], name[96];
	FILE *f = fopen("/proc/keys", "re");
	unsigned serial;

	snprintf(name, sizeof(name), " fogline:%s:", instance);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, name) != NULL && sscanf(line, "%x", &serial) == 1)
			keyctl_invalidate((key_serial_t)serial);
	if (f != NULL)
		fclose(f);
}
