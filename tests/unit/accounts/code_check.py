#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""One-time codes as oathtool makes them, backup codes, and what of all secrets can be read in the store: nothing.

usage: code_check.py ACCOUNTS_ANSWER"""
import base64
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

from accounts_answer import ADMIN, PASSWORD, USER, Accounts, check

STEP = 30


class Person:
	"""Somebody with a device that makes codes."""

	def __init__(self, plane, name, roles=USER):
		self.plane, self.name = plane, name
		self.id = plane.good("add", name=name, password=PASSWORD, roles=roles)["id"]
		self.ahead = 0

	def code(self, steps=0):
		now = self.plane.good("time", ahead=self.ahead)["now"] + steps * STEP
		return subprocess.run(
			["oathtool", "--totp", "--base32", "--digits=6", "--now", f"@{now}", self.secret],
			check=True, capture_output=True, text=True).stdout.strip()

	def later(self, steps=1):
		self.ahead += steps * STEP
		self.plane.good("time", ahead=self.ahead)

	def set_up(self):
		begun = self.plane.good("totp_begin", user=self.id, password=PASSWORD)
		self.secret, self.uri = begun["secret"], begun["uri"]
		self.codes = self.plane.good("totp_confirm", user=self.id, code=self.code())["codes"]
		self.later()

	def login(self, **more):
		return self.plane.ask("login", name=self.name, password=PASSWORD, **more)


def check_setup(plane):
	one = Person(plane, "one")
	check(one.login()["access"] != "", "no code asked for before it is set up")
	plane.refused("password", "totp_begin", user=one.id, password="something else")
	plane.refused("password", "totp_begin", user=one.id, password="")
	begun = plane.good("totp_begin", user=one.id, password=PASSWORD)
	one.secret = begun["secret"]
	check(one.login()["access"] != "", "no code asked for before it is confirmed")
	plane.refused("code", "totp_confirm", user=one.id, code="000000" if one.code() != "000000" else "111111")
	plane.refused("totp_off", "totp_codes", user=one.id, code=one.code())
	one.set_up()
	plane.refused("totp_on", "totp_begin", user=one.id, password=PASSWORD)
	uri = urllib.parse.urlsplit(one.uri)
	query = dict(urllib.parse.parse_qsl(uri.query))
	check((uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Fogline:one"), one.uri)
	check(query == {"secret": one.secret, "issuer": "Fogline", "algorithm": "SHA1", "digits": "6", "period": "30"}, one.uri)
	check(len(base64.b32decode(one.secret)) == 20, "the secret has 160 bits")
	check(len(set(one.codes)) == 10 and all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code) for code in one.codes), one.codes)
	return one


def check_login(plane, one):
	# In one go, and in two.
	one.later(2)
	check(one.login(code=one.code())["r"] == 0, "the present code")
	answer = one.login(code=one.code())
	check((answer["why"], answer["user"]) == ("code", one.id), f"a code twice: {answer}")
	answer = plane.refused("password", "login", name=one.name, password="something else", code=one.code())
	check(answer["user"] == 0, f"who does not know the password is nobody: {answer}")
	plane.good("unlock", user=one.id)
	check(one.login(code=one.code(1))["r"] == 0, "one step early")
	one.later(3)
	check(one.login(code=one.code(-1))["r"] == 0, "one step late")
	answer = one.login(code=one.code(-1))
	check(answer["why"] == "code", f"a late code twice: {answer}")
	check(one.login(code=one.code())["r"] == 0, "a newer one after it")
	answer = one.login(code=one.code(-1))
	check(answer["why"] == "code", f"an older code after a newer one: {answer}")
	one.later(6)
	for steps in (-2, 2):
		check(one.login(code=one.code(steps))["why"] == "code", f"{steps} steps away")
	check(one.login(code=one.code())["r"] == 0, "the present one")
	one.later(2)
	step = one.login()
	check(step["r"] == 1 and step["access"] == "" and step["refresh"] == "" and len(step["step"]) == 43, f"{step}")
	plane.refused("jwt_form", "find", bearer=step["step"])
	for code in ("12345", ""):
		answer = plane.refused("code", "step", step=step["step"], code=code)
		check(answer["user"] == one.id, f"whose second step failed: {answer}")
	check(plane.good("step", step=step["step"], code=one.code())["access"] != "", "the step's code")
	one.later()
	plane.refused("bad_step", "step", step=step["step"], code=one.code())
	check(plane.refused("bad_step", "step", step="", code=one.code())["user"] == 0, "nobody's step")


def check_step_ends(plane, one):
	plane.good("unlock", user=one.id)
	late = one.login()["step"]
	one.later(11)
	plane.refused("bad_step", "step", step=late, code=one.code())
	check(plane.refused("bad_step", "step", step=late, code=one.code())["user"] == one.id, "whose step came late")
	# Five codes, and the pair is locked, too; unlocked, the step is still over.
	step = one.login()["step"]
	for _ in range(5):
		plane.refused("code", "step", step=step, code="AAAAAAAA")
	plane.good("unlock", user=one.id)
	plane.refused("bad_step", "step", step=step, code=one.code())
	# Beginning again forgives nothing: or each password would buy five codes.
	for _ in range(5):
		plane.refused("code", "step", step=one.login()["step"], code="AAAAAAAA")
	check(one.login()["why"] == "locked_pair", "wrong codes lock")
	plane.good("unlock", user=one.id)


def check_backup(plane, one):
	first, second = one.codes[:2]
	answer = one.login(code=first)
	check(answer["r"] == 0 and answer["codes_left"] == 9, f"a backup code: {answer}")
	check(one.login(code=first)["why"] == "code", "a backup code twice")
	spelled = second.replace("-", "").lower()
	check(one.login(code=spelled)["codes_left"] == 8, "spelled in another way")
	check(one.login(code=second)["why"] == "code", "twice, spelled in another way")
	plane.good("unlock", user=one.id)
	one.later()
	fresh = plane.good("totp_codes", user=one.id, code=one.code())["codes"]
	check(one.login(code=one.codes[5])["why"] == "code", "an old backup code")
	check(one.login(code=fresh[5])["codes_left"] == 9, "a new backup code")
	two = Person(plane, "two")
	two.ahead = one.ahead
	two.set_up()
	check(two.login(code=fresh[6])["why"] == "code", "somebody else's backup code")


def check_off(plane, one):
	plane.good("unlock", user=one.id)
	one.later()
	plane.refused("password", "totp_off", user=one.id, password="something else", code=one.code())
	plane.refused("code", "totp_off", user=one.id, password=PASSWORD, code="AAAAAAAA")
	plane.good("totp_off", user=one.id, password=PASSWORD, code=one.code())
	check(one.login()["access"] != "", "no code asked for any more")
	one.set_up()
	check(one.login()["r"] == 1, "asked for again")
	plane.good("totp_remove", user=one.id)
	check(one.login()["access"] != "", "an admin took it away")


def check_admins(program, store, key_file):
	"""With accounts.require_totp admins without codes are but users."""
	with Accounts(program, store, key_file, FOGLINE_TOTP="1") as plane:
		admin = Person(plane, "admin", ADMIN | USER)
		access = admin.login()["access"]
		check(plane.good("find", bearer=access)["roles"] == USER, "an admin without codes")
		admin.set_up()
		check(plane.good("find", bearer=access)["roles"] == ADMIN | USER, "an admin with codes")
		check(admin.login()["r"] == 1, "asked for a code")
		check_last(plane, admin)
		plane.good("totp_remove", user=admin.id)
		check(plane.good("find", bearer=access)["roles"] == USER, "an admin without codes again")


def check_last(plane, admin):
	"""Whoever has codes does not leave administration to admins who have none, and so are none."""
	other = Person(plane, "other-admin", ADMIN)
	for change in ({"disabled": True}, {"roles": USER}):
		plane.refused("last_admin_with_codes", "change", user=admin.id, **change)
	plane.refused("last_admin_with_codes", "delete", user=admin.id)
	other.ahead = admin.ahead
	other.set_up()
	plane.good("change", user=admin.id, roles=USER)
	plane.good("change", user=admin.id, roles=ADMIN | USER)
	plane.good("delete", user=other.id)


def everything(store):
	"""All that lies in the store, as bytes."""
	if store.startswith("postgresql:"):
		dump = subprocess.run(["pg_dump", "--inserts", "-d", store], check=True, capture_output=True).stdout
		return dump + b"".join(bytes.fromhex(blob.decode()) for blob in re.findall(rb"'\\x((?:[0-9a-f]{2})+)'", dump))
	return b"".join(
		path.read_bytes() for path in sorted(pathlib.Path(store).parent.iterdir()) if path.name.startswith(pathlib.Path(store).name))


def check_secrets(plane, store, key_file):
	owner = Person(plane, "owner")
	plane.good("login", name="owner", password=PASSWORD)
	tokens = plane.good("login", name="owner", password=PASSWORD)
	tokens2 = plane.good("refresh", refresh=tokens["refresh"])
	key = plane.good("key", user=owner.id)["secret"]
	plane.refused("name", "login", name="typed-into-the-wrong-field", password="x")
	reset = plane.good("reset", user=owner.id)["token"]
	owner.set_up()
	step = owner.login()["step"]
	texts = [PASSWORD, key, key[7:], tokens["access"], tokens["refresh"], tokens2["refresh"], reset, step, owner.secret,
		*owner.codes, *(code.replace("-", "") for code in owner.codes), "typed-into-the-wrong-field"]
	raw = [base64.urlsafe_b64decode(text + "=") for text in (key[7:], tokens["refresh"], reset, step)]
	raw += [base64.b32decode(owner.secret), key_file.read_bytes()]
	lies = everything(store)
	check(b"owner" in lies and b"$argon2id$" in lies, "this is not the store")
	for secret in [*(text.encode() for text in texts), *raw]:
		check(secret not in lies, f"{secret} lies in the store")


def main(program):
	store = os.environ["FOGLINE_STORE"]
	with tempfile.TemporaryDirectory(prefix="fogline-check-") as folder:
		key_file = pathlib.Path(folder) / "platform.key"
		with Accounts(program, store, key_file) as plane:
			one = check_setup(plane)
			check_login(plane, one)
			check_step_ends(plane, one)
			check_backup(plane, one)
			check_off(plane, one)
			check_secrets(plane, store, key_file)
		check_admins(program, store, key_file)
	print("codes: as oathtool makes them; no secret lies in the store")


if __name__ == "__main__":
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	main(sys.argv[1])
