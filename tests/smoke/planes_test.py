#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Two control planes on one PostgreSQL, as whole processes: what one ends, the other refuses within a second; limits and the day's
usage count over both; of two who change one thing at once, one wins; what was done once at one is not done again at the other. One
is killed while clients use both, and the other serves on; the server goes away, and both let nobody in until it is back."""
import contextlib
import datetime
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from _init import ROOT, check, equal, wait_for

sys.path.insert(0, str(ROOT / "tests"))
import postgres
from control import BIN, Control

PASSWORD, OTHER = "an owl in the fog", "a heron in the rain"
TRIES = 5
AGREED_S = 1
LIMIT = 120  # requests a minute of who is limited
DAILY = 60
ROUNDS = 8
HELD_S = 15  # FOG_ANSWERS_HELD_S


def ended(plane, token):
	return plane.call("GET", "/v1/auth/me", token).status == 401


def good(plane, token):
	answer = plane.call("GET", "/v1/auth/me", token)
	check(answer.status in (200, 401), f"/v1/auth/me: {answer.status} {answer.json}")
	return answer.status == 200


def wanted(answer, *statuses):
	check(answer.status in statuses, f"{answer.status} {answer.json}, wanted {statuses}")
	return answer


def until(condition, what):
	"""Seconds until it was so."""
	begin = time.monotonic()
	wait_for(what, condition, every=0.005)
	return time.monotonic() - begin


def both(*works):
	"""Each in a thread of its own, begun at the same time; returns what they returned."""
	barrier, answers = threading.Barrier(len(works)), [None] * len(works)

	def run(place, work):
		barrier.wait()
		answers[place] = work()

	threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	check(all(answer is not None for answer in answers), "one of those at once failed")
	return answers


class Ends:
	"""Ways to end what somebody may do. Each gets a user of its own and returns the token that is over."""

	def __init__(self, plane, admin):
		self.plane, self.admin, self.made = plane, admin, 0

	def user(self):
		self.made += 1
		name = f"ends{self.made}"
		user = wanted(self.plane.call("POST", "/v1/users", self.admin, {
			"name": name, "roles": ["user"], "password": PASSWORD, "tier": "enterprise"}), 201).json
		return user, self.plane.login(name)["access_token"]

	def act(self, method, path, token, status, body=None, **headers):
		wanted(self.plane.call(method, path, token, body, headers), status)

	def logout(self, user, token):
		self.act("POST", "/v1/auth/logout", token, 204)

	def own_session(self, user, token):
		session, = self.plane.call("GET", "/v1/auth/sessions", token).json["sessions"]
		self.act("DELETE", f"/v1/auth/sessions/{session['id']}", token, 204)

	def sessions_by_admin(self, user, token):
		self.act("DELETE", f"/v1/users/{user['id']}/sessions", self.admin, 204)

	def disabled(self, user, token):
		self.act("PATCH", f"/v1/users/{user['id']}", self.admin, 200, {"disabled": True}, **{"If-Match": "*"})

	def deleted(self, user, token):
		self.act("DELETE", f"/v1/users/{user['id']}", self.admin, 204, **{"If-Match": "*"})

	def password(self, user, token):
		self.act("POST", "/v1/auth/password", token, 200, {"old_password": PASSWORD, "new_password": OTHER})


def revocations(a, b, admin):
	ends = Ends(a, admin)
	for end in (ends.logout, ends.own_session, ends.sessions_by_admin, ends.disabled, ends.deleted, ends.password):
		took = []
		for _ in range(TRIES):
			user, token = ends.user()
			wait_for("the login at the other one", lambda: good(b, token))
			end(user, token)
			check(ended(a, token), f"{end.__name__}: good where it was ended")
			took.append(until(lambda: ended(b, token), f"{end.__name__} at the other one"))
		agreed(end.__name__, took)
	user, token = ends.user()
	took = []
	for number in range(TRIES):
		key = wanted(a.call("POST", "/v1/keys", token, {"name": f"k{number}", "scopes": ["account:read"]}), 201).json
		wait_for("the key at the other one", lambda: good(b, key["secret_key"]))
		wanted(a.call("DELETE", f"/v1/keys/{key['id']}", token), 204)
		check(ended(a, key["secret_key"]), "a revoked key is good where it was revoked")
		took.append(until(lambda: ended(b, key["secret_key"]), "the end of the key at the other one"))
	agreed("key", took)


def agreed(what, took):
	print(f"{what}: refused by the other after {', '.join(f'{seconds * 1000:.0f}' for seconds in took)} ms", flush=True)
	check(statistics.median(took) < AGREED_S, f"{what}: the other one took {statistics.median(took):.2f} s")


def users_seen(a, b, admin):
	user = wanted(a.call("POST", "/v1/users", admin, {"name": "seen", "roles": ["auditor"], "password": PASSWORD}), 201).json
	equal(wanted(b.call("GET", f"/v1/users/{user['id']}", admin), 200).json, user, "a user at the other one")
	check(good(a, b.login("seen")["access_token"]), "a login at the other one")


def refreshed(a, b):
	"""A refresh token used at both at once: one wins, and since it came twice its session ends."""
	for number in range(ROUNDS):
		tokens = (a, b)[number % 2].login("seen")
		answers = both(*(
			lambda plane=plane: plane.call("POST", "/v1/auth/refresh", body={"refresh_token": tokens["refresh_token"]})
			for plane in (a, b)))
		equal(sorted(answer.status for answer in answers), [200, 401], "one refresh token at both")
		won, = (answer.json for answer in answers if answer.status == 200)
		lost, = (answer for answer in answers if answer.status == 401)
		equal(lost.code, "token_reused", "the second one")
		for plane in (a, b):
			for token in (won["access_token"], tokens["access_token"]):
				wait_for("the end of a session whose token came twice", lambda: ended(plane, token))
			wanted(plane.call("POST", "/v1/auth/refresh", body={"refresh_token": won["refresh_token"]}), 401)


def matched(a, b, admin):
	user = wanted(a.call("POST", "/v1/users", admin, {"name": "matched", "roles": ["user"]}), 201).json
	path = f"/v1/users/{user['id']}"
	for _ in range(ROUNDS):
		seen = wanted(b.call("GET", path, admin), 200)
		limits = [{"limits": {"read": seen.json["version"] * 10 + place}} for place in (1, 2)]
		answers = both(*(
			lambda plane=plane, body=body: plane.call("PATCH", path, admin, body, {"If-Match": seen.headers["ETag"]})
			for plane, body in zip((a, b), limits)))
		equal(sorted(answer.status for answer in answers), [200, 412], "two changes of one version")
		won, = (answer.json for answer in answers if answer.status == 200)
		for plane in (a, b):
			equal(plane.call("GET", path, admin).json, won, "the user afterwards")
			wanted(plane.call("PATCH", path, admin, {"tier": "pro"}, {"If-Match": seen.headers["ETag"]}), 412)


def replayed(answer):
	return answer.headers.get("Idempotent-Replayed") == "true"


def once(a, b, admin):
	"""What was asked of one control plane is not done again by the other one."""
	key = {"Idempotency-Key": "node-1"}
	first = wanted(a.call("POST", "/v1/betanet/nodes", admin, {"name": "once"}, key), 201)
	again = wanted(b.call("POST", "/v1/betanet/nodes", admin, {"name": "once"}, key), 201)
	equal((replayed(first), replayed(again), again.json), (False, True, first.json), "the answer at the other one")
	equal(wanted(b.call("POST", "/v1/betanet/nodes", admin, {"name": "twice"}, key), 422).code, "idempotency_key_reused", "another one")
	# A body with a password; another password is another request.
	body = {"name": "onceuser", "roles": ["user"], "password": PASSWORD}
	key = {"Idempotency-Key": "user-1"}
	first = wanted(b.call("POST", "/v1/users", admin, body, key), 201)
	again = wanted(a.call("POST", "/v1/users", admin, body, key), 201)
	equal((replayed(again), again.json), (True, first.json), "a user at the other one")
	wanted(a.call("POST", "/v1/users", admin, {**body, "password": OTHER}, key), 422)
	# What holds a secret is shown once, wherever.
	key = {"Idempotency-Key": "key-1"}
	wanted(a.call("POST", "/v1/keys", admin, {"name": "once", "scopes": ["account:read"]}, key), 201)
	shown = wanted(b.call("POST", "/v1/keys", admin, {"name": "once", "scopes": ["account:read"]}, key), 409)
	equal((shown.code, replayed(shown)), ("shown_once", True), "a secret at the other one")
	# What each node does for itself.
	key = {"Idempotency-Key": "check-1"}
	for plane in (a, b):
		check(not replayed(wanted(plane.call("POST", "/v1/services/check", admin, headers=key), 202)), "a check of the other's services")
		check(replayed(wanted(plane.call("POST", "/v1/services/check", admin, headers=key), 202)), "a check that was done")


def once_at_once(a, b, admin):
	working = 0
	for number in range(ROUNDS):
		body = {"name": f"race{number}", "roles": ["user"], "password": PASSWORD}
		key = {"Idempotency-Key": f"race-{number}"}
		answers = both(*(lambda plane=plane: plane.call("POST", "/v1/users", admin, body, key) for plane in (a, b)))
		done = [answer for answer in answers if answer.status == 201 and not replayed(answer)]
		equal(len(done), 1, f"who did it: {[answer.status for answer in answers]}")
		for answer in answers:
			if answer.status == 409:
				equal((answer.code, answer.headers["Retry-After"]), ("in_progress", "1"), "the second one")
				working += 1
			else:
				equal(answer.json, done[0].json, "both answers")
		for plane in (a, b):
			again = wanted(plane.call("POST", "/v1/users", admin, body, key), 201)
			equal((replayed(again), again.json), (True, done[0].json), "later")
	print(f"one key at both at once: {working} of {ROUNDS} were told that it is at work", flush=True)


def held(server, a, b, admin):
	"""A request that takes longer than a key is held by somebody who says nothing."""
	body, key, answers = {"name": "held"}, {"Idempotency-Key": "held"}, []
	server.sql("platform", "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
		f"$$ BEGIN PERFORM pg_sleep({HELD_S + 4}); RETURN NEW; END $$;"
		"CREATE TRIGGER slow BEFORE INSERT ON betanet_node FOR EACH ROW EXECUTE FUNCTION slow()")
	first = threading.Thread(target=lambda: answers.append(
		a.call("POST", "/v1/betanet/nodes", admin, body, key, timeout=120)))
	first.start()
	wait_for("the key", lambda: server.sql("platform", "SELECT count(*) FROM idempotent_answer WHERE idempotency_key = 'held'") == "1")
	while not answers:
		answer = b.call("POST", "/v1/betanet/nodes", admin, body, key, timeout=120)
		check(answer.code == "in_progress" or replayed(answer), f"done twice: {answer.status} {answer.json}")
		time.sleep(0.1)
	first.join()
	server.sql("platform", "DROP TRIGGER slow ON betanet_node; DROP FUNCTION slow()")
	equal([(answer.status, replayed(answer)) for answer in answers], [(201, False)], "the first one")
	equal(wanted(b.call("POST", "/v1/betanet/nodes", admin, body, key), 201).json, answers[0].json, "the second one")


def refuses(plane, token):
	answer = wanted(plane.call("GET", "/v1/auth/me", token), 200, 429)
	if answer.status == 429:
		equal((answer.code, int(answer.headers["Retry-After"]) >= 1), ("too_many_requests", True), "beyond the limit")
	return answer.status == 429


def limited_user(plane, admin, name):
	wanted(plane.call("POST", "/v1/users", admin, {
		"name": name, "roles": ["user"], "password": PASSWORD, "tier": "enterprise", "limits": {"read": LIMIT}}), 201)
	return plane.login(name)["access_token"]


def limited(a, b, admin):
	"""What somebody has used up at one, he has used up at the other, which knows of it within a second."""
	took = []
	for number in range(TRIES):
		token = limited_user(a, admin, f"limited{number}")
		check(not refuses(b, token), "refused before")
		while not refuses(a, token):
			pass
		begin = time.monotonic()
		wait_for("the other one to refuse", lambda: refuses(b, token), every=0.05)
		took.append(time.monotonic() - begin)
	agreed("limit", took)


def limited_at_once(a, b, admin):
	"""Both used at the same time: each gives what it knows of until it hears of the other."""
	token = limited_user(a, admin, "limited-at-once")
	begin = time.monotonic()
	times = []

	def use_up(plane):
		while not refuses(plane, token):
			times.append(time.monotonic())
		return True

	both(lambda: use_up(a), lambda: use_up(b))
	wait_for("both to refuse", lambda: all([refuses(a, token), refuses(b, token)]))
	flowed = LIMIT / 60 * (time.monotonic() - begin)
	most = max(sum(1 for later in times if at <= later < at + AGREED_S) for at in times)
	print(
		f"limit {LIMIT}: {len(times)} at both, {flowed:.0f} flowed in meanwhile; at most {most} within {AGREED_S} s", flush=True)
	check(len(times) >= LIMIT, f"{len(times)} of {LIMIT} were allowed")
	check(len(times) <= LIMIT + flowed + most, f"{len(times)} were allowed, where {LIMIT} a minute are")
	check(len(times) <= 2 * LIMIT + flowed, f"{len(times)} were allowed, more than a full bucket of each")


def used(server, a, b, admin):
	"""A day's amount, used up at both: exact in sum."""
	server.sql("platform", f"UPDATE tier_limit SET daily = {DAILY} WHERE tier = 'free' AND metric = 'api_calls'")
	for number in range(TRIES):
		day = datetime.datetime.now(datetime.timezone.utc).date()
		user = wanted(a.call("POST", "/v1/users", admin, {"name": f"daily{number}", "roles": ["user"], "password": PASSWORD}), 201).json
		token = a.login(f"daily{number}")["access_token"]
		counts = [0, 0]

		def use_up(place, plane):
			while True:
				answer = wanted(plane.call("GET", "/v1/auth/me", token), 200, 429)
				if answer.status == 429:
					equal((answer.code, int(answer.headers["Retry-After"]) > 0), ("daily_limit", True), "beyond the day")
					return True
				counts[place] += 1

		both(lambda: use_up(0, a), lambda: use_up(1, b))
		# What one had leased for more is free for the other in some seconds.
		wait_for("all of the day's amount", lambda: use_up(0, a) and use_up(1, b) and sum(counts) >= DAILY)
		if day != datetime.datetime.now(datetime.timezone.utc).date():
			continue  # a new day, a new amount
		equal(sum(counts), DAILY, f"requests in the day, {counts}")
		for plane in (a, b):
			usage = wanted(plane.call("GET", f"/v1/users/{user['id']}/usage", admin), 200).json
			calls = usage["metrics"]["api_calls"]
			equal((calls["used"], calls["remaining"]), (DAILY, 0), "what the store says of it")
		print(f"the day's {DAILY} requests: {counts[0]} at one, {counts[1]} at the other", flush=True)
		return
	raise AssertionError("no day was long enough")


