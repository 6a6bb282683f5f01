#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Mail for a client at its gateway: the client is written independently, over a real link (tests/link_ref, notices
as controlplane/mixnet/mail.h describes them). What the service sends to its mailbox is stored, the service is told
so through its SURBs, and it is handed out once, though the gateway's control plane is killed in between and mail
gets lost on the link. Echo and drop at the same node."""
import base64
import hashlib
import itertools
import struct

from _init import Lab, check, encrypted, equal, wait_for
from links_test import Client, linked, ref
from steady import SHORT, messages

FETCH, MAIL = struct.Struct(">B3xQI4x"), struct.Struct(">BBBxQQIHH")
STORED, NO_MAILBOX = b"\1", b"\2"
BEFORE, MEANWHILE = 20, 5  # messages before, and while the gateway has no control plane


def recipient(label, key=b""):
	return hashlib.blake2b(label + key, digest_size=32).hexdigest()


class Mailbox:
	"""Asks for mail, and loses every third answer."""

	def __init__(self, link):
		self.link, self.seen, self.have, self.mails, self.waiting = link, 0, 0, {}, None
		self.id = recipient(b"fogline mailbox v1", ref.public_of(link.try_.static))
		self.lose = itertools.cycle((False, True, False))

	def fetch(self):
		"""One question. Returns whether it was answered."""
		self.seen += 1
		self.link.send(self.link.session.notice(FETCH.pack(3, self.have, self.seen)))
		try:
			plain = self.link.session.open(self.link.sock.recv(4096))
		except TimeoutError:
			return False
		if plain[0] != ref.NOTICE:
			return False
		data = plain[4:4 + int.from_bytes(plain[2:4], "big")]
		kind, part, parts, number, settled, seen, waiting, whole = MAIL.unpack(data[:MAIL.size])
		equal(kind, 4, "type of an answer")
		check(seen <= self.seen, f"an answer to question {seen}, after {self.seen}")
		if next(self.lose):
			return False
		self.waiting, self.have = waiting, max(self.have, settled)
		if number > 0:
			equal((part, parts, whole), (0, 1, len(data) - MAIL.size), "a mail in one part")
			equal(self.mails.setdefault(number, data[MAIL.size:]), data[MAIL.size:], f"mail {number}, again")
		while self.have + 1 in self.mails:
			self.have += 1
		return True


def send(node, to, where, text):
	"""Returns the ID of the message."""
	return node.rest.post("/v1/messages", {"to": to, "recipient": where, "text": text, "surb": True})["id"]


def answers(node, ids):
	"""What came back for these messages, once all have."""
	def all_there():
		found = [m for m in messages(node.rest) if m["in_reply_to"] in ids]
		equal(len(found), len({m["in_reply_to"] for m in found}), "answers, each once")
		return [base64.b64decode(m["data"]) for m in found] if len(found) == len(ids) else None
	return all_there


def mail(lab, space, address):
	gateway, service = lab["gateway"], lab["service"]
	link = Client(space, address, gateway)
	link.move(5555)
	check(link.handshake(40), "the gateway answers a client")
	box = Mailbox(link)
	equal(wait_for("a refusal", answers(service, [send(service, "gateway", box.id, "too early")]), lab.patience_s),
		[NO_MAILBOX], "what nobody has asked for")
	wait_for("an empty mailbox", box.fetch, lab.patience_s)
	equal((box.waiting, box.mails), (0, {}), "mail of a new mailbox")
	sent = [send(service, "gateway", box.id, f"mail {i}") for i in range(BEFORE)]
	equal(wait_for("answers", answers(service, sent), lab.patience_s), [STORED] * BEFORE, "answers")
	gateway.kill("control")
	sent += [send(service, "gateway", box.id, f"mail {i}") for i in range(BEFORE, BEFORE + MEANWHILE)]
	gateway.start("control")
	gateway.wait_ready()
	equal(wait_for("answers after a kill", answers(service, sent), lab.patience_s), [STORED] * len(sent), "answers")

	def handed_out():
		box.fetch()
		return box.waiting == 0 and len(box.mails) >= len(sent)
	wait_for("all mail", handed_out, lab.patience_s)
	equal(sorted(box.mails.values()), sorted(b"\1mail %d" % i for i in range(len(sent))), "mail, each once")
	state = gateway.rest.get("/v1/status")["mail"]
	equal((state["mailboxes"], state["waiting"], state["waiting_bytes"], state["answers_waiting"]), (1, 0, 0, 0),
		"what is left")
	check(state["resent"] > 0, "mail that got lost was sent again")
	equal(gateway.rest.get("/v1/status")["messages"]["received"], 0, "messages for the gateway itself")


def echo(lab):
	service, gateway = lab["service"], lab["gateway"].rest
	back = send(service, "gateway", recipient(b"fogline echo v1"), "who is there?")
	equal(wait_for("an echo", answers(service, [back]), lab.patience_s), [b"who is there?"], "an echo")
	send(service, "gateway", recipient(b"fogline drop v1"), "nobody")
	wait_for("the drop", lambda: gateway.get("/v1/status")["messages"]["dropped"] == 1, lab.patience_s)
	equal((gateway.get("/v1/status")["messages"]["echoed"], gateway.get("/v1/status")["messages"]["received"]), (1, 0), "echoes, and kept messages")


def main():
	with Lab(network={**encrypted(), **SHORT}) as lab:
		space, address, _ = lab.add_host("client", 100)
		for name, role, layer in (("gateway", "gateway", 0), ("mix1", "mix", 1), ("mix2", "mix", 2), ("service", "service", 0)):
			lab.add(name, role, layer)
		lab.start()
		linked(lab)
		mail(lab, space, address)
		print(f"{BEFORE + MEANWHILE} mails are stored, answered, and handed out once")
		echo(lab)
		print("the gateway sends echoes back and throws away what is for nobody")


if __name__ == "__main__":
	main()
