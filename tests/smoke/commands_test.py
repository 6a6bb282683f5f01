#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl's commands for accounts, keys, services, long work and the audit, by people who have logged in over TLS: each does what
it says, seen by other eyes, and each says why it doesn't."""
import base64
import hmac
import json
import os
import struct
import subprocess
import tempfile
import time

from _init import check, equal, wait_for
from control import BIN, PASSWORD, Control

OTHER = "two owls in the fog"


class Person:
	"""Somebody with a home of his own, and a profile for the control plane."""

	def __init__(self, control, name, home):
		self.name = name
		self.home = control.folder / home
		self.home.mkdir()
		tls = control.local.get("/v1/status")["tls"]
		self("profile", "add", "here", "--url", f"https://127.0.0.1:{control.port}", "--fingerprint", tls["fingerprint"])
		self("profile", "use", "here")

	def __call__(self, *words, code=0, typed="", says=""):
		done = subprocess.run(
			[BIN / "fogctl", *words], capture_output=True, text=True, input=typed, check=False,
			env={"HOME": str(self.home), "USER": self.name, "PATH": os.environ["PATH"]})
		equal(done.returncode, code, f"fogctl {words} by {self.name}: {done.stdout}{done.stderr}")
		check(says in done.stdout + done.stderr, f"fogctl {words} does not say '{says}': {done.stdout}{done.stderr}")
		return done.stdout

	def json(self, *words, **how):
		return json.loads(self(*words, "-j", **how))

	def login(self, password=PASSWORD):
		self("login", typed=password + "\n", says="logged in as")


def one_time(secret):
	"""RFC 6238, by its text."""
	key = base64.b32decode(secret + "=" * (-len(secret) % 8))
	digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
	at = digest[-1] & 15
	return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def number(control, name):
	return next(user["id"] for user in control.local.get(f"/v1/users?name={name}")["users"] if user["name"] == name)


def account(control, name):
	return control.local.get(f"/v1/users/{number(control, name)}")


def accounts(control, anna):
	"""The first one on the host itself, the next one by a profile."""
	anna("user", "add", "anna", "--role", "admin", "--config", str(control.config_path), typed=PASSWORD + "\n")
	equal(account(control, "anna")["roles"], ["admin"], "roles of the first one")
	anna("user", "list", code=1, says="login")
	anna.login()
	equal(anna.json("whoami")["name"], "anna", "who it is")
	check("roles" in anna("whoami"), "whoami says no roles")
	anna("user", "add", "bob", "--role", "user,auditor", "--tier", "pro", "--limit-read", "5000", typed=PASSWORD + "\n", says="bob")
	found = account(control, "bob")
	equal((sorted(found["roles"]), found["tier"], found["limits"]["read"], found["has_password"]),
		(["auditor", "user"], "pro", 5000, True), "the account that was made")
	anna("user", "add", "bobby", "--no-password")
	equal(anna.json("user", "show", "Bob")["name"], "bob", "by a name that is the beginning of another one")
	anna("user", "remove", "bobby")
	anna("user", "add", "carl", "--no-password")
	equal((account(control, "carl")["roles"], account(control, "carl")["has_password"]), (["user"], False), "without a password")
	check("bob" in anna("user", "list") and "bob" not in anna("user", "list", "--role", "admin"), "accounts by role")
	equal([user["name"] for user in anna.json("user", "list", "--limit", "1")["users"]], ["anna"], "one account")
	check("more: fogctl user list --after" in anna("user", "list", "--limit", "1"), "it does not say how to go on")
	anna("user", "set", "bob", "--role", "user", "--limit-read", "none")
	found = account(control, "bob")
	equal((found["roles"], found["tier"], found["limits"]["read"]), (["user"], "pro", None), "the account that was changed")
	equal(anna.json("user", "show", str(number(control, "bob")))["name"], "bob", "by number")
	anna("user", "show", "nobody", code=1, says="fogctl user list")
	anna("user", "set", "bob", "--limit-read", "many", code=2, says="a number")
	anna("user", "passwd", "bob", code=2, says="fogctl user reset")
	anna("user", "remove", "carl")
	equal([user["name"] for user in control.local.get("/v1/users")["users"]], ["anna", "bob"], "after a removal")


def passwords(control, anna, bob):
	anna("user", "disable", "bob", says="disabled")
	bob("login", code=1, typed=PASSWORD + "\n")
	anna("user", "enable", "bob")
	anna("user", "unlock", "bob")
	bob.login()
	equal(bob.json("usage")["tier"], "pro", "own usage")
	check("enterprise" in bob("tiers"), "no tiers")
	check("api_calls" in anna("user", "usage", "bob"), "usage of somebody else")
	token = anna.json("user", "reset", "bob")["reset_token"]
	bob("password", "reset", code=1, typed=f"not-{token}\n{OTHER}\n")
	bob("password", "reset", typed=f"{token}\n{OTHER}\n")
	bob("whoami", code=1, says="log in again")
	bob("login", code=1, typed=PASSWORD + "\n")
	bob.login(OTHER)
	twin = Person(control, "bob", "twin")
	twin.login(OTHER)
	bob("password", "change", code=1, typed=f"{PASSWORD}\n{PASSWORD}\n")
	bob("password", typed=f"{OTHER}\n{PASSWORD}\n", says="changed")
	bob("whoami")
	twin("whoami", code=1, says="log in again")
	return twin


