#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl as a client against a network written from descriptions alone (link_ref, sphinx_ref, mail.h): one
process that is the gateway at a UDP socket and all nodes behind it. A message to ourselves comes through it
and is acknowledged, pings come back, states outlive processes; frames that come twice, cookies, lost mail and
new sessions on the way; a full disk.

usage: network_check.py FOGCTL WORLD
"""
import errno
import hashlib
import os
import pathlib
import select
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "link_ref"), str(TESTS / "sphinx_ref")]
import link_ref as link  # noqa: E402
import sphinx_ref as sphinx  # noqa: E402

GEO = sphinx.GEOMETRIES["mtu"]
LIMIT = 60
DISK = 4 << 20  # bytes of the client's
DROP, ECHO = (hashlib.blake2b(b"fogline %s v1" % what, digest_size=32).digest() for what in (b"drop", b"echo"))


def mailbox_of(static):
	return hashlib.blake2b(b"fogline mailbox v1" + static, digest_size=32).digest()


class Network:
	"""Gateway 'here' and what is behind it."""

	def __init__(self, network, nodes, port_socket):
		self.network, self.socket = network, port_socket
		self.name = {node_id: name for name, node_id, _, _ in nodes}
		self.mix = {node_id: mix for _, node_id, _, mix in nodes}
		self.here, self.link_key = next((i, key) for name, i, key, _ in nodes if name == "here")
		self.sessions, self.boxes, self.seen = {}, {}, {}
		self.count = dict.fromkeys(
			("handshakes", "cookies", "drops", "echoes", "stored", "replies", "fetches", "lost", "loops"), 0)
		self.paths, self.error = set(), None
		self.cookie = os.urandom(16)
		self.gone = False
		self.thread = threading.Thread(target=self.run, daemon=True)

	def run(self):
		try:
			while not self.gone:
				if select.select([self.socket], [], [], 0.2)[0]:
					frame, place = self.socket.recvfrom(9000)
					self.frame(frame, place)
		except Exception as e:  # said by the main thread
			self.error = e
			raise

	def frame(self, frame, place):
		assert len(frame) == GEO.packet + link.OVERHEAD, "length of a frame"
		if frame[0] == link.INITIATION:
			self.initiation(frame, place)
			return
		assert frame[0] == link.DATA, "a client sends initiations and data"
		session = self.sessions.get(int.from_bytes(frame[4:8], "big") & ~63)
		if session is None:
			return  # of a client that was killed, or a session that is over
		text = session.open(frame)
		counter = int.from_bytes(frame[8:16], "big")
		assert counter not in session.counters, "a counter came again"
		session.counters.add(counter)
		if text[0] == link.SPHINX:
			self.packet(b"\0\0" + text[2:])
		elif text[0] == link.NOTICE:
			size = int.from_bytes(text[2:4], "big")
			assert text[1] == 0 and not any(text[4 + size:]), "a notice"
			self.fetch(text[4:4 + size], session, place)
		else:
			assert text == bytes(GEO.packet), "nothing is zeros"

	def initiation(self, frame, place):
		responder = link.Responder(self.network, self.link_key, GEO.packet)
		theirs = responder.read(frame[:224])
		assert theirs.senders == 1
		# The very first has to show that it is where it says.
		if self.count["handshakes"] == 0 and link.mac(self.cookie, frame[:208]) != frame[208:224]:
			self.count["cookies"] += 1
			head = link.HEADER.pack(link.COOKIE, theirs.index, 0)
			body = link.cookie_seal(link.public_of(self.link_key), os.urandom(24), self.cookie, frame[192:208])
			self.send(head + body, place)
			return
		static = responder.handshake.remote
		assert theirs.time_ns > self.seen.get(static, 0), "times of initiations grow"
		self.seen[static] = theirs.time_ns
		index = int.from_bytes(os.urandom(4), "big") & ~63
		message, session = responder.response(time.time_ns(), index, senders=2)
		session.static, session.counters = static, set()
		self.sessions[index] = session
		self.count["handshakes"] += 1
		self.send(message, place)

	def send(self, message, place):
		self.socket.sendto(message + os.urandom(GEO.packet + link.OVERHEAD - len(message)), place)

	def packet(self, packet):
		"""From our gateway on, with each node's own key."""
		node, way = self.here, []
		while True:
			way.append(self.name[node])
			got = sphinx.unwrap(GEO, self.mix[node], packet)
			if got.action != "forward":
				break
			node, packet = got.next_hop, got.packet
		self.paths.add(tuple(way))
		if got.action == "reply":
			self.boxes.get(got.recipient, Box()).put(b"\2" + got.surb_id + got.payload)
			return
		surb, data = self.message(got.payload)
		if got.recipient == DROP:
			self.count["drops"] += 1
			assert surb is None
		elif got.recipient == ECHO:
			self.count["echoes"] += 1
			self.reply(surb, data)
		else:
			box = self.boxes.get(got.recipient)
			self.count["stored" if surb else "loops"] += 1
			if box:
				box.put(b"\1" + data)
			# The first answer gets lost.
			if surb and self.count["stored"] == 1:
				self.count["lost"] += 1
			elif surb:
				self.reply(surb, b"\1" if box else b"\2")

	@staticmethod
	def message(payload):
		flags, _epoch, rest = payload[0], payload[1], payload[2:]
		surb = None
		if flags & 1:
			surb, rest = rest[:GEO.surb], rest[GEO.surb:]
		size = int.from_bytes(rest[:2], "big")
		assert flags < 2 and not any(rest[2 + size:]), "a message has one form"
		return surb, rest[2:2 + size]

	def reply(self, surb, data):
		payload = (bytes(2) + len(data).to_bytes(2, "big") + data).ljust(GEO.payload_len, b"\0")
		first, packet = sphinx.surb_reply(GEO, surb, payload)
		self.count["replies"] += 1
		node = first
		while True:
			got = sphinx.unwrap(GEO, self.mix[node], packet)
			if got.action != "forward":
				break
			node, packet = got.next_hop, got.packet
		assert got.action == "reply" and node == self.here, "a SURB ends at our gateway"
		self.boxes[got.recipient].put(b"\2" + got.surb_id + got.payload)

	def fetch(self, notice, session, place):
		assert len(notice) == 20 and notice[:4] == b"\3\0\0\0" and not any(notice[16:])
		have, seen = int.from_bytes(notice[4:12], "big"), notice[12:16]
		self.count["fetches"] += 1
		box = self.boxes.setdefault(mailbox_of(session.static), Box())
		mail = box.next(have)
		number, whole = mail or (0, b"")
		out = bytes((4, 0, 1 if mail else 0, 0)) + number.to_bytes(8, "big") + have.to_bytes(8, "big") + seen
		out += len(box.mail).to_bytes(2, "big") + len(whole).to_bytes(2, "big") + whole
		# Workers of ours take turns; every third mail is lost once, every frame comes twice.
		if mail and number % 3 == 0 and box.tries[number] == 1:
			self.count["lost"] += 1
			return
		frame = session.notice(out, sub=self.count["fetches"] % 2)
		for _ in range(2):
			self.socket.sendto(frame, place)


