#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl and an appliance elsewhere: profiles, which certificates it takes, sessions. The other end is an HTTPS server of
Python's that gives tokens by the rules of /v1/auth: refresh tokens are for one use, a second one ends the session.
Usage: remote_check.py FOGCTL"""
import base64
import datetime
import hashlib
import http.server
import ipaddress
import json
import os
import pathlib
import pty
import secrets
import select
import signal
import ssl
import subprocess
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FOGCTL = sys.argv[1]
USER, PASSWORD, CODE = "alice", "correct horse 'battery' \\ \"staple\"", "123456"
PATIENCE_S = 30

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Signed:
	"""A self-signed certificate for 127.0.0.1."""

	def __init__(self, folder, name, days=(-1, 30)):
		key = ec.generate_private_key(ec.SECP256R1())
		subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
		now = datetime.datetime.utcnow()
		certificate = (
			x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
			.serial_number(x509.random_serial_number())
			.not_valid_before(now + datetime.timedelta(days[0])).not_valid_after(now + datetime.timedelta(days[1]))
			.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
			.sign(key, hashes.SHA256())
		)
		self.pem, self.both = folder / f"{name}.pem", folder / f"{name}.both"
		text = certificate.public_bytes(serialization.Encoding.PEM)
		self.pem.write_bytes(text)
		self.both.write_bytes(text + key.private_bytes(
			serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
		self.digest = hashlib.sha256(key.public_key().public_bytes(
			serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()


class Appliance(http.server.ThreadingHTTPServer):
	"""The other end."""

	daemon_threads = True

	def __init__(self, certificate):
		self.lock = threading.Lock()
		self.asked = []  # (path, Authorization) in the order of arrival
		self.access, self.refresh, self.used = set(), set(), set()
		self.mfa, self.reused, self.lives_s, self.busy = None, 0, 1800, False
		super().__init__(("127.0.0.1", 0), Handler)
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(certificate.both)
		self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
		self.url = f"https://127.0.0.1:{self.server_address[1]}"
		threading.Thread(target=self.serve_forever, daemon=True).start()

	def handle_error(self, request, client_address):
		pass  # who doesn't trust us goes away

	def tokens(self):
		access, refresh = secrets.token_urlsafe(300), secrets.token_urlsafe(32)
		self.access.add(access)
		self.refresh.add(refresh)
		return {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": self.lives_s}

	def login(self, body):
		if (body["username"], body["password"]) != (USER, PASSWORD):
			return 401, {"detail": "name or password is wrong", "code": "bad_login"}
		if self.mfa is None:
			return 200, self.tokens()
		self.mfa = secrets.token_urlsafe(16)
		return 200, {"mfa_required": True, "mfa_token": self.mfa}

	def login_mfa(self, body):
		if (body["mfa_token"], body["code"]) != (self.mfa, CODE):
			return 401, {"detail": "the code is wrong", "code": "bad_code"}
		return 200, self.tokens()

	def renew(self, body):
		token = body["refresh_token"]
		if self.busy:
			return 503, {"detail": "come again later", "code": "store_away"}
		if token in self.used:
			self.reused += 1
			self.refresh.clear()
			self.access.clear()
		if token not in self.refresh:
			return 401, {"detail": "the session has ended", "code": "bad_refresh"}
		self.refresh.remove(token)
		self.used.add(token)
		return 200, self.tokens()

	def answer(self, method, path, bearer, body):
		self.asked.append((path, bearer))
		open_to_all = {"/v1/auth/login": self.login, "/v1/auth/login/mfa": self.login_mfa, "/v1/auth/refresh": self.renew}
		if path in open_to_all:
			return open_to_all[path](json.loads(body))
		if bearer.removeprefix("Bearer ") not in self.access | {"static-0123456789abcdef0123456789abcdef"}:
			return 401, {"detail": "the token is no good", "code": "not_authenticated"}
		if path == "/v1/auth/logout":
			self.access.clear()
			self.refresh.clear()
			return 204, None
		return 200, {"control_plane": "info", "data_plane": None}


class Handler(http.server.BaseHTTPRequestHandler):
	timeout = PATIENCE_S

	def _any(self):
		body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
		with self.server.lock:
			status, answer = self.server.answer(self.command, self.path, self.headers.get("Authorization") or "", body)
		text = json.dumps(answer).encode() if answer is not None else b""
		self.send_response(status)
		self.send_header("Content-Length", str(len(text)))
		self.end_headers()
		self.wfile.write(text)

	do_GET = do_POST = _any

	def log_message(self, *_):
		pass


class Home:
	"""A user's folder, and fogctl as that user."""

	def __init__(self, folder):
		self.folder = folder / "home"
		self.folder.mkdir()
		self.kept = self.folder / ".config" / "fogline"
		self.environment = {"HOME": str(self.folder), "USER": USER, "PATH": os.environ["PATH"]}

	def fogctl(self, *words, typed=""):
		done = subprocess.run(
			[FOGCTL, *map(str, words)], capture_output=True, text=True, input=typed, env=self.environment, timeout=PATIENCE_S * 4)
		return done.returncode, done.stdout, done.stderr

	def expect(self, code, *words, says="", typed=""):
		got, out, err = self.fogctl(*words, typed=typed)
		check(f"fogctl {' '.join(map(str, words))}: {got} {out} {err}", got == code and says in out + err)
		return out


