#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What a lab leaves on the host, and how it goes away again even when the lab is killed.

Each run has a number. Its folder /run/fogline-lab/NUMBER holds a lock that lives as long as the
lab or its guard: a free lock marks a leftover. The guard is a process of its own session that waits
for the lab's end (end of file on its standard input) and removes everything of that run.
"""
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import netns

BASE = pathlib.Path("/run/fogline-lab")
SHM = pathlib.Path("/dev/shm")
PINS = pathlib.Path("/sys/fs/bpf/fogline")
EAL = pathlib.Path("/run/dpdk")  # DPDK's run-time folders, one per data plane
UID_BASE, UIDS_PER_RUN, RUNS_MAX = 70001, 20, 50 # above systemd's DynamicUser range
KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING = -4, -5
KEY_USERS = pathlib.Path("/proc/key-users")


class Run:
	"""A number of our own, taken until close() or until this process and its guard are gone."""

	def __init__(self):
		for number in range(RUNS_MAX):
			lock = _lock(number)
			if lock is not None:
				break
		else:
			raise OSError(f"{RUNS_MAX} labs are running already; end some: ip netns list")
		self.number = number
		_remove(number)
		self.folder.mkdir(mode=0o755, exist_ok=True)
		self.shm.mkdir(mode=0o711)  # each data plane has a folder of its own in it
		self.uids = range(UID_BASE + number * UIDS_PER_RUN, UID_BASE + (number + 1) * UIDS_PER_RUN)
		self._guard = subprocess.Popen(
			[sys.executable, __file__, str(number), str(lock)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
			stderr=subprocess.DEVNULL, start_new_session=True, pass_fds=[lock],
		)
		os.close(lock)  # the guard's copy keeps it

	@property
	def folder(self):
		return BASE / str(self.number)

	@property
	def shm(self):
		return SHM / f"fogline-lab-{self.number}"

	def namespace(self, name):
		return f"{_prefix(self.number)}{name}"

	def close(self):
		"""Everything of this run goes. Returns when it is gone."""
		self._guard.stdin.close()
		self._guard.wait()


def _prefix(number):
	return f"fogt-{number}-"


def _lock(number):
	"""Descriptor of the run's lock file, locked; None when somebody has it."""
	path = BASE / str(number) / "lock"
	while True:
		path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
		try:
			fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
		except FileNotFoundError:
			continue  # the folder was just removed by its guard
		try:
			fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
			if os.fstat(fd).st_ino == os.stat(path).st_ino:
				return fd
		except BlockingIOError:
			os.close(fd)
			return None
		except FileNotFoundError:
			pass
		os.close(fd)  # the file was removed between open and lock


def _remove(number):
	"""Processes, namespaces, keys and files of a run. The lock is the caller's and goes last."""
	for name in netns.names(_prefix(number)):
		_end_all(name)
		netns.ip("netns", "delete", name)
	_forget_keys(range(UID_BASE + number * UIDS_PER_RUN, UID_BASE + (number + 1) * UIDS_PER_RUN))
	shutil.rmtree(SHM / f"fogline-lab-{number}", ignore_errors=True)
	for path in EAL.glob(f"fogline-lab{number}-*"):
		shutil.rmtree(path, ignore_errors=True)
	for path in PINS.glob(f"lab{number}-*"):  # of killed data planes; what they hold goes with them
		shutil.rmtree(path, ignore_errors=True)
	for path in (BASE / str(number)).glob("*"):
		if path.name != "lock":
			shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _end_all(name):
	for _ in range(200):
		left = netns.pids(name)
		if not left:
			return
		for pid in left:
			try:
				os.kill(pid, signal.SIGKILL)
			except ProcessLookupError:
				pass
		time.sleep(0.02)


def _forget_keys(uids):
	"""Remove the user keyrings of those of 'uids' that have any; only that user himself may."""
	users = {int(line.split(":")[0]) for line in KEY_USERS.read_text().splitlines()}
	for uid in users & set(uids):
		pid = os.fork()
		if pid == 0:
			try:
				os.setgroups([])
				os.setresgid(uid, uid, uid)
				os.setresuid(uid, uid, uid)
				keyutils = ctypes.CDLL("libkeyutils.so.1")
				keyutils.keyctl_clear(KEY_SPEC_USER_KEYRING)
				for ring in (KEY_SPEC_USER_KEYRING, KEY_SPEC_USER_SESSION_KEYRING):
					keyutils.keyctl_invalidate(ring)
			finally:
				os._exit(0)
		os.waitpid(pid, 0)


def sweep():
	"""Remove what labs left that were killed together with their guards."""
	for path in BASE.glob("[0-9]*"):
		lock = _lock(int(path.name))
		if lock is not None:
			_finish(int(path.name), lock)


def _finish(number, lock):
	_remove(number)
	shutil.rmtree(BASE / str(number), ignore_errors=True)
	os.close(lock)
	try:
		BASE.rmdir()  # only the last one succeeds
	except OSError:
		pass


def main(number, lock):
	for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
		signal.signal(name, signal.SIG_IGN)
	sys.stdin.buffer.read()
	_finish(number, lock)


if __name__ == "__main__":
	main(int(sys.argv[1]), int(sys.argv[2]))
