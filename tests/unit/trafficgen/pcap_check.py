#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fog-trafficgen pcap: every frame of a file is right, every packet is distinct and unwraps along its path
by the second implementation, for every shipped geometry and path length, IPv4, IPv6 and VLAN.

usage: pcap_check.py FOG_TRAFFICGEN FOGCTL CONFIG_DIR
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from traffic_ref import FIRST_SOURCE_PORT, check, equal, mix_key, payload_numbers, records, sphinx, taken_apart, unwrapped

TRAFFICGEN, FOGCTL, CONFIG = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


def run(*words, wanted=0):
	done = subprocess.run([TRAFFICGEN, *map(str, words)], capture_output=True, text=True)
	equal(done.returncode, wanted, f"exit code of {words}: {done.stderr}")
	return done


def network(layers, geometry, ipv6=False, width=1):
	"""A topology file with 'width' mixes a layer, and the private keys by node ID."""
	nodes, keys = [], {}
	for number in range(layers * width + 1):
		layer = number // width + 1
		node, seed = sphinx.Node(), number
		keys[node.id.hex()] = node.private
		nodes.append({
			"name": f"n{seed}", "id": node.id.hex(), "mix_key": node.public.hex(),
			"address": f"fd00::{seed + 1:x}" if ipv6 else f"192.0.2.{seed + 1}",
			**({"role": "mix", "layer": layer} if layer <= layers else {"role": "service"})})
	return {"network": {"name": "check", "links": "none", "geometry": geometry}, "nodes": nodes}, keys


def path_of(geo, keys, first, packet):
	"""The nodes that a packet passes, found by opening it."""
	way = [first]
	while (result := sphinx.unwrap(geo, keys[way[-1]], packet)).action == "forward":
		packet = result.packet
		way.append(result.next_hop.hex())
	return way, result


def check_frames(frames, to, sender, flows, vlan=0, rate=10000):
	"""Headers and times of all frames; returns the packets."""
	taken = [taken_apart(frame) for _, frame in frames]
	for number, one in enumerate(taken):
		equal((one["to"], one["from"], one["vlan"]), (to, sender, vlan), "addresses")
		equal(one["source_port"], FIRST_SOURCE_PORT + number % flows, "source port")
		check(abs(frames[number][0] - frames[0][0] - number / rate) < 2e-6, "time stamps")
	packets = [one["packet"] for one in taken]
	for what, at in (("elements", slice(2, 34)), ("packets", slice(None))):
		equal(len({packet[at] for packet in packets}), len(packets), f"distinct {what}")
	return packets


def check_testnet(folder):
	"""Without a topology: the shipped network, whose keys are those of the seeds 1 and 2."""
	text = (CONFIG / "testnet" / "topology.yaml").read_text()
	way = re.findall(r"id: ([0-9a-f]{64})", text)
	shown = re.findall(r"mix_key: ([0-9a-f]{64})", text)
	keys = [mix_key(1), mix_key(2)]
	equal(shown, [sphinx.public_key(key).hex() for key in keys], "mix keys of config/testnet")
	report = json.loads(run("pcap", "--count", 150, "--out", folder / "testnet.pcap", "--json").stdout)
	equal((report["packets"], report["hops"], report["frame_bytes"]), (150, 2, 1450), "report")
	equal(report["file_bytes"], (folder / "testnet.pcap").stat().st_size, "bytes of the file")
	packets = check_frames(
		list(records(folder / "testnet.pcap")), ("02:00:00:00:00:01", "198.18.0.1"),
		("02:00:00:00:00:02", "198.18.0.2"), 1024)
	numbers = [payload_numbers(unwrapped(sphinx.GEOMETRIES["mtu"], keys, packet, way)) for packet in packets]
	equal(len({run for run, _ in numbers}), 1, "runs in one file")
	equal([sequence for _, sequence in numbers], list(range(150)), "sequence numbers")


def check_paths(folder, geometry, layers):
	geo = sphinx.GEOMETRIES[geometry]
	ipv6 = layers % 2 == 0
	topology, keys = network(layers, geometry, ipv6)
	(folder / "topology.yaml").write_text(json.dumps(topology))
	to, sender = ("02:00:00:00:00:07", "fd00::aa" if ipv6 else "192.0.2.99"), (
		"02:00:00:00:00:08", "fd00::bb" if ipv6 else "192.0.2.98")
	run(
		"pcap", "--count", 66, "--out", folder / "paths.pcap", "--topology", folder / "topology.yaml", "--to",
		"/".join(to), "--from", "/".join(sender), "--flows", 3, "--vlan", 7, "--rate", 500)
	packets = check_frames(list(records(folder / "paths.pcap")), to, sender, 3, vlan=7, rate=500)
	way = [node["id"] for node in topology["nodes"]]
	for sequence, packet in list(enumerate(packets))[::13]:
		equal(len(packet), geo.packet, "bytes of a packet")
		payload = unwrapped(geo, [keys[node] for node in way], packet, way)
		equal(payload_numbers(payload)[1], sequence, "sequence number")


