# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Authorities as processes on loopback, epochs of 10 s; descriptors, votes and the verification of consensus and
proofs in Python, from the layouts in the headers. What the checks of this folder share."""
import contextlib
import hashlib
import http.client
import importlib.util
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

EPOCH, COUNT, THRESHOLD, NODES, LIAR = 10, 4, 3, 5, 3
GEOMETRY = (5, 900)
PATIENCE, PROOF = 90, 268
NETWORK = """network:
  name: authorities
  geometry: custom
  custom: {slots: 5, payload: 900}
  links: noise
  delay: {mean: 1ms, max: 10ms}
  mix_key: {epoch: 10s, overlap: 3s, tolerance: 500ms}
  cover: {loops: 0ms, drops: 0ms, dummies: 0ms, client_send: 0ms, client_loops: 0ms, client_fetch: 0ms}
directory:
  threshold: 3
  authorities:
"""


def check(condition, what):
	if not condition:
		raise SystemExit(f"authorities: {what}")


def load(path):
	spec = importlib.util.spec_from_file_location("descriptor_check", path)
	module = importlib.util.module_from_spec(spec)
	spec.loader.exec_module(module)
	return module


def blake(data):
	return hashlib.blake2b(data, digest_size=32).digest()


def wait_for(what, condition):
	"""First true result; a connection that fails counts as "not yet"."""
	end = time.monotonic() + PATIENCE
	while time.monotonic() < end:
		with contextlib.suppress(OSError):
			value = condition()
			if value:
				return value
		time.sleep(0.1)
	raise SystemExit(f"authorities: {what}: not within {PATIENCE} s")


class Authority:
	"""'prefix' and 'arguments' are what stands before the program and behind its usual arguments."""

	def __init__(self, program, folder, number, port):
		self.program, self.number, self.port = program, number, port
		self.prefix, self.arguments, self.environment = [], [], {}
		self.state = folder / f"auth{number + 1}"
		self.address = f"127.0.0.1:{port}"
		self.process = None
		out = subprocess.run([program, "--state-dir", self.state, "--show", "--listen", self.address],
		                     check=True, capture_output=True, text=True, timeout=20).stdout
		self.line = out
		self.identity, self.vrf, self.tls = (
			bytes.fromhex(re.search(rf"{name}: ([0-9a-f]{{64}})", out).group(1))
			for name in ("identity", "vrf_key", "tls_key"))

	def start(self, network):
		self.log_path = self.state.parent / f"log{self.number + 1}"
		with open(self.log_path, "ab") as log:
			self.process = subprocess.Popen(
				[*self.prefix, self.program, "--network", network, "--state-dir", self.state,
				 "--listen", self.address, *self.arguments], stderr=log,
				env={**os.environ, **self.environment})

	def stop(self, how=signal.SIGTERM):
		if self.process is None:
			return
		self.process.send_signal(how)
		code = self.process.wait(timeout=30)
		self.process = None
		check(how == signal.SIGKILL or code == 0, f"authority {self.number} ended with {code}")

	def log(self):
		return self.log_path.read_text()

	def request(self, method, path, body=None, source=None):
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
		context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
		context.minimum_version = ssl.TLSVersion.TLSv1_3
		c = http.client.HTTPSConnection(
			"127.0.0.1", self.port, timeout=10, context=context, source_address=source and (source, 0))
		try:
			c.connect()
			certificate = x509.load_der_x509_certificate(c.sock.getpeercert(True))
			key = certificate.public_key()
			check(isinstance(key, ed25519.Ed25519PublicKey) and raw(key) == self.tls,
			      "the listener's certificate has another key than --show says")
			c.request(method, path, body)
			answer = c.getresponse()
			return answer.status, answer.read()
		finally:
			c.close()

	def answers(self):
		try:
			return self.request("GET", "/directory/equivocations")[0] == 200
		except OSError:
			return False

	def upload(self, data):
		"""Returns the refusal's name and sentence; None when it is taken."""
		status, body = self.request("POST", "/directory/descriptors", data)
		answer = json.loads(body)
		check(status == (422 if "code" in answer else 200), f"{status} {answer}")
		return (answer["code"], answer["detail"]) if status == 422 else None

	def consensus(self, epoch):
		status, data = self.request("GET", f"/directory/consensus/{epoch}")
		return data if status == 200 else None


def raw(key):
	return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def network_hash():
	return blake(b"authorities".ljust(32, b"\0") + struct.pack(">HHIIII", *GEOMETRY, EPOCH, 1000, 10000, 0))


def descriptor(dc, i, epoch, **change):
	d = dict(role=1 if i == 0 else 3 if i == 1 else 2, layer_wish=0, bandwidth=1, flags=0,
	         network=network_hash(), link_key=blake(b"link%d" % i), vrf_key=blake(b"vrf%d" % i),
	         tls_key=bytes(32), name=f"n{i}", operator=f"op{i}", family="", region="", software="python",
	         as_number=0, protocol_minor=3, mix_port=9001, directory_port=0,
	         address=bytes((192, 0, 2, 10 + i)), time_ms=int(time.time() * 1000),
	         vrf_from=epoch + 10, sequence=int(time.time() * 1000),
	         mix=[(epoch + k, blake(b"mix%d.%d" % (i, epoch + k))) for k in range(4)], proof=[])
	d.update(change)
	seed = blake(b"seed%d" % i)
	vrf = ed25519.Ed25519PrivateKey.from_private_bytes(blake(b"vrfseed%d" % i))
	d["vrf_key"] = raw(vrf.public_key())
	return dc.build(seed, d)