def trust(home, folder):
	good, other, late = Signed(folder, "good"), Signed(folder, "other"), Signed(folder, "late", (-30, -1))
	server, expired = Appliance(good), Appliance(late)
	token = folder / "token"
	token.write_text("static-0123456789abcdef0123456789abcdef\n")
	ask = ["log", "--url", server.url, "--token-file", token]
	home.expect(3, *ask, says="--fingerprint")
	home.expect(3, *ask, "--ca", other.pem, says="--ca")
	home.expect(3, *ask, "--ca", folder / "nothing", says="--ca names no file")
	home.expect(3, *ask, "--fingerprint", other.digest.hex(), says="another key")
	home.expect(3, *ask, "--ca", good.pem, "--fingerprint", other.digest.hex(), says="another key")
	home.expect(3, *ask, "--ca", other.pem, "--fingerprint", good.digest.hex(), says="--ca")
	home.expect(3, "log", "--url", server.url.replace("127.0.0.1", "localhost"), "--ca", good.pem, says="--ca")
	home.expect(3, "log", "--url", expired.url, "--token-file", token, "--ca", late.pem, says="no longer")
	check("nobody who isn't trusted was asked anything", server.asked == [] and expired.asked == [])
	home.expect(0, *ask, "--ca", good.pem, says="info")
	pins = [good.digest.hex(), good.digest.hex(":").upper(), "sha256//" + base64.b64encode(good.digest).decode()]
	for pin in pins:
		home.expect(0, *ask, "--fingerprint", pin, says="info")
	home.expect(0, *ask, "--ca", good.pem, "--fingerprint", pins[0], says="info")
	home.expect(0, "--ca", good.pem, "--url", server.url, "--token-file", token, "log", says="info")
	for pin in ("", "00", pins[0][:-2], pins[0] + "00", pins[0][:-1] + "g", "sha256//AAAA"):
		home.expect(2, *ask, "--fingerprint", pin, says="64 hexadecimal digits")
	home.expect(2, "log", "--url", server.url.replace("https", "http"), "--ca", good.pem, says="https://")
	home.expect(2, "log", "--socket", "/nowhere", "--fingerprint", pins[0], says="https://")
	home.expect(3, "log", "--url", server.url.replace("https", "http"), says="is fog-controlplane running?")
	home.expect(1, "log", "--url", server.url, "--ca", good.pem, says="the token is no good")


