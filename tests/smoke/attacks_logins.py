# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Logging in, by whoever should not: what an answer, or the work that it took, tells of who exists; stolen refresh tokens,
second steps, sessions and keys; secrets that stay in memory. Work is counted, not timed: what it took is only printed."""
import base64
import hmac
import json
import statistics
import struct
import time

from _init import SANITIZED, check, equal, wait_for
from attacks import PASSWORD, Tables, Wire
from memory import places

TRIES = 4  # the fifth failure locks
WRONG = "another owl in the fog"
# What a login may write to; other tables change by themselves.
TOUCHED = (
	"account", "api_key", "backup_code", "known_network", "login_failure", "login_step", "refresh_token", "reset_token", "rights_change", "session")
IDS = {"x-request-id", "x-correlation-id", "date", "ratelimit"}


def hashes(control):
	"""How often Argon2id has run."""
	text = control.local.call("GET", "/metrics")[2].decode()
	return int(next(line for line in text.splitlines() if line.startswith("fog_password_hashes_total")).split()[1])


def one_time(secret, ahead=0):
	"""RFC 6238, by its text."""
	digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + ahead), "sha1")
	at = digest[-1] & 15
	return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def told(answer):
	"""All of an answer but what is new each time."""
	status, fields, body = answer
	body = {name: value for name, value in body.items() if name not in ("instance", "error_id", "request_id")}
	return status, sorted((name.lower(), value) for name, value in fields.items() if name.lower() not in IDS), json.dumps(body)


def alike(control, url):
	"""A wrong password of somebody, of nobody, of who is disabled, of who has none, of who needs a code: one answer, one
	run of Argon2id, one row less or more nowhere."""
	tables, wire = Tables(control, url), Wire(control)
	for name in ("known", "disabled", "with-codes"):
		control.add_user(name, ["admin"])
	control.local.post("/v1/users", {"name": "no-password", "roles": ["user"]})
	codes(control, "with-codes")
	user = next(one for one in control.local.get("/v1/users?name=disabled")["users"])
	equal(control.local.call("PATCH", f"/v1/users/{user['id']}", {"disabled": True}, {"If-Match": "*"})[0], 200, "status of disabling somebody")
	kinds = {"a wrong password": "known", "nobody": "nobody-has-this", "disabled": "disabled", "no password": "no-password", "with codes": "with-codes",
		"no name at all": "\u2603 or ' 1=1"}
	failures = lambda: tables.rows("SELECT count(*) FROM audit WHERE action = 'auth.login' AND outcome <> 'done'")
	took, noted = {kind: [] for kind in kinds}, failures()
	for number in range(TRIES):
		answers, work = {}, {}
		for kind, name in kinds.items():
			before, count = tables.counts(), hashes(control)
			began = time.monotonic()
			answers[kind] = told(wire.ask("POST", "/v1/auth/login", {"username": name, "password": WRONG, **({"code": "123456"} if number % 2 else {})}))
			took[kind].append(time.monotonic() - began)
			after = tables.counts()
			rows = {table: after[table] - before[table] for table in TOUCHED}
			work[kind] = hashes(control) - count, rows if number > 0 else {}  # who has logged in before has a row already
		equal(answers["nobody"][0], 401, "status of a login of nobody")
		for kind in kinds:
			equal(answers[kind], answers["nobody"], f"{kind}, against nobody: what the answer tells")
			equal(work[kind], work["nobody"], f"{kind}, against nobody: runs of Argon2id and new rows")
		equal(work["nobody"][0], 1, "runs of Argon2id")
	# The fifth locks, whoever it is; then nobody's password is looked at.
	locks = lambda: int(tables.rows("SELECT count(*) FROM audit WHERE action = 'user.lock'")[0][0])
	for number, wanted in ((5, 401), (6, 429)):
		count, noted_locks = hashes(control), locks()
		locked = {kind: told(wire.ask("POST", "/v1/auth/login", {"username": name, "password": PASSWORD if wanted == 429 else WRONG})) for kind, name in kinds.items()}
		equal({kind: answer[0] for kind, answer in locked.items()}, {kind: wanted for kind in kinds}, f"failure {number}")
		equal(len({answer[2] for answer in locked.values()}), 1, f"what failure {number} tells")
		equal(hashes(control) - count, len(kinds) if wanted == 401 else 0, f"runs of Argon2id at failure {number}")
		fresh = len(kinds) if wanted == 401 else 0
		wait_for(f"rows of {fresh} locks at failure {number}", lambda: locks() - noted_locks == fresh)
	equal(failures(), noted, "rows of single failures")
	return ", ".join(f"{kind} {statistics.median(times) * 1e3:.0f} ms" for kind, times in took.items())


def codes(control, name):
	"""Set up one-time codes. Returns the secret and the backup codes."""
	wire = Wire(control, control.login(name)["access_token"])
	secret = wire.ask("POST", "/v1/mfa/setup", {"password": PASSWORD})[2]["secret"]
	status, _, answer = wire.ask("POST", "/v1/mfa/verify", {"code": one_time(secret)})
	equal(status, 200, f"one-time codes: {answer}")
	return secret, answer["backup_codes"]


def audited(tables, answer, what, *wanted):
	"""The one row that the audit has of it: action, object, whose, outcome."""
	rows = tables.audited(answer[1]["X-Request-Id"])
	equal([(row[0], row[1], row[2], row[3], row[4]) for row in rows], [wanted] if wanted else [], f"{what}, in the audit")
	return json.loads(rows[0][5]) if rows else None


def reuse(control, url):
	"""A refresh token that is shown twice was stolen: its session ends, and the audit says whose it was."""
	tables, wire = Tables(control, url), Wire(control)
	user = control.add_user("robbed", ["user"])
	first, other = control.login("robbed"), control.login("robbed")
	show = lambda token: wire.ask("POST", "/v1/auth/refresh", {"refresh_token": token})
	second = show(first["refresh_token"])[2]
	session, = [one["id"] for one in Wire(control, first["access_token"]).ask("GET", "/v1/auth/sessions")[2]["sessions"] if one["current"]]
	stolen = show(first["refresh_token"])
	equal((stolen[0], stolen[2]["code"]), (401, "token_reused"), "a refresh token for the second time")
	details = audited(tables, stolen, "a stolen refresh token", "session.reuse", f"/v1/auth/sessions/{session}", "user", str(user["id"]), "refused")
	equal(details["code"], "token_reused", "why, in the audit")
	check(not stolen[1].get("Location") and "sessions/" not in json.dumps(stolen[2]), "what the thief is told")
	for token in (first["access_token"], second["access_token"]):
		equal(control.call("GET", "/v1/auth/me", token).status, 401, "a token of the session that ended")
	ended = show(second["refresh_token"])
	equal((ended[0], ended[2]["code"]), (401, "token_revoked"), "the newest refresh token of it")
	audited(tables, ended, "its newest token", "auth.refresh", "/v1/auth/refresh", "user", str(user["id"]), "refused")
	audited(tables, show("x" * 43), "a token of nobody")
	equal(control.call("GET", "/v1/auth/me", other["access_token"]).status, 200, "the other session")


def second_step(control, url):
	"""Who knows a password and no code. The audit says whose password that was."""
	tables, wire = Tables(control, url), Wire(control)
	user = control.add_user("guessed", ["user"])
	codes(control, "guessed")
	step = wire.ask("POST", "/v1/auth/login", {"username": "guessed", "password": PASSWORD})[2]["mfa_token"]
	guess = lambda: wire.ask("POST", "/v1/auth/login/mfa", {"mfa_token": step, "code": "AAAA-AAAA"})
	whose = ("user", str(user["id"]), "refused")
	for _ in range(4):
		answer = guess()
		equal((answer[0], answer[2]["code"]), (401, "bad_code"), "a guessed code")
		audited(tables, answer, "a guessed code", "auth.login_code", "/v1/auth/login/mfa", *whose)
	answer = wire.ask("POST", "/v1/auth/login", {"username": "guessed", "password": PASSWORD, "code": "AAAA-AAAA"})
	equal((answer[0], answer[2]["code"]), (401, "bad_code"), "both in one, the fifth failure")
	audited(tables, answer, "both in one", "auth.login", "/v1/auth/login", *whose)
	answer = guess()
	equal((answer[0], answer[2]["code"]), (429, "locked"), "the sixth")
	audited(tables, answer, "the sixth", "auth.login_code", "/v1/auth/login/mfa", *whose)
	nobody = wire.ask("POST", "/v1/auth/login/mfa", {"mfa_token": "x" * 43, "code": "123456"})
	equal(nobody[0], 401, "a step of nobody")
	audited(tables, nobody, "a step of nobody")


def stolen_session(control, url):
	"""Whoever has a session and no password sets up no codes, which would lock the owner out."""
	user = control.add_user("absent", ["user"])
	wire = Wire(control, control.login("absent")["access_token"])
	setup = lambda body: wire.ask("POST", "/v1/mfa/setup", body)
	equal(setup(None)[0], 400, "no password")
	for _ in range(5):
		answer = setup({"password": WRONG})
		equal((answer[0], answer[2]["code"]), (401, "bad_login"), "a wrong password")
		audited(Tables(control, url), answer, "a wrong password", "mfa.setup", "/v1/mfa/setup", "user", str(user["id"]), "refused")
	equal(setup({"password": PASSWORD})[0], 429, "the sixth try")
	control.local.call("POST", f"/v1/users/{user['id']}/unlock")
	equal(setup({"password": PASSWORD})[0], 201, "the owner")


def reset(control, url):
	"""Whoever had the account has made keys, too: a reset ends them."""
	user = control.add_user("taken", ["user"])
	wire = Wire(control, control.login("taken")["access_token"])
	key = wire.ask("POST", "/v1/keys", {"name": "back door", "scopes": ["account:read"]})[2]["secret_key"]
	late = lambda: control.call("GET", "/v1/auth/me", key)
	token = control.local.post(f"/v1/users/{user['id']}/password-reset", None)["reset_token"]
	equal(late().status, 200, "the key before")
	done = control.call("POST", "/v1/auth/password-reset", body={"reset_token": token, "new_password": WRONG})
	equal(done.status, 204, "the reset")
	equal((late().status, late().code), (401, "token_revoked"), "the key after it")
	equal(wire.ask("GET", "/v1/auth/me")[0], 401, "the session after it")
	control.login("taken", WRONG)


def beyond_key(control):
	"""A key that may write accounts makes its holder no administrator."""
	control.add_user("key-admin", ["admin"])
	other = control.add_user("key-other", ["user"])
	above = control.add_user("key-above", ["admin"])
	owner = Wire(control, control.login("key-admin")["access_token"])
	wire = Wire(control, owner.ask("POST", "/v1/keys", {"name": "hr", "scopes": ["users:read", "users:write"]})[2]["secret_key"])
	body = {"name": "key-made", "roles": ["admin"], "password": PASSWORD}
	any_version = {"If-Match": "*"}
	for what, answer in (
		("an administrator made", wire.ask("POST", "/v1/users", body)),
		("somebody made one", wire.ask("PATCH", f"/v1/users/{other['id']}", {"roles": ["admin"]}, any_version)),
		("one unmade", wire.ask("PATCH", f"/v1/users/{above['id']}", {"roles": ["user"]}, any_version)),
		("one disabled", wire.ask("PATCH", f"/v1/users/{above['id']}", {"disabled": True}, any_version)),
		("one deleted", wire.ask("DELETE", f"/v1/users/{above['id']}", headers=any_version)),
	):
		equal((answer[0], answer[2]["code"]), (403, "not_by_key"), what)
	equal(wire.ask("PATCH", f"/v1/users/{other['id']}", {"disabled": True}, any_version)[0], 200, "status of what a key may do")
	equal([one["roles"] for one in control.local.get("/v1/users?name=key-")["users"]], [["admin"], ["user"], ["admin"]], "roles")


def memory(control):
	"""What was shown once lies nowhere in the process any more."""
	user = control.add_user("forgotten", ["user"], password="a password that is nowhere else")
	tokens = control.login("forgotten", "a password that is nowhere else")
	wire = Wire(control, tokens["access_token"])
	secret = wire.ask("POST", "/v1/mfa/setup", {"password": "a password that is nowhere else"})[2]["secret"]
	shown = {
		"refresh token": tokens["refresh_token"], "one-time secret": secret,
		"backup code": wire.ask("POST", "/v1/mfa/verify", {"code": one_time(secret)})[2]["backup_codes"][3],
		"API key": wire.ask("POST", "/v1/keys", {"name": "k", "scopes": ["account:read"]})[2]["secret_key"],
		"reset token": control.local.post(f"/v1/users/{user['id']}/password-reset", None)["reset_token"],
		"step of a login": control.call("POST", "/v1/auth/login", body={"username": "forgotten", "password": "a password that is nowhere else"}).json["mfa_token"]}
	check(places(control.process.pid, b"forgotten"), "the memory can't be looked at")
	for name, text in shown.items():
		wait_for(f"the {name} to be gone from memory", lambda text=text: not places(control.process.pid, text.encode()), 10)


def run(control, url):
	took = alike(control, url)
	reuse(control, url)
	second_step(control, url)
	stolen_session(control, url)
	reset(control, url)
	beyond_key(control)
	if not SANITIZED:
		memory(control)
	return f"one answer and one run of Argon2id for everybody; it took, for what that says: {took}"