def sessions(anna, bob, twin):
	twin.login()
	listed = bob.json("sessions", "list")["sessions"]
	equal([session["current"] for session in listed].count(True), 1, "own session")
	other = next(session["id"] for session in listed if not session["current"])
	bob("sessions", "end", str(other))
	equal([session["current"] for session in bob.json("sessions")["sessions"]], [True], "sessions that are left")
	twin("whoami", code=1)
	bob("sessions", "end", "first", code=2, says="its number")
	anna("user", "logout", "bob")
	bob("whoami", code=1, says="log in again")
	bob.login()


def codes(control, anna, bob):
	bob("mfa", "setup", code=1, typed=OTHER + "\n")
	secret = bob.json("mfa", "setup", typed=PASSWORD + "\n")["secret"]
	check(not account(control, "bob")["totp"], "it counts before it is confirmed")
	bob("mfa", "confirm", code=1, typed="000000\n")
	first = bob.json("mfa", "confirm", typed=one_time(secret) + "\n")["backup_codes"]
	check(account(control, "bob")["totp"], "it does not count")
	check("totp" in bob("mfa"), "mfa shows nothing")
	second = bob.json("mfa", "codes", typed=first[0] + "\n")["backup_codes"]
	check(not set(first) & set(second), "the same backup codes")
	bob("mfa", "off", code=1, typed=f"{OTHER}\n{second[0]}\n")
	bob("mfa", "off", typed=f"{PASSWORD}\n{second[1]}\n")
	check(not account(control, "bob")["totp"], "it is not off")
	bob("mfa", "setup", code=1, typed=OTHER + "\n")
	secret = bob.json("mfa", "setup", typed=PASSWORD + "\n")["secret"]
	bob("mfa", "confirm", typed=one_time(secret) + "\n")
	anna("user", "mfa-off", "bob")
	check(not account(control, "bob")["totp"], "it was not taken away")


def keys(control, bob):
	def works(secret, code=0):
		path = control.folder / "key"
		path.write_text(secret + "\n")
		return bob("whoami", "--token-file", str(path), code=code)

	bob("key", "add", "nothing", code=2, says="--scopes")
	bob("key", "add", "nothing", "--scopes", "no:such", code=1)
	made = bob.json("key", "add", "robot", "--scopes", "account:read,usage:read", "--days", "30")
	check("robot" in works(made["secret_key"]) or "key" in works(made["secret_key"]), "the key is not known")
	equal(bob.json("key", "show", str(made["id"]))["name"], "robot", "the key")
	check("robot" in bob("key", "list"), "the key is not listed")
	fresh = bob.json("key", "rotate", str(made["id"]))
	equal([fresh[field] for field in ("name", "scopes", "limits")], [made[field] for field in ("name", "scopes", "limits")], "the new key")
	check(fresh["expires_at"][:10] == made["expires_at"][:10], f"its end: {fresh['expires_at']}, was {made['expires_at']}")
	works(made["secret_key"], code=1)
	works(fresh["secret_key"])
	bob("key", "rotate", str(made["id"]), code=1, says="fogctl key add")
	bob("key", "revoke", str(fresh["id"]))
	works(fresh["secret_key"], code=1)
	equal(bob.json("key")["keys"], [], "keys that are good")
	equal(len(bob.json("key", "list", "--revoked")["keys"]), 2, "keys that were")


def exit_says(control, *words):
	"""A command whose exit code is what it found: without a data plane that changes after a while."""
	code, said, _ = control.fogctl(*words)
	found = json.loads(said)
	equal(code, int(found.get("health", found.get("status")) in ("unhealthy", "unavailable")), f"exit code of {words}: {said}")


def services(control, anna):
	listed = anna.json("services")["services"]
	check(all(service["name"] in anna("services", "list") for service in listed), "services are missing")
	exit_says(control, "services", "health", "-j")
	order = anna.json("services", "dependencies")["start_order"]
	equal(sorted(order), sorted(service["name"] for service in listed), "order of starts")
	check("start_order" in anna("services", "dependencies"), "no order of starts")
	check("half" not in anna("services", "breakers").split("\n")[0], "breakers")
	before = {service["name"]: service["checks"] for service in listed}
	anna("services", "check")
	wait_for("the checks", lambda: all(
		service["checks"] > before[service["name"]] for service in control.local.get("/v1/services")["services"]))
	one = next(service["name"] for service in listed if service["restartable"])
	since = control.local.get(f"/v1/services/{one}")["restarts"]
	anna("services", "restart", one, "--force")
	wait_for("the restart", lambda: control.local.get(f"/v1/services/{one}")["restarts"] > since)
	check("history" in anna("services", "show", one), "no history")
	anna("services", "show", "nonsense", code=1)
	fixed = [service["name"] for service in listed if not service["restartable"]]
	if fixed:
		anna("services", "restart", fixed[0], code=1)


