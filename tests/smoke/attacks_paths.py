# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Path traversal: whatever an address, a part of it or a field of a body says, nothing of the file system comes back or is
written but what the route is for."""
import os
import pathlib
import subprocess
import tempfile

from _init import check, equal
from attacks import Description, Wire, filled, raw, request
from control import BIN

FILE = "etc/passwd"
UP = ("../", "..%2f", "..%2F", "%2e%2e/", "%2e%2e%2f", "%2E%2E%2F", ".%2e/", "%252e%252e%252f", "..%252f", "..%5c", "..\\", "%2e%2e%5c", "..;/", "....//", "..%00/",
	"%c0%ae%c0%ae/", "%c0%ae%c0%ae%c0%af", "..%c0%af", "%e0%80%ae%e0%80%ae/", "%uff0e%uff0e/", "..%ef%bc%8f", "%u002e%u002e/", "..//", "./../", "../;/")
WHOLE = ("/etc/passwd", "//etc/passwd", "/%2fetc%2fpasswd", "/etc/passwd%00", "/etc/passwd%00.html", "/file:///etc/passwd", "/%66ile:%2f%2f/etc/passwd", "/~root", "/.", "/..",
	"/.git/config", "/proc/self/environ", "/proc/self/mem", "/v1/docs/../../etc/passwd", "/v1/docs/page.css%00", "/v1/docs/.", "/v1/docs//", "/v1/openapi.json/../../etc/passwd",
	"/v1/openapi%2ejson%00", "/C:%5cwindows%5cwin.ini", "/%5c%5cserver%5cshare", "/v1/%2e/docs", "/v1//docs", "/v1/./docs", "/v1/x/../docs", "//v1/docs", "/V1/docs", "/v1/docs%2f",
	"/v1/docs%20", "/v1/docs.", "/v1/docs;x=1", "/v1/docs/index.html", "/dev/zero", "/dev/stdin")
NAMES = ("../../../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "..\\..\\x", "a\0b", "%2e%2e%2fx", "....//x", "~root", "-rf", "file:///etc/passwd", "/dev/stdin", "/proc/self/environ",
	"x\n- y", "\"\nuser: root\nx: \"")


class Traversal:
	def __init__(self, control):
		self.control, self.description = control, Description(control)
		control.add_user("walker", ["user", "auditor", "operator", "admin"], tier="enterprise")
		self.token = control.login("walker")["access_token"]
		self.wire, self.tried = Wire(control, self.token), 0
		(control.folder / "elsewhere").mkdir()
		self.canary = control.folder / "elsewhere" / "canary"
		self.canary.write_text("canary-of-the-file-system: \"not for you\"\n")
		key = (control.state_dir / "control" / "platform.key").read_bytes()
		self.never = [b"canary-of-the-file-system", pathlib.Path("/etc/passwd").read_bytes().splitlines()[0], control.token.encode(), key, key.hex().encode()]

	def clean(self, data, what):
		for secret in self.never:
			check(secret not in data, f"{what}: {secret[:40]!r} of a file comes back: {data[:300]!r}")

	def look(self, method, target, wanted=(400, 404, 405)):
		answer, = raw(self.control, request(method, target, f"Authorization: Bearer {self.token}"))
		self.tried += 1
		self.clean(answer[2], f"{method} {target}")
		check(answer[0] in wanted, f"{method} {target}: {answer[0]} {answer[2][:200]!r}")

	def addresses(self):
		canary = str(self.canary).lstrip("/")
		for target in WHOLE:
			for method in ("GET", "DELETE"):
				self.look(method, target)
		for up in UP:
			for file in (FILE, canary):
				self.look("GET", "/" + up * 8 + file)
		for path in self.description.whole["paths"]:
			for up in UP:
				self.look("GET", filled(path) + "/" + up * 8 + FILE)

	def parts(self):
		"""In place of a part: two readers must not see two addresses. A part that is a word is nobody's."""
		for method, path, operation in self.description.routes():
			for one in operation.get("parameters", []):
				if one["in"] != "path":
					continue
				for up in UP:
					target = filled(path, **{one["name"]: up * 6 + FILE})
					body = ("Content-Type: application/json",) if "requestBody" in operation else ()
					answer, = raw(self.control, request(method, target, f"Authorization: Bearer {self.token}", *body))
					self.tried += 1
					check(answer[0] in (400, 404, 405, 428, 503), f"{method} {target}: {answer[0]} {answer[2][:200]!r}")
					self.clean(answer[2], f"{method} {target}")

	def bodies(self):
		"""In every field that is a string: names that could become one of a file."""
		for method, path, operation in self.description.routes():
			schema = self.description.body(operation)
			for where, kind in self.description.leaves(schema) if schema is not None else ():
				for name in (*NAMES, str(self.canary)) if kind == "string" else ():
					status, _, answer = self.wire.ask(method, filled(path), self.description.with_value(schema, where, name), {"If-Match": "*"} if method in ("PATCH", "PUT") and any(
						one["name"] == "If-Match" for one in operation.get("parameters", [])) else {})
					self.tried += 1
					check(status != 500, f"{method} {path} with {where} = {name!r}: {answer}")
					self.clean(repr(answer).encode(), f"{method} {path} with {where} = {name!r}")

	def configuration(self):
		"""A configuration that comes over REST names files, too: only root may name those, but for another topology in the
		folder of this one."""
		_, fields, config = self.wire.ask("GET", "/v1/config")
		for change in (
			{"state_dir": "/etc"}, {"run_dir": "/etc"}, {"rest": {**config["rest"], "token_file": str(self.canary)}}, {"rest": {**config["rest"], "unix": "/etc/x"}},
			{"rest": {**config["rest"], "tls_certificate": str(self.canary)}}, {"store": {"url": str(self.canary)}}, {"accounts": {"key_file": str(self.canary)}},
			{"replay": {"dir": "/etc"}}, {"instance": "../../etc"}, {"topology": str(self.canary)}, {"topology": "/etc/passwd"}, {"topology": "../canary"},
			{"topology": "/proc/self/environ"}, {"directory": {"network": str(self.canary)}}):
			put = {"Content-Type": "application/yaml", "If-Match": fields["ETag"]}
			status, _, answer = self.wire.ask("PUT", "/v1/config", {**config, **change}, put)
			self.clean(repr(answer).encode(), f"a configuration with {change}")
			check(status in (403, 422), f"a configuration with {change}: {status} {answer}")
			for path in ("/v1/status", "/readyz", "/v1/nodes", "/v1/config/history", "/v1/config"):
				self.clean(repr(self.wire.ask("GET", path)[2]).encode(), f"{path} after a configuration with {change}")
		for text in (b"!!python/object:os.system x", b"x: !include /etc/passwd\n", b"a: &a [x]\nb: *a\n", b"--- !<tag:file> /etc/passwd\n", b"<<: {instance: /etc/passwd}\n"):
			status, _, answer = self.wire.ask("PUT", "/v1/config", text, {"Content-Type": "application/yaml", "If-Match": "*"})
			check(status in (400, 403, 422), f"{text}: {status} {answer}")
			self.clean(repr(answer).encode(), f"{text}")


