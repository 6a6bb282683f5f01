# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What npm brings (node/), and the answers that a test gets from the API held against its description.

	answers.ANSWERS.add("GET", "/v1/status", 200, "application/json", {...})
	answers.ANSWERS.check(answers.description_of(program))      # raises AssertionError
"""
import atexit
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
NODE = ROOT / "tests" / "node"
BUILD = ROOT / "build"
SAME_MAX = 20  # answers of one method, path and status that are kept although they look alike
WORD = re.compile(r"[a-z_]{1,24}")  # what a value of an enumeration looks like
NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")


def modules():
	"""The folder with node_modules, made when it is missing or of another lock file."""
	folder = BUILD / "node"
	folder.mkdir(parents=True, exist_ok=True)
	wanted = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()
	stamp = folder / "installed"
	with (folder / "lock").open("w") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)
		if not stamp.exists() or stamp.read_text() != wanted:
			for name in ("package.json", "package-lock.json"):
				shutil.copy(NODE / name, folder)
			subprocess.run(
				["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
			stamp.write_text(wanted)
	return folder


def description_of(program):
	"""The openapi.json that was built with a program."""
	return pathlib.Path(program).resolve().parents[1] / "openapi.json"


def looks(value):
	"""Fields, types and words of a JSON value, without its numbers and texts."""
	if isinstance(value, dict):
		return tuple((name, looks(one)) for name, one in sorted(value.items()))
	if isinstance(value, list):
		return frozenset(looks(one) for one in value)
	return value if isinstance(value, str) and WORD.fullmatch(value) else type(value).__name__


class Answers:
	"""Keeps what a test was answered until it is judged. Of answers with the same method, path and status the first 20 are
	kept, and later all that look like none before: who polls for minutes gets gigabytes that differ in numbers."""

	def __init__(self):
		handle, path = tempfile.mkstemp(prefix="fog-answers-")
		self._path = pathlib.Path(path)
		self._file = os.fdopen(handle, "w")
		self._seen, self._shapes, self._waiting = {}, set(), 0
		self._lock = threading.Lock()  # of all: a file of text is for one thread at a time
		atexit.register(self._path.unlink, missing_ok=True)

	def add(self, method, path, status, kind, body):
		what = (method, NUMBER.sub("0", path.split("?")[0]), status, kind)
		body = None if isinstance(body, bytes) else body
		shape = hash((what, looks(body)))
		with self._lock:
			self._seen[what] = self._seen.get(what, 0) + 1
			if self._seen[what] > SAME_MAX and shape in self._shapes:
				return
			self._shapes.add(shape)
			self._waiting += 1
			line = json.dumps({"method": method, "path": path, "status": status, "type": kind, "body": body})
			self._file.write(line + "\n")

	def check(self, openapi):
		"""Raises AssertionError with what ajv finds wrong in answers that came since the last time."""
		with self._lock:
			if self._waiting == 0:
				return
			self._file.flush()
			done = subprocess.run(
				["node", NODE / "answers.mjs", openapi, self._path, modules()], capture_output=True, text=True, check=False)
			self._file.seek(0)
			self._file.truncate()
			self._waiting = 0
		if done.returncode != 0:
			raise AssertionError(f"answers against openapi.json: {(done.stdout + done.stderr).strip()}")


ANSWERS = Answers()  # of this process
