# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What npm brings (../node), and the answers of a test's appliances held against the API's description."""
import atexit
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parent / "node"
BUILD = HERE.parents[1] / "build"
SAME_MAX = 20  # answers of one method, path and status that are kept


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


class Answers:
	"""Keeps what Rest was answered, for judge()."""

	def __init__(self):
		handle, path = tempfile.mkstemp(prefix="fog-answers-")
		self._path = pathlib.Path(path)
		self._file = os.fdopen(handle, "w")
		self._seen = {}
		self._lock = threading.Lock()  # of both: a file of text is for one thread at a time
		atexit.register(self._path.unlink, missing_ok=True)

	def add(self, method, path, status, kind, body):
		what = (method, path.split("?")[0], status)
		with self._lock:
			self._seen[what] = self._seen.get(what, 0) + 1
			if self._seen[what] > SAME_MAX:
				return
			body = body if not isinstance(body, bytes) else None
			line = json.dumps({"method": method, "path": path, "status": status, "type": kind, "body": body})
			self._file.write(line + "\n")

	def judge(self, openapi):
		"""What ajv finds wrong, or None."""
		with self._lock:
			self._file.flush()
		if not self._seen:
			return None
		folder = modules()
		done = subprocess.run(
			["node", NODE / "answers.mjs", openapi, self._path, folder], capture_output=True, text=True)
		return None if done.returncode == 0 else (done.stdout + done.stderr).strip()
