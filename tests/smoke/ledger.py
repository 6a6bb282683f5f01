# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Clients that write through the API of a control plane until it goes away, and a ledger of what they were answered: all of it has to
be there afterwards, once, and the audit has to say so.

	ledger = Ledger(("127.0.0.1", 8443), token)
	with ledger.writing():
		...                 # until something is killed
	ledger.judge()          # when it is back

No lab is needed, so the tests of emulated machines use it, too.
"""
import collections
import contextlib
import http.client
import json
import random
import secrets
import threading
import time

NODES, USERS, KEYS, DENIED = "/v1/betanet/nodes", "/v1/users", "/v1/keys", "/v1/filter/deny"
GONE = "gone"
CLIENTS = 8
KEYS_MAX = 40  # of an account, which may have 50
PAUSE_S = 0.2  # after an order that the control plane could not carry out
REPEATED = 40  # acknowledged orders that judge() sends again
# What is asked for, and how often.
MIX = {"add_node": 10, "change_node": 5, "remove_node": 2, "add_user": 2, "add_key": 2, "remove_key": 1, "deny": 1}


class Deed:
	"""One request: what it was, what came back. status None: no answer."""

	def __init__(self, method, path, body, token, about, wanted):
		self.method, self.path, self.body, self.token, self.about, self.wanted = method, path, body, token, about, wanted
		self.id = secrets.token_hex(8)
		self.status = self.answer = self.etag = self.replayed = None

	def headers(self):
		fields = {"Authorization": f"Bearer {self.token}", "X-Correlation-Id": self.id}
		if self.body is not None:
			fields["Content-Type"] = "application/json"
		if self.method == "POST":
			fields["Idempotency-Key"] = self.id
		if self.method == "PATCH":
			fields["If-Match"] = self.etag
		return fields

	def send(self, connection):
		"""Raises OSError or HTTPException when no whole answer comes."""
		body = json.dumps(self.body).encode() if self.body is not None else None
		connection.request(self.method, self.path, body, self.headers())
		answer = connection.getresponse()
		raw = answer.read()
		self.answer = json.loads(raw) if raw else None
		self.etag = answer.headers.get("ETag")
		self.replayed = answer.headers.get("Idempotent-Replayed") is not None
		self.status = answer.status

	def __str__(self):
		return f"{self.method} {self.path} {self.body} ({self.id}): {self.status} {self.answer}"


class Ledger:
	def __init__(self, address, token, sessions=(), timeout=60):
		"""token: of an administrator. sessions: tokens of accounts, one for each client that is to make keys, too."""
		self.address, self.token, self.sessions, self.timeout = address, token, list(sessions), timeout
		self.lock = threading.Lock()
		self.known = {"node": {}, "user": {}, "deny": {}}  # what there is
		self.keys = collections.defaultdict(dict)  # by token
		self.acknowledged, self.doubts, self.wrong = [], [], []  # since judge()
		self.total = 0
		self.over = False
		self.seen = 0  # row of the audit

	def connect(self):
		return http.client.HTTPConnection(*self.address, timeout=self.timeout)

	@contextlib.contextmanager
	def writing(self):
		"""Clients write meanwhile; those whose connection breaks end by themselves."""
		self.over = False
		threads = [
			threading.Thread(target=self._client, args=(self._connected(), self.sessions[n] if n < len(self.sessions) else None))
			for n in range(CLIENTS)]
		for thread in threads:
			thread.start()
		try:
			yield
		finally:
			self.over = True
			for thread in threads:
				thread.join()

	def _connected(self):
		"""One after the other: QEMU's forwarded port has a backlog of one."""
		while True:
			connection = self.connect()
			try:
				connection.request("GET", "/healthz")
				connection.getresponse().read()
				return connection
			except ConnectionResetError:
				connection.close()

	def _client(self, connection, session):
		own = Client(self, session)
		while not self.over:
			deed = own.next()
			try:
				deed.send(connection)
			except (OSError, http.client.HTTPException) as error:
				deed.status, deed.answer = None, repr(error)
			with self.lock:
				self._note(deed, own)
				self.over |= deed.status is None  # it is dead
			if deed.status and deed.status >= 500:
				time.sleep(PAUSE_S)
		connection.close()

	def _note(self, deed, own):
		"""Of what is in doubt nothing more is asked until judge() has seen what became of it."""
		if deed.status == deed.wanted:
			self.acknowledged.append(deed)
			self.total += 1
			self._know(deed)
			own.done(deed)
		elif deed.status is None or deed.status >= 500:
			self.doubts.append(deed)  # perhaps done, perhaps not
		else:
			self.wrong.append(str(deed))
			self.over = True

	def _know(self, deed):
		kind, name = deed.about
		book = self.keys[deed.token] if kind == "key" else self.known[kind]
		if deed.method == "DELETE":
			book[name] = GONE
		elif kind == "node":
			book[name] = deed.answer["id"], deed.answer["region"]
		else:
			book[name] = "denied" if kind == "deny" else deed.answer["id"]

	def get(self, path, token=None):
		with contextlib.closing(self.connect()) as connection:
			connection.request("GET", path, headers={"Authorization": f"Bearer {token or self.token}"})
			answer = connection.getresponse()
			raw = answer.read()
			if answer.status != 200:
				raise AssertionError(f"GET {path}: {answer.status} {raw}")
			return raw

	def pages(self, path, what, token=None):
		after, found = 0, []
		while after is not None:
			page = json.loads(self.get(f"{path}?after={after}&limit=200", token))
			found += page[what]
			after = page["next"]
		return found

	def there(self):
		"""What the API shows, in the ledger's words; names that are there twice are wrong. Keys: how many of a name."""
		found = {
			"node": [(node["name"], (node["id"], node["region"])) for node in self.pages(NODES, "nodes")],
			"user": [(user["name"], user["id"]) for user in self.pages(USERS, "users") if user["name"].startswith("u-")],
			"deny": [(rule["prefix"], "denied") for rule in json.loads(self.get(DENIED))["deny"]],
		}
		for kind, entries in found.items():
			counts = collections.Counter(name for name, _ in entries)
			self.wrong += [f"{kind} {name}: {count} of them" for name, count in counts.items() if count > 1]
		keys = {
			session: collections.Counter(key["name"] for key in self.pages(KEYS, "keys", session)) for session in self.sessions}
		return {kind: dict(entries) for kind, entries in found.items()}, keys

	def judge(self):
		"""After the control plane is back. Returns what to say of this life; raises when anything is wrong."""
		there, keys = self.there()
		doubtful = {deed.about for deed in self.doubts}
		self._compare(there, doubtful)
		for session in self.sessions:
			self._keys(session, keys[session], doubtful)
		done = [deed for deed in self.doubts if self._done(deed, there, keys)]
		self._undone([deed for deed in self.doubts if deed not in done], there)
		self._audited(self._rows(), done)
		repeats = self._repeat()
		self._settle(doubtful)
		text = (f"{len(self.acknowledged)} acknowledged, {len(self.wrong)} wrong; {len(self.doubts)} others{self._codes()}, {len(done)} of them done; "
			f"{repeats} sent again")
		if self.wrong:
			raise AssertionError("\n".join([text, *self.wrong[:20]]))
		self.acknowledged, self.doubts = [], []
		return text

	def _compare(self, there, doubtful):
		for kind, known in self.known.items():
			for name in {*known, *there[kind]}:
				if (kind, name) not in doubtful and known.get(name, GONE) != there[kind].get(name, GONE):
					self.wrong.append(
						f"{kind} {name}: {known.get(name, 'never made')} was acknowledged, {there[kind].get(name, GONE)} is there")

	def _keys(self, session, there, doubtful):
		"""Of a name as many as there should be."""
		for name in {*self.keys[session], *there}:
			wanted = 0 if self.keys[session].get(name, GONE) == GONE else 1
			if ("key", name) not in doubtful and there[name] != wanted:
				self.wrong.append(f"key {name}: {there[name]} good ones, should be {wanted}")

	@staticmethod
	def _done(deed, there, keys):
		kind, name = deed.about
		if kind == "key":
			return (keys[deed.token][name] == 0) == (deed.method == "DELETE")
		state = there[kind].get(name, GONE)
		if deed.method == "PATCH" and state != GONE:
			return state[1] == deed.body["region"]
		return (state == GONE) == (deed.method == "DELETE")

	def _undone(self, deeds, there):
		"""What was not done has changed nothing."""
		for deed in deeds:
			kind, name = deed.about
			if kind != "key" and self.known[kind].get(name, GONE) != there[kind].get(name, GONE):
				self.wrong.append(
					f"{deed}: {self.known[kind].get(name, GONE)} was acknowledged before, {there[kind].get(name, GONE)} is there")

	def _codes(self):
		codes = collections.Counter(deed.answer["code"] for deed in self.doubts if deed.status)
		return f" ({', '.join(f'{count} {code}' for code, count in codes.items())})" if codes else ""

	def _rows(self):
		"""Rows of the audit since the last judgement, by the request's name."""
		rows = collections.defaultdict(list)
		for line in self.get(f"/v1/audit/export?after={self.seen}").splitlines():
			row = json.loads(line)
			rows[row["correlation_id"]].append(row)
			self.seen = row["id"]
		return rows

	def _audited(self, rows, done):
		"""Begun, and what came of it, which is unknown where nobody lived to say it."""
		for deed in self.acknowledged:
			found = [(row["method"], row["outcome"], row["status"]) for row in rows[deed.id]]
			if found != [(deed.method, "begun", 0), (deed.method, "done", deed.status)]:
				self.wrong.append(f"rows of the audit {found} for {deed}")
		for deed in self.doubts:
			found = [row["outcome"] for row in rows[deed.id]]
			if deed in done and (found.count("begun") != 1 or len(found) < 2) or deed not in done and "done" in found:
				self.wrong.append(f"rows of the audit {found} for {deed}, which was {'' if deed in done else 'not '}done")

	def _repeat(self):
		"""Orders that were sent before, with their keys: those without an answer, and some of those that had one."""
		old = [deed for deed in self.acknowledged if deed.method == "POST"]
		old = random.sample(old, min(len(old), REPEATED))
		fresh = [deed for deed in self.doubts if deed.method == "POST"]
		connection = self.connect()
		for deed in [*old, *fresh]:
			again = Deed(deed.method, deed.path, deed.body, deed.token, deed.about, deed.wanted)
			again.id = deed.id
			again.send(connection)
			if deed in old and not self._first_answer(deed, again):
				self.wrong.append(f"sent again: {again}\nat first: {deed}")
			elif deed in fresh and again.status not in (deed.wanted, 409):
				self.wrong.append(f"sent again: {again}")
		connection.close()
		return len(old) + len(fresh)

	@staticmethod
	def _first_answer(deed, again):
		"""The same; a key is shown once."""
		if deed.about[0] == "key":
			return (again.status, again.answer.get("code")) == (409, "shown_once")
		return again.status == deed.status and again.answer == deed.answer and again.replayed

	def _settle(self, doubtful):
		"""What was in doubt is known now: every order is done, changes are what they are. Nothing else has changed."""
		there, keys = self.there()
		for kind, name in doubtful:
			if kind != "key":
				self.known[kind][name] = there[kind].get(name, GONE)
		for deed in self.doubts:
			kind, name = deed.about
			if kind == "key":
				# Done and killed before its answer was kept, it is done twice.
				if keys[deed.token][name] > 2:
					self.wrong.append(f"key {name}: {keys[deed.token][name]} of them")
				self._revoke(deed.token, name)
			elif deed.method == "POST" and name not in there[kind]:
				self.wrong.append(f"not there after it was sent twice: {deed}")
		self._compare(there, set())

	def _revoke(self, session, name):
		self.keys[session][name] = GONE
		connection = self.connect()
		for key in self.pages(KEYS, "keys", session):
			if key["name"] == name:
				Deed("DELETE", f"{KEYS}/{key['id']}", None, session, ("key", name), 204).send(connection)
		connection.close()


