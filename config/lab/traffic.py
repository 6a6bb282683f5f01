# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Messages from one appliance to another and the replies to them, every byte compared."""
import base64
import datetime
import itertools
import time
import uuid

from rest import RestError

OUTSTANDING_MAX = 64  # messages without their reply at any time
STUCK_S = 60  # without any news before what is missing counts as lost
PIECE_MIN, PIECE_MAX = 60, 240


def pieces(text):
	"""Pieces of a text, each of another length, without end: the text starts over when it is used up."""
	position = 0
	for size in itertools.cycle(range(PIECE_MIN, PIECE_MAX + 1, 7)):
		if position + size > len(text):
			position = 0
		yield text[position:position + size]
		position += size


def answer_to(data):
	"""What the service replies: number kept, text turned round, so that an echo can't pass for it."""
	number, _, piece = data.partition(b" ")
	return number + b" " + piece[::-1]


def _seconds(stamp):
	return datetime.datetime.fromisoformat(stamp).timestamp()


class Traffic:
	"""Sends 'count' messages through 'sender' (a Rest) to the node named 'to', and has its Rest
	'receiver' reply to each. A control plane may be away for a while: what it didn't answer is asked
	again, under the same Idempotency-Key, so that nothing is sent twice."""

	def __init__(self, sender, receiver, to, text, count):
		self.sender, self.receiver, self.to, self.count = sender, receiver, to, count
		self.pieces = pieces(text)
		self.run_id = uuid.uuid4().hex
		self.sent, self.sent_at = {}, {}  # number -> bytes, seconds
		self.ids = {}  # ID given by the sender's control plane -> number
		self.paths = {}  # number -> names of the nodes that the message goes over
		self.replies = {}  # number -> bytes that have to come back
		self.delivered, self.replied = {}, {}  # number -> bytes
		self.late = set()  # numbers of messages that were fetched after the epoch in which a reply can go
		self.wrong = []  # a sentence for each message that isn't what it has to be
		self.patience_s = STUCK_S  # of a request that is answered with "not now"
		self.latency, self.round_trip = [], []  # seconds
		self._after = {rest: self._newest(rest) for rest in (sender, receiver)}

	def _newest(self, rest):
		"""ID of the last message that was there before us."""
		after = 0
		while page := rest.get(f"/v1/messages?after={after}&limit=200")["messages"]:
			after = page[-1]["id"]
		return after

	def _fetch(self, rest):
		try:
			page = rest.get(f"/v1/messages?after={self._after[rest]}&limit=200")["messages"]
		except OSError:
			return []
		if page:
			self._after[rest] = page[-1]["id"]
		return page

	def _post(self, rest, key, body, data):
		"""The control plane's answer, once it has taken the message."""
		body = {**body, "data": base64.b64encode(data).decode()}
		end = time.monotonic() + self.patience_s
		while True:
			try:
				return rest.post("/v1/messages", body, {"Idempotency-Key": f"{self.run_id}-{key}"})
			except (OSError, RestError) as error:
				if isinstance(error, RestError) and error.status != 503 or time.monotonic() > end:
					raise
				time.sleep(0.02)

	def _send(self):
		number = len(self.sent)
		data = b"%06d " % number + next(self.pieces)
		self.sent_at[number] = time.time()
		taken = self._post(self.sender, number, {"to": self.to, "surb": True}, data)
		self.ids[taken["id"]] = number
		self.paths[number] = taken["path"] or []
		self.sent[number] = data

	def _reply(self, message, number):
		data = answer_to(base64.b64decode(message["data"]))
		self.replies[number] = data
		try:
			self._post(self.receiver, f"{number}-reply", {"reply_to": message["id"]}, data)
		except RestError as error:
			if error.status != 410:
				raise
			self.late.add(number)
			del self.replies[number]

	def _accept(self, message, expected, arrived, times):
		"""Compare a message with what it has to be; its number when it is new and right."""
		data = base64.b64decode(message["data"])
		number = int(data[:6]) if data[:6].isdigit() else None
		if number not in expected or data != expected[number] or number in arrived:
			what = "again" if number in arrived else "changed" if number in expected else "from nowhere"
			self.wrong.append(f"{what}: {message['id']} of {message['received_at']}, {data[:40]}")
			return None
		arrived[number] = data
		times.append(_seconds(message["received_at"]) - self.sent_at[number])
		return number

	def step(self, more=False):
		"""Send what the limit allows ('more': also beyond 'count'), fetch what has come. Returns whether
		anything happened."""
		moved = False
		while (more or len(self.sent) < self.count) and self.lost < OUTSTANDING_MAX:
			self._send()
			moved = True
		for message in self._fetch(self.receiver):
			moved = True
			number = self._accept(message, self.sent, self.delivered, self.latency)
			if number is not None:
				self._reply(message, number)
		for message in self._fetch(self.sender):
			moved = True
			number = self._accept(message, self.replies, self.replied, self.round_trip)
			if number is not None and self.ids.get(message["in_reply_to"]) != number:
				self.wrong.append(f"{number}: the right bytes as the answer to another message, {message['in_reply_to']}")
		return moved

	def run(self, each=lambda: None, enough=lambda: True):
		"""Until 'count' messages are sent, enough() is true and every reply is there that could go, or nothing has
		come for STUCK_S seconds."""
		last, more = time.monotonic(), True
		while more or len(self.sent) < self.count or self.lost > 0:
			more = more and not enough()
			if self.step(more):
				last = time.monotonic()
			elif time.monotonic() - last >= STUCK_S:
				return
			else:
				time.sleep(0.002)
			each()

	def over(self, name):
		"""Messages that a node has helped to deliver: those whose path leads over it."""
		return sum(name in self.paths[number] for number in self.delivered)

	@property
	def corrupted(self):
		return len(self.wrong)

	@property
	def lost(self):
		"""Messages that didn't arrive and replies that didn't come back, so far."""
		return len(self.sent) - len(self.replied) - len(self.late)
