#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Encrypted links of running nodes: everybody with everybody, also with a node that speaks an older version; a
client written independently (tests/link_ref) at a gateway, which it may leave its address at, and at a mix,
which doesn't know it; sessions replaced on order, by age and by count, under traffic that loses nothing by it."""
import os
import sys
import time

from _init import ROOT, SANITIZED, Lab, check, drops, encrypted, equal, missing, netns, none_missing, report, wait_for
from steady import SHORT

sys.path.insert(0, str(ROOT / "tests" / "link_ref"))
import link_ref as ref  # noqa: E402

PORT = 9001
CLIENT_PORTS = (5555, 5556)
REKEYS = 3  # of each link, by age, and as many by count
LOOPS = 200 if SANITIZED else 1000  # of an order, and in a second
SESSIONS_MAX = 8  # of one link: the current one, and old ones that packets may still come with
BY_AGE, BY_COUNT = {"rekey": "2s"}, {"rekey": "1h", "rekey_packets": 1000}


def links(node):
	return node.rest.get("/v1/links")


def link(node, name):
	return next(entry for entry in links(node)["links"] if entry["name"] == name)


def linked(lab):
	for node in lab:
		wait_for(f"links of {node.name}", node.linked, lab.patience_s, alive=node.check_alive)


def versions(lab):
	"""The lower minor version is spoken, from both ends."""
	equal((link(lab["gateway"], "mix1")["protocol"], link(lab["gateway"], "mix1")["features"]),
		("1.2", ["batch_processing", "vrf_delays"]), "what equals speak")
	mix = lab["mix1"]
	mix.end("control")
	mix.options["controlplane"] = "fog-controlplane-1.1"
	mix.start("control")
	mix.wait_ready()
	check(links(mix)["up"] > 0, "ready means linked")
	wait_for("the older version, from both ends", lambda: [link(a, b)["protocol"] for a, b in (
		(lab["gateway"], "mix1"), (lab["mix2"], "mix1"), (mix, "gateway"), (mix, "mix2"))] == ["1.1"] * 4,
		lab.patience_s)
	equal(link(lab["gateway"], "mix1")["features"], ["batch_processing"], "features of both")
	equal(link(lab["gateway"], "mix2")["protocol"], "1.2", "what the others speak")


def made(node):
	"""Sessions so far. A peer may begin in the same moment: then its session replaces the old one."""
	done = links(node)["handshakes"]
	return done["completed"] + done["answered"]


def replaced(lab):
	gateway = lab["gateway"]
	before = made(gateway)
	check("are being replaced" in gateway.fogctl("links", "rekey"), "fogctl links rekey says what it did")
	wait_for("new sessions with both", lambda: made(gateway) >= before + 2, lab.patience_s)
	equal(links(gateway)["up"], 2, "links meanwhile")
	check("mix1" in gateway.fogctl("links"), "fogctl links lists them")


class Rekeys:
	"""Counts how often each end of each link gets a new session: its age falls."""

	def __init__(self, lab):
		self.lab, self.age, self.count = lab, {}, {}
		self.next, self.most = 0, 0

	def look(self):
		if time.monotonic() < self.next:
			return
		self.next = time.monotonic() + 0.2
		for node in self.lab:
			for entry in links(node)["links"]:
				pair = f"{node.name}-{entry['name']}"
				equal(entry["state"], "up", f"link {pair}")
				self.most = max(self.most, entry["sessions"])
				self.count[pair] = self.count.get(pair, 0) + (entry["age_ms"] < self.age.get(pair, 0))
				self.age[pair] = entry["age_ms"]

	def enough(self):
		return min(self.count.values(), default=0) >= REKEYS


def loops(lab):
	"""Packets around, each over every link. Returns what says how they fared, once they have."""
	rest = lab["gateway"].rest
	rest.post("/v1/loops", {"count": LOOPS, "rate": LOOPS})

	def ended():
		now = rest.get("/v1/loops?limit=1")
		return now if now["state"] == "ended" else None
	return ended


