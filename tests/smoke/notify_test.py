#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Both halves towards a service manager, started with the rights that their units leave them: ready,
reload, stop; and a watchdog that is fed while every worker (the event loop) moves and no longer."""
import os
import re
import signal
import time

from _init import ROOT, Lab, check, equal, wait_for
from notified import Notified, stopped, worker_thread
from steady import SHORT

WATCHDOG_S = 2


def bounding_set():
	"""CapabilityBoundingSet= of the data plane's unit, as setpriv takes it."""
	text = (ROOT / "config" / "systemd" / "fogline-dataplane@.service.in").read_text()
	words = " ".join(re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)).split()
	check(len(words) > 5, "the unit has no CapabilityBoundingSet=")
	return ",".join(["-all", *(f"+{word.removeprefix('CAP_').lower()}" for word in words)])


def as_units_do(node):
	"""The control plane starts as its user and owns its state; the data plane as a root with less."""
	os.chown(node.state_dir, node.uid, node.uid)
	node.prefix["control"] = ["setpriv", f"--reuid={node.uid}", f"--regid={node.uid}", "--clear-groups",
		"--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
	node.prefix["data"] = ["setpriv", f"--bounding-set={bounding_set()}", "--no-new-privs", "--"]


def fed(notified, times=3):
	before = notified.count("WATCHDOG")
	wait_for("WATCHDOG=1", lambda: notified.count("WATCHDOG") >= before + times)


def hungry(notified, seconds):
	"""Nothing feeds the watchdog for so long: what was under way may still come."""
	time.sleep(WATCHDOG_S)
	before = notified.count("WATCHDOG")
	time.sleep(seconds)
	equal(notified.count("WATCHDOG"), before, f"WATCHDOG=1 of a {notified.which} plane that stands still")


def watchdog(node, data, control):
	fed(data)
	fed(control)
	with stopped(worker_thread(node)):
		hungry(data, 2 * WATCHDOG_S)
		fed(control)
		check(any("stand still" in text for text in data.values("STATUS")), data.values("STATUS"))
		check("worker 0 stands still" in node.log("data").read_text(), "no word of it in the log")
	fed(data)
	with stopped(node.processes["control"].pid):
		hungry(control, 2 * WATCHDOG_S)
		fed(data)
	fed(control)


def main(lab):
	listeners = {}

	def setup(node):
		as_units_do(node)
		for which in ("data", "control"):
			listeners[which] = Notified(node, which, WATCHDOG_S)
	node = lab.add("mix1", "mix", 1, setup=setup)
	lab.start()
	data, control = listeners["data"], listeners["control"]
	control.wait("READY")
	data.wait("READY")
	wait_for("word that it forwards", lambda: data.values("STATUS")[-1].startswith("forwarding on 1 worker"))
	wait_for("word that it is ready", lambda: control.values("STATUS")[-1] == "ready")
	equal(data.names(), ["READY"], "what the data plane said at its start")
	watchdog(node, data, control)

	node.processes["control"].send_signal(signal.SIGHUP)
	control.wait("READY", 1)
	equal([name for name in control.names() if name != "MONOTONIC_USEC"], ["READY", "RELOADING", "READY"],
		"what the control plane said")
	check(int(control.values("MONOTONIC_USEC")[0]) > 0, "no time of the reload")

	pids = {which: process.pid for which, process in node.processes.items()}
	equal(node.end("data"), 0, "exit code of the data plane")
	wait_for("STOPPING=1", lambda: data.count("STOPPING"))
	said = data.names()
	# Again each half second, as long as it drains.
	equal(said, ["READY"] + ["STOPPING", "EXTEND_TIMEOUT_USEC"] * (len(said) // 2), "what the data plane said up to its end")
	check(int(data.values("EXTEND_TIMEOUT_USEC")[0]) > 10**6, data.values("EXTEND_TIMEOUT_USEC"))
	check(any(re.match(r"draining: [\d,]+ packets parked, the last leaves within \d+ ms", text)
		for text in data.values("STATUS")), data.values("STATUS"))
	wait_for("word that there is no data plane", lambda: "no_data_plane" in control.values("STATUS")[-1])
	equal(node.end("control"), 0, "exit code of the control plane")
	control.wait("STOPPING")
	for notified in (data, control):
		equal(notified.senders(), {pids[notified.which]}, f"who spoke for the {notified.which} plane")
		notified.close()


with Lab(network=SHORT) as lab:
	main(lab)
