# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Steady traffic in the background, while a test kills, changes or attacks something."""
import base64
import threading
import time
import uuid

from _init import LabError, Rest, RestError, books, check, drops, equal, wait_for

# Short delays, so that a test can wait for the last packet.
SHORT = {"delay": {"mean": "20ms", "max": "200ms"}}


def three(lab, **mix_options):
	"""The shortest mixnet: gateway, one mix, service."""
	lab.add("gateway", "gateway")
	lab.add("mix1", "mix", 1, **mix_options)
	lab.add("service", "service")
	lab.start()


def messages(rest, after=0):
	"""All messages that a control plane has, behind the one with that ID."""
	found = []
	while page := rest.get(f"/v1/messages?after={after}&limit=200")["messages"]:
		found += page
		after = page[-1]["id"]
	return found


def number(message):
	"""What Steady wrote into a message."""
	return int(base64.b64decode(message["data"]).split()[0])


class Steady:
	"""Some 100 messages a second from 'gateway' to 'service', and 'service' replies to each. A
	control plane may be away: what it didn't answer is asked again under the same Idempotency-Key.

	`with` starts it; stop() ends the sending; arrive() waits for the rest and checks that every
	message and every reply is there exactly once."""

	def __init__(self, lab, replies=True, rate=100, **body):
		self.lab, self.gateway, self.service = lab, lab["gateway"], lab["service"]
		self.replies, self.pause, self.body = replies, 1 / rate, body
		self.hold = False  # True: no new replies
		self.sent, self.answered = 0, 0
		self._key = uuid.uuid4().hex
		self._first = {node.name: max((message["id"] for message in messages(node.rest)), default=0)
			for node in (self.gateway, self.service)}
		self._stop, self._end = threading.Event(), threading.Event()
		self._error = None
		self._threads = [threading.Thread(target=self._guarded, args=(work,))
			for work in [self._send, *([self._answer] if replies else [])]]

	def __enter__(self):
		for thread in self._threads:
			thread.start()
		return self

	def __exit__(self, *_):
		self._stop.set()
		self._end.set()
		for thread in self._threads:
			thread.join()

	def _guarded(self, work):
		try:
			work()
		except Exception as error:  # shown by alive()
			self._error = error

	def alive(self):
		if self._error:
			raise AssertionError(f"traffic ended: {self._error!r}")

	def _post(self, rest, key, body):
		"""Until it is taken, or the end."""
		while not self._end.is_set():
			try:
				return rest.post("/v1/messages", body, {"Idempotency-Key": f"{self._key}-{key}"})
			except RestError as error:
				if error.status != 503:
					raise
			except OSError:
				pass
			time.sleep(0.02)

	def _send(self):
		rest = Rest(self.gateway.socket_path)
		while not self._stop.is_set():
			body = {"to": "service", "text": f"{self.sent} there", "surb": self.replies, **self.body}
			self._post(rest, self.sent, body)
			self.sent += 1
			time.sleep(self.pause)

	def _answer(self):
		rest, after = Rest(self.service.socket_path), self._first[self.service.name]
		while not self._end.is_set():
			try:
				page = [] if self.hold else rest.get(f"/v1/messages?after={after}&limit=200")["messages"]
			except OSError:
				page = []
			for message in page:
				self._post(rest, f"{message['id']}-reply",
					{"reply_to": message["id"], "text": f"{number(message)} back"})
				after = message["id"]
				self.answered += 1
			time.sleep(0.02)

	def arrived(self, node):
		"""Numbers of the messages (or replies) of this traffic that a node has, in order."""
		return sorted(map(number, messages(node.rest, self._first[node.name])))

	def more(self, count=50):
		"""Wait until 'count' more messages have been sent."""
		until = self.sent + count
		wait_for(f"{count} more messages", lambda: self.sent >= until, alive=self.alive)

	def stop(self):
		self._stop.set()
		self._threads[0].join()
		self.alive()

	def arrive(self):
		"""Everything that was sent arrives, and nothing twice."""
		self.stop()
		self._exactly_once("messages at the service", self.service)
		if self.replies:
			self._exactly_once("replies at the gateway", self.gateway)
		check(self.sent > 0, "no traffic at all")

	def _exactly_once(self, what, node):
		try:
			wait_for(f"{self.sent} {what}", lambda: len(self.arrived(node)) >= self.sent, alive=self.alive)
		except LabError as error:
			missing = sorted(set(range(self.sent)) - set(self.arrived(node)))
			told = {one.name: (drops(one), books(one)) for one in self.lab}
			raise AssertionError(f"{error}; missing: {missing}; drops and books: {told}") from error
		equal(self.arrived(node), list(range(self.sent)), what)
