# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What the attacks on the API share: requests byte by byte, a sample of every body that the description allows, and a
look into the tables behind the control plane's back."""
import http.client
import json
import re
import socket
import sqlite3
import subprocess
import time

from _init import check
from rest import IDLE_S

PASSWORD = "an owl in the fog"
PATIENCE_S = 60
GOOD_PARTS = {"epoch": "1", "node": "nobody", "service": "nothing"}  # any other part is a number
NOBODYS = "9007199254740991"
# One of these keeps to whichever pattern a field has.
SAMPLES = (
	"sample-text", "sample", "abcdef", "1", "2", "5", "192.0.2.0/24", "2026-11-26T12:00:00Z", "ab" * 32, "ab" * 64, "ab" * 16,
	"YWJj", "a" * 43, "abc")


class Description:
	def __init__(self, control):
		self.whole = control.local.get("/v1/openapi.json")

	def routes(self):
		"""(method, path, operation)"""
		for path, methods in self.whole["paths"].items():
			for method, operation in methods.items():
				yield method.upper(), path, operation

	def resolve(self, schema):
		while "$ref" in schema:
			schema = self.whole["components"]["schemas"][schema["$ref"].split("/")[-1]]
		return schema

	def body(self, operation):
		"""The schema of its JSON, or None."""
		content = operation.get("requestBody", {}).get("content", {})
		return self.resolve(content["application/json"]["schema"]) if "application/json" in content else None

	def kinds(self, schema):
		types = schema.get("type", [])
		return {types} if isinstance(types, str) else set(types)

	def sample(self, schema):
		"""A value that the schema allows, with what it must have and no more."""
		schema = self.resolve(schema)
		if "enum" in schema:
			return schema["enum"][0]
		for one in schema.get("anyOf", []):
			return self.sample(one)
		kinds = self.kinds(schema)
		if "object" in kinds:
			return {name: self.sample(schema["properties"][name]) for name in schema.get("required", [])}
		if "array" in kinds:
			return [self.sample(schema["items"])] * schema.get("minItems", 0)
		if "string" in kinds:
			return next(
				text for text in SAMPLES if re.search(schema.get("pattern", ""), text) and
				schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 1000))
		if "boolean" in kinds:
			return False
		return schema.get("minimum", 1)

	def leaves(self, schema, where=()):
		"""(place, 'string' or 'number') of every value below an object: places are names and, for items of lists, 0."""
		schema = self.resolve(schema)
		for one in schema.get("anyOf", []):
			yield from self.leaves(one, where)
		kinds = self.kinds(schema)
		if "object" in kinds:
			for name, field in schema.get("properties", {}).items():
				yield from self.leaves(field, (*where, name))
		if "array" in kinds:
			yield from self.leaves(schema["items"], (*where, 0))
		if "string" in kinds:
			yield where, "string"
		if kinds & {"integer", "number"}:
			yield where, "number"

	def with_value(self, schema, where, value):
		"""A sample with this value in one place."""
		if not where:
			return value
		schema = self.resolve(schema)
		for one in schema.get("anyOf", []):
			if ("array" in self.kinds(self.resolve(one))) == (where[0] == 0):
				schema = self.resolve(one)
				break
		if where[0] == 0:
			return [self.with_value(schema["items"], where[1:], value)]
		made = self.sample(schema) if "object" in self.kinds(schema) else {}
		made[where[0]] = self.with_value(schema["properties"][where[0]], where[1:], value)
		return made


def parameters(operation, place):
	return [one for one in operation.get("parameters", []) if one["in"] == place]


def filled(path, **parts):
	"""With something in place of every part, which is of no object."""
	return re.sub(r"\{(\w+)\}", lambda part: parts.get(part[1], GOOD_PARTS.get(part[1], NOBODYS)), path)


def texts(value):
	"""Every string in a value of JSON."""
	if isinstance(value, str):
		yield value
	elif isinstance(value, (dict, list)):
		for one in value.values() if isinstance(value, dict) else value:
			yield from texts(one)


