# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What tests leave in the keyring of their user outlives them: a test that has ended, or failed on the way,
forgets its instance's keys."""
import ctypes
import pathlib


def forget_keys(instance):
	keyutils = ctypes.CDLL("libkeyutils.so.1")
	for line in pathlib.Path("/proc/keys").read_text().splitlines():
		if f" fogline:{instance}:" in line:
			keyutils.keyctl_invalidate(int(line.split()[0], 16))
