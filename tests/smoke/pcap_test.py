#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Packets of the fixed test network, written by fog-trafficgen and sent by a foreign sender (tcpreplay): an
appliance with the network's keys unwraps and forwards every one of them, and the sink gets them all."""
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading

from _init import LONG, ROOT, SANITIZED, Lab, check, equal, netns, skip, wait_for
from peer import FORWARDED, Books, counted, mac_of, quiet, show, start

sys.path.insert(0, str(ROOT / "tests" / "unit" / "trafficgen"))
from traffic_ref import mix_key, payload_numbers, records, sphinx, taken_apart, unwrapped  # noqa: E402

COUNT = 100_000 if LONG or not SANITIZED else 5_000
# A piece fits the appliance's receive ring, so that no slow machine loses a packet to the clock.
PIECE, RATE = 1_000, 20_000
SAMPLE = 50
SO_RCVBUFFORCE = 33


class Sink:
	"""Takes what is forwarded: the group elements of all packets, and some of them whole."""

	def __init__(self, space, address):
		self.elements, self.whole = set(), []
		self.count = 0
		self._socket = netns.udp_socket(space, address, 9001)
		self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
		threading.Thread(target=self._read, daemon=True).start()

	def _read(self):
		while True:
			packet = self._socket.recv(65536)
			self.elements.add(packet[2:34])
			if self.count % (COUNT // SAMPLE) == 0:
				self.whole.append(packet)
			self.count += 1


def pieces(path, folder):
	"""The file cut into files of PIECE packets, one after the other."""
	data = path.read_bytes()
	head, at = data[:24], 24
	while at < len(data):
		begin = at
		for _ in range(PIECE):
			if at < len(data):
				at += 16 + struct.unpack("=I", data[at + 8:at + 12])[0]
		piece = folder / "piece.pcap"
		piece.write_bytes(head + data[begin:at])
		yield piece


def frames_of(node):
	"""Frames that the appliance's driver has taken, and what no worker ever saw."""
	port = node.rest.get("/v1/ports")["ports"][0]
	equal(port["port_lost"], 0, "frames lost in front of the workers")
	return port["rx_frames"]


def send(node, space, path):
	sent = 0
	for piece in pieces(path, path.parent):
		argv = ["tcpreplay", "-q", "-i", "eth0", f"--pps={RATE}", piece]
		done = subprocess.run(netns.command(space, argv), capture_output=True, text=True)
		equal(done.returncode, 0, f"tcpreplay: {done.stderr}")
		sent += int(re.search(r"Successful packets:\s+(\d+)", done.stdout).group(1))
		wait_for("the piece", lambda wanted=sent: frames_of(node) >= wanted, alive=node.check_alive)
	equal(sent, COUNT, "packets sent by tcpreplay")


def check_file(path):
	"""Some packets all over the file: right frames, right packets, right payloads."""
	seen = 0
	for number, (_, frame) in enumerate(records(path)):
		if number % (COUNT // SAMPLE) == 0:
			packet = taken_apart(frame)["packet"]
			payload = unwrapped(sphinx.GEOMETRIES["mtu"], [mix_key(1), mix_key(2)], packet)
			equal(payload_numbers(payload)[1], number, "sequence number")
			seen += 1
	equal(seen, SAMPLE, "packets that were looked at")


def check_sink(sink):
	wait_for("all packets at the sink", lambda: sink.count >= COUNT)
	equal((sink.count, len(sink.elements)), (COUNT, COUNT), "packets at the sink, and distinct ones")
	for packet in sink.whole:
		payload_numbers(unwrapped(sphinx.GEOMETRIES["mtu"], [mix_key(2)], packet))


def loud(node):
	"""Whoever looks at this appliance learns that its keys are no secret."""
	warnings = {one["code"] for one in node.rest.get("/v1/status")["warnings"]}
	check({"key_seed", "delay_seed", "links_none"} <= warnings, f"warnings: {warnings}")
	check(re.search(r"^fog_test_keys 1$", node.rest.get("/metrics").decode(), re.MULTILINE), "fog_test_keys")


if not shutil.which("tcpreplay"):
	skip("needs tcpreplay: apt-get install tcpreplay")
with Lab(network={"delay": {"mean": "10ms", "max": "100ms"}}) as lab:
	space, address, _ = lab.add_host("sender", 100)
	quiet(lab.switch.netns)
	quiet(space)
	testnet = (ROOT / "config" / "testnet" / "topology.yaml").read_text()
	ids, keys = (re.findall(rf"{key}: ([0-9a-f]{{64}})", testnet) for key in ("id", "mix_key"))
	lab.guests.append({
		"name": "peer4", "id": ids[1], "mix_key": keys[1], "address": address, "role": "service"})
	sender_mac = show(mac_of(space, "eth0"))
	node = lab.add("mix1", "mix", 1, config={"test": {"key_seed": 1, "delay_seed": 1}}, setup=lambda node: netns.ip(
		"neigh", "replace", address, "lladdr", sender_mac, "dev", "eth0", "nud", "permanent", netns=node.netns))
	start(lab)
	equal((node.id, node.mix_key), (ids[0], keys[0]), "identity and mix key of the appliance")
	loud(node)

	path = pathlib.Path(node.folder) / "traffic.pcap"
	print(subprocess.run([
		lab.bin / "fog-trafficgen", "pcap", "--count", str(COUNT), "--out", path,
		"--to", f"{show(mac_of(node.netns, 'eth0'))}/{node.ip4}", "--from", f"{sender_mac}/{address}",
	], check=True, capture_output=True, text=True).stdout)
	check_file(path)

	books, sink = Books(node), Sink(space, address)
	send(node, space, path)
	wait_for("the last release", lambda: counted(node)["tx"] >= COUNT, alive=node.check_alive)
	books.moves("every packet forwarded, nothing else", FORWARDED, times=COUNT)
	check_sink(sink)
	books.close()
