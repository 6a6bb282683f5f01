# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Headers: text that would become a header of the answer, requests that two readers would divide in two ways (request smuggling),
heads that are too large or malformed, and control characters on their way into logs and tables."""
import json
import re
import subprocess

from _init import check, equal
from attacks import PASSWORD, Tables, Wire, answers_in, raw, request, sent
from control import BIN

HEAD_MAX = 16 << 10
# What an answer may have. Nothing that was sent becomes another one.
KNOWN = {
	"access-control-allow-origin", "allow", "cache-control", "connection", "content-length", "content-security-policy", "content-type",
	"cross-origin-resource-policy", "date", "etag", "idempotent-replayed", "location", "ratelimit", "ratelimit-policy", "referrer-policy",
	"retry-after", "vary", "www-authenticate", "x-content-type-options", "x-correlation-id", "x-frame-options", "x-request-id"}
ECHOED = ("X-Correlation-Id", "X-Request-Id", "Idempotency-Key", "If-Match", "Origin", "Host", "Authorization", "Content-Type", "traceparent",
	"X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "Referer", "User-Agent")
BREAKS = (b"a\nX-Evil: 1", b"a\rX-Evil: 1", b"a\r\nX-Evil: 1", b"a\r\n X-Evil: 1", b"a\r\n\tX-Evil: 1", b"a\x0bX-Evil: 1", b"a\x00X-Evil: 1", b"a\x85X-Evil: 1",
	b"a%0d%0aX-Evil:%201", b"a%0aX-Evil:1", b"a\\r\\nX-Evil: 1", "a\u560d\u560aX-Evil: 1".encode(), b"a\r\n\r\n<script>", b"a\x1b[2J", b"\"evil.example\"", b"x" * 300)
MARK = "smuggled-request"
HIDDEN = f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: {MARK}\r\nConnection: close\r\n\r\n".encode()


def only_known(answers, what):
	for _, fields, _ in answers:
		names = [name for name, _ in fields]
		check(set(names) <= KNOWN, f"{what}: headers {set(names) - KNOWN}")
		check(len(names) == len(set(names)), f"{what}: a header twice in {names}")
		for name, value in fields:
			check("evil" not in value.lower() and value.isprintable(), f"{what}: {name}: {value!r}")


def splitting(control, token):
	"""Line ends in what comes back."""
	for name in ECHOED:
		for text in BREAKS:
			for method, target in (("GET", "/v1/auth/me"), ("POST", "/v1/services/check"), ("GET", "/nowhere")):
				fields = [] if name == "Authorization" else [f"Authorization: Bearer {token}"]
				answers = raw(control, request(method, target, *fields, name.encode() + b": " + text))
				check(answers, f"no answer to {name}: {text!r}")
				only_known(answers, f"{method} {target} with {name}: {text!r}")
	for target in ("/%0d%0aX-Evil:%201", "/v1/users/1%0d%0aX-Evil:1", "/v1/users?name=%0d%0aX-Evil:1", "/v1/users?%0aX-Evil=1", "/v1/nodes/%0d%0aSet-Cookie:evil=1/epochs/1/vrf"):
		answers = raw(control, request("GET", target, f"Authorization: Bearer {token}"))
		equal(answers[0][0], 400, target)
		only_known(answers, target)


def locations(control, token):
	"""Where a new thing is, is said without the help of the Host header or of its name."""
	wire = Wire(control, token)
	for number, host in enumerate(("evil.example", "evil.example:80@appliance", "evil.example/..", "[::1]", "appliance, evil.example")):
		status, fields, answer = wire.ask("POST", "/v1/betanet/nodes", {"name": f"located-{number}", "region": "evil.example"}, {
			"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "evil", "Forwarded": f"host={host}"})
		equal((status, fields["Location"]), (201, f"/v1/betanet/nodes/{answer['id']}"), f"Location with Host: {host}")


def smuggling(control):
	"""A second request in what one reader takes for the body of the first one. It is never answered."""
	chunk = lambda data: b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
	post = lambda *fields, body: request("POST", "/v1/auth/login", "Content-Type: application/json", *fields, body=body, last=False)
	tries = {
		"two lengths, the hidden one behind the first": post("Content-Length: 2", f"Content-Length: {2 + len(HIDDEN)}", body=b"{}" + HIDDEN),
		"two lengths, the other way": post(f"Content-Length: {2 + len(HIDDEN)}", "Content-Length: 2", body=b"{}" + HIDDEN),
		"two lengths in one line": post(f"Content-Length: 2, {2 + len(HIDDEN)}", body=b"{}" + HIDDEN),
		"length and chunks": post("Transfer-Encoding: chunked", f"Content-Length: {5 + len(HIDDEN)}", body=b"0\r\n\r\n" + HIDDEN),
		"chunks and length": post("Content-Length: 4", "Transfer-Encoding: chunked", body=chunk(b"{}") + HIDDEN),
		"a coding that nobody knows": post("Transfer-Encoding: xchunked", "Content-Length: 2", body=b"{}" + HIDDEN),
		"chunked twice": post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=chunk(b"{}") + HIDDEN),
		"identity, chunked": post("Transfer-Encoding: identity, chunked", "Content-Length: 2", body=b"{}" + HIDDEN),
		"a space before the colon": post("Transfer-Encoding : chunked", "Content-Length: 2", body=b"{}" + HIDDEN),
		"a folded coding": post("Transfer-Encoding:\r\n chunked", "Content-Length: 2", body=b"{}" + HIDDEN),
		"a tab": post("Transfer-Encoding:\tchunked", "Content-Length: 2", body=b"{}" + HIDDEN),
		"a signed length": post("Content-Length: +2", body=b"{}" + HIDDEN),
		"a negative length": post("Content-Length: -1", body=b"{}" + HIDDEN),
		"a length in base 16": post("Content-Length: 0x2", body=b"{}" + HIDDEN),
		"a length that overflows": post("Content-Length: 18446744073709551618", body=b"{}" + HIDDEN),
		"a length with a space inside": post("Content-Length: 2 2", body=b"{}" + HIDDEN),
		"a chunk's length that overflows": post("Transfer-Encoding: chunked", body=b"10000000000000002\r\n{}\r\n0\r\n\r\n" + HIDDEN),
		"a chunk's length in another base": post("Transfer-Encoding: chunked", body=b"0x2\r\n{}\r\n0\r\n\r\n" + HIDDEN),
		"a negative chunk": post("Transfer-Encoding: chunked", body=b"-1\r\n{}\r\n0\r\n\r\n" + HIDDEN),
	}
	for what, data in tries.items():
		got = sent(control, data)
		check(MARK.encode() not in got, f"{what}: the hidden request is answered: {got}")
		statuses = [answer[0] for answer in answers_in(got)]
		check(len(statuses) == 1 and statuses[0] >= 400, f"{what}: {statuses}")
	chunked, = raw(control, request("POST", "/v1/auth/login", "Content-Type: application/json", "Transfer-Encoding: chunked", body=chunk(b'{"a":1}')))
	equal((chunked[0], json.loads(chunked[2])["code"]), (400, "bad_field"), "chunks that are as they should be")
	# A body with a request inside is a body; what follows a body is a request.
	inside, = raw(control, request("POST", "/v1/auth/login", "Content-Type: application/json", f"Content-Length: {len(HIDDEN)}", body=HIDDEN))
	equal(inside[0], 400, "a request as a body")
	both = raw(control, post("Content-Length: 2", body=b"{}") + HIDDEN)
	equal([answer[0] for answer in both], [400, 200], "two requests, one behind the other")
	get = raw(control, request("GET", "/healthz", f"Content-Length: {len(HIDDEN)}", body=HIDDEN))
	equal(len(get), 1, "answers to a GET with a request as its body")


def heads(control, token):
	"""What is too large, or no head."""
	bearer = f"Authorization: Bearer {token}"
	code = lambda answer: json.loads(answer[2])["code"] if answer[2][:1] == b"{" else None
	for what, fields in (("one large header", [f"X-Large: {'x' * (HEAD_MAX + 1)}"]), ("many headers", [f"X-{number}: {'x' * 90}" for number in range(200)])):
		answer, = raw(control, request("GET", "/v1/auth/me", bearer, *fields))
		equal(answer[0], 431, what)
	answer, = raw(control, request("GET", "/v1/auth/me?" + "x" * (HEAD_MAX + 1), bearer))
	check(answer[0] in (414, 431), f"a long target: {answer[0]}")
	for target in ("http://evil.example/v1/auth/me", "https://appliance/v1/auth/me", "evil.example:443", "*", "v1/auth/me", "?x", "\\v1\\auth\\me", "/v1/auth/me#x", "//evil.example/v1/auth/me"):
		for method in ("GET", "OPTIONS"):
			answer, = raw(control, request(method, target, bearer))
			check(answer[0] in (400, 404), f"{method} {target}: {answer[0]} {code(answer)}")
			only_known([answer], target)
	for fields in (("Host: a", "Host: b"), (bearer, bearer), ("Content-Type: a", "content-type: b")):
		status, said, body = next(iter(raw(control, request("GET", "/v1/auth/me", *fields, "X: y", last=False))))
		equal((status, json.loads(body)["code"], ("connection", "close") in said), (400, "header_twice", True), f"{fields[0]} twice: nothing follows it")
	for line in ("No-Colon", ": empty", "X Y: z", "X-Tab\t: z", "X\x00Y: z", "\x80: z", "@: z"):
		for answer in raw(control, request("GET", "/v1/auth/me", bearer, line)):
			only_known([answer], line)
			check(answer[0] in (200, 400), f"{line!r}: {answer[0]}")
	for first in ("GET /v1/auth/me", "GET  /v1/auth/me HTTP/1.1", "GET /v1/auth/me HTTP/9.9", "GET\t/v1/auth/me\tHTTP/1.1", "get /v1/auth/me HTTP/1.1", "TRACE /v1/auth/me HTTP/1.1",
		"CONNECT evil.example:80 HTTP/1.1", "PRI * HTTP/2.0", "\x16\x03\x01\x02", "GET /v1/auth/me /x HTTP/1.1", "DEBUG /v1/auth/me HTTP/1.1", "G" * 5000 + " / HTTP/1.1"):
		data = first.encode("latin-1") + f"\r\nHost: x\r\n{bearer}\r\nConnection: close\r\n\r\n".encode()
		try:
			answers = raw(control, data)
		except AssertionError:  # HTTP/0.9 has no head
			answers = []
		for answer in answers:
			only_known([answer], first)
			check(answer[0] >= 400 or first.startswith(("GET  ", "GET\t")), f"{first[:40]!r}: {answer[0]}")
			check(token.encode() not in answer[2], f"{first[:40]!r} shows what was sent")


def pretenders(control, url, token):
	"""Headers that other servers believe. Here the method is that of the first line, and who asks comes from where the socket says."""
	tables = Tables(control, url)
	user = control.add_user("pretended", ["user"])
	wire = Wire(control, token)
	for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
		status, _, answer = wire.ask("GET", f"/v1/users/{user['id']}", None, {name: "DELETE", "X-Forwarded-For": "203.0.113.9"})
		equal((status, answer["name"]), (200, "pretended"), name)
	source = {name: "203.0.113.9" for name in ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Client-IP")}
	_, fields, _ = wire.ask("POST", f"/v1/users/{user['id']}/unlock", None, {**source, "Forwarded": "for=203.0.113.9;proto=https"})
	rows = tables.rows(f"SELECT DISTINCT source FROM audit WHERE request_id = '{fields['X-Request-Id']}'")
	equal(rows, [("127.0.0.1",)], "where it came from, in the audit")


def log_lines(control, url, token):
	"""Control characters never get into a line of the log, of the audit or of fogctl's tables."""
	wire = Wire(control, token)
	evil = "a\u001b[2J\u001b]0;owned\u0007\nfog-controlplane/main: info: all is well\r\u009b31m\u202eb"
	wire.ask("POST", "/v1/auth/login", {"username": evil[:60], "password": PASSWORD})
	wire.ask("POST", "/v1/keys", {"name": evil, "scopes": ["node:read"]})
	raw(control, request("GET", "/v1/nodes/%1b%5b2J/epochs/1/vrf", f"Authorization: Bearer {token}", b"X-Correlation-Id: a\x1b[2J"))
	status, fields, _ = wire.ask("GET", "/v1/nodes/%C2%9B31m%E2%80%AE/epochs/1/vrf")
	check(status in (404, 503), f"a node with a strange name: {status}")
	revision = wire.ask("GET", "/v1/config/history")[2]["revisions"][0]["revision"]
	_, fields, config = wire.ask("GET", "/v1/config")
	yaml = {"Content-Type": "application/yaml", "If-Match": fields["ETag"]}
	equal(wire.ask("PUT", "/v1/config", {**config, "drain": {"grace": "1234ms"}}, yaml)[0], 200, "status of a change")
	status, _, answer = wire.ask("POST", "/v1/config/revert", {"revision": revision, "comment": evil})
	equal(status, 200, f"a comment with control characters: {answer}")
	bad = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e]")
	shown = [("the log", control.log_path.read_text(errors="replace"))]
	token_path = control.folder / "session-token"
	token_path.write_text(token + "\n")
	token_path.chmod(0o600)
	here, there = ["--config", control.config_path], ["--socket", control.socket_path]
	own = ["--url", f"http://127.0.0.1:{control.port}", "--token-file", token_path]
	for words in ([*own, "key", "list"], [*there, "audit", "events"], [*own, "sessions", "list"], [*there, "user", "list"], [*there, "operations", "list"], [*there, "config", "history"], ["audit", "show", *here], [*there, "betanet", "list"], [*there, "status"], ["user", "list", *here]):
		done = subprocess.run([BIN / "fogctl", *words], capture_output=True, text=True)
		equal(done.returncode, 0, f"fogctl {words}: {done.stderr}")
		shown.append((f"fogctl {words}", done.stdout + done.stderr))
	check(sum("owned" in text for _, text in shown) >= 2, "neither the key's name nor the comment is shown")
	for where, text in shown:
		found = bad.search(text)
		check(found is None, f"{where} has {found and found[0]!r} in {text[max(0, (found.start() if found else 0) - 60):][:120]!r}")
	forged = [line for line in shown[0][1].splitlines() if line.startswith("fog-controlplane/main: info: all is well")]
	equal(forged, [], "lines of the log that somebody else wrote")
	for name in ("action", "object", "source", "request_id", "correlation_id", "path", "actor_name", "details"):
		for (text,) in Tables(control, url).rows(f"SELECT {name} FROM audit"):
			check(bad.search(text) is None, f"{name} of the audit: {text!r}")


def run(control, url):
	control.add_user("header", ["user", "auditor", "operator", "admin"], tier="enterprise")
	token = control.login("header")["access_token"]
	splitting(control, token)
	locations(control, token)
	smuggling(control)
	heads(control, token)
	pretenders(control, url, token)
	log_lines(control, url, token)
	return "nothing that was sent became a header, a request or a line"
