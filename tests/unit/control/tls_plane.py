# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A control plane with TLS on a loopback address, as a process: for tls_check.py and login_check.py."""
import http.client
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import time

CONTROLPLANE, FOGCTL = sys.argv[1:3]
TOKEN = "tls-check-0123456789abcdef0123456789"
USER = 61237 if os.geteuid() == 0 else os.geteuid()
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
	"""A control plane in a folder of its own, with TLS on a loopback address."""

	def __init__(self, folder, **rest):
		self.folder = pathlib.Path(folder)
		self.folder.mkdir(exist_ok=True)
		self.folder.chmod(0o755)
		self.config, self.socket = self.folder / "n.yaml", self.folder / "run" / "rest.sock"
		self.token, self.log = self.folder / "token", self.folder / "log"
		self.control = self.folder / "state" / "control"
		self.made = self.control / "rest.pem"
		with socket.socket() as probe:
			probe.bind(("127.0.0.1", 0))
			self.port = probe.getsockname()[1]
		self.token.write_text(TOKEN + "\n")
		self.token.chmod(0o600)
		self.process = None
		self.configure(**rest)

	def configure(self, address="127.0.0.1", **rest):
		self.address = address
		self.config.write_text(json.dumps({
			"instance": "tlscheck", "user": str(USER) if os.geteuid() == 0 else "", "dataplane_user": "",
			"run_dir": "/nowhere/run", "state_dir": "/nowhere/state",
			"topology": str(self.folder / "topology.yaml"), "workers": {"cpus": [0]}, "limits": {"auth": 1000, "write": 1000, "read": 1000},
			"rest": {"tcp": f"{address}:{self.port}", "token_file": str(self.token), "tls": "on", **rest},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
		}))

	def run(self):
		argv = [CONTROLPLANE, "--config", self.config, "--run-dir", self.folder / "run",
			"--state-dir", self.folder / "state"]
		with self.log.open("ab") as log:
			return subprocess.Popen(argv, stderr=log)

	def __enter__(self):
		self.process = self.run()
		self.wait("REST", lambda: self.ask("/healthz")[0] == 200)
		return self

	def __exit__(self, *_):
		self.process.terminate()
		check("it ends well", self.process.wait(PATIENCE_S) == 0)

	def refuses(self, sentence):
		"""It doesn't start, and says why."""
		before = self.log.stat().st_size if self.log.exists() else 0
		process = self.run()
		try:
			code = process.wait(PATIENCE_S)
		except subprocess.TimeoutExpired:
			process.kill()
			code = process.wait()
		said = self.log.read_bytes()[before:].decode()
		check(f"refuses with '{sentence}': {code} {said}", code == 1 and sentence in said)

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
		self.process.kill()
		raise SystemExit(f"no {what}\n{self.log.read_text()}")

	def ask(self, path, method="GET", body=None):
		connection = UnixConnection(self.socket)
		try:
			if body is None:
				connection.request(method, path)
			else:
				connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
			answer = connection.getresponse()
			return answer.status, answer.read()
		finally:
			connection.close()

	def status(self):
		return json.loads(self.ask("/v1/status")[1])

	def connect(self, context):
		raw = socket.create_connection((self.address, self.port), PATIENCE_S)
		try:
			return context.wrap_socket(raw, server_hostname=self.address)
		except BaseException:
			raw.close()
			raise

	def shakes(self, context):
		"""The version that a handshake came to, or None."""
		try:
			with self.connect(context) as done:
				return done.version()
		except (ssl.SSLError, OSError):
			return None
