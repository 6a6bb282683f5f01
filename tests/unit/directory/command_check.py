#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl consensus on files: consensuses of the C code and of the second implementation (consensus_check.py),
proofs that are made here, damaged and cut ones, files that are something else.

usage: command_check.py FOGCTL CONSENSUS_ANSWER
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import consensus_check as second
import vrf_ref
from cryptography.hazmat.primitives import serialization

FOGCTL = sys.argv[1]
PATIENCE_S = 60
SEED = 14
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
rng = random.Random(SEED)
results = {"passed": 0, "failed": 0}


def check(what, condition, *more):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", *more, flush=True)


def fogctl(*words):
	done = subprocess.run([FOGCTL, "consensus", *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S)
	# A sanitizer's report, a signal: nothing that a file may bring about.
	check(f"no crash: {words}", done.returncode in range(3) and "Sanitizer" not in done.stderr, done)
	return done.returncode, done.stdout, done.stderr


def identity(network, authority):
	return network.key(authority).public_key().public_bytes(*RAW)


class Played:
	"""What consensus_answer has played: the network, and of each epoch the bytes that it and Python made."""

	def __init__(self, program):
		done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
		self.network, self.consensus, self.bytes, self.left = None, [], [], []
		previous, votes, epoch, lied = None, [], 0, 0
		for word, *values in map(str.split, done.stdout.splitlines()):
			if word == "network":
				self.network = second.Network(values)
			elif word in ("seed", "vrf"):
				getattr(self.network, "seeds" if word == "seed" else word).append(bytes.fromhex(values[0]))
			elif word == "epoch":
				epoch, votes = int(values[0]), []
			elif word == "lied":
				lied = int(values[0])
			elif word == "vote":
				votes.append(second.Vote(self.network, bytes.fromhex(values[0])))
			else:
				theirs = bytes.fromhex(values[0])
				body, previous, left = second.compute(self.network, votes, lied, previous, epoch)
				self.consensus.append(previous)
				self.bytes.append((theirs, body))
				self.left.append(left)

	def signed(self, number, signers):
		body = self.bytes[number][1]
		return body + second.signatures(self.network, body, self.consensus[number].epoch, signers)

	def network_file(self, **changes):
		name = self.network.name
		slots, payload, epoch, overlap, mean, most, cap, tolerance, rekey, packets, threshold = self.network.numbers
		assert (slots, payload) == (5, 900)
		said = {"name": name, "geometry": "mtu", "links": "noise",
			"delay": {"mean": f"{mean}us", "max": f"{most}us", "cap": f"{cap}ms"},
			"mix_key": {"epoch": f"{epoch}s", "overlap": f"{overlap}s", "tolerance": f"{tolerance}ms"},
			"link": {"rekey": f"{rekey}s", "rekey_packets": packets}}
		authorities = [{"name": f"auth{a + 1}", "identity": identity(self.network, a).hex(),
			"vrf_key": vrf_ref.public(self.network.vrf[a]).hex(), "tls_key": bytes([a + 1] * 32).hex(),
			"address": f"192.0.2.{a + 1}"} for a in range(len(self.network.seeds))]
		for place, value in changes.items():
			if place.startswith("auth"):
				authorities[int(place[4:]) - 1].update(value)
			else:
				said[place] = {**said[place], **value} if isinstance(value, dict) else value
		return json.dumps({"network": said, "directory": {"threshold": threshold, "authorities": authorities}})


def proof(network, authority, kind, epoch, hashed, digests, signer=None):
	label = (b"fogline vote v1", b"fogline consensus v1")[kind - 1]
	key = network.key(authority if signer is None else signer)
	out = bytes([1, kind, 0, 0]) + hashed + second.u64(epoch) + identity(network, authority)
	for digest in digests:
		out += digest + key.sign(second.statement(label, hashed, epoch, digest))
	return out


class Files:
	def __init__(self, folder, played):
		self.folder, self.played = pathlib.Path(folder), played
		self.network = self.write("network.yaml", played.network_file().encode())

	def write(self, name, data):
		path = self.folder / name
		path.write_bytes(data)
		return path

	def verify(self, *words, network=None):
		code, out, err = fogctl("verify", "--network", network or self.network, "-j", *words)
		try:
			return code, json.loads(out)
		except ValueError:
			return code, err

	def refused(self, what, label, data, *words, network=None):
		code, found = self.verify(self.write("refused", data), *words, network=network)
		label_found = found[0]["refusal"] if isinstance(found, list) else found
		check(f"{what}: {label}", code == 1 and label_found == label, code, found)
		return found[0]["text"] if isinstance(found, list) else ""


def good_ones(files):
	played = files.played
	names = []
	for number, (theirs, body) in enumerate(played.bytes):
		epoch = played.consensus[number].epoch
		signers = sorted(rng.sample(range(4), 3))
		names.append(files.write(f"consensus-{epoch}", theirs if number % 2 else played.signed(number, signers)))
		code, (found,) = files.verify(names[-1])
		signers = list(names[-1].read_bytes()[len(body) + 1::65])
		check(f"epoch {epoch} is good", code == 0 and found["ok"] and found["refusal"] is None, found)
		check(f"epoch {epoch} is told", (found["kind"], found["epoch"], found["until"], found["digest"]) ==
			("consensus", epoch, epoch + 3, played.consensus[number].digest.hex()), found)
		check(f"epoch {epoch}: who signed", found["signed_by"] == [f"auth{a + 1}" for a in signers], found)
		check(f"epoch {epoch}: nodes", found["nodes"] == len(played.consensus[number].members), found)
	code, found = files.verify(*names)
	made = [entry["made_from"] for entry in found]
	check("each is made from the one before", code == 0 and made == [None, *map(str, names[:-1])], made)
	code, out, _ = fogctl("verify", "--network", files.network, names[1])
	check("for people", code == 0 and "consensus of epoch" in out and "signed by" in out and "auth" in out, out)
	return names


def by_name(files, names):
	played, network = files.played, files.played.network
	right, body = played.signed(2, [0, 1, 2]), played.bytes[2][1]
	text = files.refused("two signatures", "too_few_signatures", played.signed(2, [0, 3]))
	check("who signed is said", "auth1, auth4" in text and "asks for 3" in text, text)
	bad = bytearray(played.signed(2, [0, 1, 3]))
	bad[len(body) + 1 + 65 + 1 + 5] ^= 4  # of authority 1
	check("whose signature it is", "authority auth2" in files.refused("signature", "bad_signature", bytes(bad)))
	# A threshold signs what is not right.
	changed = bytearray(body)
	beacon = 4 + 32 + 8 + 8 + 8 + 32
	changed[beacon] ^= 1
	lie = bytes(changed)
	lie += second.signatures(network, lie, played.consensus[2].epoch, [0, 1, 2])
	check("beacon", "beacon" in files.refused("beacon", "malformed", lie))
	node = next(iter(sorted(played.consensus[2].members)))
	member = played.consensus[2].members[node]
	changed = bytearray(body)
	changed[body.index(member.data) + 8 + 32 * 3] ^= 1  # link key
	lie = bytes(changed)
	lie += second.signatures(network, lie, played.consensus[2].epoch, [0, 1, 2])
	text = files.refused("a node's signature", "bad_signature", lie)
	check("which node", member.descriptor["name"] in text, text)
	for change, label, word in (
			({"name": "other"}, "other_network", "network file"),
			({"mix_key": {"overlap": "61s"}}, "parameters", "61"),
			({"link": {"rekey": "121s"}}, "parameters", "121"),
			({"auth3": {"identity": identity(network, 2).hex()[:-2] + "00"}}, "bad_signature", "authority auth3"),
			({"auth2": {"vrf_key": vrf_ref.public(bytes(32)).hex()}}, "bad_signature", "share of the beacon")):
		other = files.write("other.yaml", played.network_file(**change).encode())
		text = files.refused(f"{change}", label, right, network=other)
		check(f"{change}: {word}", word in text, text)
	epoch = played.consensus[2].epoch
	for wanted, label in ((epoch - 1, "epoch"), (epoch + 3, "expired")):
		files.refused(f"for epoch {wanted}", label, right, "--epoch", wanted)
	for wanted in (epoch, epoch + 2):
		code, _ = files.verify(names[2], "--epoch", wanted)
		check(f"good for {wanted}", code == 0)


def together(files, names):
	played = files.played
	right = names[2].read_bytes()
	code, found = files.verify(names[2], "--previous", names[1])
	check("made from the previous one", code == 0 and found[0]["made_from"] == str(names[1]), found)
	files.refused("not the previous one", "epoch", right, "--previous", names[0])
	files.refused("a later one is older", "rollback", right, "--previous", names[3])
	files.refused("the same", "rollback", right, "--previous", names[2])
	votes = files.write("proof", proof(played.network, 1, 1, 7, played.network.hash, [bytes(32), bytes([1]) * 32]))
	files.refused("previous is a proof", "malformed", right, "--previous", votes)
	# Another one of the epoch before, as a threshold can make it: with another rate.
	body = bytearray(played.bytes[1][1])
	voted = 4 + 32 + 24 + 32 + 96
	rates = voted + 8 + 4 + 7 * 4 + 8
	body[rates + 3] ^= 1
	twin = bytes(body) + second.signatures(played.network, bytes(body), played.consensus[1].epoch, [0, 2, 3])
	twin = files.write("twin", twin)
	check("the twin is good alone", files.verify(twin)[0] == 0)
	files.refused("made from the other one", "equivocation", right, "--previous", twin)
	files.write("first", played.signed(1, [0, 1, 2]))
	code, found = files.verify(files.folder / "first", twin)
	check("two of one epoch", code == 1 and [entry["refusal"] for entry in found] == ["equivocation"] * 2, found)
	check("who signed both", all("both are signed by auth1, auth3" in entry["text"] for entry in found), found)


def proofs(files):
	network = files.played.network
	digests = [bytes([3]) * 32, bytes([9]) * 32]
	one = proof(network, 1, 2, 77, network.hash, digests)
	two = proof(network, 3, 1, 77, network.hash, digests)
	code, (found,) = files.verify(files.write("proofs", one + two))
	check("two proofs hold", code == 0 and found["kind"] == "equivocation" and found["ok"], found)
	check("the liars are named", [(e["authority"], e["of"], e["epoch"], e["digests"]) for e in found["proofs"]] ==
		[("auth2", "consensuses", 77, [d.hex() for d in digests]), ("auth4", "votes", 77, [d.hex() for d in digests])], found)
	code, out, _ = fogctl("verify", "--network", files.network, files.folder / "proofs")
	check("for people", code == 0 and "authority auth2 has signed two different consensuses of epoch 77" in out, out)
	text = files.refused("signed by another", "bad_signature", one + proof(network, 1, 2, 77, network.hash, digests, 0))
	check("which one", "proof 2" in text, text)
	files.refused("the same twice", "malformed", proof(network, 1, 2, 77, network.hash, digests[:1] * 2))
	files.refused("turned round", "malformed", proof(network, 1, 2, 77, network.hash, digests[::-1]))
	files.refused("another network", "other_network", proof(network, 1, 2, 77, bytes(32), digests))
	stranger = files.write("less.yaml", files.played.network_file(auth2={"identity": identity(network, 1).hex()[::-1]}).encode())
	files.refused("nobody's", "other_network", one, network=stranger)
	files.refused("cut", "malformed", one[:-1])
	for bit in range(0, 8 * len(one), 37):
		bad = bytearray(one)
		bad[bit // 8] ^= 1 << bit % 8
		code, found = files.verify(files.write("bit", bytes(bad)))
		check(f"bit {bit}", code == 1 and found[0]["refusal"], found)


def hostile(files, names):
	"""No file is anything but refused, whatever is in it; and 'show' and 'diff' read what nobody has signed."""
	right = names[3].read_bytes()
	text = files.refused("empty", "malformed", b"")
	check("what to take is said", "consensus-EPOCH" in text, text)
	files.refused("text", "malformed", files.network.read_bytes())
	for _ in range(60):
		bad = bytearray(right[:rng.randrange(1, len(right))] if rng.random() < 0.3 else right)
		for _ in range(rng.randrange(1, 4)):
			# The head and the counts, where a reader can be led astray, as often as the rest.
			bad[rng.randrange(min(len(bad), rng.choice((300, 900, len(bad)))))] = rng.randrange(256)
		if bytes(bad) == right:
			continue
		path = files.write("bad", bytes(bad))
		code, found = files.verify(path)
		check("damaged: refused by name", code == 1 and found[0]["refusal"] and found[0]["text"], found)
		code, _, err = fogctl("show", "--file", path)
		check("damaged: shown as not verified, or not", "not verified" in err if code == 0 else "malformed" in err or "proof" in err, err)
		code, _, err = fogctl("show", "--file", path, "--network", files.network)
		check("damaged: not shown as verified", code == 1 and "is refused" in err or "proof" in err, err)
		fogctl("diff", names[3], path)
	big = files.write("big", bytes([1, 4, 3, 3]) + bytes(4 << 20))
	code, found = files.verify(big)
	check("too large", code == 1 and "bytes" in found, found)
	code, found = files.verify(files.folder / "missing")
	check("missing: the mend", code == 1 and "name a file" in found, found)
	code, found = files.verify(files.folder)
	check("a folder", code == 1 and "directory" in found, found)
	for words in ((), ("verify",), ("verify", names[0]), ("nothing",), ("diff", "1"), ("show", "--epoch", "x"),
			("verify", "--network", files.network, "--epoch", "-1", names[0]), ("show", "more")):
		check(f"usage {words}", fogctl(*words)[0] == 2)
	static = files.write("static.yaml", b"network: {name: x, links: none}\n")
	code, found = files.verify(names[0], network=static)
	check("no network file", code == 1 and isinstance(found, str), found)


def shown(files, names):
	for number in (0, 3):
		made = files.played.consensus[number]
		code, out, err = fogctl("show", "--file", names[number], "--network", files.network, "-j")
		a = json.loads(out)
		check("show: epoch", code == 0 and err == "" and a["epoch"] == made.epoch and a["network"] == "parts", err)
		check("show: nodes", [(n["node_id"], n["layer"], n["since"], n["name"]) for n in a["nodes"]] ==
			[(i.hex(), m.layer, m.since, m.descriptor["name"]) for i, m in sorted(made.members.items())])
		check("show: keys", all(n["link_key"] == made.members[bytes.fromhex(n["node_id"])].descriptor["link_key"].hex() and
			[(k["epoch"], k["public_key"]) for k in n["mix_keys"]] ==
			[(e, k.hex()) for e, k in made.members[bytes.fromhex(n["node_id"])].descriptor["mix"]] for n in a["nodes"]))
		check("show: parameters", list(a["parameters"].values()) == files.played.network.numbers[:-1], a["parameters"])
		check("show: left out", {entry["node_id"] for entry in a["left_out"]} == {i.hex() for i in files.played.left[number]})
		check("show: owed", [(o["node_id"], o["epoch"]) for o in a["owed"]] ==
			[(i.hex(), o.epoch) for i, o in sorted(made.owed.items())])
		check("show: beacon", a["beacon"] == made.beacons[0].hex())
		code, out, _ = fogctl("show", "--file", names[number])
		check("show: for people", code == 0 and all(m.descriptor["name"] in out for m in made.members.values()))


def differences(a, b):
	"""(joined, left, changed: which fields) by this file's own reading."""
	fields = ("role", "address", "mix_port", "directory_port", "link_key", "vrf_key", "tls_key", "vrf_from", "name",
		"operator", "family", "as_number", "region", "bandwidth", "software")
	changed = {}
	for node in a.members.keys() & b.members.keys():
		old, new = a.members[node], b.members[node]
		found = {name if name != "as_number" else "as" for name in fields if old.descriptor[name] != new.descriptor[name]}
		found |= {name for name in ("layer", "since") if getattr(old, name) != getattr(new, name)}
		keys = dict(old.descriptor["mix"])
		if any(keys.get(epoch, key) != key for epoch, key in new.descriptor["mix"]):
			found.add("mix_key")
		if found:
			changed[node.hex()] = found
	return ({n.hex() for n in b.members.keys() - a.members.keys()}, {n.hex() for n in a.members.keys() - b.members.keys()}, changed)


def compared(files, names):
	played, moved = files.played, 0
	for one, two in ((0, 1), (1, 2), (2, 5), (5, 2)):
		a, b = played.consensus[one], played.consensus[two]
		code, out, _ = fogctl("diff", "--network", files.network, "-j", names[one], names[two])
		d = json.loads(out)
		joined, left, changed = differences(a, b)
		check("diff: epochs", code == 0 and d["epochs"] == [a.epoch, b.epoch] and not d["same"])
		check("diff: joined", {n["node_id"] for n in d["joined"]} == joined, joined)
		check("diff: left", {n["node_id"] for n in d["left"]} == left, left)
		check("diff: changed", {n["node_id"]: set(n["fields"]) for n in d["changed"]} == changed, changed)
		reasons = {n["node_id"]: n["reason"] for n in d["left"]}
		check("diff: why", all((reasons[n.hex()] is None) == (n not in played.left[two]) for n in map(bytes.fromhex, left)))
		moved += any("layer" in found for found in changed.values())
		layers = {n["node_id"]: n["fields"]["layer"] for n in d["changed"] if "layer" in n["fields"]}
		check("diff: from which layer", all(layers[n] == [a.members[bytes.fromhex(n)].layer, b.members[bytes.fromhex(n)].layer]
			for n in layers))
		check("diff: rates", "slack_ms" in d["rates"] or d["rates"] == {} or "loop_us" in d["rates"] or "dummy_us" in d["rates"])
		code, out, _ = fogctl("diff", names[one], names[two])
		check("diff: for people", code == 0 and f"{len(joined)} joined, {len(left)} left, {len(changed)} changed" in out, out)
	check("somebody moved", moved > 0)
	code, out, _ = fogctl("diff", names[1], names[1])
	check("the same", code == 0 and "the same consensus" in out and "0 joined, 0 left, 0 changed" in out, out)
	# A mix key of one epoch that is another one: the node has lost it.
	body = bytearray(played.bytes[2][1])
	member = next(m for m in played.consensus[2].members.values())
	at = bytes(body).index(member.descriptor["mix"][0][1])
	body[at] ^= 1
	rates = 4 + 32 + 24 + 32 + 96 + 8 + 4 + 7 * 4 + 8
	body[rates - 8 - 4 + 3] ^= 1  # rekey
	body[rates + 3] ^= 1  # loops
	other = files.write("other", bytes(body) + b"\0")
	code, out, _ = fogctl("diff", "-j", names[2], other)
	d = json.loads(out)
	check("diff: a lost mix key", [(n["node_id"], list(n["fields"])) for n in d["changed"]] ==
		[(member.descriptor["node_id"].hex(), ["mix_key"])], d["changed"])
	check("diff: parameter", list(d["parameters"]) == ["rekey_s"] and list(d["rates"]) == ["loop_us"], d["parameters"], d["rates"])


def main(program):
	with tempfile.TemporaryDirectory() as folder:
		files = Files(folder, Played(program))
		names = good_ones(files)
		by_name(files, names)
		together(files, names)
		proofs(files)
		hostile(files, names)
		shown(files, names)
		compared(files, names)
	print(f"{results['passed']} passed, {results['failed']} failed")
	sys.exit(results["failed"] > 0)


main(sys.argv[2])
