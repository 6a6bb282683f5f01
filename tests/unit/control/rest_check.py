#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fog-controlplane and fogctl as processes, without a data plane: privileges, sockets, token, signals,
limits, metrics, exit codes. Usage: rest_check.py FOG_CONTROLPLANE FOGCTL"""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONTROLPLANE, FOGCTL = sys.argv[1:3]
TOKEN = "rest-check-0123456789abcdef0123456789"
USER = 61236 if os.geteuid() == 0 else os.geteuid()
PATIENCE_S = 30

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class UnixConnection(http.client.HTTPConnection):
	def __init__(self, path):
		super().__init__("localhost", timeout=PATIENCE_S)
		self.unix_path = str(path)

	def connect(self):
		self.sock = socket.socket(socket.AF_UNIX)
		self.sock.settimeout(self.timeout)
		self.sock.connect(self.unix_path)


class Plane:
	"""A control plane in a folder of its own."""

	def __init__(self, folder):
		self.folder = pathlib.Path(folder)
		self.config, self.socket = self.folder / "n.yaml", self.folder / "run" / "rest.sock"
		self.token, self.log = self.folder / "token", self.folder / "log"
		with socket.socket() as probe:
			probe.bind(("127.0.0.1", 0))
			self.port = probe.getsockname()[1]
		self.token.write_text(TOKEN + "\n")
		self.token.chmod(0o600)
		self.write_config()
		self.process = None

	def write_config(self, **more):
		self.config.write_text(json.dumps({
			"instance": "restcheck", "user": str(USER) if os.geteuid() == 0 else "", "dataplane_user": "",
			"run_dir": "/nowhere/run", "state_dir": "/nowhere/state",
			"topology": str(self.folder / "topology.yaml"), "workers": {"cpus": [0]},
			"rest": {"tcp": f"127.0.0.1:{self.port}", "token_file": str(self.token)},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
			**more,
		}))

	def run(self):
		argv = [CONTROLPLANE, "--config", self.config, "--run-dir", self.folder / "run",
			"--state-dir", self.folder / "state"]
		with self.log.open("ab") as log:
			return subprocess.Popen(argv, stderr=log)

	def start(self):
		self.process = self.run()
		self.wait("REST", lambda: self.ask("GET", "/healthz")[0] == 200)

	def wait(self, what, condition):
		end = time.monotonic() + PATIENCE_S
		while time.monotonic() < end:
			try:
				if condition():
					return
			except OSError:
				pass
			if self.process.poll() is not None:
				break
			time.sleep(0.02)
		raise SystemExit(f"no {what}\n{self.log.read_text()}")

	def ask(self, method, path, body=None, headers=None, tcp=False):
		connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S) \
			if tcp else UnixConnection(self.socket)
		try:
			kind = {"Content-Type": "application/json"} if body else {}
			connection.request(method, path, body, {**kind, **(headers or {})})
			answer = connection.getresponse()
			return answer.status, answer.headers, answer.read()
		finally:
			connection.close()

	def fogctl(self, *words):
		done = subprocess.run([FOGCTL, "--socket", self.socket, *words], capture_output=True, text=True)
		return done.returncode, done.stdout, done.stderr


def privileges(plane):
	status = pathlib.Path(f"/proc/{plane.process.pid}/status").read_text()
	kinds = ["CapInh", "CapPrm", "CapEff", "CapAmb"] + (["CapBnd"] if os.geteuid() == 0 else [])
	for kind in kinds:
		check(kind, re.search(rf"^{kind}:\s+0+$", status, re.MULTILINE))
	check("no_new_privs", re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE))
	check("user", re.search(rf"^Uid:\s+{USER}\s+{USER}\s+{USER}\s+{USER}$", status, re.MULTILINE))
	# The kernel gives the files of an undumpable process to root.
	check("not dumpable", os.stat(f"/proc/{plane.process.pid}/environ").st_uid == 0)
	state = plane.folder / "state"
	check("state folder is closed", (state / "control").stat().st_mode & 0o077 == 0)
	check("socket", plane.socket.stat().st_mode & 0o777 == 0o660)


STRANGER = """
import http.client, socket, sys
c = http.client.HTTPConnection("x")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect(sys.argv[1])
c.request("GET", "/v1/status")
print(c.getresponse().status)
"""


def strangers(plane):
	"""Other users, on a socket that lets them connect: only members of our group get an answer."""
	if os.geteuid() != 0:
		return
	plane.socket.chmod(0o666)
	for group, extra, status in ((61299, [], "403"), (USER, [], "200"), (61299, [USER], "200")):
		done = subprocess.run([sys.executable, "-c", STRANGER, plane.socket], capture_output=True,
			text=True, user=61299, group=group, extra_groups=extra)
		check(f"user of group {group}, {extra}: {done.stdout}{done.stderr}", done.stdout.strip() == status)
	plane.socket.chmod(0o660)


def tokens(plane):
	bearer = {"Authorization": f"Bearer {TOKEN}"}
	check("no token", plane.ask("GET", "/v1/status", tcp=True)[0] == 401)
	check("wrong token", plane.ask("GET", "/v1/status", headers={"Authorization": "Bearer x"}, tcp=True)[0] == 401)
	check("right token", plane.ask("GET", "/v1/status", headers=bearer, tcp=True)[0] == 200)
	url = f"http://127.0.0.1:{plane.port}"
	with_token = subprocess.run([FOGCTL, "status", "--url", url, "--token-file", plane.token],
		capture_output=True, check=False)
	without = subprocess.run([FOGCTL, "status", "--url", url], capture_output=True, check=False)
	check("fogctl with a token", with_token.returncode == 0)
	check("fogctl without", without.returncode == 1 and b"bearer token" in without.stderr)


def limits(plane):
	status = plane.ask("GET", "/healthz", headers={"X-Long": "x" * 20000})[0]
	check(f"a head of 20,000 bytes: {status}", status == 431)
	connections = []
	for _ in range(24):
		connection = socket.create_connection(("127.0.0.1", plane.port), PATIENCE_S)
		connections.append(connection)
	answered = 0
	for connection in connections:
		try:
			connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			answered += connection.recv(12) == b"HTTP/1.1 200"
		except OSError:
			pass
	for connection in connections:
		connection.close()
	check(f"connections of one address: {answered}", answered == 16)


SAMPLE = re.compile(r'^([a-z_:]+)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (-?[0-9.e+-]+)$')


def metrics(plane):
	"""Grammar of OpenMetrics 1.0, as far as it is used."""
	status, headers, text = plane.ask("GET", "/metrics")
	lines = text.decode().split("\n")
	check("metrics", status == 200 and headers["Content-Type"].startswith("application/openmetrics-text"))
	check("end of metrics", lines[-2:] == ["# EOF", ""])
	kinds, seen, bad = {}, set(), []
	for line in lines[:-2]:
		if line.startswith("# TYPE "):
			_, _, name, kind = line.split(" ")
			if name in kinds:
				bad.append(line)
			kinds[name], family = kind, name
			continue
		if line.startswith(("# HELP ", "# UNIT ")):
			if line.split(" ")[2] != family:
				bad.append(line)
			continue
		sample = SAMPLE.match(line)
		suffix = {"counter": "_total", "info": "_info"}.get(kinds[family], "")
		if not sample or sample[1] != family + suffix or line.rpartition(" ")[0] in seen:
			bad.append(line)
		seen.add(line.rpartition(" ")[0])
	check(f"lines of metrics {bad[:3]}", not bad and len(seen) > 10)
	check("no counters without a data plane", not any(name.startswith("fog_worker") for name in kinds))


def commands(plane):
	code, out, _ = plane.fogctl("status", "-j")
	check("status -j", code == 0 and json.loads(out)["instance"] == "restcheck")
	code, out, _ = plane.fogctl("ready")
	check("ready", code == 1 and "no_data_plane" in out)
	for words in (["workers"], ["ports"], ["drops"], ["nodes"], ["top", "-n", "1"]):
		code, out, _ = plane.fogctl(*words)
		check(f"{words[0]} without data", code == 0 and "no data" in out)
	code, out, _ = plane.fogctl("links")
	check("links without a topology", code == 0 and "no topology" in out and "fogctl ready" in out)
	code, _, err = plane.fogctl("links", "rekey")
	check("links rekey without a topology", code == 1 and "no topology" in err and "readyz" in err)
	code, _, err = plane.fogctl("send", "--to", "nobody", "hello")
	check("send without a topology", code == 1 and "topology" in err and "readyz" in err)
	check("send without a receiver", plane.fogctl("send", "hello")[0] == 2)
	check("unknown option", plane.fogctl("status", "--nonsense")[0] == 2)
	check("receive", plane.fogctl("receive")[:2] == (0, "no messages\n"))
	code, out, _ = plane.fogctl("config", "show", "-j")
	check("config show", code == 0 and json.loads(out)["ports"][0]["name"] == "p0")
	nobody = subprocess.run([FOGCTL, "--socket", "/nowhere", "status"], capture_output=True, check=False)
	check("nobody there", nobody.returncode == 3)


def signals(plane):
	etag = plane.ask("GET", "/v1/config")[1]["ETag"]
	plane.write_config(production=False)
	plane.process.send_signal(signal.SIGHUP)
	plane.wait("reload", lambda: plane.ask("GET", "/v1/config")[1]["ETag"] != etag)
	etag = plane.ask("GET", "/v1/config")[1]["ETag"]
	plane.config.write_text("nonsense")
	plane.process.send_signal(signal.SIGHUP)
	plane.wait("refusal", lambda: "stays in force" in plane.log.read_text())
	check("a bad file changes nothing", plane.ask("GET", "/v1/config")[1]["ETag"] == etag)
	plane.write_config()


def restarts(plane):
	before = json.loads(plane.ask("GET", "/v1/status")[2])
	check("there is a mix key", before["mix_public_key"])
	second = plane.run()
	check("a second one is refused", second.wait(PATIENCE_S) == 1)
	check("and the first one goes on", plane.ask("GET", "/healthz")[0] == 200)
	plane.process.kill()
	plane.process.wait()
	plane.start()
	after = json.loads(plane.ask("GET", "/v1/status")[2])
	for key in ("node_id", "mix_public_key"):
		check(f"{key} after SIGKILL", before[key] == after[key])
	plane.process.terminate()
	check("SIGTERM", plane.process.wait(PATIENCE_S) == 0)
	check("socket is gone", not plane.socket.exists())


def nobody(plane):
	"""A user that the host doesn't know must not end in a control plane that stays root."""
	before = plane.config.read_text()
	bad = json.loads(before) | {"user": "fog-nobody-here"}
	status, _, body = plane.ask("PUT", "/v1/config", json.dumps(bad), {"If-Match": "*"})
	check("PUT of an unknown user", status == 422 and b"fog-nobody-here" in body)
	check("and the file is as it was", plane.config.read_text() == before)
	plane.process.terminate()
	plane.process.wait(PATIENCE_S)
	plane.config.write_text(json.dumps(bad))
	try:
		check("start as an unknown user", plane.run().wait(PATIENCE_S) == 1)
	except subprocess.TimeoutExpired:
		check("start as an unknown user ends", False)
	check("says the mend", "useradd" in plane.log.read_text())
	plane.config.write_text(before)
	plane.start()


def main():
	with tempfile.TemporaryDirectory(prefix="fog-rest-") as folder:
		os.chmod(folder, 0o755)
		plane = Plane(folder)
		plane.start()
		try:
			for part in (privileges, strangers, tokens, limits, metrics, commands, signals, nobody, restarts):
				part(plane)
		finally:
			if plane.process.poll() is None:
				plane.process.kill()
				plane.process.wait()
	print(f"{results['passed']} passed, {results['failed']} failed")
	return results["failed"] != 0


sys.exit(main())