class Box:
	def __init__(self):
		self.mail, self.number, self.tries, self.sent = {}, 0, {}, {}

	def put(self, data):
		self.number += 1
		self.mail[self.number] = data
		self.tries[self.number] = 0

	def next(self, have):
		self.mail = {n: data for n, data in self.mail.items() if n > have}
		for number in sorted(self.mail):
			if time.monotonic() - self.sent.get(number, -10) > 1:
				self.sent[number] = time.monotonic()
				self.tries[number] += 1
				return number, self.mail[number]
		return None


class Client:
	def __init__(self, fogctl, folder, network):
		self.fogctl, self.folder, self.network = fogctl, folder, network

	def start(self, *words):
		return subprocess.Popen([self.fogctl, *words, "--client", self.folder], stdout=subprocess.PIPE,
			stderr=subprocess.PIPE)

	def run(self, *words, code=0):
		process = self.start(*words)
		end = time.monotonic() + LIMIT
		while process.poll() is None and not self.network.error and time.monotonic() < end:
			time.sleep(0.05)
		process.kill()
		out, err = process.communicate()
		assert process.returncode == code, f"fogctl {words[0]}: {process.returncode}, {out!r} {err!r}, {self.network.count}"
		return out


def fill(path):
	"""Until the disk has no room."""
	try:
		with path.open("wb", buffering=0) as file:
			while True:
				file.write(bytes(4096))
	except OSError as error:
		assert error.errno == errno.ENOSPC, error


