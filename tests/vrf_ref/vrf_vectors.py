#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# Computes tests/vectors/vrf_delay.json, from which the C code must reproduce every value, and checks
# that the reference itself agrees with the published examples.
#   vrf_vectors.py EXAMPLES VECTORS           check; last line "N passed, N failed"
#   vrf_vectors.py EXAMPLES VECTORS --write   write VECTORS
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "unit/core"))
import delay_check  # noqa: E402
import vrf_ref  # noqa: E402

ABOUT = "From a seed to owed delays; see controlplane/vrf. Made by tests/vrf_ref/vrf_vectors.py."
NETWORKS = [  # name, slots, payload, epoch s, mean us, max us, cap ms
	("lab", 5, 900, 60, 50000, 500000, 0),
	("a name as long as a name can be", 3, 1072, 1200, 200000, 300000, 4294967295),
	("n", 5, 2574, 86400, 10000000, 3600000000, 60000),
]
EPOCHS = (0, 1, 29743215, 2**64 - 1)


def tag_case(key, law, scale, label, node_delay):
	mean, _, cap = law
	tag = hashlib.sha256(label).digest()
	cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
	u = int.from_bytes(cipher.update(tag[:16])[:8], "big")
	owed = delay_check.quantile(mean, scale, u) + 1000 * min(node_delay, cap)
	return {"tag": tag.hex(), "node_delay_ms": node_delay, "uniform": f"{u:016x}", "us": owed}


def epoch_case(network, law, scale, epoch):
	seed = hashlib.sha256(network + b"seed %d" % epoch).digest()
	beacon = vrf_ref.static_beacon(network, epoch)
	alpha = vrf_ref.delay_alpha(network, epoch, beacon)
	proof = vrf_ref.prove(seed, alpha)
	key = vrf_ref.delay_key(proof["beta"])
	tags = [
		tag_case(key, law, scale, seed + bytes([i]), delay) for i, delay in enumerate((0, 1, 70000, 7))
	]
	return {
		"seed": seed.hex(), "vrf_key": proof["pk"].hex(), "epoch": str(epoch), "beacon": beacon.hex(),
		"alpha": alpha.hex(), "proof": proof["pi"].hex(), "beta": proof["beta"].hex(),
		"delay_key": key.hex(), "tags": tags,
	}


def vectors():
	cases = []
	for name, slots, payload, epoch_s, *law in NETWORKS:
		network = vrf_ref.network_hash(name, slots, payload, epoch_s, *law)
		mean, top, cap = law
		scale = delay_check.scale_of(mean, top)
		cases.append({
			"name": name, "slots": slots, "payload_len": payload, "epoch_s": epoch_s,
			"mean_us": mean, "max_us": top, "cap_ms": cap, "hash": network.hex(),
			"epochs": [epoch_case(network, law, scale, epoch) for epoch in EPOCHS],
		})
	return {"about": ABOUT, "networks": cases}


def example_fails(example):
	"""What of a published example the reference doesn't reproduce."""
	want = {name: bytes.fromhex(value) for name, value in example.items() if name not in ("example", "ctr")}
	want["ctr"] = example["ctr"]
	got = vrf_ref.prove(want["sk"], want["alpha"])
	fails = [name for name in want if got[name] != want[name]]
	if vrf_ref.verify(want["pk"], want["alpha"], want["pi"]) != want["beta"]:
		fails.append("verify")
	return fails


def main():
	examples_path, vectors_path = sys.argv[1:3]
	text = json.dumps(vectors(), indent=1) + "\n"
	if sys.argv[3:] == ["--write"]:
		pathlib.Path(vectors_path).write_text(text)
		return 0
	examples = json.loads(pathlib.Path(examples_path).read_text())["examples"]
	failed = []
	for example in examples:
		if fails := example_fails(example):
			failed.append(f"example {example['example']}: {', '.join(fails)}")
	if json.loads(pathlib.Path(vectors_path).read_text()) != json.loads(text):
		failed.append(f"{vectors_path} is not what this computes")
	for line in failed:
		print("FAILED:", line)
	print(f"{len(examples) + 1 - len(failed)} passed, {len(failed)} failed")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