class Tables:
	"""What the platform's store has, asked without the control plane."""

	def __init__(self, control, url):
		self.url = url or str(control.state_dir / "control" / "platform.db")
		self.postgres = self.url.startswith("postgresql:")

	def rows(self, sql):
		if self.postgres:
			done = subprocess.run(["psql", "-XqAt", "-F", "\t", self.url, "-c", sql], capture_output=True, text=True, check=True)
			return [tuple(line.split("\t")) for line in done.stdout.splitlines()]
		store = sqlite3.connect(f"file:{self.url}?mode=ro", uri=True)
		try:
			return [tuple(str(value) for value in row) for row in store.execute(sql)]
		finally:
			store.close()

	def names(self):
		return sorted(name for name, in self.rows(
			"SELECT tablename FROM pg_tables WHERE schemaname = 'public'" if self.postgres else
			"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"))

	def schema(self):
		"""Tables, columns, indexes, triggers: all that a DROP or an ALTER would change."""
		if not self.postgres:
			return self.rows("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
		return [*self.rows(
			"SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
			"WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"),
			*self.rows("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"),
			*self.rows("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname")]

	def counts(self):
		each = (f"SELECT '{name}', count(*) FROM \"{name}\"" for name in self.names())
		return {name: int(count) for name, count in self.rows(" UNION ALL ".join(each))}

	def audited(self, request):
		"""(action, object, actor_kind, actor_id, outcome, details) of what became of a request."""
		check(re.fullmatch("[0-9a-f]{16}", request), f"{request} is no id")
		return self.rows(
			f"SELECT action, object, actor_kind, actor_id, outcome, details FROM audit WHERE request_id = '{request}' AND outcome <> 'begun'")


class Wire:
	"""A connection that is kept, for many requests."""

	def __init__(self, control, token=None):
		self.connection = http.client.HTTPConnection("127.0.0.1", control.port, timeout=PATIENCE_S)
		self.token, self.used = token, 0

	def ask(self, method, target, body=None, headers=None):
		"""(status, headers, body); JSON comes as an object. The body goes as it is when it is bytes."""
		data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
		fields = {"Content-Type": "application/json"} if data is not None else {}
		if self.token:
			fields["Authorization"] = f"Bearer {self.token}"
		# The server closes what is idle for too long.
		if time.monotonic() - self.used > IDLE_S:
			self.connection.close()
		try:
			self.connection.request(method, target, data, {**fields, **(headers or {})})
			answer = self.connection.getresponse()
			raw = answer.read()
		except (OSError, http.client.HTTPException):
			self.connection.close()
			raise
		self.used = time.monotonic()
		kind = answer.headers.get("Content-Type", "")
		return answer.status, answer.headers, json.loads(raw) if "json" in kind and "jsonl" not in kind and raw else raw


def sent(control, data):
	"""Send these bytes, and read until the server closes: what is sent asks it to."""
	with socket.create_connection(("127.0.0.1", control.port), PATIENCE_S) as sock:
		sock.sendall(data)
		got = b""
		while True:
			try:
				piece = sock.recv(65536)
			except ConnectionResetError:
				break
			if not piece:
				break
			got += piece
	return got


def raw(control, data):
	"""The same, divided into answers, each (status, [(name, value)], body)."""
	return list(answers_in(sent(control, data)))


def answers_in(got):
	"""As a client divides them, who hears no more behind the one that says that it is the last."""
	closed = False
	while got and not closed:
		head, _, rest = got.partition(b"\r\n\r\n")
		lines = head.split(b"\r\n")
		found = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) .*", lines[0])
		check(found, f"this is no answer: {got[:200]!r}")
		fields = []
		for line in lines[1:]:
			name, colon, value = line.partition(b":")
			check(colon, f"a line of an answer's head without a colon: {line!r}")
			fields.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))
		length = int(dict(fields).get("content-length", 0))
		closed = ("connection", "close") in fields
		yield int(found[1]), fields, rest[:length]
		got = rest[length:]


def request(method, target, *fields, body=b"", last=True):
	"""Bytes of a request. Fields are whole lines; 'last': the server closes behind it."""
	lines = [f"{method} {target} HTTP/1.1".encode("latin-1")]
	lines += [field if isinstance(field, bytes) else field.encode("latin-1") for field in fields]
	if not any(line.lower().startswith(b"host:") for line in lines):
		lines.append(b"Host: appliance")
	if last:
		lines.append(b"Connection: close")
	return b"\r\n".join(lines) + b"\r\n\r\n" + body
