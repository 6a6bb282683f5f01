#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The demo that goes on running: the commands that it names work, it stays under 2 GiB, and it leaves
nothing behind, neither after Ctrl-C nor when it is killed: once with authorities, which are then gone, too."""
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys

from _init import ROOT, SANITIZED, check, equal, guard, netns, wait_for


def processes(number):
	"""IDs of the appliances' processes of a run."""
	found = []
	for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
		try:
			words = path.read_bytes()
		except OSError:
			continue
		if f"{guard.BASE}/{number}/".encode() in words and b"/fog-" in words:
			found.append(int(path.parent.name))
	return found


def left(number):
	"""Everything of a run that is still on the host, but key rings."""
	files = [guard.BASE / str(number), guard.SHM / f"fogline-lab-{number}",
		*guard.EAL.glob(f"fogline-lab{number}-*")]
	return [*netns.names(f"fogt-{number}-"), *processes(number), *(str(path) for path in files if path.exists())]


def keys(number):
	"""Numbers of keys that the kernel holds for the users of a run, of those who have any."""
	counts = re.findall(r"^\s*(\d+):\s+\d+ (\d+)/", pathlib.Path("/proc/key-users").read_text(), re.MULTILINE)
	first = guard.UID_BASE + number * guard.UIDS_PER_RUN
	# One entry stays of a user who once had a key ring: the kernel doesn't forget the rings' names.
	return [int(count) for uid, count in counts
		if first <= int(uid) < first + guard.UIDS_PER_RUN and int(count) > 1]


def owner(number):
	"""Tells one lab from the next that takes the same number; None when there is none."""
	try:
		lock = (guard.BASE / str(number) / "lock").stat()
	except FileNotFoundError:
		return None
	return lock.st_ino, lock.st_ctime_ns


def gone(number, was):
	"""The lab that was there is gone, with all it had (unless another lab has taken the number)."""
	now = owner(number)
	return now not in (None, was) or now is None and not left(number) and not keys(number)


def memory(pids):
	"""Bytes, shared pages counted once."""
	texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
	return sum(int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE).group(1)) << 10 for text in texts)


def start(*words):
	"""A demo that has sent its messages and goes on running, its number, and the commands it names."""
	demo = subprocess.Popen(
		[sys.executable, ROOT / "config/lab/demo.py", "--messages", "10", *words], stderr=subprocess.PIPE, text=True,
		start_new_session=True)
	number, commands = None, []
	for line in demo.stderr:
		match = re.search(rf"{guard.BASE}/(\d+)/", line)
		number = int(match.group(1)) if match else number
		if "/fogctl " in line:
			commands.append(shlex.split(line))
		if "Ctrl-C ends it" in line:
			return demo, number, commands
	raise AssertionError(f"the demo ended by itself: {demo.wait()}")


def end_by(how, authorities=0):
	demo, number, commands = start("--authorities", str(authorities), "--still", "--epoch", "12")
	was = owner(number)
	try:
		equal(len(netns.names(f"fogt-{number}-")), 6 + authorities, "namespaces")
		running = processes(number)
		equal(len(running), 10 + authorities, "processes")
		equal(len(keys(number)), 5, "users with keys")
		print(f"{memory(running) >> 20} MiB")
		check(SANITIZED or memory(running) < 2 << 30, "the demo takes 2 GiB or more")
		check(len(commands) >= 4, f"the demo names commands to try: {commands}")
		for command in commands:
			once = ["-n", "1"] if "top" in command else []
			done = subprocess.run([*command, *once], capture_output=True, text=True)
			equal(done.returncode, 0, f"exit code of {command}: {done.stderr}")
			check(done.stdout.strip(), f"{command} prints nothing")
		os.kill(demo.pid, how)
		demo.stderr.read()
		code = demo.wait(60)
	finally:
		demo.kill()
		demo.wait()
	wait_for(f"clean host after {how.name}", lambda: gone(number, was))
	return code


equal(end_by(signal.SIGINT), 0, "exit code after Ctrl-C")
equal(end_by(signal.SIGTERM), 0, "exit code after a plain kill")
equal(end_by(signal.SIGKILL, authorities=4), -signal.SIGKILL, "exit code after SIGKILL")