def check_choice(folder):
	"""Three layers of two: the appliance under test stands in its layer's place, the rest is drawn."""
	topology, keys = network(3, "mtu", width=2)
	ids = [node["id"] for node in topology["nodes"]]
	(folder / "topology.yaml").write_text(json.dumps(topology))
	options = ["pcap", "--count", 128, "--out", folder / "choice.pcap", "--topology", folder / "topology.yaml"]
	check("name one with --first" in run(*options, wanted=1).stderr, "two mixes of layer 1 need a choice")
	run(*options, "--first", "n3")  # of layer 2
	found = set()
	for _, frame in records(folder / "choice.pcap"):
		one = taken_apart(frame)
		equal(one["to"][1], "192.0.2.4", "address of the appliance under test")
		way, _ = path_of(sphinx.GEOMETRIES["mtu"], keys, ids[3], one["packet"])
		found.add(tuple(ids.index(node) for node in way))
	equal(found, {(3, 4, 6), (3, 5, 6)}, "paths")


def check_refusals(folder):
	out = folder / "no.pcap"
	for words, code, sentence in (
		([], 2, "usage"), (["dance"], 2, "usage"), (["pcap"], 2, "needs --count"),
		(["pcap", "--count", "0", "--out", out], 2, "whole number from 1"),
		(["pcap", "--count", "1", "--out", out, "more"], 2, "no option"),
		(["pcap", "--count", "1", "--out", out, "--to", "x"], 2, "MAC, IP or MAC/IP"),
		(["pcap", "--count", "1", "--out", out, "--to", "fd00::1"], 1, "different families"),
		(["pcap", "--count", "1", "--out", out, "--first", "x"], 1, "no node is called"),
		(["pcap", "--count", "1", "--out", out, "--first", "sink"], 1, "both ends"),
		(["pcap", "--count", "1", "--out", out, "--topology", folder / "none"], 1, "No such file"),
		(["pcap", "--count", "1", "--out", folder / "no" / "dir"], 1, "No such file"),
		(["pcap", "--count", "9999", "--out", "/dev/full"], 1, "No space left"),
		(["pcap", "--count", "1", "--out", folder / "\udcff", "--json"], 1, "isn't UTF-8"),
		(["pcap", "--count", "1", "--out", "/dev/stdout", "--json"], 1, "where the report of --json goes"),
		(["run", "--port", "afxdp:none0", "--count", "1", "--seconds", "1"], 2, "leave one out"),
	):
		error = run(*words, wanted=code).stderr
		check(sentence in error, f"{words}: {error}")
		check(not out.exists(), f"{words} left a file")
	check("--topology" in run("--help").stdout, "help")


def check_interruption(folder):
	"""SIGTERM ends it soon, and what was there before stays as it was."""
	place = folder / "interrupted"
	place.mkdir()
	out = place / "old.pcap"
	out.write_text("old")
	with subprocess.Popen([TRAFFICGEN, "pcap", "--count", "100000000", "--out", out]) as process:
		try:
			while sum(path.stat().st_size for path in place.iterdir()) < 100000:
				equal(process.poll(), None, "exit code")
				time.sleep(0.01)
			process.terminate()
			equal(process.wait(60), 1, "exit code after SIGTERM")
		finally:
			process.kill()
	equal([path.name for path in place.iterdir()], ["old.pcap"], "files")
	equal(out.read_text(), "old", "the old file")


def check_shipped_config():
	"""The shipped appliance is accepted as it is, and refused where real packets travel."""
	def judged(text):
		with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
			file.write(text)
			file.flush()
			done = subprocess.run(
				[FOGCTL, "config", "check", file.name, "-t", CONFIG / "testnet" / "topology.yaml", "--any-host"],
				capture_output=True, text=True)
			return done.returncode, done.stdout + done.stderr
	text = (CONFIG / "testnet" / "appliance.yaml").read_text()
	code, said = judged(text)
	equal(code, 0, f"fogctl config check: {said}")
	code, said = judged(text.replace("production: false", "production: true"))
	check(code == 1 and "keys that everybody knows" in said, said)


def main():
	with tempfile.TemporaryDirectory() as name:
		folder = pathlib.Path(name)
		check_testnet(folder)
		for geometry, geo in sphinx.GEOMETRIES.items():
			for layers in range(1, geo.slots):
				check_paths(folder, geometry, layers)
		check_choice(folder)
		check_refusals(folder)
		check_interruption(folder)
	check_shipped_config()


if __name__ == "__main__":
	main()