def first_epoch(fogctl, world, folder):
	"""All nodes are new, so nothing can be sent yet; but a gateway is chosen, which is what a client begins with."""
	dirs = folder / "early"
	dirs.mkdir(mode=0o700)
	(dirs / "consensus").mkdir()
	subprocess.run([world, folder / "new.yaml", dirs / "consensus", "9", "new"], check=True, stdout=subprocess.DEVNULL)
	process = Client(fogctl, str(dirs), None).start("client", "address", "--network", str(folder / "new.yaml"))
	end = time.monotonic() + LIMIT
	try:
		while not chosen(dirs / "client.db"):
			assert process.poll() is None, process.communicate()
			assert time.monotonic() < end, "no gateway is chosen"
			time.sleep(0.05)
	finally:
		process.kill()
		process.communicate()


def nobody(fogctl, world, folder):
	"""A gateway that doesn't answer: who waits is told for what, soon, and at the end."""
	dirs = folder / "nobody"
	dirs.mkdir(mode=0o700)
	(dirs / "consensus").mkdir()
	with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
		silent.bind(("10.77.0.1", 0))
		port = silent.getsockname()[1]
		subprocess.run([world, folder / "nobody.yaml", dirs / "consensus", str(port)], check=True, stdout=subprocess.DEVNULL)
		why = f"no answer from here, 10.77.0.1:{port}: does UDP get through both ways? 'fogctl drops' at the gateway says more"
		client = Client(fogctl, str(dirs), None)
		address = ("client", "address", "--network", str(folder / "nobody.yaml"), "--gateway", "here")
		expect(client.start(*address, "--wait", "2"), b"", f"fogctl: {why}\n")
		expect(client.start("ping", "--wait", "2", "there"), b"0 sent, 0 returned, 0 lost\n", f"fogctl: {why}\n")
		expect(client.start(*address, "--wait", "x"), b"", None, 2)
		# The default is longer, and is ended here.
		waiting = client.start(*address)
		try:
			assert select.select([waiting.stderr], [], [], LIMIT)[0], "no word on what it waits for"
			assert os.read(waiting.stderr.fileno(), 4096).decode() == f"fogctl: still waiting: {why}\n"
			assert silent.recv(9000), "it has asked"
			waiting.terminate()
			expect(waiting, b"", f"fogctl: {why}\n")
		finally:
			waiting.kill()
			waiting.communicate()


def expect(process, out, err, code=1):
	try:
		said = process.communicate(timeout=LIMIT)
	finally:
		process.kill()
	assert (process.returncode, said[0]) == (code, out) and err in (None, said[1].decode()), (process.returncode, said)


def chosen(store):
	if not store.exists():
		return False
	base = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
	try:
		return base.execute("SELECT count(*) FROM meta WHERE name = 'gateway'").fetchone()[0] == 1
	except sqlite3.OperationalError:  # it is being made
		return False
	finally:
		base.close()


