#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fog-trafficgen run against an appliance: everything comes back, nothing doubled, changed or early. And
against an appliance that a test plays badly: the generator finds each of its faults, and no other."""
import json
import subprocess
import sys
import threading

from _init import ROOT, SANITIZED, Lab, check, equal, netns
from peer import FORWARDED, Books, counted, ethernet, ip, mac_of, quiet, show, start, udp

sys.path.insert(0, str(ROOT / "tests" / "unit" / "trafficgen"))
from traffic_ref import mix_key, sphinx, taken_apart  # noqa: E402

GEO = sphinx.GEOMETRIES["mtu"]
SEED = 1  # of the appliance's keys and of its delays
# As many as the receive rings at both ends hold, so that a machine that stands still loses none.
COUNT = RATE = 500 if SANITIZED else 1_500
LINGER_MS = 6_000  # until what hasn't come counts as lost
RING = 200  # of net_af_packet, with room to spare


def generate(lab, space, *words, code=0):
	"""Run the generator in a namespace and return its report."""
	argv = [
		lab.bin / "fog-trafficgen", "run", "--json", "--topology", lab.topology_path, "--delay-seed", SEED,
		"--linger", LINGER_MS, *words]
	done = subprocess.run(netns.command(space, argv), capture_output=True, text=True, timeout=120)
	equal(done.returncode, code, f"exit code: {done.stdout}{done.stderr}")
	return json.loads(done.stdout)


def check_clean(report, count):
	wanted = {
		"wanted": count, "sent": count, "received": count, "lost": 0, "lost_here": 0, "duplicates": 0, "corrupt": 0,
		"foreign": 0, "early": 0, "corrupt_reasons": {}}
	equal({key: report[key] for key in wanted}, wanted, "report")
	for key in ("latency_us", "owed_us", "over_us"):
		equal(report[key]["count"], count, key)
	check(report["over_us"]["mean"] <= report["latency_us"]["mean"], "more over than at all")
	print(f"{report['spacing']}: {report['rate']:.0f}/s, latency {report['latency_us']}, over {report['over_us']}")


def sink_entry(address):
	"""The generator in the topology: node of key seed 2, as in the test network."""
	key = mix_key(2)
	return {
		"name": "peer4", "id": sphinx.Node().id.hex(), "mix_key": sphinx.public_key(key).hex(), "address": address,
		"role": "service"}


def played_by_an_appliance():
	with Lab(network={"delay": {"mean": "10ms", "max": "100ms"}}) as lab:
		space, address, _ = lab.add_host("generator", 100)
		quiet(lab.switch.netns)
		quiet(space)
		lab.guests.append(sink_entry(address))
		sink_mac = show(mac_of(space, "eth0"))
		node = lab.add("mix1", "mix", 1, config={"test": {"key_seed": SEED, "delay_seed": SEED}}, setup=lambda node:
			netns.ip("neigh", "replace", address, "lladdr", sink_mac, "dev", "eth0", "nud", "permanent",
				netns=node.netns))
		start(lab)
		books = Books(node, besides=("to_kernel",))  # ARP
		report = generate(lab, space, "--port", "afxdp:eth0", "--count", COUNT, "--rate", RATE)
		check_clean(report, COUNT)
		books.moves("constant distance", FORWARDED, times=COUNT)
		check(report["owed_us"]["max"] <= 100_000, "longest delay")
		check_rates(lab, space, node)
		check_reuse(lab, space, node)
		check_dpdk(lab, space, node)


def check_rates(lab, space, node):
	report = generate(lab, space, "--port", "afxdp:eth0", "--seconds", 1, "--rate", RATE, "--poisson")
	check_clean(report, RATE)
	equal(report["spacing"], "poisson", "spacing")


def check_reuse(lab, space, node):
	"""Without --accept-replays all copies are dropped, and the generator says so."""
	report = generate(
		lab, space, "--port", "afxdp:eth0", "--count", 300, "--rate", 300, "--reuse", "--pool", 100, code=3)
	equal((report["pool"], report["sent"], report["received"], report["lost"]), (100, 300, 100, 200), "reuse")


def check_dpdk(lab, space, node):
	"""Another driver, which has no kernel to ask for addresses."""
	report = generate(
		lab, space, "--port", "dpdk:net_af_packet0,iface=eth0", "--count", RING, "--rate", RING, "--from",
		show(mac_of(space, "eth0")), "--to", show(mac_of(node.netns, "eth0")))
	check_clean(report, RING)


def played_over_ipv6():
	"""The same over IPv6, without anything prepared: both ends find each other."""
	with Lab(ipv6=True, network={"delay": {"mean": "10ms", "max": "100ms"}}) as lab:
		space, _, address = lab.add_host("generator", 100)
		lab.guests.append(sink_entry(address))
		node = lab.add("mix1", "mix", 1, config={"test": {"key_seed": SEED, "delay_seed": SEED}})
		start(lab)
		check_clean(generate(lab, space, "--port", "afxdp:eth0", "--count", RING, "--rate", RING), RING)
		equal(counted(node)["drops"], 0, "drops")


class Faulty:
	"""An appliance that never delays, and does to packet number n what faults[n % 10] says."""

	def __init__(self, space, address, sink):
		self.space, self.address, self.sink = space, address, sink
		self.seen = []
		self.deaf = False
		self._socket = netns.packet_socket(space, "eth0")
		threading.Thread(target=self._run, daemon=True).start()

	def _run(self):
		while True:
			try:
				frame, source = self._socket.recvfrom(65536)
			except OSError:
				return  # the interface is gone
			if source[2] == netns.PACKET_OUTGOING or frame[36:38] != (9001).to_bytes(2, "big"):
				continue
			packet = sphinx.unwrap(GEO, mix_key(SEED), taken_apart(frame)["packet"]).packet
			if not self.deaf:
				self.forward(len(self.seen) % 10, bytearray(packet))
			self.seen.append(packet)

	def forward(self, number, packet):
		if number == 1:
			return  # lost
		if number == 2:
			packet[100] ^= 1  # the header no longer opens
		if number == 3:
			packet[-1] ^= 1  # the payload becomes noise
		if number == 4:
			self.send(packet)  # and once more below
		if number == 5:
			packet = packet[:-1]
		self.send(packet, break_checksum=number == 6)
		if number == 7 and self.seen:
			self.send(b"\0" * 100)

	def send(self, packet, **broken):
		datagram = udp(self.address, self.sink["ip"], bytes(packet), **broken)
		self._socket.send(ethernet(
			self.sink["mac"], mac_of(self.space, "eth0"), ip(self.address, self.sink["ip"], datagram)))


def check_window(lab, space, faulty):
	"""No more are under way than the window holds: none comes back, so the rest never leaves."""
	faulty.deaf = True
	report = generate(
		lab, space, "--port", "afxdp:eth0", "--count", 20, "--window", 3, "--linger", 2_000, code=3)
	equal((report["sent"], report["received"], len(faulty.seen)), (3, 0, 103), "window")


def played_badly():
	with Lab(network={"delay": {"mean": "2s", "max": "10s"}}) as lab:
		space, address, _ = lab.add_host("generator", 100)
		other, faulty_address, _ = lab.add_host("faulty", 101)
		for one in (lab.switch.netns, space, other):
			quiet(one)
		key = sphinx.public_key(mix_key(SEED)).hex()
		lab.guests += [sink_entry(address), {
			"name": "mix1", "id": sphinx.Node().id.hex(), "mix_key": key, "address": faulty_address, "role": "mix",
			"layer": 1}]
		lab.write_topology()
		faulty = Faulty(other, faulty_address, {"ip": address, "mac": mac_of(space, "eth0")})
		report = generate(lab, space, "--port", "afxdp:eth0", "--count", 100, "--rate", 50, code=3)
		equal(len(faulty.seen), 100, "packets at the faulty appliance")
		# Lost are also the changed ones: what was sent did not come.
		wanted = {
			"sent": 100, "received": 50, "lost": 50, "duplicates": 10, "corrupt": 50, "foreign": 0,
			"corrupt_reasons": {"bad_mac": 10, "bad_payload_tag": 10}}
		equal({key: report[key] for key in wanted}, wanted, "faults that the generator found")
		# No delay at all: early are all that were owed more than the way takes.
		check(report["early"] >= 10, f"{report['early']} early of 50 that were not delayed")
		check_window(lab, space, faulty)


played_by_an_appliance()
played_over_ipv6()
played_badly()
