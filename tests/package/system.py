# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The minimal Debian of chroot.py with its systemd running as process 1 in namespaces of its own."""
import os
import pathlib
import re
import signal
import subprocess
import time

from chroot import Chroot, run

NAMESPACES = ["mount", "pid", "ipc", "net", "uts", "cgroup"]
# What systemd asks of whoever runs it in a container (https://systemd.io/CONTAINER_INTERFACE/). The
# settings of the kernel are everybody's, so they can't be written from there.
BOOT = """
set -e
mount --make-rprivate /
mount --bind {root} {root}
cd {root}
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mkdir dev/shm dev/pts old
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up
pivot_root . old
umount -l /old
exec /usr/bin/env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
	/lib/systemd/systemd --log-target=console --log-level=warning --show-status=no
"""


def cgroup2():
	"""Where the host has its cgroups of version 2, or None."""
	for line in pathlib.Path("/proc/mounts").read_text().split("\n"):
		words = line.split(" ")
		if len(words) > 2 and words[2] == "cgroup2":
			return pathlib.Path(words[1])
	return None


def wait_for(what, condition, seconds=60):
	end = time.monotonic() + seconds
	while not (value := condition()):
		if time.monotonic() > end:
			raise AssertionError(f"no {what} after {seconds} s")
		time.sleep(0.1)
	return value


class System(Chroot):
	"""`with System(kept, wanted) as s`: it is up and runs no unit that failed."""

	def __enter__(self):
		self._process = self._cgroup = None
		super().__enter__()
		try:
			self._boot()
		except BaseException:
			self.__exit__()
			raise
		return self

	def _boot(self):
		self._cgroup = cgroup2() / self.root.name
		self._cgroup.mkdir()
		with open(self.root / "boot.log", "wb") as log:
			self._process = subprocess.Popen(
				# It ends with this process, also when that is killed.
				["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self._cgroup,
					"setpriv", "--pdeathsig", "KILL", "unshare",
					*(f"--{name}" for name in NAMESPACES), "--fork", "--kill-child", "bash", "-c",
					BOOT.format(root=self.root)],
				stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
		self.init = wait_for("process 1", self._find)
		wait_for("a system that runs", lambda: self.state() == "running")

	def _find(self):
		if self._process.poll() is not None:
			raise AssertionError(f"no system: {(self.root / 'boot.log').read_text()}")
		path = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
		for pid in path.read_text().split():
			if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
				return int(pid)
		return None

	def state(self):
		try:
			return self.sh("systemctl is-system-running || true").strip()
		except AssertionError:
			return ""

	def sh(self, command, **options):
		if self._process is None:
			return super().sh(command, **options)
		environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
			"DEBIAN_FRONTEND=noninteractive"]
		return run("nsenter", "-t", self.init, *(f"--{name}" for name in NAMESPACES), *environment,
			"bash", "-c", command, **options)

	def in_net(self, *argv):
		"""A program of the host in the system's network."""
		return run("nsenter", "-t", self.init, "--net", *argv)

	def pids(self, name):
		"""Processes of the system by name, as the host numbers them."""
		space = os.readlink(f"/proc/{self.init}/ns/pid")
		found = []
		for path in pathlib.Path("/proc").glob("[0-9]*"):
			try:
				if os.readlink(path / "ns/pid") == space and (path / "comm").read_text().strip() == name[:15]:
					found.append(int(path.name))
			except OSError:
				continue  # it has ended
		return found

	def __exit__(self, *_):
		if self._process is not None:
			try:
				os.killpg(self._process.pid, signal.SIGKILL)  # unshare takes process 1 with it, and that all others
			except ProcessLookupError:
				pass
			self._process.wait()
		if self._cgroup is not None:
			for _ in range(100):
				folders = sorted((path for path in self._cgroup.rglob("*") if path.is_dir()), reverse=True)
				try:
					for folder in [*folders, self._cgroup]:
						folder.rmdir()
					break
				except OSError:
					time.sleep(0.1)  # its processes are about to end
		super().__exit__()


def properties(system, unit, *names):
	"""What `systemctl show` says."""
	text = system.sh(f"systemctl show {unit} {' '.join(f'-p {name}' for name in names)}")
	return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
