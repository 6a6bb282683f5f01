#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Consensuses computed a second time, from votes, the previous consensus and the network file, by what
controlplane/directory/README.md and its headers say; then compared byte for byte, signatures included.

usage: consensus_check.py CONSENSUS_ANSWER
"""
import collections
import hashlib
import pathlib
import struct
import subprocess
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

HERE = pathlib.Path(__file__).resolve()
sys.path += [str(HERE.parents[2] / "vrf_ref"), str(HERE.parent)]
import descriptor_check  # noqa: E402
import vrf_ref  # noqa: E402

VOTE = struct.Struct(">BBBB32sQQ32s7I80sHH")
HEAD = struct.Struct(">BBBB32sQQQ32s32s64sHHHH")
LIFE, OWED = 3, 16
GATEWAY, MIX, SERVICE = 1, 2, 3
# The order of controlplane/directory/refusals.def.
REASONS = (
	"none", "malformed", "signature", "network", "identity", "address", "address_taken", "name_taken", "clock",
	"rollback", "equivocation", "vrf_proof", "mix_keys", "withdrawn", "denied", "full", "epoch", "threshold",
	"expired", "parameters", "absent", "mix_key_taken",
)
REASON = {name: number for number, name in enumerate(REASONS)}
verified = {}


def check(condition, what):
	if not condition:
		raise SystemExit(f"consensus_check: {what}")


def u64(number):
	return number.to_bytes(8, "big")


def blake(data):
	return hashlib.blake2b(data, digest_size=32).digest()


def sha256(*parts):
	return hashlib.sha256(b"".join(parts)).digest()


def statement(label, network, epoch, digest):
	return label + b"\0" + network + u64(epoch) + digest


def read_descriptor(data):
	"""None when it isn't its node's."""
	if data not in verified:
		try:
			verified[data] = descriptor_check.verify(data)
		except (descriptor_check.Malformed, InvalidSignature):
			verified[data] = None
	return verified[data]


def vrf_beta(key, alpha, proof):
	"""Plain integers take their time, so each question is asked once."""
	if (key, alpha, proof) not in verified:
		verified[key, alpha, proof] = vrf_ref.verify(key, alpha, proof)
	return verified[key, alpha, proof]


class Network:
	def __init__(self, words):
		self.name = words[0]
		self.numbers = [int(word) for word in words[1:]]
		(slots, payload, epoch_s, _, mean, most, cap, *_) = self.numbers
		self.slots, self.threshold = slots, self.numbers[-1]
		self.hash = vrf_ref.network_hash(self.name, slots, payload, epoch_s, mean, most, cap)
		self.seeds, self.vrf = [], []

	def parameters(self):
		return struct.pack(">HH7IQ", *self.numbers[:-1])

	def key(self, authority):
		return ed25519.Ed25519PrivateKey.from_private_bytes(self.seeds[authority])


class Vote:
	def __init__(self, network, data):
		(version, self.authority, self.flags, zero, self.network, self.epoch, self.previous_epoch,
		 self.previous_digest, *rest) = VOTE.unpack_from(data)
		self.rates, (self.share, count, last) = rest[:7], rest[7:]
		check(version == 1 and zero == last == 0 and self.network == network.hash, "a vote's head")
		at, self.descriptors = VOTE.size, []
		for _ in range(count):
			size = int.from_bytes(data[at:at + 2], "big")
			self.descriptors.append(data[at + 2:at + 2 + size])
			at += 2 + size
		check(at == len(data) - 64, "a vote's length")
		network.key(self.authority).public_key().verify(
			data[-64:], statement(b"fogline vote v1", self.network, self.epoch, blake(data[:-64])))


class Consensus:
	"""What the next one is made from."""

	def __init__(self, epoch, digest, beacons, members, owed):
		self.epoch, self.digest, self.members, self.owed = epoch, digest, members, owed
		self.until, self.beacons = epoch + LIFE, beacons

	def beacon(self, network, epoch):
		if epoch <= self.epoch:
			return self.beacons[self.epoch - epoch]
		beacon = self.beacons[0]
		for number in range(self.epoch + 1, epoch + 1):
			beacon = sha256(b"fogline beacon v1", network.hash, u64(number), beacon)
		return beacon


Member = collections.namedtuple("Member", "since layer data descriptor")
Owed = collections.namedtuple("Owed", "epoch key beacon")


def beacon_of(network, previous, epoch):
	return previous.beacon(network, epoch) if previous else vrf_ref.static_beacon(network.hash, epoch)


def reachable(address):
	if len(address) == 4:
		return address[0] not in (0, 127) and address[0] < 224 and address[:2] != b"\xa9\xfe"
	return (address not in (bytes(16), bytes(15) + b"\1") and address[0] != 0xff
	        and not (address[0] == 0xfe and address[1] & 0xc0 == 0x80)
	        and address[:12] != bytes(10) + b"\xff\xff")


def owes(network, previous, epoch, node):
	"""The proof that is asked for: epoch, VRF key, beacon; None."""
	if not previous:
		return None
	if node in previous.owed:
		return previous.owed[node] if epoch - previous.owed[node].epoch <= OWED else None
	owed, before = epoch - 2, previous.members.get(node)
	if before is None or owed >= previous.until or before.since > owed:
		return None
	if owed < min(before.descriptor["vrf_from"], before.since + 2):
		return None
	return Owed(owed, before.descriptor["vrf_key"], beacon_of(network, previous, owed - 1))


def proved(network, previous, epoch, d):
	owed = owes(network, previous, epoch, d["node_id"])
	if owed is None:
		return True
	alpha = vrf_ref.delay_alpha(network.hash, owed.epoch, owed.beacon)
	return any(vrf_beta(owed.key, alpha, proof) is not None
	           for number, proof in d["proof"] if number == owed.epoch)


def judge(network, previous, epoch, d, data):
	before = previous.members.get(d["node_id"]) if previous else None
	if d["network"] != network.hash:
		return "network"
	if before and d["sequence"] < before.descriptor["sequence"]:
		return "rollback"
	if before and d["sequence"] == before.descriptor["sequence"] and data != before.data:
		return "equivocation"
	if d["flags"] & 1:
		return "withdrawn"
	if bytes(32) in (d["link_key"], d["vrf_key"]):
		return "malformed"
	if not reachable(d["address"]) or not d["mix_port"]:
		return "address"
	if bool(d["directory_port"]) != any(d["tls_key"]):
		return "address"
	if not {epoch, epoch + 1, epoch + 2} <= {number for number, key in d["mix"] if any(key)}:
		return "mix_keys"
	return "none" if proved(network, previous, epoch, d) else "vrf_proof"


def choose(network, votes, previous, epoch):
	"""For each node that enough votes list: reason, bytes, what they say."""
	listed = collections.defaultdict(list)
	for vote in votes:
		for data in vote.descriptors:
			if read_descriptor(data):
				listed[read_descriptor(data)["node_id"]].append(data)
	chosen = {}
	for node, all_of in listed.items():
		if len(all_of) < len(network.seeds) - network.threshold + 1:
			continue
		newest = max(read_descriptor(data)["sequence"] for data in all_of)
		newest = {data for data in all_of if read_descriptor(data)["sequence"] == newest}
		data = min(newest)
		d = read_descriptor(data)
		reason = judge(network, previous, epoch, d, data) if len(newest) == 1 else "equivocation"
		chosen[node] = [reason, data, d]
	return chosen


def settle(chosen, previous):
	"""Conflicts: who was in before, those who came first first, then lower IDs."""
	owners = {}
	incumbents = previous.members if previous else {}
	for node in sorted(chosen, key=lambda node: (
			node not in incumbents, incumbents[node].since if node in incumbents else 0, node)):
		entry = chosen[node]
		if entry[0] != "none":
			continue
		d = entry[2]
		claims = {("key", d[name]): "identity" for name in ("identity", "link_key", "vrf_key", "tls_key")
		          if any(d[name])}
		claims.update((("mix", key), "mix_key_taken") for _, key in d["mix"])
		claims["address", d["address"]] = "address_taken"
		claims["name", d["name"]] = "name_taken"
		taken = [reason for claim, reason in claims.items() if claim in owners]
		if taken:
			entry[0] = min(taken, key=("identity", "mix_key_taken", "address_taken", "name_taken").index)
		else:
			owners.update(dict.fromkeys(claims, node))


def deal(nodes, wishes, layers, beacon):
	rank = sorted(nodes, key=lambda node: sha256(b"fogline layer v1", beacon, node))
	size = {k: len(nodes) // layers + (k <= len(nodes) % layers) for k in range(1, layers + 1)}
	room, layer = dict(size), {}
	for node in rank:
		wish = wishes[node]
		if wish in size and 2 * (size[wish] - room[wish]) < size[wish]:
			layer[node] = wish
			room[wish] -= 1
	turn = 0
	for node in rank:
		while node not in layer:
			turn = turn % layers + 1
			if room[turn]:
				layer[node] = turn
				room[turn] -= 1
	return layer


def make_beacon(network, votes, previous, epoch):
	before = beacon_of(network, previous, epoch - 1)
	alpha = b"fogline beacon share v1" + network.hash + u64(epoch) + before
	shares, betas = {}, []
	for vote in votes:
		key = vrf_ref.public(network.vrf[vote.authority])
		beta = vrf_beta(key, alpha, vote.share) if vote.flags & 1 else None
		if beta is not None:
			shares[vote.authority] = vote.share
			betas.append(beta)
	beacon = sha256(b"fogline beacon v1", network.hash, u64(epoch), before, *sorted(betas))
	return [beacon, before, beacon_of(network, previous, epoch - 2)], shares


def bits(numbers):
	return sum(1 << number for number in numbers)


def counting(votes, lied, previous, epoch):
	for vote in votes:
		named = (vote.previous_epoch, vote.previous_digest)
		if vote.epoch == epoch and not lied >> vote.authority & 1 and \
				named == ((previous.epoch, previous.digest) if previous else (0, bytes(32))):
			yield vote


def owing(network, previous, epoch, chosen):
	"""Who was at work, or owed before, and has not shown the proof."""
	found = {}
	for node in (*previous.members, *previous.owed) if previous else ():
		owed = owes(network, previous, epoch, node)
		if owed and not (node in chosen and proved(network, previous, epoch, chosen[node][2])):
			found[node] = owed
	return found


def compute(network, votes, lied, previous, epoch):
	votes = list(counting(votes, lied, previous, epoch))
	check(len(votes) >= network.threshold, "too few votes")
	beacons, shares = make_beacon(network, votes, previous, epoch)
	chosen = choose(network, votes, previous, epoch)
	settle(chosen, previous)
	inside = sorted(node for node in chosen if chosen[node][0] == "none")
	left = {node: chosen[node][0] for node in chosen if chosen[node][0] != "none"}
	left.update((node, "absent") for node in (previous.members if previous else ()) if node not in chosen)
	mixes = [node for node in inside if chosen[node][2]["role"] == MIX]
	layers = min(3, network.slots - 2, len(mixes))
	layer = deal(mixes, {node: chosen[node][2]["layer_wish"] for node in mixes}, layers, beacons[0])
	rates = [sorted(column)[(len(votes) - 1) // 2] for column in zip(*(vote.rates for vote in votes))]
	body = HEAD.pack(
		1, len(network.seeds), network.threshold, layers, network.hash, epoch, epoch + LIFE,
		previous.epoch if previous else 0, previous.digest if previous else bytes(32), beacons[0],
		beacons[1] + beacons[2], bits(vote.authority for vote in votes), bits(shares), lied, 0)
	body += network.parameters() + struct.pack(">7I", *rates)
	body += b"".join(shares[authority] for authority in sorted(shares))
	owed = owing(network, previous, epoch, chosen)
	body += struct.pack(">HHH", len(inside), len(left), len(owed))
	members = {}
	for node in inside:
		_, data, d = chosen[node]
		before = previous.members.get(node) if previous and epoch <= previous.until else None
		members[node] = Member(before.since if before else epoch, layer.get(node, 0), data, d)
		body += struct.pack(">QBBH", *members[node][:2], 0, len(data)) + data
	for node in sorted(left):
		body += node + bytes([REASON[left[node]]])
	for node in sorted(owed):
		body += node + u64(owed[node].epoch) + owed[node].key + owed[node].beacon
	return body, Consensus(epoch, blake(body), beacons, members, owed), left


def signatures(network, body, epoch, signers):
	text = statement(b"fogline consensus v1", network.hash, epoch, blake(body))
	signed = [bytes([authority]) + network.key(authority).sign(text) for authority in signers]
	return bytes([len(signed)]) + b"".join(signed)


def main(program):
	done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=100)
	network, previous, votes, epoch, lied, seen = None, None, [], 0, 0, set()
	debtors, returned = set(), set()
	for word, *values in map(str.split, done.stdout.splitlines()):
		if word == "network":
			network = Network(values)
		elif word == "seed":
			network.seeds.append(bytes.fromhex(values[0]))
		elif word == "vrf":
			network.vrf.append(bytes.fromhex(values[0]))
		elif word == "epoch":
			epoch, votes = int(values[0]), []
		elif word == "lied":
			lied = int(values[0])
		elif word == "vote":
			votes.append(Vote(network, bytes.fromhex(values[0])))
		else:
			theirs = bytes.fromhex(values[0])
			body, previous, left = compute(network, votes, lied, previous, epoch)
			check(theirs[:len(body)] == body, f"another consensus of epoch {epoch}")
			signers = theirs[len(body) + 1::65]
			check(theirs[len(body):] == signatures(network, body, epoch, signers), "other signatures")
			check(len(set(signers)) >= network.threshold, "too few signatures")
			seen.update(left.values())
			debtors.update(previous.owed)
			returned.update(debtors & set(previous.members))
	missing = {"identity", "address", "address_taken", "name_taken", "equivocation", "vrf_proof", "mix_keys",
	           "withdrawn", "absent", "mix_key_taken"} - seen
	check(not missing, f"never happened: {missing}")
	check(returned and returned < debtors, f"{len(returned)} of {len(debtors)} debtors have come back")
	print("ok")


if __name__ == "__main__":
	main(sys.argv[1])
