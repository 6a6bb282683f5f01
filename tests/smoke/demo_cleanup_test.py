#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The demo leaves nothing behind: neither after Ctrl-C nor when it is killed."""
import os
import pathlib
import re
import signal
import subprocess
import sys

from _init import ROOT, check, equal, guard, netns, wait_for

FOLDERS = [guard.SHM, guard.EAL]
UIDS = range(guard.UID_BASE, guard.UID_BASE + guard.UIDS_PER_RUN * guard.RUNS_MAX)


def left():
	"""Namespaces, folders and files of labs, processes of ours, key rings of lab users."""
	found = set(netns.names("fogt-"))
	found |= {str(path) for folder in FOLDERS for path in folder.glob("fogline*")}
	found |= {str(path) for path in guard.BASE.glob("*")}
	for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
		try:
			name = path.read_text().strip()
		except OSError:
			continue
		if name.startswith("fog-"):
			found.add(f"process {name} {path.parent.name}")
	return found


def keys():
	"""uid -> number of keys in the kernel, of the users that labs may take."""
	counts = re.findall(r"^\s*(\d+):\s+\d+ (\d+)/", pathlib.Path("/proc/key-users").read_text(), re.MULTILINE)
	return {int(uid): int(count) for uid, count in counts if int(uid) in UIDS}


def end_by(how):
	before, keys_before = left(), keys()
	demo = subprocess.Popen(
		[sys.executable, ROOT / "config/lab/demo.py", "--messages", "10"], stderr=subprocess.PIPE, text=True,
		start_new_session=True)
	try:
		for line in demo.stderr:
			if "Ctrl-C ends it" in line:
				break
		else:
			raise AssertionError(f"the demo ended by itself: {demo.wait()}")
		during = left() - before
		check(len([name for name in during if name.startswith("fogt-")]) == 6, f"six namespaces: {during}")
		check(len([name for name in during if name.startswith("process")]) == 10, f"ten processes: {during}")
		users = [uid for uid, count in keys().items() if count > keys_before.get(uid, 0)]
		check(len(users) == 5, f"five users with key rings: {users}")
		os.kill(demo.pid, how)
		demo.stderr.read()
		code = demo.wait(60)
	finally:
		demo.kill()
		demo.wait()
	wait_for(f"clean host after {how.name}", lambda: not left() - before)
	# One entry stays for a user who had a key ring, of a kernel that doesn't forget names of rings.
	wait_for("key rings to go", lambda: all(keys().get(uid, 0) <= 1 for uid in users))
	return code


equal(end_by(signal.SIGINT), 0, "exit code after Ctrl-C")
equal(end_by(signal.SIGTERM), 0, "exit code after a plain kill")
equal(end_by(signal.SIGKILL), -signal.SIGKILL, "exit code after SIGKILL")
