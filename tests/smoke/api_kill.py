# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A whole control plane that is killed with SIGKILL, again and again, while clients write through its API; on PostgreSQL its server,
too. What was acknowledged is there afterwards, once, as the audit says, whose chain is whole."""
import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import ledger
from _init import ROOT, check, wait_for
from control import BIN, Control

sys.path.insert(0, str(ROOT / "tests"))
import postgres

ACCOUNTS = 2
CRASHES = ["control plane", "both", "server"]  # what is killed; at last the control plane, always


def verified(control):
	"""The audit, as it lies in the store."""
	done = subprocess.run([BIN / "fogctl", "audit", "verify", "--config", control.config_path], capture_output=True, text=True)
	check(done.returncode == 0, f"fogctl audit verify: {done.stdout}{done.stderr}")
	return done.stdout.strip()


def crash(control, books, server, what):
	"""While clients write."""
	if what == "server":
		server.kill()
		server.start()
		seen = books.total
		wait_for("writes after the server is back", lambda: books.total >= seen + ledger.CLIENTS or books.over)
	if what == "both" and random.random() < 0.5:
		server.kill()
	control.end(signal.SIGKILL)
	if what == "both":
		server.kill()
		server.start()


def life(control, books, writes, server, what):
	"""One life of the control plane."""
	before = books.total
	with books.writing():
		wanted = before + writes + random.randrange(writes // 2 + 1)
		wait_for(f"{wanted} writes", lambda: books.total >= wanted or books.over)
		check(not books.over, f"the clients have ended: {[*books.wrong, *map(str, books.doubts)]}")
		time.sleep(random.random() / 50)
		crash(control, books, server, what)
	chain = verified(control)
	control.start()
	print(f"{what} killed: {books.judge()}; {chain}", flush=True)


def run(folder, name, options, server=None):
	control = Control(folder, name, store=server.database("platform") if server else "")
	print(f"{name}:", flush=True)
	with control:
		for n in range(ACCOUNTS):
			control.add_user(f"writer{n}", ["admin" if n == 0 else "user"], tier="enterprise")
		tokens = [control.login(f"writer{n}")["access_token"] for n in range(ACCOUNTS)]
		books = ledger.Ledger(("127.0.0.1", control.port), tokens[0], tokens)
		for kill in range(options.kills):
			life(control, books, options.writes, server, CRASHES[kill % 3] if server else CRASHES[0])
	print(f"{name}: {options.kills} kills, {books.total} acknowledged writes, all there; {verified(control)}", flush=True)


def main(kills, writes):
	parser = argparse.ArgumentParser()
	parser.add_argument("--kills", type=int, default=kills)
	parser.add_argument("--writes", type=int, default=writes, help="that are acknowledged in each life, at least")
	parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
	parser.add_argument("--store", choices=["sqlite", "postgresql"], help="only this one")
	options = parser.parse_args()
	random.seed(options.seed)
	postgres.end_tidily()
	print(f"seed {options.seed}", flush=True)
	with tempfile.TemporaryDirectory(prefix="fogline-kill-") as folder:
		os.chmod(folder, 0o755)
		if options.store != "postgresql":
			run(folder, "sqlite", options)
		with postgres.server(fsync=True) if options.store != "sqlite" else contextlib.nullcontext() as server:
			if server:
				run(folder, "postgresql", options, server)
