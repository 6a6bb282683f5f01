# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A service manager's end of sd_notify(3), and threads that stand still while their process goes on."""
import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import threading
import time

from _init import wait_for

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def stopped(tid):
	"""One thread stands still."""
	def ptrace(request):
		if libc.ptrace(request, tid, None, None):
			raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
	ptrace(PTRACE_SEIZE)
	ptrace(PTRACE_INTERRUPT)
	os.waitpid(tid, WALL)
	yield
	ptrace(PTRACE_DETACH)


def worker_thread(node):
	tasks = pathlib.Path(f"/proc/{node.processes['data'].pid}/task")
	name, = [task for task in tasks.iterdir() if "worker" in (task / "comm").read_text()]
	return int(name.name)


class Notified:
	"""NOTIFY_SOCKET of one process of a node. 'watchdog_s' is what WATCHDOG_USEC asks for."""

	def __init__(self, node, which, watchdog_s=0):
		self.node, self.which = node, which
		path = node.folder / f"notify-{which}"
		path.unlink(missing_ok=True)
		self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self._socket.bind(str(path))
		path.chmod(0o666)
		self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
		self._socket.settimeout(0.2)
		self.said = []  # (time, sender's pid, name, value), in order
		node.environment[which] = {"NOTIFY_SOCKET": str(path)}
		if watchdog_s:
			node.environment[which]["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
		self._end = False
		self._thread = threading.Thread(target=self._listen, daemon=True)
		self._thread.start()

	def _listen(self):
		while not self._end:
			try:
				data, control, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(12))
			except TimeoutError:
				continue
			pid, _, _ = struct.unpack("iII", control[0][2])
			for line in data.decode().split("\n"):
				name, _, value = line.partition("=")
				self.said.append((time.monotonic(), pid, name, value))

	def close(self):
		self._end = True
		self._thread.join()
		self._socket.close()

	def values(self, name):
		return [value for _, _, key, value in list(self.said) if key == name]

	def count(self, name):
		return len(self.values(name))

	def names(self):
		"""What was said, in order, each run of the same thing once, without STATUS and WATCHDOG."""
		found = []
		for _, _, name, _ in list(self.said):
			if name not in ("STATUS", "WATCHDOG") and found[-1:] != [name]:
				found.append(name)
		return found

	def senders(self):
		return {pid for _, pid, _, _ in list(self.said)}

	def wait(self, name, more_than=0, **options):
		return wait_for(f"{name} of {self.node.name}'s {self.which} plane",
			lambda: self.count(name) > more_than, **options)
