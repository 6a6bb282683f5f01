#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Runs the tests, as many at once as the CPUs bear, and reports one line per test as it ends: the time that
passed, and the CPU time, which tells what computes from what waits.

A test is a program: exit code 0 = passed, 77 = skipped (its last line of output names the feature
that is missing), anything else = failed; the end of its log is then shown here.
"""
import argparse
import difflib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import plan

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIMIT_S = 19.5 * 60  # what `test` may take without --long
SKIP = 77
CPUS = os.cpu_count() or 2
OTHERS = CPUS + 2  # at once, besides labs: two more than there are CPUs, as some of them mostly wait
NICE = 10  # of what leaves the CPUs to the labs, and to the build that they wait for


def beside(argv):
	"""The command, less urgent. Each test is a session of its own, and where the kernel shares the CPUs out
	by session, it is the session's niceness that counts (sched(7), "The autogroup feature")."""
	shell = f'{{ echo {NICE} >/proc/self/autogroup; }} 2>/dev/null; exec nice -n {NICE} "$@"'
	return ["sh", "-c", shell, "sh", *argv]


def wait(process, limit_s):
	"""Wait until it ends. Returns its exit code, None when it has not ended, and the CPU time that it and those
	it waited for took."""
	end = os.pidfd_open(process.pid)
	try:
		if not select.select([end], [], [], limit_s)[0]:
			return None, 0
	finally:
		os.close(end)
	_, status, usage = os.wait4(process.pid, 0)
	process.returncode = os.waitstatus_to_exitcode(status)
	return process.returncode, usage.ru_utime + usage.ru_stime


class Runner:
	def __init__(self, logs, limit_s):
		self.logs = logs
		self.deadline = time.monotonic() + limit_s if limit_s else None
		self.result = {"passed": 0, "failed": 0, "skipped": 0}
		self.lock = threading.Lock()
		self.running = set()
		self.stopped = False

	def execute(self, test):
		"""Run one test; returns True when it passed."""
		if self.stopped:
			return False
		missing = test.missing()
		if missing:
			return self._report(test, "skipped", 0, missing)
		left = self.deadline - time.monotonic() if self.deadline else float("inf")
		if left <= 0:
			return self._report(test, "failed", 0, "not run: the time for all tests is over")
		log = self.logs / (test.name.replace("/", "-") + ".log")
		start = time.monotonic()
		with log.open("wb") as out:
			process = subprocess.Popen(
				test.argv if test.lab or test.first else beside(test.argv), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
				cwd=test.cwd or ROOT, env={**os.environ, **test.env}, start_new_session=True,
			)
			self.running.add(process)
			try:
				code, computed = wait(process, min(test.timeout, left))
			finally:
				self._end(process)
		took = time.monotonic() - start
		text = log.read_text(errors="replace")
		if code == 0:
			return self._report(test, "passed", took, f"{computed:6.1f} s CPU  {plan.summary(text)}")
		if code == SKIP:
			return self._report(test, "skipped", took, (text.strip() or "no reason given").split("\n")[-1])
		why = f"exit code {code}" if code is not None else f"no end after {took:.0f} s"
		if code is None and left < test.timeout:
			why += ", when the time for all tests was over"
		return self._report(test, "failed", took, f"{why}; log: {log}", text)

	def _end(self, process):
		"""End what the test left behind in its session."""
		try:
			os.killpg(process.pid, signal.SIGTERM if process.poll() is None else signal.SIGKILL)
			process.wait(timeout=10)
		except ProcessLookupError:
			pass
		except subprocess.TimeoutExpired:
			os.killpg(process.pid, signal.SIGKILL)
			process.wait()
		self.running.discard(process)

	def _report(self, test, outcome, took, note, text=""):
		word = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[outcome]
		with self.lock:
			self.result[outcome] += 1
			print(f"{word}  {test.name:<44} {took:7.1f} s  {note}", flush=True)
			if outcome == "failed":
				for line in text.rstrip().split("\n")[-60:]:
					print(f"      | {line}", flush=True)
		return outcome == "passed"

	def stop(self):
		self.stopped = True
		for process in list(self.running):
			self._end(process)


def similar(name, names):
	"""Those of 'names' that somebody may have meant by 'name', whole or their last part."""
	by_part = {part: whole for whole in sorted(names) for part in (whole, whole.rsplit("/", maxsplit=1)[-1])}
	return list(dict.fromkeys(by_part[part] for part in difflib.get_close_matches(name, by_part, 5, 0.5)))


