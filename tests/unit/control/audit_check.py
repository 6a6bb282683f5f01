#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl audit delays on loops whose truth is known: proofs, owed delays and travels are computed here, by
an implementation that shares nothing with the C code, and served as the REST API would. The audit over a
whole network with real cheats is tests/smoke/audit_test.py. Usage: audit_check.py FOGCTL"""
import hashlib
import http.server
import json
import math
import os
import pathlib
import random
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "vrf_ref"))
import vrf_ref  # noqa: E402

FOGCTL = sys.argv[1]
SEED = 20261125
LAYERS, WIDTH, LOOPS = 3, 2, 1600
MEAN_US, MAX_US, CAP_MS, EPOCH_S, OVERLAP_S, TICK_US = 25_000, 250_000, 0, 20, 5, 100
EPOCHS = [100, 101, 102]
PATIENCE_S = 120
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
rng = random.Random(SEED)
results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Node:
	def __init__(self, name, layer):
		self.name, self.layer = name, layer
		self.id, self.seed = rng.randbytes(32), rng.randbytes(32)
		self.key = vrf_ref.public(self.seed)


NETWORK = vrf_ref.network_hash("audited", 5, 900, EPOCH_S, MEAN_US, MAX_US, CAP_MS)
SELF = Node("gateway", 0)
MIXES = [Node(f"mix{layer}{letter}", layer) for layer in range(1, LAYERS + 1) for letter in "ab"[:WIDTH]]


PROOFS, CIPHERS = {}, {}


def draw(beacon):
	"""Proofs and delay keys of all; 'beacon' is what those of an epoch are drawn with."""
	for node in MIXES:
		for epoch in EPOCHS:
			found = vrf_ref.prove(node.seed, vrf_ref.delay_alpha(NETWORK, epoch, beacon(epoch)))
			PROOFS[node.name, epoch] = found
			CIPHERS[node.name, epoch] = Cipher(algorithms.AES(vrf_ref.delay_key(found["beta"])), modes.ECB())


class Directory:
	"""Four authorities who make consensuses without nodes, with beacons of which two are given."""

	def __init__(self):
		self.keys = [ed25519.Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)) for _ in range(4)]
		self.beacon = {EPOCHS[0] - 3: rng.randbytes(32), EPOCHS[0] - 2: rng.randbytes(32)}
		for epoch in range(EPOCHS[0] - 1, EPOCHS[-1] + 4):
			self.beacon[epoch] = hashlib.sha256(
				b"fogline beacon v1" + NETWORK + epoch.to_bytes(8, "big") + self.beacon[epoch - 1]).digest()

	def consensus(self, epoch):
		body = struct.pack(">BBBB32sQQQ32s", 1, 4, 3, 0, NETWORK, epoch, epoch + 3, 0, bytes(32))
		body += b"".join(self.beacon[epoch - k] for k in range(3))
		body += struct.pack(">4H2H7IQ7I3H", 15, 0, 0, 0, 5, 900, EPOCH_S, OVERLAP_S, MEAN_US, MAX_US, CAP_MS, 500, 120,
			1 << 20, *[0] * 7, 0, 0, 0)
		digest = hashlib.blake2b(body, digest_size=32).digest()
		text = b"fogline consensus v1\0" + NETWORK + epoch.to_bytes(8, "big") + digest
		return body + b"\3" + b"".join(bytes([a]) + self.keys[a].sign(text) for a in (0, 1, 3))

	def network_file(self, name="audited"):
		return json.dumps({
			"network": {"name": name, "geometry": "mtu", "links": "noise",
				"delay": {"mean": f"{MEAN_US}us", "max": f"{MAX_US}us"},
				"mix_key": {"epoch": f"{EPOCH_S}s", "overlap": f"{OVERLAP_S}s", "tolerance": "500ms"},
				"link": {"rekey": "120s", "rekey_packets": 1 << 20}},
			"directory": {"threshold": 3, "authorities": [{
				"name": f"auth{a + 1}", "identity": key.public_key().public_bytes(*RAW).hex(),
				"vrf_key": vrf_ref.public(bytes([a] * 32)).hex(), "tls_key": bytes([a + 1] * 32).hex(),
				"address": f"192.0.2.{a + 1}"} for a, key in enumerate(self.keys)]},
		})


def quantile(uniform):
	return -MEAN_US * math.log1p(uniform * math.expm1(-MAX_US / MEAN_US))


def owed_us(node, epoch, tag):
	block = CIPHERS[node.name, epoch].encryptor().update(tag[:16])
	return max(quantile(int.from_bytes(block[:8], "big") / 2**64), TICK_US)


def honest(owed):
	return owed


def halves(owed):
	return owed / 2


def own(owed):
	return quantile(rng.random())


def late(owed):
	return owed + (rng.uniform(50_000, 100_000) if rng.random() < 0.2 else 0)


def drops(owed):
	return None if owed > quantile(0.8) else owed


def loop(number, cheats):
	"""One record, as GET /v1/loops tells it."""
	epoch = EPOCHS[number * len(EPOCHS) // LOOPS]
	path = [rng.choice([mix for mix in MIXES if mix.layer == layer]) for layer in range(1, LAYERS + 1)]
	tags = [rng.randbytes(32) for _ in range(LAYERS + 1)]
	given = [cheats.get(mix.name, honest)(owed_us(mix, epoch, tag)) for mix, tag in zip(path, tags)]
	lost = None in given or rng.random() < 0.005
	travel = None
	if not lost:
		# Calendars and links add a little, sometimes more.
		travel = sum(given) + sum(rng.uniform(0, TICK_US) for _ in path) + 80 + rng.expovariate(1 / 300)
	hops = [*path, SELF]
	return {
		"number": number, "epoch": epoch, "fate": "lost" if lost else "arrived", "departure_us": number * 12_500,
		"travel_us": travel and int(travel),
		"path": [{"name": hop.name, "node_id": hop.id.hex(), "tag": tag.hex()} for hop, tag in zip(hops, tags)],
	}


class Plane(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
	"""What a control plane would answer."""
	daemon_threads = True

	def __init__(self, path, cheats=None):
		self.records = [loop(number, cheats or {}) for number in range(LOOPS)]
		self.proofs = dict(PROOFS)
		self.more = {}  # (node, epoch) -> what an answer with a proof says besides
		self.network = {
			"hash": NETWORK.hex(), "delay_mean_us": MEAN_US, "delay_max_us": MAX_US, "delay_cap_ms": CAP_MS,
			"delay_tick_max_us": TICK_US, "mix_key_epoch_s": EPOCH_S, "mix_key_overlap_s": OVERLAP_S,
		}
		self.asked, self.polls = [], 0
		self.refuses, self.dies_at = False, None
		self.consensus = None  # epoch -> bytes, in a network with a directory
		super().__init__(str(path), Handler)
		self.thread = threading.Thread(target=self.serve_forever, daemon=True)
		self.thread.start()

	def close(self):
		self.shutdown()
		self.server_close()
		os.unlink(self.server_address)

	def answer(self, method, path):
		if path == "/v1/nodes":
			nodes = [{"name": node.name, "node_id": node.id.hex(), "vrf_public_key": node.key.hex(), "layer": node.layer or None,
				"self": node is SELF} for node in [SELF, *MIXES]]
			return 200, {"network": self.network, "nodes": nodes}
		if path.startswith("/v1/loops"):
			return self.loops(method, path)
		if path.startswith("/v1/consensus"):
			return self.consensus_answer(path)
		_, _, _, node_id, _, epoch, last = path.split("/")
		which = next(node.name for node in MIXES if node.id.hex() == node_id), int(epoch)
		if last != "vrf" or which not in self.proofs:
			return 404, {"code": "no_proof", "detail": "there is no proof"}
		return 200, {"proof": self.proofs[which]["pi"].hex(), **self.more.get(which, {})}

	def consensus_answer(self, path):
		if not isinstance(self.consensus, dict):
			return self.consensus or (404, {"code": "no_directory", "detail": "the topology lists the nodes"})
		epoch = int(path.rpartition("epoch=")[2]) if "epoch=" in path else max(self.consensus, default=0)
		if epoch not in self.consensus:
			return 404, {"code": "no_consensus", "detail": "there is no such consensus here"}
		return 200, self.consensus[epoch] if "raw" in path else {"epoch": epoch}

	def loops(self, method, path):
		if method == "POST" and self.refuses:
			return 409, {"code": "loops_running", "detail": "loops are under way already", "hint": "wait"}
		if method == "POST":
			return 201, {"state": "sending"}
		if method == "DELETE":
			return 200, {"state": "none"}
		self.polls += 1
		query = dict(part.split("=") for part in path.partition("?")[2].split("&"))
		first = int(query["after"])
		page = self.records[first:first + int(query["limit"])]
		return 200, {"state": "ended" if self.polls > 1 else "waiting", "why": None, "records": page, "next": first + len(page)}


class Handler(http.server.BaseHTTPRequestHandler):
	def reply(self):
		body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
		self.server.asked.append((self.command, self.path, body.decode()))
		if self.server.dies_at is not None and self.path.startswith(self.server.dies_at):
			return
		status, answer = self.server.answer(self.command, self.path)
		data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
		self.send_response(status)
		self.send_header("Content-Length", str(len(data)))
		self.end_headers()
		self.wfile.write(data)

	do_GET = do_POST = do_DELETE = reply

	def address_string(self):
		return "unix"

	def log_message(self, *_):
		pass


def audit(plane, *more):
	"""(exit code, what it printed, what it said on stderr)."""
	argv = [FOGCTL, "audit", "delays", "--socket", plane.server_address, *more]
	done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S)
	return done.returncode, done.stdout, done.stderr


def report(plane, *more):
	code, out, said = audit(plane, "--json", *more)
	try:
		return code, json.loads(out)
	except ValueError:
		print(f"exit code {code}: {out} {said}")
		return code, {"nodes": [], "result": None, "not_judged": {}}


def verdicts(found):
	return {node["name"]: node["verdict"] for node in found["nodes"]}


def named(found):
	return {node["name"] for node in found["nodes"] if node["cheats"]}


def honest_network(folder):
	plane = Plane(folder / "honest.sock")
	code, found = report(plane, "--loops", "1600", "--rate", "80")
	check("honest: exit code 0", code == 0)
	check("honest: every mix, and nobody else", verdicts(found) == {mix.name: "honest" for mix in MIXES})
	check("honest: all loops judged", found.get("loops") == LOOPS and not any(found["not_judged"].values()))
	check("honest: epochs", found.get("epochs") == EPOCHS)
	posts = [json.loads(body) for method, _, body in plane.asked if method == "POST"]
	check("honest: the order", posts == [{"count": 1600, "rate": 80}])
	check("honest: records thrown away", plane.asked[-1][:2] == ("DELETE", "/v1/loops"))
	# What it says of the owed delays is what this file computed: both means within the noise.
	for node in found["nodes"]:
		mix = next(mix for mix in MIXES if mix.name == node["name"])
		owed = [owed_us(mix, record["epoch"], bytes.fromhex(hop["tag"])) for record in plane.records
			for hop in record["path"] if hop["name"] == mix.name]
		check(f"honest: what {mix.name} owed", len(owed) == node["loops"] and
			abs(sum(owed) / len(owed) - node["owed_us"]) < 0.05 * MEAN_US)
	code, out, _ = audit(plane, "--again", "--keep")
	check("honest: again", code == 0 and "all nodes delay as they owe" in out)
	check("honest: kept", plane.asked[-1][0] == "GET")
	code, found = report(plane, "--again", "--keep", "--epochs", "101")
	check("one epoch", found.get("epochs") == [101] and found["not_judged"].get("other_epoch", 0) > LOOPS // 2)
	plane.close()


def cheating_networks(folder):
	for cheat, name in ((halves, "mix2a"), (own, "mix1b"), (late, "mix3a"), (drops, "mix2b")):
		plane = Plane(folder / f"{cheat.__name__}.sock", {name: cheat})
		code, found = report(plane)
		print(f"{cheat.__name__}: {verdicts(found)}")
		check(f"{cheat.__name__}: exit code 4", code == 4)
		check(f"{cheat.__name__}: {name} and nobody else is named", named(found) == {name})
		code, out, _ = audit(plane, "--again")
		check(f"{cheat.__name__}: said to people", code == 4 and f"{name}: " in out and "somebody cheats" in out)
		plane.close()


def proofs(folder):
	plane = Plane(folder / "proofs.sock")
	which = ("mix1a", 101)
	other = vrf_ref.prove(rng.randbytes(32), b"something")
	plane.proofs[which] = other
	code, found = report(plane, "--keep")
	check("bad proof: named", code == 4 and named(found) == {"mix1a"} and verdicts(found)["mix1a"] == "bad_proof")
	through = sum(record["epoch"] == 101 and record["path"][0]["name"] == "mix1a" for record in plane.records)
	check("bad proof: those loops not judged", found["not_judged"].get("no_proof") == through and found["loops"] == LOOPS - through)
	# Of the right node, but of another epoch: replayed.
	plane.proofs[which] = PROOFS["mix1a", 100]
	code, found = report(plane, "--again", "--keep")
	check("replayed proof: named", code == 4 and verdicts(found)["mix1a"] == "bad_proof")
	del plane.proofs[which]
	begin = time.monotonic()
	code, found = report(plane, "--again", "--keep", "--wait", "0")
	check("no proof: named, no verdict", code == 5 and verdicts(found)["mix1a"] == "no_proof" and not named(found))
	check("no proof: nothing more to wait for", time.monotonic() - begin < PATIENCE_S / 2)
	code, out, _ = audit(plane, "--again", "--keep", "--wait", "0")
	check("no proof: the mend", code == 5 and "--again" in out)
	plane.proofs[which] = PROOFS[which]
	for epoch in EPOCHS:
		plane.more["mix3b", epoch] = {"counts_from": 102}
	code, found = report(plane, "--again", "--keep")
	young = sum(record["epoch"] < 102 and record["path"][2]["name"] == "mix3b" for record in plane.records)
	check("young key: skipped", found["not_judged"].get("key_too_young") == young)
	_, out, _ = audit(plane, "--again", "--keep")
	check("young key: said", "did not count yet" in out)
	plane.close()


def broken(folder):
	plane = Plane(folder / "broken.sock")
	for field in ("hash", "delay_mean_us", "mix_key_epoch_s", "delay_tick_max_us"):
		value = plane.network.pop(field)
		code, _, said = audit(plane, "--again")
		check(f"without {field}: refused by its name", code == 1 and field in said)
		plane.network[field] = value
	for field, value in (("tag", "00"), ("node_id", "00" * 32)):
		kept = plane.records[7]["path"][0][field]
		plane.records[7]["path"][0][field] = value
		code, _, said = audit(plane, "--again")
		check(f"spoiled {field}: refused", code == 1 and said.startswith("fogctl: "))
		plane.records[7]["path"][0][field] = kept
	check("nothing thrown away", not any(method == "DELETE" for method, _, _ in plane.asked))
	plane.records = []
	code, _, _ = audit(plane, "--again")
	check("without loops: no verdict", code == 5)
	plane.dies_at = "/v1/loops"
	code, _, said = audit(plane, "--again")
	check("gone on the way: nobody answers", code == 3 and "is fog-controlplane running?" in said)
	plane.dies_at, plane.refuses = None, True
	code, _, said = audit(plane)
	check("loops refused: said, and nobody is blamed", code == 1 and "already" in said and "wait" in said)
	for argv in (["--loops", "x"], ["--epochs", "5-3"], ["more"]):
		check(f"usage {argv}", audit(plane, *argv)[0] == 2)
	plane.close()
	done = subprocess.run([FOGCTL, "audit", "delays", "--socket", "/nonexistent"], capture_output=True, text=True)
	check("nobody there: said", done.returncode == 3 and "is fog-controlplane running?" in done.stderr)


def refused(plane, what, words, *more):
	code, out, said = audit(plane, "--again", *more)
	check(f"{what}: refused, nobody is blamed", code == 1 and out == "" and all(word in said for word in words))
	check(f"{what}: nothing thrown away", not any(method == "DELETE" for method, _, _ in plane.asked))
	if not all(word in said for word in words):
		print(said)


def directories(folder):
	"""The same loops where the beacons are a consensus'."""
	directory, first, last = Directory(), EPOCHS[0], EPOCHS[-1]
	draw(lambda epoch: directory.beacon[epoch - 1])
	plane = Plane(folder / "directory.sock")
	known = {epoch: directory.consensus(epoch) for epoch in range(first - 1, last + 2)}
	honest = {mix.name: "honest" for mix in MIXES}
	# One of three epochs is enough; the one between the first and the last knows all of three.
	for epochs in (list(known), [first + 1], [first, last + 1], [first - 1, last]):
		plane.consensus = {epoch: known[epoch] for epoch in epochs}
		code, found = report(plane, "--again", "--keep")
		check(f"consensuses {epochs}: honest", code == 0 and verdicts(found) == honest)
	later = {last + 3: directory.consensus(last + 3)}
	plane.consensus = later
	refused(plane, "forgotten", (f"epochs {first - 1} to {first + 1}", "--consensus", "--epochs"))
	plane.consensus = {first - 1: known[first - 1], **later}
	refused(plane, "one of three", (f"epoch {first + 1} ", f"epochs {first} to {first + 2}"))
	code, found = report(plane, "--again", "--keep", "--epochs", str(first))
	check("that one left out", code == 0 and verdicts(found) == honest)
	plane.consensus = later
	network, other, file = (folder / name for name in ("network.yaml", "other.yaml", "consensus"))
	network.write_text(directory.network_file())
	other.write_text(directory.network_file("another"))
	file.write_bytes(known[first + 1])
	given = ("--consensus", file, "--network", network)
	code, found = report(plane, "--again", "--keep", *given)
	check("a file says it", code == 0 and verdicts(found) == honest)
	refused(plane, "another network's file", ("other_network",), "--consensus", file, "--network", other)
	bad = bytearray(known[first + 1])
	bad[4 + 32 + 24 + 32 + 40] ^= 1  # a beacon
	file.write_bytes(bad)
	refused(plane, "a forged file", ("bad_signature",), *given)
	file.write_bytes(b"x")
	refused(plane, "no consensus", ("malformed",), *given)
	check("a file alone: usage", audit(plane, "--again", "--consensus", file)[0] == 2)
	plane.consensus = {}
	refused(plane, "no consensus counts", (f"epochs {first - 1} to {first + 1}",))
	plane.consensus = {first + 1: b"\1garbage"}
	refused(plane, "what can't be read", ("can't be read",))
	foreign = bytearray(known[first + 1])
	foreign[4] ^= 1
	plane.consensus = {first + 1: bytes(foreign)}
	refused(plane, "of another network", ("another network",))
	plane.consensus = 403, {"code": "forbidden", "detail": "no"}
	refused(plane, "not told", ("does not say whether",))
	# Whoever draws as if there were no directory cheats.
	plane.consensus = known
	plane.proofs["mix2b", first] = vrf_ref.prove(next(mix for mix in MIXES if mix.name == "mix2b").seed,
		vrf_ref.delay_alpha(NETWORK, first, vrf_ref.static_beacon(NETWORK, first)))
	code, found = report(plane, "--again", "--keep")
	check("drawn with the static beacon: named", code == 4 and named(found) == {"mix2b"})
	plane.consensus = None
	file.write_bytes(known[first + 1])
	refused(plane, "a consensus without a directory", ("no directory",), *given)
	plane.close()


draw(lambda epoch: vrf_ref.static_beacon(NETWORK, epoch))
with tempfile.TemporaryDirectory() as name:
	honest_network(pathlib.Path(name))
	cheating_networks(pathlib.Path(name))
	proofs(pathlib.Path(name))
	broken(pathlib.Path(name))
	directories(pathlib.Path(name))
print(f"{results['passed']} passed, {results['failed']} failed")
sys.exit(results["failed"] > 0)
