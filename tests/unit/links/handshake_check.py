#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The independent implementation of links shakes hands with the real one, in both roles.

usage: handshake_check.py HANDSHAKE_PIPE NOISE_VECTORS
"""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "link_ref"))
import link_ref as ref  # noqa: E402

NETWORK = bytes(range(32))
NOW = 1_800_000_000 * 10**9
PACKET = 1408
NODE, CLIENT = 1, 2


def same(got, wanted, what):
	if got != wanted:
		raise AssertionError(f"{what}: {got!r}, should be {wanted!r}")


class Pipe:
	def __init__(self, program):
		self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
			stderr=subprocess.DEVNULL, text=True)

	def do(self, *words):
		"""What the links want done, as lists of words."""
		self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
		self.process.stdin.flush()
		out = []
		while (line := self.process.stdout.readline().split()) != ["ok"]:
			if not line:
				raise AssertionError("the pipe has ended")
			out.append(line)
		return out

	def punt(self, message):
		return self.do("punt", message[0], 0, message.hex())

	def begin(self, private, clients=0, minor=2, peer=None, network=NETWORK):
		self.do("time", NOW)
		self.do("node", private.hex(), network.hex(), clients, minor, *([peer.hex()] if peer else []))


def parts(out, name):
	return [line for line in out if line[0] == name]


def check_vectors(path):
	"""The reference itself, against vectors of others."""
	for v in json.loads(path.read_text()):
		if v["protocol_name"].encode() != ref.NAME:
			continue
		get = {k: bytes.fromhex(x) for k, x in v.items() if k not in ("protocol_name", "messages")}
		a = ref.Handshake(True, get["init_prologue"], get["init_static"], get["init_remote_static"], get["init_ephemeral"])
		b = ref.Handshake(False, get["resp_prologue"], get["resp_static"], None, get["resp_ephemeral"])
		messages = [(bytes.fromhex(m["payload"]), m["ciphertext"]) for m in v["messages"]]
		first = a.write_first(messages[0][0])
		same(first.hex(), messages[0][1], "first message")
		same(b.read_first(first), messages[0][0], "payload of the first message")
		second = b.write_second(messages[1][0])
		same(second.hex(), messages[1][1], "second message")
		same(a.read_second(second), messages[1][0], "payload of the second message")
		same(a.h, get["handshake_hash"], "handshake hash")
		same(a.split(), b.split()[::-1], "keys")
		return
	raise AssertionError("no vector of IK")


def client(pipe, public, wanted, try_=None, **hello):
	"""One try of a client; its session must fit to what the data plane is given."""
	try_ = try_ or ref.Initiator(NETWORK, os.urandom(32), public, PACKET, **hello)
	out = pipe.punt(try_.initiation(NOW))
	installs, sends = parts(out, "install"), parts(out, "send")
	if not wanted:
		same(installs, [], "sessions")
		return sends
	same((len(installs), len(sends)), (1, 1), "sessions and answers")
	_, cls, rx_index, tx_index, rx_count, initiator, static, tx, rx = installs[0]
	session = try_.answer(bytes.fromhex(sends[0][5]))
	same((int(cls), int(rx_index), int(tx_index), initiator), (wanted, session.tx_index, try_.index, "0"), "session")
	same(int(rx_count), hello.get("senders", 1), "sub-sessions")
	same(bytes.fromhex(static), ref.public_of(try_.static), "static key")
	same((bytes.fromhex(rx), bytes.fromhex(tx)), (session.tx_key, session.rx_key), "keys")
	same(sends[0][4], "77.4444", "where the answer goes") if wanted == CLIENT else None
	same(try_.theirs.senders, 2, "senders of the other side")
	return try_


def refuses(pipe, public, reason, **hello):
	"""One try of a client that is told why it gets no session."""
	try_ = ref.Initiator(NETWORK, os.urandom(32), public, PACKET, **hello)
	sends = client(pipe, public, None, try_)
	try:
		try_.answer(bytes.fromhex(sends[0][5]))
		raise AssertionError("a session for who is to be refused")
	except ref.Refused as e:
		same(str(e), f"refused for reason {reason}", "reason")


def check_answers(pipe):
	private = os.urandom(32)
	public = ref.public_of(private)
	pipe.begin(private, clients=3)
	client(pipe, public, CLIENT)
	client(pipe, public, CLIENT, senders=4)
	refuses(pipe, public, 3, senders=5)
	# Versions: an older and a newer minor one is spoken to, another major one is not, nor nonsense.
	older = client(pipe, public, CLIENT, protocol="/betanet/mix/1.1.7", features=1)
	same(older.theirs.protocol, "/betanet/mix/1.2.0", "our version")
	# A fourth one is told that there are enough.
	refuses(pipe, public, 2)
	pipe.begin(private, clients=100)
	client(pipe, public, CLIENT, protocol="/betanet/mix/1.99.0", features=0xffffffff)
	for hello in ({"protocol": "/betanet/mix/2.0.0"}, {"protocol": "/betanet/mix/1.2"}, {"senders": 0}, {"senders": 65},
			{"index": 65}, {"major": 2}):
		same(client(pipe, public, None, **hello), [], f"answers to {hello}")
	wrong = ref.Initiator(bytes(32), os.urandom(32), public, PACKET)
	same(client(pipe, public, None, wrong), [], "answers to another network")
	good = ref.Initiator(NETWORK, os.urandom(32), public, PACKET)
	message = good.initiation(NOW)
	for i in range(208):  # MAC2 is the data plane's
		spoiled = bytearray(message)
		spoiled[i] ^= 1
		same(pipe.do("punt", 1, 0, spoiled.hex()), [], f"answers to a message spoiled at {i}")
	for length in range(0, len(message), 7):
		same(pipe.do("punt", 1, 0, message[:length].hex() or "00"), [], f"answers to {length} bytes")
	same(len(parts(pipe.punt(message), "install")), 1, "sessions of the good one")
	same(pipe.punt(message), [], "answers to a replay")
	good.initiation(NOW - 1)
	same(pipe.punt(good.initiation(NOW - 1)), [], "answers to an older initiation")
	same(len(parts(pipe.punt(good.initiation(NOW + 1)), "install")), 1, "sessions of a newer one")


def check_clock(pipe):
	private = os.urandom(32)
	pipe.begin(private, clients=10)
	for off in (-2_100_000_000, 2_100_000_000):
		late = ref.Initiator(NETWORK, os.urandom(32), ref.public_of(private), PACKET)
		out = pipe.punt(late.initiation(NOW + off))
		same(parts(out, "install"), [], "sessions with a wrong clock")
		try:
			late.answer(bytes.fromhex(parts(out, "send")[0][5]))
			raise AssertionError("a wrong clock was not refused")
		except ref.Refused as e:
			same(str(e), "refused for reason 1", "reason")
		same(abs(late.theirs.time_ns - NOW) < 10**6, True, "the answer tells the time")
	early = ref.Initiator(NETWORK, os.urandom(32), ref.public_of(private), PACKET)
	same(len(parts(pipe.punt(early.initiation(NOW + 1_900_000_000)), "install")), 1, "sessions within the tolerance")


def check_mix(pipe):
	private, static = os.urandom(32), os.urandom(32)
	pipe.begin(private, peer=ref.public_of(static))
	same(client(pipe, ref.public_of(private), None), [], "answers of a mix to a stranger")
	client(pipe, ref.public_of(private), NODE, ref.Initiator(NETWORK, static, ref.public_of(private), PACKET))


def initiation_of(pipe):
	"""Let time pass until the links begin a handshake."""
	for _ in range(100):
		for line in parts(pipe.do("tick", 250), "send"):
			if line[1] == "1":
				return bytes.fromhex(line[5])
	raise AssertionError("no initiation comes")


def check_initiates(pipe):
	private, static = os.urandom(32), os.urandom(32)
	pipe.begin(private, peer=ref.public_of(static))
	first = initiation_of(pipe)
	same((len(first), first[-16:]), (224, bytes(16)), "length and MAC2 of an initiation")
	responder = ref.Responder(NETWORK, static, PACKET)
	hello = responder.read(first)
	same((hello.protocol, hello.senders, hello.features), ("/betanet/mix/1.2.0", 2, 3), "hello")
	# A cookie: it comes again at once, with MAC2.
	cookie = os.urandom(16)
	body = ref.cookie_seal(ref.public_of(static), os.urandom(24), cookie, first[192:208])
	out = parts(pipe.punt(ref.HEADER.pack(ref.COOKIE, hello.index, 0) + body), "send")
	same(len(out), 1, "initiations after a cookie")
	second = bytes.fromhex(out[0][5])
	same(second[208:], ref.mac(cookie, second[:208]), "MAC2")
	hello2 = responder.read(second)
	same(hello2.time_ns > hello.time_ns, True, "time grows")
	# A second cookie for the same try is not listened to.
	body = ref.cookie_seal(ref.public_of(static), os.urandom(24), cookie, second[192:208])
	same(pipe.punt(ref.HEADER.pack(ref.COOKIE, hello2.index, 0) + body), [], "what a second cookie does")
	# Spoiled responses change nothing, the good one makes a session, and NOTHING is sent through it.
	response, session = responder.response(NOW, 0x40 * 5, senders=9, protocol="/betanet/mix/1.0.0", features=0)
	for i in range(160):
		spoiled = bytearray(response)
		spoiled[i] ^= 1
		same(pipe.do("punt", 2, 0, spoiled.hex()), [], f"what a response spoiled at {i} does")
	out = pipe.punt(response)
	install = parts(out, "install")
	same(len(install), 1, "sessions of a good response")
	_, cls, rx_index, tx_index, rx_count, initiator, peer, tx, rx = install[0]
	same((int(cls), int(rx_index), int(tx_index), int(rx_count), initiator), (NODE, session.tx_index, 0x40 * 5, 9, "1"), "session")
	same(bytes.fromhex(peer), ref.public_of(static), "static key")
	same((bytes.fromhex(rx), bytes.fromhex(tx)), (session.tx_key, session.rx_key), "keys")
	same([line[1:4] for line in parts(out, "send")], [["4", "0", rx_index]], "what confirms it")
	same(pipe.punt(response), [], "what the same response does again")
	same(pipe.do("punt", 4, rx_index, b"news".hex()), [["notice", b"news".hex()]], "notice")


def check_refused(pipe):
	private, static = os.urandom(32), os.urandom(32)
	responder = ref.Responder(NETWORK, static, PACKET)
	for off, senders in ((0, 0), (2_100_000_000, 1), (-2_100_000_000, 1)):
		pipe.begin(private, peer=ref.public_of(static))
		responder.read(initiation_of(pipe))
		response, _ = responder.response(NOW + off, 0x40 if senders else 1, senders=senders)
		same(pipe.punt(response), [], f"what a response with {senders} senders, clock off by {off} ns, does")


def main():
	pipe = Pipe(sys.argv[1])
	check_vectors(pathlib.Path(sys.argv[2]))
	for check in (check_answers, check_clock, check_mix, check_initiates, check_refused):
		check(pipe)
		print(f"{check.__name__[6:]}: as it should be")
	pipe.process.stdin.close()
	same(pipe.process.wait(60), 0, "exit code of the pipe")
	return 0


if __name__ == "__main__":
	sys.exit(main())
