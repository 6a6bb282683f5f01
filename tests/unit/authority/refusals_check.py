#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Each refusal under its own name. Four authorities are given descriptors that nobody may take, over three epochs, also
those without a proof of their delays; then a node (fog-controlplane without a data plane) and clients (fogctl) fetch
consensuses that nobody may take, from listeners written in Python that have other clocks, too.
`refusals_check.py FOG_AUTHORITY DESCRIPTOR_CHECK FOG_CONTROLPLANE FOGCTL`"""
import contextlib
import datetime
import http.client
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from authorities import (
	COUNT, NETWORK, blake, check, descriptor, everywhere, four, fresh_epoch, load, network_hash, now, open_consensus, raw,
	wait_for,
)

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "vrf_ref"), str(TESTS / "unit")]
import vrf_ref
from keyring import forget_keys

INSTANCE = f"refusals{os.getpid()}"

NODES, SILENT = 5, 3
PLAINLY_OFF_S = 3600


def node_id(i):
	return blake(raw(ed25519.Ed25519PrivateKey.from_private_bytes(blake(b"seed%d" % i)).public_key()))


def proof(i, epoch, beacon_before):
	"""Of node i's delays of 'epoch', which are drawn with the beacon of the epoch before."""
	return vrf_ref.prove(blake(b"vrfseed%d" % i), vrf_ref.delay_alpha(network_hash(), epoch, beacon_before))["pi"]


def all_of(dc, epoch, proofs):
	"""A descriptor of each node, whose VRF keys count at once."""
	return [descriptor(dc, i, epoch, vrf_from=1, proof=proofs.get(i, [])) for i in range(NODES)]


def give(authorities, descriptors):
	for a in authorities:
		for data in descriptors:
			check((said := a.upload(data)) is None, f"a good descriptor is refused: {said}")


def refused(a, code, data, sentence=r"\w"):
	said = a.upload(data)
	check(said is not None and said[0] == code and re.search(sentence, said[1]), f"{code}: {said}")


def strangers(dc, a, epoch):
	"""What comes from somebody new, with one thing wrong each."""
	def other(**change):
		return descriptor(dc, 50, epoch, **change)
	good = other()
	refused(a, "clock", other(time_ms=int(time.time() * 1000) + 5000), r"\b[45]\d\d\d ms in the future")
	refused(a, "clock", other(time_ms=int(time.time() * 1000) - 60000), r"\b(59|60)\d\d\d ms ago")
	refused(a, "bad_signature", good[:-1] + bytes((good[-1] ^ 1,)))
	refused(a, "malformed", good[:100])
	refused(a, "other_network", other(network=bytes(32)))
	refused(a, "impossible_address", other(address=bytes((127, 0, 0, 1))), r"'node\.address'")
	refused(a, "impossible_address", other(mix_port=0))
	refused(a, "no_mix_keys", other(mix=[]))
	refused(a, "stolen_identity", other(link_key=blake(b"link2")))
	refused(a, "mix_key_taken", other(mix=[(epoch + k, blake(b"mix2.%d" % (epoch + 1))) for k in range(4)]))
	refused(a, "address_taken", other(address=bytes((192, 0, 2, 12))))
	refused(a, "name_taken", other(name="n2"), "'n2' was there first")
	check(a.request("GET", "/directory/nothing")[0] == 404, "a path that isn't there")
	check(a.request("PUT", "/directory/descriptors", b"x")[0] == 405, "PUT")


def known(dc, a, epoch, sequence):
	"""What comes from somebody who is known, node 2, with the sequence that it was taken with."""
	refused(a, "rollback", descriptor(dc, 2, epoch, sequence=sequence - 1), "older than number")
	refused(a, "equivocation", descriptor(dc, 2, epoch, sequence=sequence, bandwidth=3))


def crowd(a):
	"""A stranger who asks without a pause is told so, and nobody else is."""
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	c = http.client.HTTPSConnection("127.0.0.1", a.port, timeout=10, context=context, source_address=("127.0.0.77", 0))
	with contextlib.closing(c):
		for asked in range(2000):
			c.request("GET", "/directory/equivocations")
			answer = c.getresponse()
			body = answer.read()
			if answer.status != 200:
				break
		said = json.loads(body)
		check(answer.status == 429 and said["code"] == "too_many_requests" and asked > 200, f"{asked}: {answer.status} {said}")
		check(int(answer.getheader("Retry-After")) >= 1, "no word of when to come again")
	check(a.request("GET", "/directory/equivocations")[0] == 200, "another authority is kept out")
	check(a.request("GET", "/directory/equivocations", source="127.0.0.78")[0] == 200, "a stranger is kept out for another")


