#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The platform's store, its writer killed with SIGKILL at random moments, and its server: every write that was
acknowledged is there, each transaction whole or not at all. --kills and --writes ask for more of both."""
import argparse
import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from _init import ROOT, check, equal, wait_for

sys.path.insert(0, str(ROOT / "tests"))
import postgres

WRITER = pathlib.Path(os.environ.get("FOGLINE_BIN") or ROOT / "build" / "bin").absolute() / "fog-store-writer"
THREADS = 4
CRASHES = ["writer", "server", "backend"]  # what is killed; at last the writer, always


class Writer:
	"""A process that writes, and what it has acknowledged: the last number of each thread."""

	def __init__(self, url, writes):
		self.acknowledged = 0
		self.last = {}
		self.process = subprocess.Popen(
			[WRITER, url, str(writes), str(THREADS)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
		self.thread = threading.Thread(target=self._follow)
		self.thread.start()

	def _follow(self):
		for line in self.process.stdout:
			if not line.endswith("\n"):
				break
			thread, number = map(int, line.split())
			self.last[thread] = max(self.last.get(thread, 0), number)
			self.acknowledged += 1

	def wait(self, acknowledged):
		wait_for(f"{acknowledged} writes", lambda: self.acknowledged >= acknowledged or self.process.poll() is not None)
		equal(self.process.poll(), None, "the writer's exit code")

	def kill(self):
		self.process.send_signal(signal.SIGKILL)
		self.process.wait()
		self.thread.join()


def judge(store, acknowledged):
	"""Rows and counters, of one moment: the server may still be writing what its killed client has sent."""
	rows = store.look("SELECT thread, written.n, counter.n FROM written JOIN counter USING (thread)")
	for thread, last in acknowledged.items():
		numbers = sorted(number for of, number, _ in rows if of == thread)
		equal(numbers, list(range(1, len(numbers) + 1)), f"rows of thread {thread}")
		check(len(numbers) >= last, f"thread {thread}: {last} was acknowledged, {len(numbers)} are there")
		equal({counter for of, _, counter in rows if of == thread}, {len(numbers)}, f"counter of thread {thread}")


class Sqlite:
	name = "sqlite"

	def __init__(self, folder):
		self.url = f"{folder}/platform.db"

	def look(self, what):
		with sqlite3.connect(self.url) as db:
			return db.execute(what).fetchall()

	def crash(self, what):
		"""There is nothing but the writer."""
		return False


class Postgres:
	name = "postgresql"

	def __init__(self, server):
		self.server = server
		self.url = server.database("platform")

	def _answer(self, what):
		"""None while it recovers."""
		with contextlib.suppress(subprocess.CalledProcessError):
			return self.server.sql("platform", what)
		return None

	def look(self, what):
		answer = None

		def answers():
			nonlocal answer
			answer = self._answer(what)
			return answer is not None
		wait_for("the server's answer", answers)
		return [tuple(map(int, line.split("|"))) for line in answer.splitlines()]

	def crash(self, what):
		"""While somebody writes: the server's end and its new start, or that of one of its processes, upon which it
		ends all others and recovers."""
		if what == "server":
			self.server.kill()
			self.server.start()
		elif what == "backend":
			os.kill(int(self.server.sql(
				"platform", "SELECT pid FROM pg_stat_activity WHERE application_name = 'fogline' LIMIT 1")), signal.SIGKILL)
		return what != "writer"


def round_of(store, writes, what, last):
	"""One life of the writer; returns what is acknowledged after it."""
	# It must not come to its end before the server does.
	writer = Writer(store.url, writes if what == "writer" else writes * 10)
	try:
		at = random.randrange(writes * THREADS * 3 // 4)
		writer.wait(at)
		time.sleep(random.random() / 50)
		crashed = store.crash(what)
		if crashed:
			writer.wait(writer.acknowledged + THREADS)
	finally:
		writer.kill()
	last.update(writer.last)
	judge(store, last)
	print(f"{store.name}: {writer.acknowledged} writes acknowledged until the kill"
		f"{f', a {what} killed meanwhile' if crashed else ''}: all there", flush=True)


def run(store, options):
	last = {}
	for kill in range(options.kills):
		round_of(store, options.writes, CRASHES[kill % 3], last)
	with subprocess.Popen([WRITER, store.url, "1", str(THREADS)], stdout=subprocess.DEVNULL) as whole:
		equal(whole.wait(), 0, "exit code of a writer that nobody kills")


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("--kills", type=int, default=4)
	parser.add_argument("--writes", type=int, default=200, help=f"of each of {THREADS} threads, at most, in each life of the writer")
	parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
	options = parser.parse_args()
	random.seed(options.seed)
	postgres.end_tidily()
	print(f"seed {options.seed}", flush=True)
	with tempfile.TemporaryDirectory(prefix="fogline-store-") as folder:
		run(Sqlite(folder), options)
	with postgres.server(fsync=True) as server:
		run(Postgres(server), options)


if __name__ == "__main__":
	main()
