#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Two control planes on one store, as processes: what one ends, the other refuses soon; and PostgreSQL stopped or gone: nobody
is let in, until it is back.

usage: planes_check.py ACCOUNTS_ANSWER"""
import pathlib
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import postgres
from accounts_answer import OPERATOR, PASSWORD, Accounts, check

LONG = 60  # s, for what takes less than one where nothing else runs


def until(condition, what):
	"""Returns how long it took."""
	begin = time.monotonic()
	while not condition():
		check(time.monotonic() - begin < LONG, f"{what} never came")
		time.sleep(0.01)
	return time.monotonic() - begin


def check_two(a, b):
	user = a.good("add", name="both", password=PASSWORD, roles=OPERATOR)["id"]
	took = []
	for _ in range(5):
		tokens = a.good("login", name="both", password=PASSWORD)
		until(lambda: b.ask("find", bearer=tokens["access"])["r"] == 0, "the session at the other one")
		a.good("end", user=user, session=tokens["session"])
		a.refused("session_revoked", "find", bearer=tokens["access"])
		took.append(until(lambda: b.ask("find", bearer=tokens["access"])["r"] < 0, "the end"))
		b.refused("session_revoked", "find", bearer=tokens["access"])
	return max(took)


def check_away(server, planes):
	tokens = planes[0].good("login", name="both", password=PASSWORD)
	for plane in planes:
		until(lambda: plane.ask("find", bearer=tokens["access"])["r"] == 0, "the session")
	server.end(signal.SIGINT)
	for plane in planes:
		until(lambda: plane.ask("find", bearer=tokens["access"])["r"] < 0, "a refusal while the store is away")
		answer = plane.refused("store_away", "find", bearer=tokens["access"])
		check(answer["retry_after"] > 0, f"{answer}")
	plane.refused("store_away", "login", name="both", password=PASSWORD)
	server.start()
	for plane in planes:
		until(lambda: plane.ask("find", bearer=tokens["access"])["r"] == 0, "the session when the store is back")


def main(program):
	with tempfile.TemporaryDirectory(prefix="fogline-check-") as folder, postgres.server() as server:
		key_file = pathlib.Path(folder) / "platform.key"
		url = server.database("platform")
		with Accounts(program, url, key_file) as a, Accounts(program, url, key_file) as b:
			took = check_two(a, b)
			check_away(server, [a, b])
		# The same on SQLite, where two processes may be on one file.
		path = pathlib.Path(folder) / "platform.db"
		other_key = pathlib.Path(folder) / "other.key"
		with Accounts(program, path, other_key) as a, Accounts(program, path, other_key) as b:
			check_two(a, b)
	print(f"two control planes: a session that one ended was refused by the other within {took * 1000:.0f} ms")


if __name__ == "__main__":
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	main(sys.argv[1])