def agreed(authorities, epoch):
	data = wait_for(f"consensus of {epoch}", lambda: len(c := everywhere(authorities, epoch)) == COUNT and c)
	return data[0]


def three_epochs(dc, authorities):
	"""Returns their consensuses."""
	a, epoch = authorities[0], fresh_epoch()
	give(authorities, all_of(dc, epoch, {}))
	crowd(authorities[3])
	first = agreed(authorities, epoch + 1)
	wait_for("the next epoch", lambda: now() >= epoch + 1)
	fresh = all_of(dc, epoch + 1, {})
	give(authorities, fresh)
	strangers(dc, a, epoch + 1)
	known(dc, a, epoch + 1, dc.verify(fresh[2])["sequence"])
	second = agreed(authorities, epoch + 2)
	wait_for("the next epoch", lambda: now() >= epoch + 2)

	# At work since epoch + 1, whose delays are over for the consensus of epoch + 3.
	beacon = open_consensus(dc, first, authorities)["beacons"][1]
	good = {i: [(epoch + 1, proof(i, epoch + 1, beacon))] for i in range(NODES)}
	refused(a, "no_vrf_proof", descriptor(dc, 0, epoch + 2, vrf_from=1), f"delays of epoch {epoch + 1}")
	refused(a, "no_vrf_proof", descriptor(dc, 0, epoch + 2, vrf_from=1, proof=good[1]))
	give(authorities, [d for i, d in enumerate(all_of(dc, epoch + 2, good)) if i != SILENT])
	third = agreed(authorities, epoch + 3)
	opened = open_consensus(dc, third, authorities)
	check(set(opened["names"]) == {f"n{i}" for i in range(NODES) if i != SILENT}, f"who is in: {opened['names']}")
	check(opened["owed"].keys() == {node_id(SILENT)} and opened["owed"][node_id(SILENT)][0] == epoch + 1, f"{opened['owed']}")
	wait_for("the next epoch", lambda: now() >= epoch + 3)
	late = [(epoch + 2, proof(SILENT, epoch + 2, opened["beacons"][2]))]
	refused(a, "no_vrf_proof", descriptor(dc, SILENT, epoch + 3, vrf_from=1, proof=late), f"delays of epoch {epoch + 1}")
	give([a], [descriptor(dc, SILENT, epoch + 3, vrf_from=1, proof=good[SILENT] + late)])
	return second, third


class Listener(http.server.ThreadingHTTPServer):
	"""One of a directory's listeners, at a port of its own, with a key of its own."""
	daemon_threads = True

	def __init__(self, directory, folder, number):
		super().__init__(("127.0.0.1", 0), Handler)
		self.directory = directory
		key = ed25519.Ed25519PrivateKey.generate()
		self.tls_key = raw(key.public_key())
		name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
		day = datetime.datetime(2020, 1, 1)
		certificate = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()) \
			.serial_number(1).not_valid_before(day).not_valid_after(day.replace(year=2090)).sign(key, None)
		path = folder / f"listener{number}.pem"
		path.write_bytes(
			key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
			+ certificate.public_bytes(serialization.Encoding.PEM))
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain(path)
		self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
		threading.Thread(target=self.serve_forever, daemon=True).start()

	def handle_error(self, request, client_address):
		pass


