#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The control plane's sandbox lets it use the store that its configuration names, and no TCP without one: SQLite, and
PostgreSQL by a UNIX socket, an address, a name, over TLS, with files in a folder of their own.
Usage: confine_check.py CONFINE_ANSWER"""
import datetime
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))
import postgres

ANSWER = sys.argv[1]
PASSWORD = "confine-check"

results = {"passed": 0, "failed": 0}


def check(what, condition):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}", flush=True)


class Server(postgres.Server):
	"""One that listens on TCP, too, with TLS as 'localhost'."""

	def __init__(self):
		super().__init__()
		with socket.socket() as probe:
			probe.bind(("127.0.0.1", 0))
			self.port = probe.getsockname()[1]

	def url(self, database):
		return f"{super().url(database)}&port={self.port}"

	def begin(self, certificate):
		"""'certificate': the file that then says whom to trust."""
		self.make()
		key = ec.generate_private_key(ec.SECP256R1())
		subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
		now = datetime.datetime.utcnow()
		signed = (
			x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
			.serial_number(x509.random_serial_number())
			.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
			.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
			.sign(key, hashes.SHA256())
		)
		certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
		for name, text in (("server.crt", certificate.read_bytes()), ("server.key", key.private_bytes(
			serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))):
			path = self.folder / "data" / name
			path.touch(0o600)
			path.write_bytes(text)
			os.chown(path, self.user.pw_uid, self.user.pw_gid)
		postgres.SETTINGS += ["ssl=on", "listen_addresses=127.0.0.1", f"port={self.port}"]
		self.start()


def ask(folder, port, store):
	"""What the program says, and whether its sandbox was in the way of anything."""
	config = folder / "n.yaml"
	config.write_text(json.dumps({
		"instance": "confine", "user": "", "dataplane_user": "", "run_dir": str(folder / "run"),
		"state_dir": str(folder / "state"), "workers": {"cpus": [0]}, "store": store,
		"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
	}))
	done = subprocess.run([ANSWER, config, str(port)], capture_output=True, text=True, env={"HOME": "/nowhere"})
	check(f"{store}: {done.stderr}", done.returncode == 0)
	return dict(line.split(": ", 1) for line in done.stdout.splitlines()), done.stderr


def tries(folder, server, password):
	port = server.port
	said, log = ask(folder, port, {})
	landlock = "landlock ABI" in log and int(log.split("landlock ABI ")[1].split()[0]) >= 4
	check(f"SQLite: {said} {log}", said["store"] == "Success")
	check(f"no TCP without a store elsewhere: {said}", not landlock or said["tcp"] == "Permission denied")
	server.sql("postgres", f"CREATE USER guarded PASSWORD '{PASSWORD}' SUPERUSER")
	ways = {
		"socket": server.url("a0"),
		"guarded": server.url("a1").replace("fogline@", "guarded@"),
		"address": f"postgresql://fogline@127.0.0.1:{port}/a2?sslmode=disable",
		"name": f"postgresql://fogline@localhost:{port}/a3",
		"TLS": f"postgresql://fogline@localhost:{port}/a4?sslmode=verify-full&sslrootcert={password.parent}/root.crt",
	}
	for number, (way, url) in enumerate(ways.items()):
		server.database(f"a{number}")
		store = {"url": url, **({"password_file": str(password)} if way in ("guarded", "TLS") else {})}
		said, log = ask(folder, port, store)
		check(f"{way}: {said} {log}", said == {"store": "Success", "tcp": "Success"})
		check(f"{way}: nothing was refused: {log}", "refuses" not in log)


def main():
	with tempfile.TemporaryDirectory(prefix="fog-confine-") as name:
		folder = pathlib.Path(name)
		(folder / "state" / "control").mkdir(parents=True)
		(folder / "secret").mkdir()
		password = folder / "secret" / "password"
		password.write_text(PASSWORD + "\n")
		password.chmod(0o600)
		server = Server()
		try:
			server.begin(folder / "secret" / "root.crt")
			tries(folder, server, password)
		finally:
			server.remove()
	print(f"{results['passed']} passed, {results['failed']} failed")
	return results["failed"] != 0


sys.exit(main())