def deployed(traversal):
	"""What a deployment is told goes into a configuration that somebody runs as root: as a value, or not at all."""
	wire = traversal.wire
	node = wire.ask("POST", "/v1/betanet/nodes", {"name": "deployed"})[2]
	for field in ("device", "address"):
		for name in NAMES:
			order = {"address": "192.0.2.77", field: name}
			status, _, answer = wire.ask("POST", f"/v1/betanet/nodes/{node['id']}/deploy", order)
			check(status in (400, 409, 422, 503), f"deploy with {order}: {status} {answer}")


def profiles(traversal):
	"""fogctl keeps profiles and sessions in files of their names."""
	with tempfile.TemporaryDirectory() as home:
		for name in NAMES:
			if "\0" in name:
				continue
			for words in (["add", name, "--url", "http://127.0.0.1:9"], ["use", name], ["remove", name]):
				done = subprocess.run([BIN / "fogctl", "profile", *words], env={"HOME": home + "/inside/home"}, capture_output=True, text=True)
				check(done.returncode != 0, f"fogctl profile {words}: {done.stdout}")
		made = [str(path) for path in pathlib.Path(home).rglob("*") if path.is_file() and "passwd" in path.name]
		equal(made, [], "files that were made")


def run(control, url):
	traversal = Traversal(control)
	before = sorted(os.listdir(control.folder)), sorted(os.listdir(control.state_dir))
	traversal.addresses()
	traversal.parts()
	traversal.bodies()
	deployed(traversal)
	traversal.configuration()
	equal((sorted(os.listdir(control.folder)), sorted(os.listdir(control.state_dir))), before, "files of the control plane")
	if not url:
		profiles(traversal)
	return f"{traversal.tried} addresses and names"
