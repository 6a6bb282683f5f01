#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A node is managed, deployed and enrolled with fogctl alone, at a control plane without a data plane. Node ID and signature
are computed here a second time. Usage: enrol_check.py FOG_CONTROLPLANE FOGCTL"""
import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from control import Control  # noqa: E402

CONTROLPLANE, FOGCTL = sys.argv[1:3]
PATIENCE_S = 30
NETWORK = """network: {name: example, links: none}
nodes:
  - {name: g, id: %s, mix_key: %s, address: 192.0.2.1, role: gateway}
  - {name: m, id: %s, mix_key: %s, address: 192.0.2.2, role: mix, layer: 1}
  - {name: s, id: %s, mix_key: %s, address: 192.0.2.3, role: service}
""" % tuple(f"{number:02x}" * 32 for number in (0x11, 0x21, 0x12, 0x22, 0x13, 0x23))

failed = []


def check(what, condition):
	if not condition:
		failed.append(what)
		print(f"FAILED: {what}", flush=True)


def fogctl(*words):
	done = subprocess.run([FOGCTL, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
	return done.returncode, done.stdout, done.stderr


class Plane(Control):
	def __init__(self, folder):
		super().__init__(folder, "plane", programs=(CONTROLPLANE, FOGCTL))
		(self.folder / "topology.yaml").write_text(NETWORK)
		self.url = f"http://127.0.0.1:{self.port}"

	def fogctl(self, *words):
		return super().fogctl("betanet", *words)


def main():
	with tempfile.TemporaryDirectory(prefix="fog-enrol-") as name:
		folder = pathlib.Path(name)
		with Plane(folder) as plane:
			enrolment(plane, folder)
	print(f"{len(failed)} failed")
	return len(failed) > 0


def enrolment(plane, folder):
	code, out, err = plane.fogctl("add", "mix9", "--region", "eu-west", "-j")
	number = json.loads(out)["id"]
	check("added", code == 0)
	check("listed", re.search(r"mix9\s+mixnode\s+eu-west\s+registered", plane.fogctl("list")[1]))
	check("not in another state", "mix9" not in plane.fogctl("list", "--state", "active")[1])
	check("a state that there is not", plane.fogctl("list", "--state", "running")[0] == 1)
	check("maintenance", plane.fogctl("set", number, "--maintenance", "yes")[0] == 0)
	check("it shows", "maintenance" in plane.fogctl("show", number)[1])
	check("and ends", plane.fogctl("set", number, "--maintenance", "no")[0] == 0)
	(folder / "first").mkdir()
	code, out, err = plane.fogctl(
		"deploy", number, "--address", "192.0.2.9", "--device", "eth5", "--cpus", "2,3", "--write", folder / "first")
	check("deployed " + err, code == 0)
	token = re.search(r"^token: (\S{43})$", out, re.MULTILINE).group(1)
	check("network file", (folder / "first" / "topology.yaml").read_text() == NETWORK)
	(folder / "token").write_text(token + "\n")
	(folder / "wrong").write_text("A" * 43 + "\n")
	(folder / "second").mkdir()
	host = ["--url", plane.url, "--state-dir", folder / "host"]
	code, out, err = fogctl("betanet", "enrol", *host, "--token-file", folder / "wrong")
	check("a token of nobody", code == 1 and "no open enrolment" in err)
	code, out, err = fogctl("betanet", "enrol", *host, "--token-file", folder / "token", "--write", folder / "second")
	check("enrolled " + err, code == 0 and "enrolled as 'mix9'" in out)
	if code != 0:
		return
	for file in ("fogline.yaml", "topology.yaml"):
		check(file, (folder / "first" / file).read_bytes() == (folder / "second" / file).read_bytes())
	configuration = (folder / "second" / "fogline.yaml").read_text()
	check("configuration", all(word in configuration for word in ("mix9", "eth5", "[2, 3]", "192.0.2.9", "eu-west")))
	public = bytes.fromhex((folder / "host" / "identity.pub").read_text())
	node = json.loads(plane.fogctl("show", number, "-j")[1])
	check("node ID", node["node_id"] == hashlib.blake2b(public, digest_size=32).hexdigest())
	check("deploying", node["state"] == "deploying" and node["enrolled_at"])
	check("nothing is known", node["figures"]["packets_processed"] is None and not node["listed"])
	signed_here(plane, token, folder)
	check("removed", plane.fogctl("remove", number)[0] == 0 and plane.fogctl("show", number)[0] == 1)


def signed_here(plane, token, folder):
	"""The same identity once more, by a signature that no code of ours has made; then one that differs in a bit."""
	from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
	key = Ed25519PrivateKey.from_private_bytes((folder / "host" / "identity.key").read_bytes()[:32])
	digest = hashlib.blake2b(base64.urlsafe_b64decode(token + "="), digest_size=32).digest()
	signature = key.sign(b"fogline enrolment v1\0" + digest)
	public = (folder / "host" / "identity.pub").read_text().strip()
	for bit, wanted in ((0, 200), (1, 403)):
		body = {"token": token, "identity": public, "signature": (bytes([signature[0] ^ bit]) + signature[1:]).hex()}
		done = subprocess.run(
			["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-H", "Content-Type: application/json", "-d",
				json.dumps(body), plane.url + "/v1/betanet/enrol"], capture_output=True, text=True, check=False)
		check(f"signature with {bit} wrong bits: {done.stdout}", done.stdout == str(wanted))


sys.exit(main())