def loaded(lab, limits, least=0):
	"""So many loops over all links at least, and until each link has had its rekeys."""
	lab.network["link"] = limits
	lab.write_topology()
	rekeys, sent, begin = Rekeys(lab), 0, time.monotonic()
	while sent < least or not rekeys.enough():
		check(time.monotonic() - begin < lab.patience_s, f"rekeys under load: {rekeys.count}")
		ended = loops(lab)
		result = wait_for("the loops' end", lambda: rekeys.look() or ended(), lab.patience_s)
		equal((result["sent"], result["arrived"], result["lost"]), (LOOPS, LOOPS, 0), f"loops: {result['why']}")
		sent += LOOPS
	print(f"{limits}: {sent} loops in {time.monotonic() - begin:.1f} s, sessions replaced {rekeys.count}")
	check(rekeys.most <= SESSIONS_MAX, f"{rekeys.most} sessions of a link")


def rekeyed(lab):
	"""By age, and by count."""
	check(report.rest_of(lab), "traffic doesn't come to rest")
	before, frames = {node.name: drops(node) for node in lab}, missing(lab)
	loaded(lab, BY_AGE)
	# The change itself replaces sessions, too.
	loaded(lab, BY_COUNT, (REKEYS + 1) * BY_COUNT["rekey_packets"])
	check(report.rest_of(lab), "traffic doesn't come to rest")
	for node in lab:
		equal(drops(node), before[node.name], f"drops of {node.name}")
		equal(report.node_books(node)["accounting_gap"], 0, f"accounting gap of {node.name}")
	none_missing(lab, frames)


class Client:
	def __init__(self, space, address, node):
		nodes = node.rest.get("/v1/nodes")["network"]
		self.space, self.address, self.to = space, address, (node.ip4, PORT)
		self.packet_len = nodes["packet_bytes"]
		self.try_ = ref.Initiator(bytes.fromhex(nodes["hash"]), os.urandom(32),
			bytes.fromhex(node.status["link_key"]), self.packet_len)
		self.session = self.sock = None

	def move(self, port):
		if self.sock:
			self.sock.close()
		self.sock = netns.udp_socket(self.space, self.address, port)
		self.sock.settimeout(0.5)

	def handshake(self, tries):
		cookie = None
		for _ in range(tries):
			self.sock.sendto(self.try_.padded(time.time_ns(), cookie), self.to)
			try:
				answer = self.sock.recv(4096)
			except TimeoutError:
				continue
			equal(len(answer), self.packet_len + ref.OVERHEAD, "length of an answer")
			found = self.try_.answer(answer)
			if isinstance(found, bytes):
				cookie = found
				continue
			self.session = found
			return True
		return False

	def send(self, frame):
		self.sock.sendto(frame, self.to)

	def entry(self, node):
		"""How the node lists it, or None."""
		key = ref.public_of(self.try_.static).hex()
		return next((entry for entry in links(node)["links"] if entry["static_key"] == key), None)


def client(lab, space, address):
	gateway, mix = lab["gateway"], lab["mix1"]
	us = Client(space, address, gateway)
	us.move(CLIENT_PORTS[0])
	check(us.handshake(40), "the gateway answers a client")

	def beats(port):
		us.send(us.session.nothing())
		entry = us.entry(gateway)
		return entry and (entry["class"], entry["state"], entry["port"]) == ("client", "up", port)
	for port in CLIENT_PORTS:
		us.move(port)
		wait_for(f"the client's link from port {port}", lambda p=port: beats(p), lab.patience_s)
	equal(us.entry(gateway)["protocol"], "1.2", "what the client speaks")
	equal(links(gateway)["clients"], 1, "clients")
	before = links(mix)["handshakes"]["refused_key"]
	stranger = Client(space, address, mix)
	stranger.move(CLIENT_PORTS[0])
	check(not stranger.handshake(4), "a mix is silent to a stranger")
	wait_for("the mix to count them", lambda: links(mix)["handshakes"]["refused_key"] > before, lab.patience_s)
	check(stranger.entry(mix) is None, "a mix has no link with a stranger")


def main():
	with Lab(network={**encrypted(), **SHORT}) as lab:
		space, address, _ = lab.add_host("client", 100)
		for name, role, layer in (("gateway", "gateway", 0), ("mix1", "mix", 1), ("mix2", "mix", 2)):
			lab.add(name, role, layer)
		lab.start()
		linked(lab)
		print("all nodes are linked")
		rekeyed(lab)
		print("sessions are replaced by age and by count, and nothing is lost")
		replaced(lab)
		print("sessions are replaced on order")
		client(lab, space, address)
		print("a client is known at the gateway, followed, and unknown at a mix")
		versions(lab)
		print("an older version is spoken to")


if __name__ == "__main__":
	main()
