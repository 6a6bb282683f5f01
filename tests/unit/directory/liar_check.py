#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A control plane whose authority, played here, gives out proofs that another one lied: what it keeps and says, and
what fogctl makes of it; and leaving such a network, which has no consensus yet.

usage: liar_check.py FOG_CONTROLPLANE FOGCTL
"""
import datetime
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import consensus_check as second
import vrf_ref
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

CONTROLPLANE, FOGCTL = sys.argv[1:]
PATIENCE_S = 60
EPOCH_S = 20
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
KEYS = [ed25519.Ed25519PrivateKey.from_private_bytes(bytes([a + 1] * 32)) for a in range(4)]
TLS = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([99] * 32))
NETWORK = vrf_ref.network_hash("liars", 5, 900, EPOCH_S, 50_000, 500_000, 0)
USER = 61236 if os.geteuid() == 0 else os.geteuid()
results = {"passed": 0, "failed": 0}


def check(what, condition, *more):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", *more, flush=True)


def public(key):
	return key.public_key().public_bytes(*RAW)


def proof(liar, epoch, signer=None):
	out = bytes([1, 2, 0, 0]) + NETWORK + second.u64(epoch) + public(KEYS[liar])
	for digest in (bytes([3]) * 32, bytes([9]) * 32):
		text = second.statement(b"fogline consensus v1", NETWORK, epoch, digest)
		out += digest + KEYS[liar if signer is None else signer].sign(text)
	return out


class Authority(http.server.ThreadingHTTPServer):
	"""Has no consensus, takes descriptors, knows of liars."""
	daemon_threads = True

	def __init__(self, folder):
		super().__init__(("127.0.0.1", 0), Handler)
		self.proofs, self.asked = b"", 0
		name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "a")])
		now = datetime.datetime.utcnow()
		certificate = x509.CertificateBuilder(name, name, TLS.public_key(), 1, now, now + datetime.timedelta(1)).sign(TLS, None)
		pem = folder / "tls.pem"
		pem.write_bytes(TLS.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
			serialization.NoEncryption()) + certificate.public_bytes(serialization.Encoding.PEM))
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(pem)
		self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
		threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
	def reply(self):
		self.rfile.read(int(self.headers.get("Content-Length", 0)))
		proofs = self.path == "/directory/equivocations"
		self.server.asked += proofs
		self.send_response(200 if proofs or self.command == "POST" else 404)
		body = self.server.proofs if proofs else b"{}"
		self.send_header("Content-Length", str(len(body)))
		self.end_headers()
		self.wfile.write(body)

	do_GET = do_POST = reply

	def log_message(self, *_):
		pass


class Plane:
	def __init__(self, folder, authority):
		self.folder, self.socket, self.log = folder, folder / "run" / "rest.sock", folder / "log"
		self.network = folder / "network.yaml"
		self.network.write_text(json.dumps({
			"network": {"name": "liars", "geometry": "mtu", "links": "noise", "mix_key": {"epoch": f"{EPOCH_S}s", "overlap": "8s"}},
			"directory": {"threshold": 3, "authorities": [{
				"name": f"auth{a + 1}", "identity": public(key).hex(), "vrf_key": vrf_ref.public(bytes([a + 1] * 32)).hex(),
				"tls_key": (public(TLS) if a == 0 else bytes([a + 1] * 32)).hex(), "address": "127.0.0.1",
				"port": authority.server_address[1] if a == 0 else 9 + a} for a, key in enumerate(KEYS)]}}))
		config = folder / "n.yaml"
		config.write_text(json.dumps({
			"instance": "liarcheck", "user": str(USER) if os.geteuid() == 0 else "", "dataplane_user": "",
			"topology": str(self.network), "workers": {"cpus": [0]}, "rest": {"tcp": ""},
			"node": {"name": "honest", "role": "mix", "address": "192.0.2.1"},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}]}))
		argv = [CONTROLPLANE, "--config", config, "--run-dir", folder / "run", "--state-dir", folder / "state"]
		with self.log.open("ab") as log:
			self.process = subprocess.Popen(argv, stderr=log)

	def wait(self, what, condition):
		end = time.monotonic() + PATIENCE_S
		while time.monotonic() < end and self.process.poll() is None:
			if condition():
				return
			time.sleep(0.05)
		raise SystemExit(f"no {what}\n{self.log.read_text()}")

	def fogctl(self, *words):
		done = subprocess.run([FOGCTL, "--socket", self.socket, *words], capture_output=True, text=True, timeout=PATIENCE_S)
		return done.returncode, done.stdout, done.stderr


def liars(plane, authority):
	kept = plane.folder / "state" / "control" / "consensus" / "equivocation-77"
	authority.proofs = proof(2, 77, signer=1)
	plane.wait("question", lambda: authority.asked >= 1)
	plane.wait("word of a proof that is none", lambda: "for a proof that is none (bad_signature)" in plane.log.read_text())
	check("what proves nothing is not kept", not kept.exists() and "authority_lied" not in plane.fogctl("status")[1])
	authority.proofs = proof(2, 77)
	plane.wait("proof", kept.exists)
	check("as it came", kept.read_bytes() == authority.proofs)
	log = plane.log.read_text()
	check("the liar in the log", "authority 'auth3' has signed two different consensuses of epoch 77" in log, log)
	_, out, _ = plane.fogctl("status")
	check("the liar in the status", "authority auth3 has signed two different things of epoch 77" in out, out)
	code, out, _ = plane.fogctl("consensus", "verify", "--network", plane.network, kept)
	check("as the warning says", code == 0 and "authority auth3 has signed two different consensuses" in out, out)


def leave(plane):
	code, out, err = plane.fogctl("withdraw")
	check("no consensus: may go at once", code == 0 and "switch off now: this node is in no consensus" in out, out, err)
	check("withdrawn", json.loads(plane.fogctl("withdraw", "-j")[1])["withdrawn"])
	check("waits for nothing", plane.fogctl("withdraw", "--wait")[0] == 0)
	check("warned of", "fogctl withdraw --undo takes" in plane.fogctl("status")[1])
	code, out, _ = plane.fogctl("withdraw", "--undo")
	check("taken back", code == 0 and "asks to be in again" in out and "--undo" not in plane.fogctl("status")[1], out)
	check("usage", plane.fogctl("withdraw", "--undo", "--wait")[0] == plane.fogctl("withdraw", "now")[0] == 2)
	code, _, err = plane.fogctl("consensus", "show")
	check("nothing to show", code == 1 and "no such consensus" in err, err)


with tempfile.TemporaryDirectory() as name:
	folder = pathlib.Path(name)
	folder.chmod(0o755)
	authority = Authority(folder)
	plane = Plane(folder, authority)
	try:
		plane.wait("REST", lambda: plane.fogctl("status")[0] == 0)
		liars(plane, authority)
		leave(plane)
	finally:
		plane.process.terminate()
		plane.process.wait()
		authority.shutdown()
print(f"{results['passed']} passed, {results['failed']} failed")
sys.exit(results["failed"] > 0)
