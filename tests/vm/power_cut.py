# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The power of an emulated machine is cut while clients write through the API of its control plane. Its disk has a volatile cache: what
was not flushed is lost, or a part of it. Each write that was acknowledged is there afterwards, and in the audit."""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import image
import qemu
from console import step
from disk import Disk

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "vm"
sys.path[:0] = [str(ROOT / "tests" / "smoke"), str(ROOT / "tests")]
import ledger
import postgres

UP_S = 300  # until a machine has its control plane up, at most
DISK = "256M"
ADDRESS, PORT = "10.0.2.15", 8080
PASSWORD = "an owl in the fog"
PLENTY = 10_000_000
MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "ext4", "crc32c_generic"]


STATE = pathlib.Path("/var/lib/fogline")  # there: the disk
POSTGRES_SETTINGS = [*postgres.SETTINGS, "unix_socket_directories=/run/postgresql", "timezone=GMT", "log_timezone=GMT"]


def config(server):
	return {
		**({"store": {"url": f"postgresql://{postgres.USER}@/platform?host=/run/postgresql"}} if server else {}),
		"instance": "vm", "user": "", "dataplane_user": "", "topology": "/etc/fogline/topology.yaml", "workers": {"cpus": [0]},
		"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
		"rest": {"tcp": f"0.0.0.0:{PORT}", "tls": "off"}, "accounts": {"token_minutes": 1440},
		"limits": {"auth": PLENTY, "write": PLENTY, "read": PLENTY},
	}


def text(data):
	return 0o644, data.encode()


def server_files(server):
	"""PostgreSQL looks for its folders, where its program lies: for what it loads, and for names of time zones."""
	share = pathlib.Path("/usr/share/postgresql") / server.programs.parent.name
	files = [server.programs.parent / "lib" / "plpgsql.so", *(share / "timezonesets").iterdir()]
	return {str(path).lstrip("/"): (0o644, path.read_bytes()) for path in files}


def initramfs(build, kernel, server):
	programs = {
		"usr/bin/kmod": "/bin/kmod", **{f"usr/bin/{name}": build / "bin" / name for name in ("fog-controlplane", "fogctl")}}
	command, owner = "", 65534
	if server:
		owner = server.user.pw_uid
		program = server.programs / "postgres"
		programs[str(program).lstrip("/")] = program
		command = " ".join([f"{program} -D {STATE}/postgresql", *(f"-c {setting}" for setting in POSTGRES_SETTINGS)])
	conf = {"ADDRESS": f"{ADDRESS}/24", "PORT": PORT, "PASSWORD": f"'{PASSWORD}'", "POSTGRES": f"'{command}'"}
	return {
		**image.with_libraries(programs),
		**(server_files(server) if server else {}),
		**image.modules(kernel, MODULES),
		"bin/busybox": (0o755, pathlib.Path("/bin/busybox").read_bytes()),
		"sbin/modprobe": image.link("/usr/bin/kmod"),
		"init": (0o755, (HERE / "power_cut_guest.sh").read_bytes()),
		"etc/guest.sh": text((HERE / "guest.sh").read_text()),
		"etc/vm.conf": text("".join(f"{key}={value}\n" for key, value in conf.items())),
		"etc/passwd": text(f"root:x:0:0::/:/bin/sh\nnobody:x:{owner}:{owner}::/:/bin/sh\n"),
		"etc/group": text(f"root:x:0:\nnobody:x:{owner}:\n"),
		"etc/fogline/vm.yaml": text(json.dumps(config(server), indent=2) + "\n"),
	}


def free_port():
	with socket.socket() as listener:
		listener.bind(("127.0.0.1", 0))
		return listener.getsockname()[1]


class Machine:
	"""A run of the machine, from its start to its end."""

	def __init__(self, kernel, initrd, folder, lying):
		self.said, self.port = "", free_port()
		address = folder / "disk.sock"
		address.unlink(missing_ok=True)
		self.disk = Disk(folder / "disk", address, lying)
		self.process = qemu.start([
			"-kernel", image.vmlinuz(kernel), "-initrd", initrd, "-append", qemu.KERNEL, "-m", 768, "-smp", 2,
			"-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={address}",
			"-device", "virtio-blk-pci,drive=disk,write-cache=on",
			"-netdev", f"user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:{self.port}-{ADDRESS}:{PORT}",
			"-device", "virtio-net-pci,netdev=net",
		])
		self.thread = threading.Thread(target=self._follow, daemon=True)
		self.thread.start()

	def _follow(self):
		for line in self.process.stdout:
			self.said += line.decode(errors="replace").replace("\r", "")

	def wait_up(self):
		end = time.monotonic() + UP_S
		while "\nvm: up\n" not in self.said:
			if self.process.poll() is not None or time.monotonic() > end:
				raise AssertionError(f"the machine did not come up:\n{self.said[-4000:]}")
			time.sleep(0.2)

	def heard(self, name):
		return step(self.said, name)[0].strip()

	def end(self):
		self.process.kill()
		self.process.wait()
		self.thread.join()
		self.disk.close()


def login(books):
	connection = books.connect()
	connection.request(
		"POST", "/v1/auth/login", json.dumps({"username": "admin", "password": PASSWORD}), {"Content-Type": "application/json"})
	answer = json.loads(connection.getresponse().read())
	connection.close()
	return answer["access_token"]


def load(books, machine, writes):
	"""Clients write until the power is cut."""
	with books.writing():
		wanted = books.total + writes + random.randrange(writes)
		while books.total < wanted and not books.over:
			time.sleep(0.01)
		if books.over:
			raise AssertionError(f"the clients have ended: {[*books.wrong, *map(str, books.doubts)]}\n{machine.said[-4000:]}")
		time.sleep(random.random() / 10)
		found = machine.disk.cut()
		machine.process.kill()
		return found


def play(kernel, initrd, folder, options):
	books = ledger.Ledger(None, None)
	for cut in range(options.cuts + 1):
		machine = Machine(kernel, initrd, folder, options.lying_disk)
		try:
			machine.wait_up()
			books.address = ("127.0.0.1", machine.port)
			if cut == 0:
				books.token = login(books)
				books.sessions = [books.token]
			else:
				print(f"cut {cut}: {books.judge()}; {machine.heard('verify')}", flush=True)
			if cut < options.cuts:
				flushes, late, kept = load(books, machine, options.writes)
				print(f"flushed {flushes} times, {late} writes not flushed, {kept} of them not wholly lost", flush=True)
		finally:
			machine.end()
	print(f"{options.cuts} cuts, {books.total} acknowledged writes, all there", flush=True)


@contextlib.contextmanager
def served(store):
	"""A PostgreSQL server of this host, ended, with an empty database; None for SQLite."""
	with postgres.server() if store == "postgresql" else contextlib.nullcontext() as server:
		if server:
			server.database("platform")
			server.end(signal.SIGINT)  # tidily
		yield server


def format_disk(folder, server):
	root = folder / "root"
	root.mkdir()
	if server:
		shutil.move(server.folder / "data", root / "postgresql")
		(root / "postgresql" / "postgresql.conf").write_text("")  # it names this host's time zone
	subprocess.run([
		"mkfs.ext4", "-q", "-d", root, "-E", "lazy_itable_init=0,lazy_journal_init=0", folder / "disk", DISK], check=True,
		stdout=subprocess.DEVNULL, env={**os.environ, "PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
	shutil.rmtree(root)


def main(cuts, writes, stores):
	parser = argparse.ArgumentParser()
	parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / "build")
	parser.add_argument("--cuts", type=int, default=cuts)
	parser.add_argument("--writes", type=int, default=writes, help="that are acknowledged before each cut, at least")
	parser.add_argument("--store", choices=["sqlite", "postgresql"], help="only this one")
	parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
	parser.add_argument("--lying-disk", action="store_true", help="the disk flushes nothing, so that the test has to fail")
	options = parser.parse_args()
	random.seed(options.seed)
	postgres.end_tidily()
	print(f"seed {options.seed}", flush=True)
	build = options.build.resolve()
	cache = build / "vm"
	kernel = image.kernel(cache, image.FULL)
	for store in [options.store] if options.store else stores:
		print(f"{store}:", flush=True)
		with tempfile.TemporaryDirectory(prefix="fogline-cut-") as name, served(store) as server:
			initrd = image.file(cache, f"power-cut-{store}.cpio", initramfs(build, kernel, server))
			folder = pathlib.Path(name)
			format_disk(folder, server)
			play(kernel, initrd, folder, options)
