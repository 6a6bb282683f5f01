# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""SQL injection: text that ends a string, begins a comment or another statement, matches everything or is too large a number,
in every field, parameter and part of a path that the description has."""
import json
import os
import urllib.parse

from _init import check, equal
from attacks import PASSWORD, Description, Tables, Wire, filled, parameters, texts

TEXTS = (
	"'", "''", "\"", "\\", "\\'", "'--", "' OR '1'='1", "' OR 1=1 --", "1 OR 1=1", "1; DELETE FROM account", "'; DROP TABLE account; --",
	"') UNION SELECT password FROM account --", "/*", "*/ OR 1=1 /*", "%", "_", "%%", "[a-z]", "$1", "?1", ":name", "@name", "$$",
	"E'\\x27'", "' || pg_sleep(100) || '", "'; SELECT load_extension('x'); --", "(SELECT password FROM account LIMIT 1)",
	"\u02bc OR 1=1", "\uff07 OR 1=1", "\u0000", "a\u0000' OR 1=1", "\U0001f989", "sample\n'; DROP TABLE audit; --", "NULL", "NaN", "x" * 5000)
NUMBERS = ("-1", "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "1e400", "1e3", "0x10",
	"1_000", " 1", "+1", "1.0", "00000000000000000000001", "1" * 4000)
if os.environ.get("FOGLINE_FEW"):
	TEXTS, NUMBERS = TEXTS[::4], NUMBERS[::4]
INSIDE = {"store_failed", "failed", "no_answer", "no_memory", "audit_failed"}  # codes of what went wrong within
# Tables of which every row was asked for. Others come and go: they keep what is counted, answered, noted.
EXACT = {
	"account", "api_key", "backup_code", "betanet_node", "config_revision", "operation", "platform", "platform_key", "refresh_token", "reset_token",
	"session", "signing_key", "tier_limit"}
MADE = {"/v1/users": "account", "/v1/keys": "api_key", "/v1/betanet/nodes": "betanet_node", "/v1/benchmarks": "operation"}


class Injection:
	def __init__(self, control, url):
		self.control, self.tables, self.description = control, Tables(control, url), Description(control)
		control.add_user("injector", ["user", "auditor", "operator", "admin"], tier="enterprise")
		self.wire = Wire(control, control.login("injector")["access_token"])
		self.made, self.asked = {}, 0

	def ask(self, method, path, target, body=None, headers=None):
		status, fields, answer = self.wire.ask(method, target, body, headers)
		what = f"{method} {target[:200]} {str(body)[:200]} {headers}"
		self.asked += 1
		check(status != 500, f"{what}: {status} {answer}")
		check(not isinstance(answer, dict) or answer.get("code") not in INSIDE, f"{what}: {answer}")
		if status in (201, 202):
			self.made[path] = self.made.get(path, 0) + 1
		return status, fields, answer

	def match(self, operation):
		return {"If-Match": "*"} if any(one["name"] == "If-Match" for one in parameters(operation, "header")) else {}

	def body(self, operation):
		schema = self.description.body(operation)
		if schema is not None:
			return self.description.sample(schema)
		return b"x: 1" if "requestBody" in operation else None

	def into_path(self, method, path, operation):
		for part in parameters(operation, "path"):
			for text in (*TEXTS, *NUMBERS):
				target = filled(path, **{part["name"]: urllib.parse.quote(text, safe="")})
				status, _, answer = self.ask(method, path, target, self.body(operation), self.match(operation))
				check(status >= 400, f"{method} {target}: {status} {answer}: an object that nobody has")

	def into_query(self, method, path, operation):
		body = self.body(operation)
		headers = {**self.match(operation), **({"Content-Type": "application/yaml"} if isinstance(body, bytes) else {})}
		needed = [f"{one['name']}={self.description.sample(one['schema'])}" for one in parameters(operation, "query") if one.get("required")]
		for one in parameters(operation, "query"):
			others = [pair for pair in needed if not pair.startswith(one["name"] + "=")]
			for text in (*TEXTS, *NUMBERS):
				target = f"{filled(path)}?{'&'.join([*others, one['name'] + '=' + urllib.parse.quote(text, safe='')])}"
				status, _, answer = self.ask(method, path, target, body, headers)
				if status == 200 and "string" in self.description.kinds(self.description.resolve(one["schema"])):
					self.literal(text, answer, target)

	def literal(self, text, answer, target):
		"""Whatever a filter lets through has its text in it, as it stands."""
		if isinstance(answer, bytes):
			rows = [json.loads(line) for line in answer.splitlines()]
		else:
			rows = next((value for value in answer.values() if isinstance(value, list)), [])
		for row in rows:
			check(any(text in value for value in texts(row)), f"{target}: a row that was not asked for: {row}")

	def into_body(self, method, path, operation):
		schema = self.description.body(operation)
		for where, kind in self.description.leaves(schema):
			for text in TEXTS if kind == "string" else ():
				self.ask(method, path, filled(path), self.description.with_value(schema, where, text), self.match(operation))
			for number in NUMBERS if kind == "number" else ():
				mark = json.dumps(self.description.with_value(schema, where, "mark"))
				self.ask(method, path, filled(path), mark.replace('"mark"', number.strip()).encode(), self.match(operation))

	def everywhere(self):
		for method, path, operation in self.description.routes():
			self.into_path(method, path, operation)
			self.into_query(method, path, operation)
			if self.description.body(operation) is not None:
				self.into_body(method, path, operation)
			if method == "POST" and parameters(operation, "path"):
				for text in TEXTS:
					if text.isascii() and text.isprintable() and " " not in text:
						self.ask(method, path, filled(path), self.body(operation), {"Idempotency-Key": text[:255], **self.match(operation)})

	def unharmed(self, before):
		schema, counts = before
		equal(self.tables.schema(), schema, "the schema afterwards")
		now = self.tables.counts()
		check(now["audit"] > counts["audit"], "rows of the audit are gone")
		for name, count in counts.items():
			made = sum(times for path, times in self.made.items() if MADE.get(path) == name)
			check(name not in EXACT or now[name] == count + made, f"rows of {name}: {now[name]}, should be {count} and {made}")


def wildcards(control):
	"""A filter takes % and _ as they are, and finds what does begin so."""
	for name in ("per_cent", "perxcent"):
		control.add_user(name, ["user"])
		control.local.post("/v1/betanet/nodes", {"name": name, "region": name})
	found = lambda text: [user["name"] for user in control.local.get("/v1/users?name=" + urllib.parse.quote(text, safe=""))["users"]]
	equal(found("per"), ["per_cent", "perxcent"], "names that begin with per")
	equal(found("per_"), ["per_cent"], "names that begin with per_")
	for text in ("%", "_", "p%", "%cent", "per\\_"):
		equal(found(text), [], f"names that begin with {text}")
	regions = lambda text: [node["name"] for node in control.local.get(f"/v1/betanet/nodes?region={text}")["nodes"]]
	equal((regions("per_cent"), regions("perxcent")), (["per_cent"], ["perxcent"]), "nodes of a region")
	rows = lambda **filters: control.local.get("/v1/audit?" + urllib.parse.urlencode(filters))["rows"]
	check(rows(action="user.create") and rows(action="user.") and not rows(action="user_") and not rows(action="%"), "actions")
	check(rows(actor="injector") and not rows(actor="inject_r") and not rows(actor="%") and not rows(object="/v1/users/%"), "actors and objects")


def stored(control, injection):
	"""What may be any text is stored as it is, and comes back so."""
	for text in TEXTS:
		if "\0" in text or len(text) > 100:
			continue
		status, _, key = injection.ask("POST", "/v1/keys", "/v1/keys", {"name": text, "scopes": ["node:read"], "expires_in_days": 1})
		equal(status, 201, f"a key called {text!r}: {key}")
		injection.ask("DELETE", "/v1/keys/{key}", f"/v1/keys/{key['id']}")
		equal(injection.ask("GET", "/v1/keys/{key}", f"/v1/keys/{key['id']}")[2]["name"], text, "the name of a key")


def run(control, url):
	injection = Injection(control, url)
	stored(control, injection)
	wildcards(control)
	# Nobody gets in by the old trick either.
	for name in ("' OR 1=1 --", "injector' --", "injector'/*", "injector\" --"):
		equal(control.call("POST", "/v1/auth/login", body={"username": name, "password": PASSWORD}).status, 401, f"login as {name}")
	injection.made.clear()
	before = injection.tables.schema(), injection.tables.counts()
	injection.everywhere()
	injection.unharmed(before)
	check(injection.asked > 60 * len(TEXTS + NUMBERS), f"only {injection.asked} requests")
	return f"{injection.asked} hostile texts"