def long_work(control, anna):
	said = anna.json("bench", "start", "crypto", "--seconds", "1", "--wait")
	equal(said["state"], "done", "a benchmark")
	check(said["result"]["rows"], "it has no result")
	check("cycles" in anna("operations", "wait", str(said["id"])), "its result is not shown")
	anna("bench", "start", "nonsense", code=1)
	running = anna.json("bench", "start", "crypto", "--seconds", "600")["operation"]
	anna("operations", "wait", str(running), "--timeout", "0", code=1, says=f"fogctl operations cancel {running}")
	check(str(running) in anna("bench"), "it is not listed")
	equal(anna.json("bench", "show", str(running))["id"], running, "one of them")
	anna("bench", "stop", str(running))
	equal(anna.json("operations", "wait", str(running), code=1)["state"], "cancelled", "what was stopped")
	anna("operations", "cancel", str(running), code=1)
	equal([work["id"] for work in anna.json("operations", "list", "--state", "cancelled")["operations"]], [running], "cancelled")
	check(str(running) in anna("operations"), "it is not listed")
	equal(control.local.get(f"/v1/operations/{running}")["state"], "cancelled", "by other eyes")
	equal(anna.json("operations", "show", str(said["id"]), "--after", "1000")["log"], [], "lines behind the last one")
	anna("bench", "delete", str(running))
	equal([one["id"] for one in anna.json("bench", "list", "--type", "crypto")["benchmarks"]], [said["id"]], "benchmarks that are left")


def the_rest(control, anna, bob):
	kept = len(anna.json("signing-key")["keys"])
	rotated = anna.json("signing-key", "rotate")["keys"]
	equal(len(rotated), kept + 1, "signing keys")
	check(rotated[0]["kid"] in anna("signing-key", "list"), "the new one is not listed")
	anna("whoami")
	rows = anna.json("audit", "events", "--actor", "anna", "--action", "user.create", "--outcome", "done")["rows"]
	equal([row["actor_name"] for row in rows], ["anna"] * 3, "who made accounts")
	check("user.create" in anna("audit", "events", "--action", "user.", "--order", "newest", "--limit", "200"), "no events shown")
	lines = anna("audit", "download", "--action", "user.create").splitlines()
	check({row["hash"] for row in rows} <= {json.loads(line)["hash"] for line in lines}, "the file lacks rows")
	check(anna("audit", "download", "--format", "csv").count("\n") > len(lines), "the table lacks rows")
	bob("audit", "events", code=1)
	check("p0" in anna("config", "history", "1"), "no text of a revision")
	anna("config", "history", "99", code=1)
	state = control.local.get("/v1/loops")["state"]
	equal(anna.json("loops", "list")["state"], state, "loops")
	anna("loops", "start", "--count", "3", code=1)
	anna("loops", "stop", code=1)
	anna("descriptor", code=1)
	fails = control.local.get("/v1/host")["state"] == "fail"
	check("fogctl host check kernel" in anna("host", "show", code=int(fails)), "the host is not shown")
	anna("proof", "own", "1", code=1)
	anna("proof", "of", "nobody", "1", code=1)
	anna("sent", "1", code=1)
	for words in (["services", "nonsense"], ["key", "show"], ["key", "show", "1", "2"], ["whoami", "x"], ["key", "list", "--after", "x"]):
		anna(*words, code=2)


def betanet(control, anna):
	exit_says(control, "betanet", "health", "-j")
	check("network" in anna("betanet", "status"), "no status")
	made = anna.json("betanet", "add", "far")["id"]
	equal(anna.json("betanet", "history", str(made))["states"], control.local.get(f"/v1/betanet/nodes/{made}/history")["states"], "history")
	anna("betanet", "history", str(made + 1), code=1)


def main():
	with tempfile.TemporaryDirectory() as folder, Control(folder, "one", rest={"tls": "on"}) as control:
		anna, bob = Person(control, "anna", "anna"), Person(control, "bob", "bob")
		accounts(control, anna)
		twin = passwords(control, anna, bob)
		sessions(anna, bob, twin)
		codes(control, anna, bob)
		keys(control, bob)
		services(control, anna)
		long_work(control, anna)
		the_rest(control, anna, bob)
		betanet(control, anna)


main()
