#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Every route of the API's own description is tried in every way that must not work: by nobody, with a wrong role, a token
that is over, one that was revoked, somebody else's object, a key without the scope, a body that is malformed, too large, of
another type, with an unknown field. Each is refused with the right status, changes nothing, and is found in the audit."""
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import time

from _init import check, equal
from control import Control

ROLES = ("user", "auditor", "operator", "admin")
TOKEN_S = 60  # accounts.token_minutes: 1
BODY_MAX = 1 << 20
PARTS = {"epoch": "1", "node": "nobody"}  # any other part is a number
NOBODYS = "9007199254740991"


def routes(description):
	for path, methods in description["paths"].items():
		for method, route in methods.items():
			yield method.upper(), path, route


def filled(path):
	return re.sub(r"\{(\w+)\}", lambda part: PARTS.get(part[1], NOBODYS), path)


def body_type(route):
	content = route.get("requestBody", {}).get("content", {})
	return next(iter(content), None)


class Audit:
	"""What the store says, asked without the control plane."""

	def __init__(self, url):
		self.url = url

	def rows(self, sql):
		if self.url.startswith("postgresql:"):
			done = subprocess.run(
				["psql", "-XqAt", "-F", "\t", self.url, "-c", sql], capture_output=True, text=True, check=True)
			return [tuple(line.split("\t")) for line in done.stdout.splitlines()]
		store = sqlite3.connect(f"file:{self.url}?mode=ro", uri=True)
		try:
			return [tuple(str(value) for value in row) for row in store.execute(sql)]
		finally:
			store.close()

	def by_request(self):
		return {row[0]: row for row in self.rows("SELECT request_id, action, status, actor_kind, outcome FROM audit")}

	def anonymous(self):
		"""(action -> how many refusals of strangers, status -> the same) that the rows that count them have."""
		actions, statuses = {}, {}
		for (details,) in self.rows("SELECT details FROM audit WHERE action = 'audit.anonymous'"):
			for total, part in ((actions, "actions"), (statuses, "statuses")):
				for name, count in json.loads(details)[part].items():
					total[name] = total.get(name, 0) + count
		return actions, statuses


class Tries:
	"""What was tried, and what the audit must say of it."""

	def __init__(self, control):
		self.control, self.known, self.strangers = control, [], {}

	def refused(self, status, what, method, path, route, token=None, body=None, headers=None):
		answer = self.control.call(method, path, token, body, headers)
		equal(answer.status, status, f"{what}: {method} {path} {answer.json}")
		check(answer.code, f"{what}: {method} {path} has no code")
		check(answer.headers["Content-Type"] == "application/problem+json", f"{what}: {method} {path}: its type")
		action = route["x-audit-action"]
		if status == 401:
			self.strangers[action] = self.strangers.get(action, 0) + 1
		else:
			self.known.append((answer.headers["X-Request-Id"], action, status, what, method, path))
		return answer

	def audited(self, audit):
		rows = audit.by_request()
		for request, action, status, what, method, path in self.known:
			row = rows.get(request)
			check(row, f"{what}: {method} {path} is not in the audit")
			equal(row[1:3] + row[4:], (action, str(status), "refused"), f"{what}: {method} {path} in the audit")
		actions, statuses = audit.anonymous()
		for action, times in self.strangers.items():
			check(actions.get(action, 0) >= times, f"{action}: {actions.get(action, 0)} of {times} refusals of strangers are counted")
		check(statuses.get("401", 0) >= sum(self.strangers.values()), f"statuses of strangers: {statuses}")


def match(route):
	return {"If-Match": "*"} if any(one.get("name") == "If-Match" for one in route.get("parameters", [])) else {}


def good_enough(route):
	"""A body and headers with which only rights can be in the way."""
	headers = match(route)
	if body_type(route) == "application/yaml":
		return b"x: 1\n", {"Content-Type": "application/yaml", **headers}
	return ({} if body_type(route) else None), headers


def by_rights(tries, tokens, keys, method, path, route):
	allowed = route["x-roles"]
	body, headers = good_enough(route)
	where = filled(path)
	if not allowed:
		return
	tries.refused(401, "nobody", method, where, route, None, body, headers)
	tries.refused(401, "no token at all", method, where, route, "nonsense", body, headers)
	tries.refused(401, "revoked token", method, where, route, tokens["revoked"], body, headers)
	for role in ROLES:
		if role not in allowed:
			tries.refused(403, f"role {role}", method, where, route, tokens[role], body, headers)
	for name, (secret, scope) in keys.items():
		if route.get("x-scope") != scope:
			tries.refused(403, f"key for {name}", method, where, route, secret, body, headers)


def by_body(tries, tokens, method, path, route):
	kind = body_type(route)
	where, token = filled(path), tokens["admin"]
	if not route["x-roles"]:
		token = tokens["user"]  # who is known is a row
	if kind is None:
		if method not in ("GET",):
			tries.refused(400, "a body", method, where, route, token, {"a": 1}, match(route))
		return
	tries.refused(413, "too large", method, where, route, token, b" " * (BODY_MAX + 1), {"Content-Type": kind, **match(route)})
	tries.refused(415, "wrong type", method, where, route, token, b"a=1", {"Content-Type": "application/x-www-form-urlencoded", **match(route)})
	if kind == "application/json":
		for what, body in (("malformed", b"{\"a\": "), ("a list", b"[]"), ("twice", b"{\"a\":1,\"a\":2}"), ("unknown field", b"{\"no such field\":1}")):
			tries.refused(400, what, method, where, route, token, body, match(route))


def by_owner(tries, description, tokens):
	"""Objects of one user, asked for by another one."""
	control = tries.control
	key = control.call("POST", "/v1/keys", tokens["user"], {"name": "mine", "scopes": ["account:read"]}).json
	session = control.call("GET", "/v1/auth/sessions", tokens["user"]).json["sessions"][0]
	for method, path, route in routes(description):
		own = {"key": key["id"], "session": session["id"]}
		part = re.search(r"\{(key|session)\}", path)
		if part is None or route["x-roles"] != list(ROLES):
			continue
		for other in ("stranger", "admin"):
			tries.refused(
				404, f"{other}'s look at somebody's {part[1]}", method, path.replace(part[0], str(own[part[1]])), route, tokens[other],
				None, match(route))
	equal(control.call("GET", f"/v1/keys/{key['id']}", tokens["user"]).json["revoked_at"], None, "the key afterwards")


def accounts(control):
	"""name -> access token."""
	tokens = {}
	for role in (*ROLES, "stranger", "late", "revoked"):
		control.add_user(f"the-{role}", [role if role in ROLES else "user"], tier="enterprise")
		tokens[role] = control.login(f"the-{role}")["access_token"]
	equal(control.call("POST", "/v1/auth/logout", tokens["revoked"]).status, 204, "status of a logout")
	return tokens


def all_routes(folder):
	with Control(folder, "one", accounts={"token_minutes": 1}) as control:
		audit = Audit(control.store)
		began = time.monotonic()
		tries = Tries(control)
		description = control.local.get("/v1/openapi.json")
		tokens = accounts(control)
		keys = {
			scope: (control.call("POST", "/v1/keys", tokens["admin"], {"name": scope, "scopes": [scope]}).json["secret_key"], scope)
			for scope in ("metrics:read", "audit:read")}
		count = 0
		before = control.local.get("/v1/config")
		by_owner(tries, description, tokens)
		for method, path, route in routes(description):
			by_rights(tries, tokens, keys, method, path, route)
			by_body(tries, tokens, method, path, route)
			count += 1
			if time.monotonic() - began > TOKEN_S - 15:  # they have to last
				began, tokens = time.monotonic(), {**{role: control.login(f"the-{role}")["access_token"] for role in (*ROLES, "stranger")},
					"revoked": tokens["revoked"], "late": tokens["late"]}
		while control.call("GET", "/v1/auth/me", tokens["late"]).status == 200:
			time.sleep(1)
		for method, path, route in routes(description):
			if route["x-roles"]:
				body, headers = good_enough(route)
				answer = tries.refused(401, "expired token", method, filled(path), route, tokens["late"], body, headers)
				equal(answer.code, "token_expired", f"expired token: {method} {path}")
		equal(control.local.get("/v1/config"), before, "the configuration afterwards")
		check(count > 60 and len(tries.known) > 300, f"only {count} routes and {len(tries.known)} refusals were tried")
		control.end()  # writes what it has counted
	tries.audited(audit)
	print(f"{count} routes, {len(tries.known)} refusals of callers and {sum(tries.strangers.values())} of strangers: all in the audit")


def main():
	with tempfile.TemporaryDirectory() as folder:
		os.chmod(folder, 0o755)
		all_routes(folder)


main()
