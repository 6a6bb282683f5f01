#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Attacks on the API of a control plane, each as its attacker would begin it, on both stores. What a module is named after is
what it tries; its first lines say how.

usage: attacks_test.py [MODULE...]"""
import concurrent.futures
import os
import sys
import tempfile

import attacks_headers
import attacks_logins
import attacks_origin
import attacks_paths
import attacks_sql
import attacks_tokens
from _init import ROOT, equal
from control import Control

sys.path.insert(0, str(ROOT / "tests"))
import postgres

MODULES = {
	"sql": attacks_sql,
	"paths": attacks_paths,
	"headers": attacks_headers,
	"origin": attacks_origin,
	"tokens": attacks_tokens,
	"logins": attacks_logins,
}


def one_store(folder, name, url, modules):
	with Control(folder, name, store=url) as control:
		for module in modules:
			print(f"{name}: {module}: {MODULES[module].run(control, url)}", flush=True)
		equal(control.end(), 0, "exit code of the control plane")


def main(modules):
	with tempfile.TemporaryDirectory() as folder:
		os.chmod(folder, 0o755)
		with postgres.server() as server, concurrent.futures.ThreadPoolExecutor() as pool:
			for store in [
				pool.submit(one_store, folder, "sqlite", "", modules),
				pool.submit(one_store, folder, "postgresql", server.database("platform"), modules)]:
				store.result()


main(sys.argv[1:] or list(MODULES))