class Handler(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"

	def date_time_string(self, timestamp=None):
		return super().date_time_string(time.time() + self.server.directory.ahead)

	def answer(self, status, body):
		self.send_response(status)
		self.send_header("Content-Length", str(len(body)))
		self.end_headers()
		self.wfile.write(body)

	def do_GET(self):
		directory = self.server.directory
		path = urllib.parse.urlsplit(self.path).path
		serves = directory.consensus and path.startswith("/directory/consensus")
		self.answer(200 if serves else 404, directory.consensus if serves else b"")

	def do_POST(self):
		self.rfile.read(int(self.headers["Content-Length"]))
		self.answer(200, b'{"taken":true}\n')

	def log_message(self, *words):
		pass


class Directory:
	"""Four listeners with the authorities' identities, which say whatever the test wants, by a clock that is 'ahead'."""

	def __init__(self, folder, name, authorities):
		self.consensus, self.ahead = b"", 0
		self.folder = folder / name
		self.folder.mkdir()
		listeners = [Listener(self, self.folder, a.number) for a in authorities]
		self.network = self.folder / "network.yaml"
		self.network.write_text(NETWORK + "".join(
			re.sub(r"tls_key: \w+", f"tls_key: {one.tls_key.hex()}", re.sub(r"port: \d+", f"port: {one.server_address[1]}", a.line))
			for a, one in zip(authorities, listeners)))


def clients(fogctl, folder, authorities, third):
	"""Each has its own directory, and ends because it gets no network, with the reason's name."""
	signatures = len(third) - 65 * 3 - 1 - (65 if third[-65 * 4 - 1] == 4 else 0)
	two = third[:signatures] + b"\2" + third[signatures + 1:signatures + 1 + 65 * 2]
	cases = {
		"bad_signature": (third[:-1] + bytes((third[-1] ^ 1,)), 0),
		"too_few_signatures": (two, 0),
		"malformed": (third[:200], 0),
		"other_network": (third[:4] + bytes(32) + third[36:], 0),
		r"clock of this host is 3[56]\d\d\.\d s behind": (b"", PLAINLY_OFF_S),
		r"clock of this host is 3[56]\d\d\.\d s ahead of": (b"", -PLAINLY_OFF_S),
	}
	running = []
	for k, (sentence, (consensus, ahead)) in enumerate(cases.items()):
		directory = Directory(folder, f"client{k}", authorities)
		directory.consensus, directory.ahead = consensus, ahead
		state = directory.folder / "state"
		running.append((sentence, subprocess.Popen(
			[fogctl, "client", "address", "--client", state, "--network", directory.network, "--gateway", "n0"],
			stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)))
	for sentence, process in running:
		out, err = process.communicate(timeout=60)
		check(process.returncode != 0 and re.search(sentence, err), f"a client, {sentence}: {process.returncode} {out} {err}")


class Node:
	"""A control plane at an address of its own choosing, without a data plane."""

	def __init__(self, program, directory):
		self.folder, self.log = directory.folder, directory.folder / "log"
		config = self.folder / "node.yaml"
		config.write_text(
			f"instance: {INSTANCE}\nuser: \"\"\ndataplane_user: \"\"\nrun_dir: {self.folder}/run\nstate_dir: {self.folder}/state\n"
			f"topology: {directory.network}\nworkers: {{cpus: [0]}}\nports:\n"
			f"  - {{name: p0, driver: loop, device: a, addresses: [192.0.2.99]}}\nnode: {{address: 192.0.2.99, role: gateway}}\n")
		with self.log.open("wb") as log:
			self.process = subprocess.Popen([program, "--config", config], stderr=log)

	def warnings(self):
		link = http.client.HTTPConnection("node")
		link.sock = socket.socket(socket.AF_UNIX)
		with contextlib.closing(link):
			link.sock.connect(str(self.folder / "run" / "rest.sock"))
			link.request("GET", "/v1/status")
			return {w["code"]: w["text"] for w in json.loads(link.getresponse().read())["warnings"]}

	def says(self, text):
		wait_for(f"the node's word: {text}", lambda: self.process.poll() is not None or text in self.log.read_text())
		check(self.process.poll() is None, f"the node has ended: {self.log.read_text()}")


def node(program, folder, authorities, second, third):
	directory = Directory(folder, "node", authorities)
	directory.consensus = third
	n = Node(program, directory)
	try:
		n.says("a new consensus is here")
		check("clock_off" not in n.warnings(), "a clock that is right")
		directory.consensus = second
		n.says("a consensus is not taken (rollback)")
		directory.consensus, directory.ahead = third[:-1] + bytes((third[-1] ^ 1,)), PLAINLY_OFF_S
		n.says("a consensus is not taken (bad_signature)")
		said = wait_for("a warning", lambda: n.warnings().get("clock_off"))
		check(re.search(r"3[56]\d\d\.\d s behind those of the authorities", said), said)
		directory.ahead = 0
		wait_for("the warning's end", lambda: "clock_off" not in n.warnings())
	except BaseException:
		print(f"-- node\n{n.log.read_text()}", file=sys.stderr)
		raise
	finally:
		try:
			n.process.terminate()
			n.process.wait(timeout=60)
		finally:
			n.process.kill()
			n.process.wait()
			forget_keys(INSTANCE)


def main(program, descriptor_check, controlplane, fogctl):
	dc = load(descriptor_check)
	with four(program) as (authorities, _, folder):
		second, third = three_epochs(dc, authorities)
		client = threading.Thread(target=clients, args=(fogctl, folder, authorities, third))
		errors = []
		threading.excepthook = lambda args: errors.append(args.exc_value)
		client.start()
		node(controlplane, folder, authorities, second, third)
		client.join()
		check(not errors, "\n".join(map(str, errors)))
	print("each is refused under its own name")


main(*sys.argv[1:])
