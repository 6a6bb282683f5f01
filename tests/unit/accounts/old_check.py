#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Whom an older version's store knows (tests/old_store.py), the present version knows after its migration: passwords, one-time
codes, sessions, API keys, what is over; and the audit of that time still verifies.

usage: old_check.py ACCOUNTS_ANSWER FOGCTL, with FOGLINE_STORE and FOGLINE_OLD_STORE (tests/postgres.py)"""
import base64
import json
import os
import pathlib
import subprocess
import sys

from accounts_answer import OPERATOR, USER, Accounts, check
import old_store

STORE, OLD = os.environ["FOGLINE_STORE"], pathlib.Path(os.environ["FOGLINE_OLD_STORE"])


def one_time_code():
	secret = base64.b32encode(old_store.TOTP_SECRET).decode()
	return subprocess.run(["oathtool", "--totp", "-b", "-"], input=secret, check=True, capture_output=True, text=True).stdout.strip()


def check_passwords(accounts):
	tokens = accounts.good("login", name="old.user", password=old_store.PASSWORD)
	check(tokens["user"] == old_store.USER, f"his account: {tokens}")
	who = accounts.good("find", bearer=tokens["access"])
	check((who["name"], who["roles"]) == ("old.user", USER), f"{who}")
	accounts.refused("password", "login", name="old.user", password=old_store.PASSWORD + "!")
	accounts.refused("disabled", "login", name="old.admin", password=old_store.PASSWORD)
	accounts.refused("code", "login", name="old.operator", password=old_store.PASSWORD, code="000000")
	tokens = accounts.good("login", name="old.operator", password=old_store.PASSWORD, code=one_time_code())
	check(accounts.good("find", bearer=tokens["access"])["roles"] == OPERATOR, "the operator's role")


def check_tokens(accounts):
	check(accounts.good("find", bearer=old_store.API_KEY)["name"] == "old.user", "the API key's owner")
	tokens = accounts.good("refresh", refresh=old_store.secret_text(old_store.REFRESH))
	check(accounts.good("find", bearer=tokens["access"])["name"] == "old.user", "the session goes on")
	# A used refresh token ends its session, however old it is.
	accounts.refused("refresh_reused", "refresh", refresh=old_store.secret_text(old_store.USED_REFRESH))
	accounts.refused("session_revoked", "refresh", refresh=tokens["refresh"])


def main(program, fogctl):
	with Accounts(program, STORE, OLD / "platform.key") as accounts:
		check_passwords(accounts)
		check_tokens(accounts)
		check(accounts.good("add", name="new", password=old_store.PASSWORD, roles=USER)["id"] > old_store.USER, "the next account's id")
	done = subprocess.run([fogctl, "audit", "verify", "--store", STORE, "-j"], capture_output=True, text=True, timeout=60, check=False)
	said = json.loads(done.stdout)
	check(said["ok"] and said["rows"] == len(list(old_store.audit(0))), f"the audit: {said}")
	print("an old store: all that it knew is known after the migration")


if __name__ == "__main__":
	if len(sys.argv) != 3:
		sys.exit(__doc__)
	main(*sys.argv[1:])
