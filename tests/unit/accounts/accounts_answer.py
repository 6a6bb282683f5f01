# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Speaks to accounts_answer, which is the accounts of one control plane."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import old_store  # noqa: E402

USER, AUDITOR, OPERATOR, ADMIN = 1, 2, 4, 8
PASSWORD = "an owl in the fog"


def check(condition, text):
	if not condition:
		raise AssertionError(text)


class Accounts:
	def __init__(self, program, store, key_file, follow=True, **env):
		if "FOGLINE_OLD_STORE" in os.environ:
			old_store.put_key(key_file)
		self.process = subprocess.Popen(
			[program, str(store), str(key_file), *(["follow"] if follow else [])], stdin=subprocess.PIPE,
			stdout=subprocess.PIPE, text=True, env={**os.environ, **env})
		check(self.process.stdout.readline() != "", "accounts_answer did not start")

	def __enter__(self):
		return self

	def __exit__(self, *unused):
		self.process.stdin.close()
		check(self.process.wait() == 0, "accounts_answer failed")

	def ask(self, what, **more):
		"""What the call returned, and its results."""
		print(json.dumps({"do": what, **more}), file=self.process.stdin, flush=True)
		return json.loads(self.process.stdout.readline())

	def good(self, what, **more):
		answer = self.ask(what, **more)
		check(answer["r"] >= 0, f"{what} {more}: {answer}")
		return answer

	def refused(self, why, what, **more):
		answer = self.ask(what, **more)
		check(answer["r"] < 0 and answer["why"] == why, f"{what} {more}: {answer}, not {why}")
		return answer
