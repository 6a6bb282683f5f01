#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""TLS of the REST API's TCP listener, by OpenSSL (Python's ssl): certificates that the control plane makes and that it is
given, protocols, a reload, what it refuses. Usage: tls_check.py FOG_CONTROLPLANE FOGCTL"""
import datetime
import hashlib
import http.client
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from control import Control  # noqa: E402

CONTROLPLANE, FOGCTL = sys.argv[1:3]
USER = 61237 if os.geteuid() == 0 else os.geteuid()
PATIENCE_S = 30

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Plane(Control):
	"""With TLS on a loopback address."""

	def __init__(self, folder, name, address="127.0.0.1", **rest):
		super().__init__(folder, name, programs=(CONTROLPLANE, FOGCTL))
		self.listen(address, **rest)
		self.made = self.state_dir / "control" / "rest.pem"

	def listen(self, address="127.0.0.1", **rest):
		self.address = address
		self.configure(user=str(USER) if os.geteuid() == 0 else "", rest={"tls": "on", "tcp": f"{address}:{self.port}", **rest})

	def refuses(self, sentence):
		"""It doesn't start, and says why."""
		before = self.log_path.stat().st_size if self.log_path.exists() else 0
		process = self.spawn()
		try:
			code = process.wait(PATIENCE_S)
		except subprocess.TimeoutExpired:
			process.kill()
			code = process.wait()
		said = self.log_path.read_bytes()[before:].decode()
		check(f"refuses with '{sentence}': {code} {said}", code == 1 and sentence in said)

	def status(self):
		return self.local.get("/v1/status")

	def shakes(self, context):
		"""The version that a handshake came to, or None."""
		try:
			with socket.create_connection((self.address, self.port), PATIENCE_S) as raw, \
					context.wrap_socket(raw, server_hostname=self.address) as done:
				return done.version()
		except OSError:
			return None


def trusting(path):
	return ssl.create_default_context(cafile=path)


def only(version, ciphers=None):
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
	context.minimum_version = context.maximum_version = version
	return context


