# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Cross-site requests: what a page of somebody else can make a browser send. No cookie and no address is an identity, forms are
no bodies, and answers are for other origins only where they are configured, letter by letter."""
import base64
import tempfile

from _init import check, equal
from attacks import Description, Wire, filled, raw, request
from control import Control

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain; charset=application/json", "", "*/*",
	"application/json-patch+json", "application/jsonx", "text/html;application/json")
OWN = "https://panel.example"
STRANGERS = (
	"https://evil.example", "null", "", "*", "https://panel.example.evil.example", "https://evilpanel.example", "https://evil.example/panel.example",
	"http://panel.example", "https://panel.example:8443", "https://PANEL.example", "https://panel.example/", "https://panel.example.",
	"https://panel.example https://evil.example", "https://panel.example,https://evil.example", "https://panel.exampl", "https://panel-example",
	"https://user@panel.example", "https://panel.example\\.evil.example", "HTTPS://panel.example", "file://", "chrome-extension://x")
READS = "access-control-"


def mutating(description):
	return [(method, path, operation) for method, path, operation in description.routes() if method != "GET" and operation["x-roles"]]


def no_cookie(control, description, token):
	"""A browser adds cookies and its own passwords to whatever a page asks for: none of them says who asks."""
	basic = base64.b64encode(f"origin:{token}".encode()).decode()
	carried = [{"Cookie": f"{name}={token}"} for name in ("token", "access_token", "Authorization", "session", "fogline", "jwt", "Bearer")]
	carried += [{"Cookie": f"Authorization=Bearer {token}"}, {"Authorization": f"Basic {basic}"}, {"Proxy-Authorization": f"Bearer {token}"},
		{"X-Api-Key": token}, {"X-Auth-Token": token}, {"X-Authorization": f"Bearer {token}"}]
	wire = Wire(control)
	for method, path, _ in [*mutating(description), ("GET", "/v1/auth/me", None), ("GET", "/v1/users", None)]:
		for headers in carried:
			equal(wire.ask(method, filled(path), None, headers)[0], 401, f"{method} {path} with {list(headers)}")
	for query in (f"access_token={token}", f"token={token}", f"Authorization=Bearer+{token}"):
		equal(wire.ask("GET", f"/v1/auth/me?{query}")[0], 401, "a token in the address")


def no_form(control, description, token):
	"""What a page may send without asking first are forms. With a good token in hand they are still refused."""
	wire, tried = Wire(control, token), 0
	for method, path, operation in mutating(description):
		match = {"If-Match": "*"} if any(one["name"] == "If-Match" for one in operation.get("parameters", [])) else {}
		for kind in FORMS:
			status, _, answer = wire.ask(method, filled(path), b'{"a":1}', {"Content-Type": kind, **match})
			takes = "requestBody" in operation
			equal((status, answer["code"]), (415, "bad_content_type") if takes else (400, "no_body_here"), f"{method} {path} as {kind!r}")
			tried += 1
		if "requestBody" in operation:  # without any type
			answer, = raw(control, request(
				method, filled(path), f"Authorization: Bearer {token}", "Content-Length: 7", *(f"{name}: {value}" for name, value in match.items()), body=b'{"a":1}'))
			equal(answer[0], 415, f"{method} {path} without a type")
	return tried


def silent(control, description, origins):
	"""Not a word for pages of these origins: neither to their question before, nor in answers."""
	for origin in origins:
		for method, path, _ in description.routes():
			for fields in ((), (f"Access-Control-Request-Method: {method}", "Access-Control-Request-Headers: authorization, content-type")):
				answer, = raw(control, request("OPTIONS" if fields else "HEAD", filled(path), f"Origin: {origin}", *fields))
				said = [name for name, _ in answer[1] if name.startswith(READS)]
				equal(said, [], f"{path} to a page of {origin!r}")
				check("set-cookie" not in dict(answer[1]), f"{path} sets a cookie")
				if fields:
					check(answer[0] >= 400, f"{path}: {answer[0]} to the question of {origin!r}")
			if len(origins) > 2:
				break  # one path is enough for many origins


def configured():
	"""The origin that is listed, and no other one that is like it."""
	with tempfile.TemporaryDirectory() as folder, Control(folder, "origins", rest={"cors_origins": [OWN, "https://other.example"]}) as control:
		description = Description(control)
		ask = lambda *fields, method="OPTIONS": raw(control, request(method, "/v1/status", *fields))[0]
		status, fields, _ = ask(f"Origin: {OWN}", "Access-Control-Request-Method: GET")
		fields = dict(fields)
		equal((status, fields.get("access-control-allow-origin"), fields.get("vary")), (204, OWN, "Origin"), "the answer to our own page")
		check("access-control-allow-credentials" not in fields, "credentials of a browser are asked for")
		check("*" not in fields["access-control-allow-headers"] + fields["access-control-allow-methods"], "everything is allowed")
		status, fields, _ = ask(f"Origin: {OWN}", method="GET")
		equal((status, dict(fields).get("access-control-allow-origin")), (401, OWN), "a refusal that our own page may read")
		equal(dict(ask(method="GET")[1]).get("vary"), "Origin", "what caches must know")
		silent(control, description, STRANGERS)
		answer, = raw(control, request("OPTIONS", "/v1/status", f"Origin: {OWN}", "Origin: https://evil.example", "Access-Control-Request-Method: GET"))
		equal(answer[0], 400, "two origins")
		check(not [name for name, _ in answer[1] if name == "access-control-allow-origin"] or "evil" not in str(answer[1]), "two origins")


def run(control, url):
	description = Description(control)
	control.add_user("origin", ["user", "auditor", "operator", "admin"], tier="enterprise")
	token = control.login("origin")["access_token"]
	no_cookie(control, description, token)
	tried = no_form(control, description, token)
	silent(control, description, STRANGERS[:2])
	if not url:
		configured()
	equal(control.call("GET", "/v1/auth/me", token).status, 200, "the token was good all the while")
	return f"{tried} forms"