def profiles(home, folder):
	first, second = Signed(folder, "first"), Signed(folder, "second")
	servers = [Appliance(first), Appliance(second)]
	token = folder / "profile-token"
	token.write_text("static-0123456789abcdef0123456789abcdef\n")
	home.expect(0, "profile", "list", says="no profiles")
	home.expect(0, "profile", "add", "north", "--url", servers[0].url + "/", "--ca", first.pem, "--token-file", token)
	home.expect(0, "profile", "add", "south", "--url", servers[1].url, "--fingerprint", second.digest.hex())
	home.expect(0, "profile", "add", "here", "--socket", folder)
	check("closed to others", (home.kept / "fogctl.yaml").stat().st_mode & 0o777 == 0o600)
	listed = json.loads(home.expect(0, "profile", "list", "-j"))
	check(f"list {listed}", [entry["name"] for entry in listed] == ["north", "south", "here"]
		and listed[0]["address"] == servers[0].url and listed[1]["fingerprint"] == second.digest.hex())
	home.expect(0, "log", "--profile", "north", says="info")
	home.expect(1, "log", "--profile", "south", says="the token is no good")
	home.expect(0, "log", "--profile", "south", "--token-file", token, says="info")
	home.expect(2, "log", "--profile", "west", says="no profile 'west'")
	home.expect(2, "log", "--profile", "north", "--url", servers[0].url, says="only one")
	home.expect(0, "profile", "use", "north")
	home.expect(0, "log", says="info")
	home.expect(0, "profile", "list", says="yes")
	home.expect(3, "log", "--socket", "/nowhere", says="/nowhere")
	home.expect(0, "profile", "use", "none")
	home.expect(1, "profile", "use", "west", says="no profile 'west'")
	home.expect(0, "profile", "remove", "north")
	home.expect(1, "profile", "remove", "north", says="no profile 'north'")
	for name in ("", ".hidden", "a/b", "../x", "none", "x" * 32):
		home.expect(2, "profile", "add", name, "--url", servers[0].url, says="a profile's name")
	home.expect(2, "profile", "add", "x", "--url", "ftp://127.0.0.1", says="https://HOST:PORT")
	home.expect(2, "profile", "add", "x", "--url", servers[0].url, "--fingerprint", "12", says="64 hexadecimal")
	home.expect(2, "profile", "add", "x", "--url", "http://127.0.0.1:1", "--ca", first.pem, says="https://")
	home.expect(2, "profile", "add", "x", says="a URL or a socket")
	home.expect(2, "profile", "nonsense", says="usage")
	written = home.kept / "fogctl.yaml"
	before = written.read_text()
	written.write_text(before.replace("    fingerprint", "    fingerprinted"))
	home.expect(2, "log", says="fogctl.yaml:")
	written.write_text(before)


def token_of(home, name="appliance"):
	return json.loads((home.kept / f"{name}.session").read_text())


def sessions(home, folder):
	certificate = Signed(folder, "appliance")
	server = Appliance(certificate)
	home.expect(2, "login", says="--profile")
	home.expect(0, "profile", "add", "appliance", "--url", server.url, "--ca", certificate.pem)
	home.expect(0, "profile", "use", "appliance")
	home.expect(1, "login", typed="wrong\n", says="name or password is wrong")
	home.expect(2, "login", typed="", says="no password")
	home.expect(2, "login", typed="x" * 2000 + "\n", says="no password")
	check("no session yet", not (home.kept / "appliance.session").exists())
	said = home.expect(0, "login", typed=PASSWORD + "\n", says=f"logged in as {USER}")
	check("no token is shown", not any(token in said for token in server.access | server.refresh))
	check("closed to others", (home.kept / "appliance.session").stat().st_mode & 0o777 == 0o600)
	home.expect(0, "log", says="info")
	check("with its token", server.asked[-1] == ("/v1/log", f"Bearer {token_of(home)['access_token']}"))
	file = folder / "password"
	file.write_text(PASSWORD + "\n")
	home.expect(0, "login", "--user", USER, "--password-file", file)
	home.expect(2, "login", "--password-file", folder / "nothing", says="can be read")
	renewals(home, server)
	ends(home, server)


