#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl login and logout at a control plane, over TLS with a pinned key: tokens that are renewed, one-time codes, a session
that somebody ends. Usage: login_check.py FOG_CONTROLPLANE FOGCTL"""
import base64
import hmac
import json
import pathlib
import ssl
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from control import PATIENCE_S, Control  # noqa: E402

CONTROLPLANE, FOGCTL = sys.argv[1:3]

NAME, PASSWORD = "alice", "a long and \"quoted\" password"

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Home:
	"""fogctl as somebody who has a profile for the control plane."""

	def __init__(self, folder, plane):
		self.folder, self.plane = folder / "home", plane
		self.folder.mkdir()
		self.session = self.folder / ".config" / "fogline" / "lab.session"
		self.expect(0, "profile", "add", "lab", "--url", f"https://{plane.address}:{plane.port}",
			"--fingerprint", plane.local.get("/v1/status")["tls"]["fingerprint"])
		self.expect(0, "profile", "use", "lab")

	def expect(self, code, *words, says="", typed=""):
		done = subprocess.run(
			[FOGCTL, *words], capture_output=True, text=True, input=typed, timeout=PATIENCE_S,
			env={"HOME": str(self.folder), "USER": NAME})
		said = done.stdout + done.stderr
		check(f"fogctl {words}: {done.returncode} {said}", done.returncode == code and says in said)

	def tokens(self):
		return json.loads(self.session.read_text())

	def ask(self, method, path, body=None):
		"""With the session's token, by another client."""
		answer = self.plane.call(method, path, self.tokens()["access_token"], body)
		return answer.status, answer.json


def one_time(secret):
	"""RFC 6238, by its text."""
	key = base64.b32decode(secret + "=" * (-len(secret) % 8))
	digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
	at = digest[-1] & 15
	return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def logs_in(home):
	home.expect(1, "login", typed="not this one\n")
	home.expect(1, "status", says="bearer token")
	home.expect(0, "login", typed=PASSWORD + "\n", says=f"logged in as {NAME}")
	home.expect(0, "status", says="fingerprint")
	status, me = home.ask("GET", "/v1/auth/me")
	check(f"who it is: {me}", status == 200 and (me["kind"], me["name"]) == ("session", NAME))
	before = home.tokens()
	home.session.write_text(json.dumps({**before, "expires_at": 0}))
	home.expect(0, "status", says="fingerprint")
	after = home.tokens()
	check("renewed", after["refresh_token"] != before["refresh_token"] and after["expires_at"] > time.time())
	home.session.write_text(json.dumps({**after, "access_token": "no.good.token"}))
	home.expect(0, "status", says="fingerprint")
	check("renewed when refused", home.tokens()["refresh_token"] != after["refresh_token"])


def codes(home):
	_, made = home.ask("POST", "/v1/mfa/setup", {"password": PASSWORD})
	status, backup = home.ask("POST", "/v1/mfa/verify", {"code": one_time(made["secret"])})
	check(f"one-time codes: {status} {backup}", status == 200)
	home.expect(0, "logout")
	check("forgotten", not home.session.exists())
	home.expect(1, "login", typed=f"{PASSWORD}\n000000\n")
	home.expect(0, "login", typed=f"{PASSWORD}\n{backup['backup_codes'][0]}\n", says="logged in")
	home.expect(0, "status", says="fingerprint")


def ended(home):
	_, listed = home.ask("GET", "/v1/auth/sessions")
	current, = [session["id"] for session in listed["sessions"] if session["current"]]
	check("one session", len(listed["sessions"]) == 1)
	check("ended elsewhere", home.ask("DELETE", f"/v1/auth/sessions/{current}")[0] == 204)
	home.expect(1, "status", says="fogctl login --profile lab")
	check("forgotten here", not home.session.exists())


def main():
	with tempfile.TemporaryDirectory(prefix="fog-login-") as name:
		folder = pathlib.Path(name)
		folder.chmod(0o755)
		with Control(folder, "plane", programs=(CONTROLPLANE, FOGCTL), rest={"tls": "on"}) as plane:
			plane.tls = ssl.create_default_context(cafile=plane.state_dir / "control" / "rest.pem")
			plane.add_user(NAME, ["operator"], PASSWORD)
			home = Home(folder, plane)
			for part in (logs_in, codes, ended):
				part(home)
	print(f"{results['passed']} passed, {results['failed']} failed")
	return results["failed"] != 0


sys.exit(main())