def statement(label, epoch, digest):
	return label + b"\0" + network_hash() + struct.pack(">Q", epoch) + digest


def verify(key, signature, text):
	ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, text)


def open_consensus(dc, data, authorities):
	"""Checks form and signatures; returns a dict. Layout: controlplane/directory/consensus.h."""
	version, count, threshold, layers = data[:4]
	check((version, count, threshold) == (1, COUNT, THRESHOLD), "head of the consensus")
	check(data[4:36] == network_hash(), "the consensus is of another network")
	epoch, until, _ = struct.unpack_from(">QQQ", data, 36)
	at = 4 + 32 + 24 + 32
	beacons = [data[at + 32 * k:at + 32 * k + 32] for k in range(3)]  # of this epoch and the two before
	at += 96
	voted, shared, lied, zero = struct.unpack_from(">HHHH", data, at)
	at += 8 + 2 * 2 + 7 * 4 + 8 + 7 * 4 + 80 * bin(shared).count("1")
	nodes, left, owed = struct.unpack_from(">HHH", data, at)
	at += 6
	names, left_out, debts = {}, {}, {}
	for _ in range(nodes):
		_, layer, zero, length = struct.unpack_from(">QBBH", data, at)
		d = dc.verify(data[at + 12:at + 12 + length])
		names[d["name"]] = layer
		at += 12 + length
	for _ in range(left):
		left_out[data[at:at + 32]] = data[at + 32]
		at += 33
	for _ in range(owed):
		debts[data[at:at + 32]] = struct.unpack_from(">Q32s32s", data, at + 32)
		at += 104
	digest, signers = blake(data[:at]), set()
	for k in range(data[at]):
		one = data[at + 1 + 65 * k:at + 66 + 65 * k]
		verify(authorities[one[0]].identity, one[1:], statement(b"fogline consensus v1", epoch, digest))
		signers.add(one[0])
	check(len(data) == at + 1 + 65 * data[at], "length of the consensus")
	check(len(signers) >= THRESHOLD, f"only {signers} have signed")
	return dict(epoch=epoch, until=until, voted=voted, shared=shared, lied=lied, layers=layers,
	            names=names, left=left_out, owed=debts, digest=digest, beacon=beacons[0], beacons=beacons)


def vote(authority, epoch, previous, previous_digest, descriptors):
	key = ed25519.Ed25519PrivateKey.from_private_bytes((authority.state / "identity.key").read_bytes()[:32])
	body = struct.pack(">BBBB", 1, authority.number, 0, 0) + network_hash()
	body += struct.pack(">QQ", epoch, previous) + previous_digest + bytes(7 * 4) + bytes(80)
	body += struct.pack(">HH", len(descriptors), 0)
	for d in sorted(descriptors, key=lambda d: d[40:72]):
		body += struct.pack(">H", len(d)) + d
	body += key.sign(statement(b"fogline vote v1", epoch, blake(body)))
	return bytes((255, 0, 0, 0)) + bytes(64) + body


def check_proofs(data, liar):
	check(len(data) % PROOF == 0 and data, "no proofs, or of another length")
	for at in range(0, len(data), PROOF):
		p = data[at:at + PROOF]
		check(p[:4] in (b"\1\1\0\0", b"\1\2\0\0") and p[4:36] == network_hash(), "form of the proof")
		check(p[44:76] == liar.identity, "proof against somebody else")
		label = b"fogline vote v1" if p[1] == 1 else b"fogline consensus v1"
		epoch = int.from_bytes(p[36:44], "big")
		check(p[76:108] < p[172:204], "order of the two")
		for k in (76, 172):
			verify(liar.identity, p[k + 32:k + 96], statement(label, epoch, p[k:k + 32]))


def now():
	return time.time() / EPOCH


def upload(dc, authorities, epoch):
	sent = [descriptor(dc, i, epoch) for i in range(NODES)]
	for a in authorities:
		for data in sent:
			status, body = a.request("POST", "/directory/descriptors", data)
			check(status == 200, f"a good descriptor is refused: {status} {body}")
	return sent


def fresh_epoch():
	"""Wait for the first half of an epoch, so that there is time to upload."""
	wait_for("a new epoch", lambda: now() % 1 < 0.2)
	return int(now())


def free_ports(count):
	with contextlib.ExitStack() as stack:
		sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
		for s in sockets:
			s.bind(("127.0.0.1", 0))
		return [s.getsockname()[1] for s in sockets]



def everywhere(authorities, epoch):
	"""The consensus of an epoch from each that has it."""
	return [c for c in (a.consensus(epoch) for a in authorities) if c]


@contextlib.contextmanager
def four(program, prepare=lambda authority, folder: None):
	"""Four authorities that run, their network file, its folder. 'prepare' sees each before its start."""
	os.environ.pop("NOTIFY_SOCKET", None)
	authorities = []
	with tempfile.TemporaryDirectory(prefix="fogline-authorities-") as name:
		folder = pathlib.Path(name)
		try:
			authorities += [Authority(program, folder, i, port) for i, port in enumerate(free_ports(COUNT))]
			network = folder / "network.yaml"
			network.write_text(NETWORK + "".join(a.line for a in authorities))
			for a in authorities:
				prepare(a, folder)
				a.start(network)
			for a in authorities:
				wait_for(f"authority {a.number}", a.answers)
			yield authorities, network, folder
		except BaseException:
			for log in sorted(folder.glob("log*")):
				print(f"-- {log.name}\n{log.read_text()}", file=sys.stderr)
			raise
		finally:
			for a in authorities:
				if a.process is not None:
					a.process.kill()
					a.process.wait()
