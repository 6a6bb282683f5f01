# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""REST over the UNIX socket of a control plane. UNIX sockets are seen from every network namespace."""
import http.client
import json
import socket
import time

IDLE_S = 5  # after which a connection is made anew: the server closes idle ones


class RestError(Exception):
	def __init__(self, method, path, status, body):
		super().__init__(f"{method} {path}: {status} {body}")
		self.status, self.body = status, body


class _Connection(http.client.HTTPConnection):
	def __init__(self, path, timeout):
		super().__init__("localhost", timeout=timeout)
		self._path = str(path)

	def connect(self):
		self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		self.sock.settimeout(self.timeout)
		self.sock.connect(self._path)


class Rest:
	"""One connection, kept alive between calls. Not for several threads at once."""

	heard = None  # called with method, path, status, content type and body of every answer

	def __init__(self, path, timeout=30):
		self._connection = _Connection(path, timeout)
		self._used = 0

	def call(self, method, path, body=None, headers=None):
		"""(status, headers, body); a JSON body comes as an object. Raises OSError without an answer.

		Nothing is sent twice: the caller knows what may be repeated."""
		data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
		fields = {"Content-Type": "application/json"} if data is not None else {}
		if time.monotonic() - self._used > IDLE_S:
			self.close()
		try:
			self._connection.request(method, path, data, {**fields, **(headers or {})})
			answer = self._connection.getresponse()
			raw = answer.read()
		except (OSError, http.client.HTTPException) as error:
			self.close()
			raise OSError(f"{method} {path}: {error or type(error).__name__}") from error
		self._used = time.monotonic()
		kind = answer.headers.get("Content-Type", "")
		body = json.loads(raw) if "json" in kind and raw else raw
		if Rest.heard is not None:
			Rest.heard(method, path, answer.status, kind, body)
		return answer.status, answer.headers, body

	def _wanted(self, method, path, body=None, headers=None):
		status, _, answer = self.call(method, path, body, headers)
		if status >= 300:
			raise RestError(method, path, status, answer)
		return answer

	def get(self, path):
		return self._wanted("GET", path)

	def post(self, path, body, headers=None):
		return self._wanted("POST", path, body, headers)

	def put(self, path, body, headers=None):
		return self._wanted("PUT", path, body, headers)

	def close(self):
		self._connection.close()


class Recorded:
	"""What a control plane has answered, for tables about a node that is gone."""

	def __init__(self, rest, paths):
		self._answers = {path: rest.get(path) for path in paths}

	def get(self, path):
		return self._answers[path]