def renewals(home, server):
	before = token_of(home)
	server.access.clear()  # as after a restart with other keys
	home.expect(0, "log", says="info")
	after = token_of(home)
	check("another token", after["access_token"] != before["access_token"])
	check("another refresh token", after["refresh_token"] != before["refresh_token"])
	server.lives_s = 1  # at an end as soon as it is there
	server.access.clear()
	home.expect(0, "log", says="info")
	done = []
	threads = [threading.Thread(target=lambda: done.append(home.fogctl("log")[0])) for _ in range(8)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	check(f"eight at once {done}", done == [0] * 8)
	check("no refresh token was used twice", server.reused == 0)
	server.busy = True
	home.expect(1, "log", says="come again later")
	check("a busy appliance ends no session", (home.kept / "appliance.session").exists())
	server.busy, server.lives_s = False, 1800
	home.expect(0, "log", says="info")


def ends(home, server):
	home.expect(0, "logout")
	check("told", server.asked[-1][0] == "/v1/auth/logout" and not server.refresh)
	check("forgotten", not (home.kept / "appliance.session").exists())
	home.expect(1, "logout", says="no session to end")
	server.mfa = ""
	home.expect(1, "login", typed=PASSWORD + "\n000000\n", says="the code is wrong")
	home.expect(1, "login", typed=PASSWORD + "\n", says="no one-time code")
	home.expect(0, "login", typed=f"{PASSWORD}\n{CODE}\n", says="logged in")
	home.expect(0, "logout", "--local")
	check("not told", server.refresh and not (home.kept / "appliance.session").exists())
	server.mfa = None
	home.expect(0, "login", typed=PASSWORD + "\n")
	server.access.clear()
	server.refresh.clear()
	home.expect(1, "log", says="fogctl login --profile appliance")
	check("an ended session is forgotten", not (home.kept / "appliance.session").exists())
	home.expect(0, "login", typed=PASSWORD + "\n")
	home.expect(0, "profile", "remove", "appliance")
	check("with its profile", not (home.kept / "appliance.session").exists())
	for url in ("http://192.0.2.1:80", "http://127.example", "http://localhost:8@192.0.2.1", "http://127.0.0.1@192.0.2.1"):
		home.expect(0, "profile", "add", "clear", "--url", url)
		home.expect(2, "login", "--profile", "clear", typed=PASSWORD + "\n", says="take https://")
	home.expect(0, "profile", "add", "socket", "--socket", "/tmp")
	home.expect(2, "login", "--profile", "socket", says="nothing to log in to")


def typed(home, folder):
	"""What is typed at a terminal doesn't show on it."""
	certificate = Signed(folder, "typed")
	server = Appliance(certificate)
	server.mfa = ""
	home.expect(0, "profile", "add", "typed", "--url", server.url, "--ca", certificate.pem)
	pid, terminal = pty.fork()
	if pid == 0:
		os.execve(FOGCTL, [FOGCTL, "login", "--profile", "typed"], home.environment)
	shown = b""
	try:
		for question, answer in ((b"password: ", PASSWORD), (b"one-time code: ", CODE), (b"logged in", None)):
			while question not in shown:
				if not select.select([terminal], [], [], PATIENCE_S)[0]:
					os.kill(pid, signal.SIGKILL)
				shown += os.read(terminal, 1024)
			if answer is not None:
				os.write(terminal, answer.encode() + b"\n")
	except OSError:
		pass  # it has ended
	_, status = os.waitpid(pid, 0)
	check(f"login at a terminal: {shown!r}", os.waitstatus_to_exitcode(status) == 0 and b"logged in" in shown)
	check("nothing that was typed shows", PASSWORD.encode() not in shown and CODE.encode() not in shown)


def main():
	with tempfile.TemporaryDirectory(prefix="fog-remote-") as name:
		folder = pathlib.Path(name)
		home = Home(folder)
		for part in (trust, profiles, sessions, typed):
			part(home, folder)
	print(f"{results['passed']} passed, {results['failed']} failed")
	return results["failed"] != 0


sys.exit(main())