class Client(threading.Thread):
	"""Reads and changes at one control plane until it is told to stop. What it was not answered is kept."""

	def __init__(self, plane, token, name):
		super().__init__(daemon=True)
		self.plane, self.token, self.label = plane, token, name
		self.done, self.wrong, self.stop = 0, [], threading.Event()

	def run(self):
		while not self.stop.is_set():
			name = f"{self.label}-{self.done}"
			try:
				for method, path, body, status in (
						("GET", "/v1/auth/me", None, 200), ("POST", "/v1/betanet/nodes", {"name": name}, 201),
						("GET", "/v1/betanet/nodes", None, 200)):
					answer = self.plane.call(method, path, self.token, body)
					if answer.status != status:
						self.wrong.append(f"{method} {path}: {answer.status} {answer.json}")
			except OSError as error:
				self.wrong.append(repr(error))
				self.stop.wait(0.05)
			self.done += 1

	def more(self, count):
		target = self.done + count
		wait_for(f"{count} more requests", lambda: self.done >= target)


def chain(server, plane):
	"""Rows of the chain of a control plane."""
	node_id = plane.local.get("/v1/status")["node_id"]
	return int(server.sql("platform", f"SELECT count(*) FROM audit WHERE chain = '{node_id}'"))


def verify(url, *planes):
	for plane in planes:
		done = subprocess.run(
			[BIN / "fogctl", "audit", "verify", "--config", plane.config_path], capture_output=True, text=True)
		print(f"audit of {plane.folder.name}: {done.stdout.strip()} {done.stderr.strip()}", flush=True)
		equal(done.returncode, 0, "fogctl audit verify")
		check("2 chains" in done.stdout, "not both chains were verified")