class Signed:
	"""A certificate that this test makes, for 127.0.0.1."""

	def __init__(self, folder, name, days=(-1, 30), address="127.0.0.1"):
		self.key = ec.generate_private_key(ec.SECP256R1())
		subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
		now = datetime.datetime.utcnow()
		self.certificate = (
			x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self.key.public_key())
			.serial_number(x509.random_serial_number())
			.not_valid_before(now + datetime.timedelta(days[0])).not_valid_after(now + datetime.timedelta(days[1]))
			.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
			.sign(self.key, hashes.SHA256())
		)
		self.pem, self.key_pem = folder / f"{name}.pem", folder / f"{name}.key"
		self.pem.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
		self.key_pem.write_bytes(self.key.private_bytes(
			serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
		for path in (self.pem, self.key_pem):
			path.chmod(0o600)
			os.chown(path, USER, -1)

	@property
	def rest(self):
		return {"tls_certificate": str(self.pem), "tls_key": str(self.key_pem)}

	@property
	def fingerprint(self):
		return fingerprint(self.certificate)


def fingerprint(certificate):
	public = certificate.public_key().public_bytes(
		serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
	return hashlib.sha256(public).hexdigest()


def made(folder):
	"""What it makes at its first start, keeps, and makes anew."""
	plane = Plane(folder, "made")
	with plane:
		for name in ("rest.pem", "rest.key"):
			found = (plane.made.parent / name).stat()
			check(f"{name}: owner and mode", (found.st_uid, found.st_mode & 0o777) == (USER, 0o600))
		first = x509.load_pem_x509_certificate(plane.made.read_bytes())
		names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
		check("its address", names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")])
		check("its host's name", names.get_values_for_type(x509.DNSName) == [socket.gethostname()])
		check("P-256", isinstance(first.public_key().curve, ec.SECP256R1))
		check("years", first.not_valid_after > datetime.datetime.utcnow() + datetime.timedelta(3000))
		shown = plane.status()["tls"]
		check("fingerprint", shown["fingerprint"] == fingerprint(first))
		check("of the certificate", shown["certificate_sha256"] == first.fingerprint(hashes.SHA256()).hex())
		check("fogctl shows it", shown["fingerprint"] in plane.fogctl("status")[1])
		check("the log has it", shown["fingerprint"] in plane.log_path.read_text())
		check("no warning", "certificate" not in json.dumps(plane.status()["warnings"]))
		check("OpenSSL trusts it", plane.shakes(trusting(plane.made)) == "TLSv1.3")
		check("not without being told", plane.shakes(ssl.create_default_context()) is None)
		protocols(plane)
		requests(plane)
		remote(plane)
	before = plane.made.read_bytes()
	with plane:
		check("it is kept", plane.made.read_bytes() == before)
	plane.listen("127.0.0.2")
	with plane:
		second = x509.load_pem_x509_certificate(plane.made.read_bytes())
		check("another address, another certificate", second != first and plane.shakes(trusting(plane.made)) == "TLSv1.3")
		check("of the same key", fingerprint(second) == fingerprint(first))
	key = plane.made.with_name("rest.key")
	kept = key.read_bytes()
	key.write_bytes(b"nonsense")
	plane.refuses("remove it")
	key.unlink()
	with plane:
		third = x509.load_pem_x509_certificate(plane.made.read_bytes())
		check("without the key another one", fingerprint(third) != fingerprint(first) and key.read_bytes() != kept)
	plane.listen(tls="auto")
	with plane:
		check("a loopback address needs none", plane.status()["tls"] is None)
		connection = http.client.HTTPConnection("127.0.0.1", plane.port, timeout=PATIENCE_S)
		connection.request("GET", "/healthz")
		check("and stays plain", connection.getresponse().status == 200)
		connection.close()


def everywhere(folder):
	"""A listener on all addresses is one that others reach: TLS without being asked, for all addresses."""
	plane = Plane(folder, "everywhere", address="0.0.0.0", tls="auto")
	with plane:
		plane.address = "127.0.0.1"
		check("for any of its addresses", plane.shakes(trusting(plane.made)) == "TLSv1.3")


def protocols(plane):
	check("TLS 1.3", plane.shakes(only(ssl.TLSVersion.TLSv1_3)) == "TLSv1.3")
	check("TLS 1.2", plane.shakes(only(ssl.TLSVersion.TLSv1_2)) == "TLSv1.2")
	for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
		check(f"no {version.name}", plane.shakes(only(version)) is None)
	for ciphers in ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-CCM", "NULL:@SECLEVEL=0"):
		check(f"no {ciphers}", plane.shakes(only(ssl.TLSVersion.TLSv1_2, ciphers)) is None)
	check("ChaCha20", plane.shakes(only(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305")) == "TLSv1.2")


def requests(plane):
	connection = http.client.HTTPSConnection(
		plane.address, plane.port, context=trusting(plane.made), timeout=PATIENCE_S)
	for headers, status in (({}, 401), ({"Authorization": f"Bearer {plane.token}"}, 200)):
		connection.request("GET", "/v1/status", headers=headers)
		answer = connection.getresponse()
		answer.read()
		check(f"over TLS: {answer.status}", answer.status == status)
	connection.close()
	with socket.create_connection((plane.address, plane.port), PATIENCE_S) as plain:
		plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		try:
			said = plain.recv(4096)
		except ConnectionResetError:
			said = b""
		check(f"HTTP without TLS: {said!r}", b"HTTP" not in said and b"alive" not in said)
	with socket.create_connection((plane.address, plane.port), PATIENCE_S) as silent:
		check("who says nothing keeps nobody out", plane.shakes(trusting(plane.made)) == "TLSv1.3")
		silent.close()


def fogctl(plane, *words):
	done = subprocess.run(
		[FOGCTL, "status", "--url", f"https://{plane.address}:{plane.port}", "--token-file", plane.token_path, *words],
		capture_output=True, text=True)
	return done.returncode, done.stdout + done.stderr


def remote(plane):
	"""What remote_check.py tries with a server of Python's."""
	key = plane.status()["tls"]["fingerprint"]
	for words in (["--fingerprint", key], ["--ca", plane.made], ["--ca", plane.made, "--fingerprint", key]):
		code, said = fogctl(plane, *words)
		check(f"fogctl {words}: {said}", code == 0 and key in said)
	for words in ([], ["--fingerprint", "00" * 32], ["--ca", plane.made, "--fingerprint", "00" * 32]):
		check(f"fogctl {words} refuses", fogctl(plane, *words)[0] == 3)


def reload(folder):
	"""A new certificate takes the place of the old one while connections live; a bad one doesn't."""
	first, second = (Signed(folder, name) for name in ("first", "second"))
	live = Signed(folder, "live")
	for source, target in ((first.pem, live.pem), (first.key_pem, live.key_pem)):
		shutil.copy(source, target)
	with Plane(folder, "reload", **live.rest) as plane:
		check("what it was given", plane.status()["tls"]["fingerprint"] == first.fingerprint)
		check("it makes none", not plane.made.exists())
		old = http.client.HTTPSConnection("127.0.0.1", plane.port, context=trusting(first.pem), timeout=PATIENCE_S)
		old.request("GET", "/healthz")
		check("before", old.getresponse().read() != b"")
		shutil.copy(second.pem, live.pem)  # the key is still the first one's
		plane.process.send_signal(signal.SIGHUP)
		plane.wait("refusal", lambda: "the one before stays in use" in plane.log_path.read_text())
		check("a wrong key changes nothing", plane.status()["tls"]["fingerprint"] == first.fingerprint)
		check("and it goes on", plane.shakes(trusting(first.pem)) == "TLSv1.3")
		shutil.copy(second.key_pem, live.key_pem)
		plane.process.send_signal(signal.SIGHUP)
		plane.wait("reload", lambda: plane.status()["tls"]["fingerprint"] == second.fingerprint)
		check("the new one", plane.shakes(trusting(second.pem)) == "TLSv1.3")
		check("not the old one", plane.shakes(trusting(first.pem)) is None)
		old.request("GET", "/healthz")
		check("a connection from before", old.getresponse().status == 200)
		old.close()


def refusals(folder):
	good, other = Signed(folder, "good"), Signed(folder, "other")
	plane = Plane(folder, "refusals", **{**good.rest, "tls_key": str(other.key_pem)})
	plane.refuses("name a PEM file")
	plane.listen(tls_certificate=str(good.pem), tls_key="/nowhere/key")
	plane.refuses("/nowhere/key: No such file")
	plane.listen(tls_certificate=str(good.key_pem), tls_key=str(good.key_pem))
	plane.refuses("name a PEM file")
	good.key_pem.chmod(0o604)
	plane.listen(**good.rest)
	plane.refuses("chmod o=")
	plane.listen(tls_certificate=str(good.pem))
	plane.refuses("name both")
	late = Signed(folder, "late", (-30, -1))
	with Plane(folder, "late", **late.rest) as plane:
		code, said = fogctl(plane, "--ca", late.pem)
		check(f"fogctl takes no old certificate: {said}", code == 3 and "no longer" in said)
		codes = [warning["code"] for warning in plane.status()["warnings"]]
		check(f"an old certificate is a warning: {codes}", "certificate_expired" in codes)
	soon = Signed(folder, "soon", (-30, 3))
	with Plane(folder, "soon", **soon.rest) as plane:
		codes = [warning["code"] for warning in plane.status()["warnings"]]
		check(f"one that soon is, too: {codes}", "certificate_expires" in codes)


def main():
	with tempfile.TemporaryDirectory(prefix="fog-tls-") as name:
		folder = pathlib.Path(name)
		folder.chmod(0o755)
		for part in (made, everywhere, reload, refusals):
			part(folder)
	print(f"{results['passed']} passed, {results['failed']} failed")
	return results["failed"] != 0


sys.exit(main())
