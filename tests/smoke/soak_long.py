#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Ten minutes of messages and replies without a pause: none lost, books closed, no process grows."""
import pathlib
import re
import time

from _init import ROOT, SANITIZED, Lab, Traffic, check, default_path, equal, report

SECONDS = 600
WARM_UP = 2000  # messages until buffers, caches and tables have their size
GROWTH_MAX = 32 << 20


def resident(lab):
	"""(node, which) -> bytes of memory of its own that the process holds."""
	found = {}
	for node in lab:
		for which, process in node.processes.items():
			text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
			found[node.name, which] = int(re.search(r"RssAnon:\s+(\d+) kB", text).group(1)) << 10
	return found


def exchange(lab, count):
	traffic = Traffic(
		lab["gateway"].rest, lab["service"].rest, "service", (ROOT / "LICENSE").read_bytes(), count)
	traffic.run()
	equal((traffic.lost, traffic.corrupted), (0, 0), "messages lost, corrupted")


with Lab() as lab:
	for name, role, layer in default_path():
		lab.add(name, role, layer)
	lab.start()
	exchange(lab, WARM_UP)
	before = resident(lab)
	end, total = time.monotonic() + SECONDS, 0
	while time.monotonic() < end:
		exchange(lab, 1000)
		total += 1000
	print(f"{total} messages and replies in {SECONDS} s")
	check(report.rest_of(lab), "traffic comes to rest")
	for node in lab:
		equal(report.gap(report.node_books(node)), 0, f"gap of {node.name}")
	for link in report.links(lab):
		equal(link["tx"], link["rx"], f"packets on {link['from']} -> {link['to']}")
	# Freed memory stays with the sanitizer for a while, so its processes do grow.
	for key, size in resident(lab).items():
		check(SANITIZED or size - before[key] < GROWTH_MAX, f"{key} grew from {before[key]} to {size} bytes")