def check(fogctl, world, folder):
	dirs = folder / "client"
	dirs.mkdir()
	subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,size={DISK}", "tmpfs", dirs], check=True)
	(dirs / "consensus").mkdir()
	file = folder / "network.yaml"
	port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	port.bind(("10.77.0.1", 0))
	said = subprocess.run([world, file, dirs / "consensus", str(port.getsockname()[1])], check=True,
		capture_output=True, text=True).stdout.split("\n")
	nodes = [(n, *(bytes.fromhex(x) for x in rest)) for n, *rest in (line.split() for line in said[1:] if line)]
	network = Network(bytes.fromhex(said[0].split()[1]), nodes, port)
	network.thread.start()

	stranger = Client(fogctl, str(folder / "stranger"), network)
	assert b"" == stranger.run("client", "address", code=2)  # it is new, and no network file was given
	client = Client(fogctl, str(dirs), network)
	address = client.run("client", "address", "--network", str(file), "--gateway", "here").decode().strip()
	assert address.endswith("@" + network.here.hex())
	client.run("client", "address", "--gateway", network.here.hex())
	client.run("client", "address", "--gateway", "11" * 32, code=2)
	client.run("send", "nobody", "text", code=2)
	assert len(network.sessions) == 1, "an address is said once there is a mailbox, and then at once"

	# One process runs the network, others put messages in and look at them.
	runner = client.start("receive", "--follow", "--raw")
	content = os.urandom(300).hex()
	said = client.run("send", "--wait", str(LIMIT), address, content).decode()
	assert "message 1: acknowledged, 3 of 3 fragments" in said, said
	# The last fragment may be lost on our link, and come after what acknowledges it.
	out = runner.stdout.read(len(content))
	runner.terminate()
	more, err = runner.communicate(timeout=60)
	out += more
	assert out.decode() == content and runner.returncode == 0, (out, err, runner.returncode)
	assert b"acknowledged" in client.run("client", "status", "1")
	client.run("client", "status", "2", code=1)

	# Several that keep the network file at the same time don't meet each other's halves of it.
	for _ in range(5):
		many = [client.start("client", "address", "--network", str(file)) for _ in range(8)]
		assert [(p.communicate(timeout=60)[1], p.returncode) for p in many] == [(b"", 0)] * len(many)
	assert (dirs / "network.yaml").read_bytes() == file.read_bytes()
	assert not [name for name in os.listdir(dirs) if name.startswith(".")], os.listdir(dirs)

	# A process that accepts and ends, and one that sends.
	assert b"queued" in client.run("send", "--wait", "0", address, "later")
	assert client.run("receive", "--raw", "--wait", str(LIMIT)) == b"later"

	# A disk that gets full on the way ends the network, with the mend. Once there is room, all goes on.
	client.run("send", "--wait", "0", address, "long" * 1000)
	runner, before = client.start("receive", "--follow", "--raw"), network.count["handshakes"]
	while network.count["handshakes"] == before:
		assert runner.poll() is None and not network.error, runner.communicate()
		time.sleep(0.01)
	ballast = dirs / "ballast"
	fill(ballast)
	out, err = runner.communicate(timeout=LIMIT)
	assert (runner.returncode, out) == (1, b"") and err.endswith(b": free some space\n"), (runner.returncode, out, err)
	ballast.unlink()
	assert client.run("receive", "--raw", "--wait", str(LIMIT)) == b"long" * 1000

	pinged = client.run("ping", "--count", "2", "there").decode()
	assert pinged.startswith("2 sent, 2 returned, 0 lost\nround trip "), pinged
	client.run("ping", "--count", "1", "first", code=1)  # a mix answers nobody

	forged = "A" * 43 + address[43:]
	failed = client.run("send", "--wait", str(LIMIT), forged, "x", code=1).decode()
	assert "failed: the gateway has no such mailbox" in failed, failed

	network.gone = True
	network.thread.join()
	if network.error:
		raise network.error
	c = network.count
	assert c["handshakes"] >= 4 and c["cookies"] > 0 and c["drops"] > 0 and c["echoes"] == 2 and c["lost"] > 1, c
	for way in network.paths:
		assert way[0] == "here" and way[4] in ("here", "there"), way
		assert sorted(way[1:4]) == ["first", "second", "third"], way
	print(c)


def main():
	# No node may have an address of this host alone, so there is a network of its own.
	if sys.argv[1] != "inside":
		os.execvp("unshare", ["unshare", "-rnm" if os.geteuid() else "-nm", sys.executable, __file__, "inside", *sys.argv[1:]])
	subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
	subprocess.run(["ip", "address", "add", "10.77.0.1/24", "dev", "lo"], check=True)
	with tempfile.TemporaryDirectory() as folder:
		first_epoch(sys.argv[2], sys.argv[3], pathlib.Path(folder))
		nobody(sys.argv[2], sys.argv[3], pathlib.Path(folder))
		try:
			check(sys.argv[2], sys.argv[3], pathlib.Path(folder))
		finally:
			subprocess.run(["umount", "--lazy", pathlib.Path(folder) / "client"], check=True)


main()
