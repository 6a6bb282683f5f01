#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A PostgreSQL server of a test's own, and a test's runs on all stores.

usage: postgres.py [--fsync] [--slow] [--store STORE]... COMMAND...

Runs COMMAND once for each of STORES, with FOGLINE_STORE = the path of a SQLite store or the URL of a database; fails when one
of the runs does. Nothing is there yet ("-empty"), or what an older version left ("-migrated": old_store.py), which COMMAND has
to migrate; FOGLINE_OLD_STORE names the folder of that one's key then, and of scripts that make it. FOGLINE_STORES has other
stores than all to run on; a --slow COMMAND runs on few of them unless FOGLINE_LONG is set. The server listens on a UNIX socket
in a temporary folder, is somebody without rights where the test is root, and does not wait for the disk unless --fsync is given.
"""
import argparse
import contextlib
import ctypes
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import old_store

STORES = ["sqlite-empty", "sqlite-migrated", "postgresql-empty", "postgresql-migrated"]
FEW = ["sqlite-empty", "postgresql-migrated"]  # where time is short: each kind of store, each state

PR_SET_PDEATHSIG = 1
QUICK = ["fsync=off", "full_page_writes=off"]
SETTINGS = [
	"listen_addresses=", "shared_buffers=16MB", "max_connections=60", "dynamic_shared_memory_type=mmap",
	"max_wal_senders=0", "wal_level=minimal", "autovacuum=off"]
USER = "fogline"
SKIP = 77


def _programs():
	found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
	if not found:
		sys.exit("postgres.py: PostgreSQL is not installed: run './fogline deps'")
	return found[-1].parent


def _dies_with_us():
	ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _children(pid):
	with contextlib.suppress(OSError):
		return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
	return []


def _runs(pid):
	with contextlib.suppress(OSError):
		return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
	return False


class Server:
	"""A server with a folder of its own. start() and kill() may follow each other."""

	def __init__(self, fsync=False):
		self.fsync = fsync
		self.programs = _programs()
		self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fogline-pg-"))
		self.process = None
		self.log = []
		self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
		# Tests that run as somebody else must get to the socket.
		self.folder.chmod(0o711)
		os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

	def _as_user(self):
		who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
		return {"cwd": self.folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **who}

	def make(self):
		subprocess.run(
			[self.programs / "initdb", "--no-sync", "--no-instructions", "--auth=trust", f"--username={USER}",
				"--encoding=UTF8", "--locale=C", "--wal-segsize=1", "-D", "data"],
			check=True, stdout=subprocess.DEVNULL, **self._as_user())
		# Nobody is asked for a password, but for one user whom tests may make.
		access = self.folder / "data" / "pg_hba.conf"
		access.write_text("local all guarded scram-sha-256\n" + access.read_text())

	def start(self):
		settings = [*SETTINGS, f"unix_socket_directories={self.folder}", *([] if self.fsync else QUICK)]
		ready = threading.Event()
		self.process = subprocess.Popen(
			[self.programs / "postgres", "-D", "data", *(part for setting in settings for part in ("-c", setting))],
			stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
			preexec_fn=_dies_with_us, **self._as_user())
		threading.Thread(target=self._follow, args=(self.process.stderr, ready), daemon=True).start()
		ready.wait()
		if self.process.poll() is not None:
			raise RuntimeError("PostgreSQL did not start: " + "".join(self.log[-20:]))

	def _follow(self, lines, ready):
		for line in lines:
			self.log.append(line)
			if "ready to accept connections" in line:
				ready.set()
		self.process.wait()
		ready.set()

	def end(self, number=signal.SIGQUIT):
		if self.process and self.process.poll() is None:
			self.process.send_signal(number)
			self.process.wait()

	def kill(self):
		"""End it as a crash would: nobody of it lives on, nothing is written any more."""
		end = [self.process.pid]
		for pid in end:
			end += _children(pid)
		for pid in end:
			with contextlib.suppress(ProcessLookupError):
				os.kill(pid, signal.SIGKILL)
		self.process.wait()
		while any(_runs(pid) for pid in end):
			time.sleep(0.01)

	def url(self, database):
		return f"postgresql://{USER}@/{database}?host={self.folder}"

	def sql(self, database, text):
		"""Run statements; returns what they print, a row a line, columns divided by |."""
		return subprocess.run(
			[self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text],
			check=True, capture_output=True, text=True).stdout.strip()

	def database(self, name):
		"""Make an empty database; returns its URL."""
		self.sql("postgres", f"CREATE DATABASE {name}")
		return self.url(name)

	def remove(self):
		self.end()
		shutil.rmtree(self.folder, ignore_errors=True)


def end_tidily():
	"""SIGTERM as an exception: what was made is taken away. Main thread only."""
	signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


@contextlib.contextmanager
def server(fsync=False):
	"""A running server, gone afterwards whatever happens, SIGTERM too."""
	end_tidily()
	made = Server(fsync)
	try:
		made.make()
		made.start()
		yield made
	finally:
		made.remove()


def own_store(state_dir, name, user=None):
	"""A store for one control plane of a test, like that of FOGLINE_STORE. Returns keys of its configuration, {} for the one that
	it has by itself. What an older version left in its state folder belongs to 'user', a number or a text of one."""
	url, old = os.environ.get("FOGLINE_STORE", ""), os.environ.get("FOGLINE_OLD_STORE")
	control = pathlib.Path(state_dir) / "control"
	made = str(control / "platform.db")
	shared = url.startswith("postgresql:")
	if shared:
		database = re.sub(r"\W", "_", f"{name}_{os.getpid()}").lower()
		subprocess.run(["psql", "-Xq", "-d", url, "-c", f"CREATE DATABASE {database}"], check=True)
		made = re.sub(r"(?<=@/)\w+", database, url)
	if old:
		control.parent.mkdir(mode=0o711, exist_ok=True)
		control.mkdir(mode=0o700)
		old_store.put(old, made)
		old_store.put_key(control / "platform.key")
		for path in (control, *control.iterdir()):
			os.chown(path, int(user or os.geteuid()), -1)
	return {"store": {"url": made}} if shared else {}


def _run(command, store, url, old):
	"""Whether it passed."""
	environment = {**os.environ, "FOGLINE_STORE": str(url)}
	environment.pop("FOGLINE_OLD_STORE", None)
	if store.endswith("-migrated"):
		old_store.put(old, url)
		environment["FOGLINE_OLD_STORE"] = str(old)
	print(f"== {store}", flush=True)
	code = subprocess.run(command, env=environment, check=False).returncode
	print(f"== {store}: {'passed' if code == 0 else 'skipped' if code == SKIP else f'failed, exit code {code}'}", flush=True)
	return code


def _on_all(command, stores, folder, fsync):
	"""The exit code of all together."""
	old_store.make(folder)
	with contextlib.ExitStack() as stack:
		made = stack.enter_context(server(fsync)) if any(store.startswith("postgresql") for store in stores) else None
		codes = [
			_run(command, store, made.database(store.replace("-", "_")) if store.startswith("postgresql") else folder / f"{store}.db", folder)
			for store in stores]
	return next((code for code in (1, SKIP) if any(one not in (0, SKIP) for one in codes) or code in codes), 0)


def main():
	parser = argparse.ArgumentParser(description="Run a test on all stores.")
	parser.add_argument("--fsync", action="store_true", help="the server waits for the disk, as in production")
	parser.add_argument("--slow", action="store_true", help=f"without FOGLINE_LONG only on {' and '.join(FEW)}")
	parser.add_argument("--store", choices=STORES, action="append", help="only on this one, and others named so")
	parser.add_argument("command", nargs=argparse.REMAINDER)
	options = parser.parse_args()
	if not options.command:
		parser.error("which command?")
	end_tidily()
	few = FEW if options.slow and "FOGLINE_LONG" not in os.environ else []
	stores = options.store or few or os.environ.get("FOGLINE_STORES", "").split() or STORES
	with tempfile.TemporaryDirectory(prefix="fogline-store-") as folder:
		return _on_all(options.command, stores, pathlib.Path(folder), options.fsync)


if __name__ == "__main__":
	sys.exit(main())
