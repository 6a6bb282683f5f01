# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A control plane alone, for tests of the API: no data plane, no network, a store of its own or a shared one.

	with Control(folder, "one", store=url) as control:
		control.local.get("/v1/status")             # root, over the UNIX socket
		control.call("GET", "/v1/status", token)    # over TCP
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess

from _init import Rest, RestError, wait_for

BIN = pathlib.Path(os.environ["FOGLINE_BIN"])
START_S = 60
PLENTY = 10_000_000  # requests a minute: no limit that a test would meet


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
	def __init__(self, folder, name, store="", **config):
		self.folder = pathlib.Path(folder) / name
		self.folder.mkdir()
		self.port, self.process = free_port(), None
		self.socket_path = self.folder / "rest.sock"
		self.state_dir = self.folder / "state"
		self.log_path = self.folder / "log"
		self.token = "a-token-of-root-for-machines-0123456789"
		token_path = self.folder / "token"
		token_path.write_text(self.token + "\n")
		token_path.chmod(0o600)
		self.config_path = self.folder / "config.yaml"
		made = {
			"instance": f"api-{os.getpid()}-{name}", "user": "", "dataplane_user": "",
			"run_dir": str(self.folder), "state_dir": str(self.state_dir),
			"topology": str(self.folder / "topology.yaml"),
			"workers": {"cpus": [0]},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
			"rest": {"tcp": f"127.0.0.1:{self.port}", "token_file": str(token_path)},
			"limits": {"auth": PLENTY, "write": PLENTY, "read": PLENTY},
			**({"store": {"url": store}} if store else {}),
		}
		for key, value in config.items():
			made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
		self.config_path.write_text(json.dumps(made))
		self.config_path.chmod(0o600)

	def start(self):
		log = self.log_path.open("ab")
		self.process = subprocess.Popen(
			[BIN / "fog-controlplane", "--config", self.config_path], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
		log.close()
		wait_for("the API", self._answers, START_S)
		self.local = Rest(self.socket_path)
		return self

	def _answers(self):
		if self.process.poll() is not None:
			raise AssertionError(f"the control plane ended: {self.log_path.read_text()}")
		try:
			return self.call("GET", "/healthz").status == 200
		except OSError:
			return False

	def end(self, how=signal.SIGTERM):
		"""Returns the exit code."""
		if self.process is None:
			return None
		self.process.send_signal(how)
		code = self.process.wait(START_S)
		self.process = None
		return code

	def __enter__(self):
		return self.start()

	def __exit__(self, kind, error, trace):
		self.end()
		if error is not None:
			print(self.log_path.read_text()[-4000:])

	def call(self, method, path, token=None, body=None, headers=None, timeout=30):
		"""Over TCP, one connection for each call. A body that is bytes goes as it is."""
		connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
		data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
		fields = {"Content-Type": "application/json"} if data is not None else {}
		if token is not None:
			fields["Authorization"] = f"Bearer {token}"
		try:
			connection.request(method, path, data, {**fields, **(headers or {})})
			answer = connection.getresponse()
			return Answer(answer.status, answer.headers, answer.read())
		finally:
			connection.close()

	def add_user(self, name, roles, password="an owl in the fog", **more):
		return self.local.post("/v1/users", {"name": name, "roles": roles, "password": password, **more})

	def login(self, name, password="an owl in the fog"):
		"""Tokens, as the API answers."""
		answer = self.call("POST", "/v1/auth/login", body={"username": name, "password": password})
		if answer.status != 200:
			raise RestError("POST", "/v1/auth/login", answer.status, answer.json)
		return answer.json
