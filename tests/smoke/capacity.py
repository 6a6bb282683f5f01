# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""An appliance at 80 % of the capacity that it has measured of itself: whatever is lost is counted, the
books close in every snapshot, no process grows. How much is lost is the machine's affair."""
import pathlib
import re
import time

from _init import SANITIZED, Lab, check, equal, moved, wait_for
from generator import UnderTest
from peer import counted, counters, quiet, start

SHARE = 0.8
POOL = 20_000  # distinct packets, sent again and again
GROWTH_MAX = 8 << 20


def resident(node):
	"""Memory of its own that each process of the appliance holds."""
	found = {}
	for which, process in node.processes.items():
		text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
		found[which] = int(re.search(r"RssAnon:\s+(\d+) kB", text).group(1)) << 10
	return found


def lost_elsewhere(before, after):
	"""Frames that interfaces other than the appliance's own receiving side have dropped."""
	return sum(count for name, count in moved(before, after).items() if name != "mix1 eth0 rx")


def watch(scene, process):
	"""Until the generator ends: the books of every snapshot, and the memory, once a second."""
	memory = []
	while process.poll() is None:
		for worker in counters(scene.node)["workers"]:
			equal(worker["accounting_gap"], 0, "gap in a snapshot under load")
		memory.append(resident(scene.node))
		scene.node.check_alive()
		time.sleep(1)
	return memory


def check_memory(memory):
	"""Flat from the time on when buffers and heaps have their size: a third of the way."""
	settled = memory[len(memory) // 3:]
	for which in settled[0]:
		grown = settled[-1][which] - settled[0][which]
		print(f"{which} plane: {settled[-1][which] >> 20} MiB, grown by {grown >> 10} KiB")
		# Freed memory stays with the sanitizer for a while, so its processes do grow.
		check(SANITIZED or grown < GROWTH_MAX, f"the {which} plane has grown by {grown} bytes")


def soak(seconds):
	with Lab(network={"delay": {"mean": "10ms", "max": "100ms"}}) as lab:
		quiet(lab.switch.netns)
		scene = UnderTest(lab, arguments=["--accept-replays"])
		quiet(scene.netns)
		start(lab)
		capacity = scene.node.rest.get("/v1/status")["data_plane"]["capacity_pps"]
		rate = int(SHARE * capacity)
		before, links = counted(scene.node), scene.links_dropped()
		process = scene.start_generator(rate, rate * seconds, "--reuse", "--pool", POOL)
		memory = watch(scene, process)
		report = scene.generator_report(process)
		wait_for("the last release", lambda: not counted(scene.node)["parked"], alive=scene.node.check_alive)
		change = moved(before, counted(scene.node))
		elsewhere = lost_elsewhere(links, scene.links_dropped())
		print(f"{rate}/s for {seconds} s, {SHARE:.0%} of {capacity}/s: {report['sent']} sent, {change['rx']} received, "
			f"{change['tx']} sent on, {change.get('port_lost', 0)} lost in front of the worker and counted, {elsewhere} "
			f"dropped by other interfaces, {report['received']} came back")
		equal(report["sent"], rate * seconds, "sent by the generator")
		missing = report["sent"] - change["rx"] - change.get("port_lost", 0)
		missing += change["tx"] - report["received"] - report["lost_here"]
		equal(missing, elsewhere, "packets that nobody counted as lost, and what other interfaces dropped")
		equal(change["rx"], change["tx"] + change.get("drops", 0), "received, and sent or dropped")
		equal(change.get("drops", 0), change.get("delay_full", 0), "drops for other reasons than a full calendar")
		equal((report["corrupt"], report["early"]), (0, 0), "changed packets, early packets")
		check(change["replays_accepted"] > 0 or report["sent"] <= POOL, "packets of the pool came again")
		check_memory(memory)