def killed(server, url, a, b, admin):
	clients = [Client(plane, admin, f"c{place}") for place, plane in enumerate((a, b, a, b))]
	for client in clients:
		client.start()
	for client in clients:
		client.more(5)
	before = chain(server, a)
	check(before > 0 and chain(server, b) > 0, "each has a chain of its own")
	equal(a.end(signal.SIGKILL), -signal.SIGKILL, "the killed one")
	for client in (clients[1], clients[3]):
		client.more(20)
	check(good(b, b.login("root-of-all")["access_token"]), "a login while the other one is dead")
	a.start()
	wait_for("the killed one again", lambda: good(a, admin))
	for client in clients:
		client.wrong = client.wrong if client.plane is b else []
		client.more(5)
		client.stop.set()
		client.join()
		equal(client.wrong, [], f"what {client.label} was answered")
	check(chain(server, a) > before, "the chain of the killed one goes on")
	equal(a.end(), 0, "exit code")
	equal(b.end(), 0, "exit code")
	verify(url, a, b)
	a.start()
	b.start()


def away(server, a, b, admin):
	for plane in (a, b):
		wait_for("a session before", lambda: good(plane, admin))
	server.end(signal.SIGINT)
	begin = time.monotonic()
	for plane in (a, b):
		answer = wait_for("a refusal", lambda: next(
			(answer for answer in [plane.call("GET", "/v1/auth/me", admin)] if answer.status != 200), None), every=0.02)
		equal((answer.status, answer.code), (503, "store_away"), "while the server is away")
		check(int(answer.headers["Retry-After"]) >= 1, "no Retry-After")
	print(f"the server went away: both let nobody in after {time.monotonic() - begin:.1f} s", flush=True)
	for plane in (a, b):
		for method, path, body in (
				("GET", "/v1/status", None), ("POST", "/v1/betanet/nodes", {"name": "no"}),
				("POST", "/v1/auth/login", {"username": "root-of-all", "password": PASSWORD}),
				("POST", "/v1/auth/refresh", {"refresh_token": "x" * 43})):
			answer = wanted(plane.call(method, path, None if "/auth/" in path else admin, body, {"Idempotency-Key": "away"}), 503)
			check(int(answer.headers["Retry-After"]) >= 1, f"{method} {path}: no Retry-After")
		equal(plane.call("GET", "/healthz").status, 200, "whether the process lives")
		equal(plane.local.get("/v1/auth/me")["kind"], "local", "users of the host")
	server.start()
	begin = time.monotonic()
	for plane in (a, b):
		wait_for("a session afterwards", lambda: plane.call("GET", "/v1/auth/me", admin).status == 200)
		wait_for("a change afterwards", lambda: plane.call(
			"POST", "/v1/betanet/nodes", admin, {"name": f"back-{plane.folder.name}"}).status == 201)
	print(f"the server was back: both served after {time.monotonic() - begin:.1f} s", flush=True)


def main():
	with contextlib.ExitStack() as stack:
		server = stack.enter_context(postgres.server())
		folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fog-planes-")))
		url = server.database("platform")
		a = stack.enter_context(Control(folder, "one", url))
		# The key that the first one made, for the second one.
		key = folder / "platform.key"
		shutil.copy(a.state_dir / "control" / "platform.key", key)
		b = stack.enter_context(Control(folder, "two", url, accounts={"key_file": str(key)}))
		a.add_user("root-of-all", ["admin", "operator"], tier="enterprise")
		admin = b.login("root-of-all")["access_token"]
		users_seen(a, b, admin)
		once(a, b, admin)
		once_at_once(a, b, admin)
		held(server, a, b, admin)
		refreshed(a, b)
		matched(a, b, admin)
		revocations(a, b, admin)
		limited(a, b, admin)
		limited_at_once(a, b, admin)
		used(server, a, b, admin)
		killed(server, url, a, b, admin)
		away(server, a, b, admin)


if __name__ == "__main__":
	main()
