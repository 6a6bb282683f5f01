#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Four authorities as a service manager runs them, under strace and under their sandbox: they agree, read the list
of refused nodes again, say that they are ready, alive, reloading and stopping; no call is seen that
sandbox/authority.def doesn't allow, and a row whose call is not seen says why it is there.
`calls_check.py FOG_AUTHORITY DESCRIPTOR_CHECK`"""
import os
import pathlib
import shutil
import signal
import socket
import sys
import threading
import time

from authorities import COUNT, check, descriptor, everywhere, four, fresh_epoch, load, open_consensus, upload, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sandbox"))
import policies

WATCHDOG_S = 2
STRANGER = 40  # number of a node that is refused


class Manager:
	"""NOTIFY_SOCKET of one authority. It is read all the time: a full one would hold the sender up."""

	def __init__(self, folder, number):
		self.path = folder / f"notify{number}"
		self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.socket.bind(str(self.path))
		self.path.chmod(0o666)
		self.said = []
		threading.Thread(target=self._read, daemon=True).start()

	def _read(self):
		while True:
			self.said += [line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n")]

	def values(self, name):
		return [value for key, value in list(self.said) if key == name]

	def wait(self, name, more_than=0):
		wait_for(f"{name}=", lambda: len(self.values(name)) > more_than)


def made(folder, number):
	"""Calls after the authority entered its sandbox, which it does while it has one thread."""
	inside, found = False, set()
	for _, call, rest in policies.calls((folder / f"calls{number}").read_text(errors="replace")):
		if inside:
			found.add(call)
		inside = inside or (call == "seccomp" and rest.startswith(policies.ENTERS))
	return found


def refused(dc, a, path, epoch):
	"""A list that takes the place of another one is noticed by itself, one that is changed on SIGHUP at the latest,
	and one that can't be read leaves the one before in force."""
	stranger = descriptor(dc, STRANGER, epoch)
	check(a.upload(stranger) is None, "a node that nobody refuses")
	fresh = path.with_suffix(".new")
	fresh.write_text(f"# by name\n\n{stranger[40:72].hex()}  # {STRANGER}\n")
	fresh.rename(path)
	wait_for("the new list", lambda: (a.upload(stranger) or ("",))[0] == "denied")
	check("1 nodes are refused" in a.log(), "no word of the list")
	path.write_text("0123\n")
	wait_for("word of the bad list", lambda: "line 1: Invalid argument" in a.log())
	check(a.upload(stranger)[0] == "denied", "a bad list lets everybody in")
	path.unlink()
	wait_for("word of the missing list", lambda: "No such file or directory" in a.log())
	check(a.upload(stranger)[0] == "denied", "a missing list lets everybody in")
	path.write_text("")
	a.process.send_signal(signal.SIGHUP)
	wait_for("the empty list", lambda: a.upload(stranger) is None)


def hungry(manager, process):
	"""Nothing feeds the watchdog of a process that stands still."""
	manager.wait("WATCHDOG", len(manager.values("WATCHDOG")) + 2)
	process.send_signal(signal.SIGSTOP)
	try:
		time.sleep(0.5)
		before = len(manager.values("WATCHDOG"))
		time.sleep(WATCHDOG_S)
		check(len(manager.values("WATCHDOG")) == before, "WATCHDOG=1 of a process that stands still")
	finally:
		process.send_signal(signal.SIGCONT)
	manager.wait("WATCHDOG", before)


def run(dc, authorities, folder, managers):
	epoch = fresh_epoch()
	upload(dc, authorities, epoch)
	refused(dc, authorities[0], folder / "refuse0", epoch)
	data = wait_for("a consensus", lambda: len(c := everywhere(authorities, epoch + 1)) == COUNT and c)
	open_consensus(dc, data[0], authorities)
	for a, manager in zip(authorities, managers):
		manager.wait("READY")
		wait_for("word of the consensus", lambda m=manager: any("nodes; 3 of 3 others answer" in s for s in m.values("STATUS")))
		check("sandbox: seccomp" in a.log(), "it is not in its sandbox")
	hungry(managers[1], authorities[1].process)
	ready = len(managers[0].values("READY"))
	authorities[0].process.send_signal(signal.SIGHUP)
	managers[0].wait("READY", ready)
	check(int(managers[0].values("MONOTONIC_USEC")[0]) > 0, "no time of the reload")
	for a, manager in zip(authorities, managers):
		a.stop()
		manager.wait("STOPPING")
		check(": the sandbox " not in a.log(), "the sandbox was in its way")


def main(program, descriptor_check):
	if os.environ.get("FOGLINE_SANITIZER"):
		print("a build without sanitizers: it has no sandbox")
		return 77
	if not shutil.which("strace"):
		print("strace")
		return 77
	managers = []

	def prepare(a, folder):
		(folder / f"refuse{a.number}").write_text("")
		managers.append(Manager(folder, a.number))
		a.prefix = ["strace", "-D", "-f", "-qq", "-e", "signal=none", "-o", folder / f"calls{a.number}"]
		a.arguments = ["--refuse", folder / f"refuse{a.number}"]
		a.environment = {"NOTIFY_SOCKET": str(managers[-1].path), "WATCHDOG_USEC": str(WATCHDOG_S * 10**6)}
		if os.geteuid() == 0:
			folder.chmod(0o755)
			a.arguments += ["--user", "nobody"]

	with four(program, prepare) as (authorities, _, folder):
		run(load(descriptor_check), authorities, folder, managers)
		wait_for("strace to write", lambda: all(
			" exit_group(" in (folder / f"calls{a.number}").read_text(errors="replace") for a in authorities))
		calls = set().union(*(made(folder, a.number) for a in authorities))
	found = list(policies.findings("authority", {"ALL"}, calls))
	check(not found, "\n".join(found))
	print(f"{len(calls)} calls, each with a row")
	return 0


sys.exit(main(*sys.argv[1:]))
