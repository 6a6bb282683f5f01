# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A control plane alone, as a process: no data plane, no network, a store of its own or a shared one. What it answers is held
against its description at the end (answers.py).

	with Control(folder, "one", store=url) as control:
		control.local.get("/v1/status")             # whose process asks, over the UNIX socket
		control.call("GET", "/v1/status", token)    # over TCP
		control.fogctl("status", "-j")
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "config" / "lab"))
import answers  # noqa: E402
import postgres  # noqa: E402
from rest import Rest, RestError  # noqa: E402

Rest.heard = answers.ANSWERS.add

BIN = pathlib.Path(os.environ.get("FOGLINE_BIN") or ROOT / "build" / "bin").absolute()
PATIENCE_S = 60  # until something that has to come is taken for missing
PLENTY = 10_000_000  # requests a minute: no limit that a test would meet
PASSWORD = "an owl in the fog"


def free_port():
	with socket.socket() as listener:
		listener.bind(("127.0.0.1", 0))
		return listener.getsockname()[1]


class Answer:
	def __init__(self, status, headers, raw):
		self.status, self.headers, self.raw = status, headers, raw
		kind = headers.get("Content-Type", "")
		self.json = json.loads(raw) if "json" in kind and raw else None

	@property
	def code(self):
		return self.json["code"] if isinstance(self.json, dict) and "code" in self.json else None


class Control:
	"""'store' is a path or a URL; without it FOGLINE_STORE says of which kind it is (postgres.own_store). 'programs' are
	fog-controlplane and fogctl, 'options' stand behind --config. A key of 'config' that is an object changes single keys of what
	is set here."""

	def __init__(self, folder, name, store="", programs=(BIN / "fog-controlplane", BIN / "fogctl"), options=(), **config):
		self.folder = pathlib.Path(folder) / name
		self.folder.mkdir()
		self.folder.chmod(0o755)
		self.program, self.ctl = programs
		self.options = options
		self.address, self.port = "127.0.0.1", free_port()
		self.tls = None  # an SSLContext: call() goes over TLS
		self.process = self.local = None
		self.socket_path = self.folder / "run" / "rest.sock"
		self.state_dir = self.folder / "state"
		self.own = {"store": {"url": store}} if store else postgres.own_store(self.state_dir, name, config.get("user"))
		self.store = self.own["store"]["url"] if self.own else str(self.state_dir / "control" / "platform.db")
		self.log_path = self.folder / "log"
		self.token, self.token_path = "a-token-of-root-for-machines-0123456789", self.folder / "token"
		self.token_path.write_text(self.token + "\n")
		self.token_path.chmod(0o600)
		self.config_path = self.folder / "config.yaml"
		self.instance = f"api-{os.getpid()}-{name}"
		self.configure(**config)

	def configure(self, **config):
		"""Writes the file; counts at the next start or SIGHUP."""
		made = {
			"instance": self.instance, "user": "", "dataplane_user": "",
			"run_dir": str(self.socket_path.parent), "state_dir": str(self.state_dir),
			"topology": str(self.folder / "topology.yaml"),
			"workers": {"cpus": [0]},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
			"rest": {"tcp": f"{self.address}:{self.port}", "token_file": str(self.token_path)},
			"limits": {"auth": PLENTY, "write": PLENTY, "read": PLENTY},
			**self.own,
		}
		for key, value in config.items():
			made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
		self.config_path.write_text(json.dumps(made))
		self.config_path.chmod(0o600 if self.own else 0o644)

	def spawn(self):
		"""A process of this configuration, without waiting for it."""
		with self.log_path.open("ab") as log:
			return subprocess.Popen(
				[self.program, "--config", self.config_path, *self.options], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

	def start(self):
		self.process, self.local = self.spawn(), Rest(self.socket_path)
		self.wait("the API", lambda: self.local.call("GET", "/healthz")[0] == 200)
		return self

	def wait(self, what, condition):
		"""Until the condition holds; OSError counts as "not yet". Raises AssertionError."""
		end = time.monotonic() + PATIENCE_S
		while time.monotonic() < end and self.process.poll() is None:
			try:
				if condition():
					return
			except OSError:
				pass
			time.sleep(0.02)
		raise AssertionError(f"no {what}; the control plane's exit code is {self.process.poll()}: {self.log_path.read_text()}")

	def end(self, how=signal.SIGTERM):
		"""Returns the exit code, None when none runs."""
		if self.process is None:
			return None
		self.local.close()
		self.process.send_signal(how)
		try:
			code = self.process.wait(PATIENCE_S)
		except subprocess.TimeoutExpired:
			self.process.kill()
			self.process.wait()
			raise
		self.process = None
		return code

	def __enter__(self):
		return self.start()

	def __exit__(self, kind, error, trace):
		code = self.end()
		if error is not None:
			print(self.log_path.read_text()[-4000:])
		elif code not in (0, None):
			raise AssertionError(f"the control plane ended with {code}: {self.log_path.read_text()}")
		else:
			answers.ANSWERS.check(answers.description_of(self.program))

	def call(self, method, path, token=None, body=None, headers=None, timeout=30):
		"""Over TCP, one connection for each call. A body that is bytes goes as it is."""
		connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout) if self.tls is None else \
			http.client.HTTPSConnection(self.address, self.port, context=self.tls, timeout=timeout)
		data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
		fields = {"Content-Type": "application/json"} if data is not None else {}
		if token is not None:
			fields["Authorization"] = f"Bearer {token}"
		try:
			connection.request(method, path, data, {**fields, **(headers or {})})
			came = connection.getresponse()
			answer = Answer(came.status, came.headers, came.read())
		finally:
			connection.close()
		answers.ANSWERS.add(method, path, answer.status, answer.headers.get("Content-Type", ""), answer.json)
		return answer

	def fogctl(self, *words):
		"""Exit code, what it says, what it says of errors."""
		done = subprocess.run(
			[self.ctl, "--socket", self.socket_path, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
		return done.returncode, done.stdout, done.stderr

	def add_user(self, name, roles, password=PASSWORD, **more):
		return self.local.post("/v1/users", {"name": name, "roles": roles, "password": password, **more})

	def login(self, name, password=PASSWORD):
		"""Tokens, as the API answers."""
		answer = self.call("POST", "/v1/auth/login", body={"username": name, "password": password})
		if answer.status != 200:
			raise RestError("POST", "/v1/auth/login", answer.status, answer.json)
		return answer.json