class Client:
	"""What one connection asks for: its own nodes, users, keys."""

	def __init__(self, ledger, session):
		self.ledger, self.session = ledger, session
		self.nodes, self.denied = [], []  # (name, id, etag), prefixes
		self.keys = [(name, number) for name, number in ledger.keys[session].items() if number != GONE]

	def next(self):
		what = random.choices(list(MIX), MIX.values())[0]
		if what == "add_key" and self.session and len(self.keys) < KEYS_MAX:
			name = f"k-{secrets.token_hex(6)}"
			return Deed("POST", KEYS, {"name": name, "scopes": ["account:read"]}, self.session, ("key", name), 201)
		if what == "remove_key" and self.keys:
			name, number = self.keys.pop(random.randrange(len(self.keys)))
			return Deed("DELETE", f"{KEYS}/{number}", None, self.session, ("key", name), 204)
		if what == "deny":
			return self._deny()
		if what == "add_user":
			name = f"u-{secrets.token_hex(6)}"
			return Deed("POST", USERS, {"name": name, "roles": ["user"]}, self.ledger.token, ("user", name), 201)
		if what in ("change_node", "remove_node") and self.nodes:
			return self._old_node(what == "remove_node")
		name = f"n-{secrets.token_hex(6)}"
		return Deed("POST", NODES, {"name": name, "region": f"r{random.randrange(1000)}"}, self.ledger.token, ("node", name), 201)

	def _deny(self):
		if self.denied and random.random() < 0.5:
			prefix = self.denied.pop(random.randrange(len(self.denied)))
			return Deed("DELETE", f"{DENIED}?prefix={prefix}", None, self.ledger.token, ("deny", prefix), 200)
		prefix = f"2001:db8:{random.randrange(1, 1 << 16):x}:{random.randrange(1, 1 << 16):x}::/64"
		return Deed("POST", DENIED, {"prefix": prefix}, self.ledger.token, ("deny", prefix), 200)

	def _old_node(self, remove):
		name, number, etag = self.nodes.pop(random.randrange(len(self.nodes)))
		path, about = f"{NODES}/{number}", ("node", name)
		if remove:
			return Deed("DELETE", path, None, self.ledger.token, about, 204)
		deed = Deed("PATCH", path, {"region": f"s{random.randrange(1000000)}"}, self.ledger.token, about, 200)
		deed.etag = etag
		return deed

	def done(self, deed):
		kind, name = deed.about
		if deed.method == "DELETE":
			return
		if kind == "node":
			self.nodes.append((name, deed.answer["id"], deed.etag))
		elif kind == "key":
			self.keys.append((name, deed.answer["id"]))
		elif kind == "deny":
			self.denied.append(name)