class Queue:
	"""What waits to be run. Labs share the host's cores, and their tests wait for each other's packets, so
	there are as many at a time as plan.LOAD_MAX bears. As they are the longest chain, a lab goes first, those
	that bear least beside them before the others, so that what is left fills the gaps. A lab waits more than it
	computes, so it is no reason to leave a CPU idle."""

	def __init__(self, tests):
		self.changed = threading.Condition()
		self.waiting = list(tests)
		self.running = []

	def _next(self):
		"""The test that may start now, or None."""
		labs = [test for test in self.running if test.lab]
		room = plan.LOAD_MAX - sum(test.load for test in labs)
		lab = max((test for test in self.waiting if test.lab and test.load <= room), key=lambda test: test.load, default=None)
		if lab:
			return lab
		if len(self.running) - len(labs) < OTHERS:
			return next((test for test in self.waiting if not test.lab), None)
		return None

	def take(self):
		"""The next test that may start; None when all is done."""
		with self.changed:
			while self.waiting or self.running:
				test = self._next()
				if test:
					self.waiting.remove(test)
					self.running.append(test)
					return test
				self.changed.wait()
		return None

	def done(self, test, follow):
		with self.changed:
			self.waiting += follow
			self.running.remove(test)
			self.changed.notify_all()


def run(runner, tests, wanted):
	"""Run 'tests' and whatever they turn out to lead to (a build leads to the tests it built)."""
	queue = Queue(tests)
	broken = []

	def work():
		while test := queue.take():
			follow = []
			try:
				if runner.execute(test) and test.then:
					follow = [new for new in test.then() if wanted(new)]
			except Exception as error:  # of the runner itself: told once all threads are back
				broken.append(error)
			finally:
				queue.done(test, follow)

	threads = [threading.Thread(target=work) for _ in range(OTHERS + plan.LOAD_MAX)]
	for thread in threads:
		thread.start()
	try:
		for thread in threads:
			thread.join()
	except KeyboardInterrupt:
		runner.stop()
		raise
	if broken:
		raise broken[0]


def main():
	parser = argparse.ArgumentParser(prog="./fogline test", description="Run the tests.")
	parser.add_argument("--long", action="store_true",
		help="what takes longer, too (tests/README.md): soak, more machines, fuzz 5 minutes each; no limit of time")
	parser.add_argument("--asan", action="store_true", help="only the run under ASan and UBSan")
	parser.add_argument("--tsan", action="store_true", help="only the run under TSan")
	parser.add_argument("filter", metavar="FILTER", nargs="?", default="",
		help="a group (lint, unit, vm, package, smoke, asan, tsan, fuzz), the beginning of a name, or a part of one")
	options = parser.parse_args()

	groups = [group for group in ("asan", "tsan") if getattr(options, group)] or plan.GROUPS
	first = options.filter.split("/")[0]
	if first in plan.GROUPS:
		groups = [group for group in groups if group == first]

	def matches(name):
		return name.startswith(options.filter) if first in plan.GROUPS else options.filter in name

	names = []

	def wanted(test):
		names.append(test.name)
		return matches(test.name)

	logs = ROOT / "build" / "test-logs"
	shutil.rmtree(logs, ignore_errors=True)
	logs.mkdir(parents=True)
	runner = Runner(logs, None if options.long else LIMIT_S)
	start = time.monotonic()
	tests = [test for test in plan.tests(ROOT, groups, options.long) if wanted(test) or test.then]
	try:
		run(runner, tests, wanted)
	except KeyboardInterrupt:
		print("interrupted", flush=True)
		return 130
	print(f"{(time.monotonic() - start) / 60:.1f} minutes, logs in {logs.relative_to(ROOT)}")
	result = runner.result
	if not result["failed"] and not any(map(matches, names)):
		near = similar(options.filter, names)
		print(
			f"no test's name {'begins with' if first in plan.GROUPS else 'has in it'} '{options.filter}'; "
			f"{'similar: ' + ', '.join(near) if near else 'without a filter all run'}; some are only for --long")
		return 2
	skipped = f", {result['skipped']} skipped" if result["skipped"] else ""
	print(f"{result['passed']} passed, {result['failed']} failed{skipped}")
	return 1 if result["failed"] or not result["passed"] else 0


if __name__ == "__main__":
	sys.exit(main())
