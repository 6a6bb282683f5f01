#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Idle modes: an adaptive worker sleeps when there is nothing to do and still forwards everything; a
busy one never sleeps, and forwards too."""
import os
import pathlib
import time

from _init import Lab, check, equal, moved, report, wait_for
from steady import SHORT, Steady, three

FIELDS = ("sleeps", "loops", "idle_loops")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def counters(node):
	worker, = report.workers(node)
	return {field: worker[field] for field in FIELDS}


def cpu_seconds(node):
	"""CPU time that the data plane has taken so far."""
	stat = pathlib.Path(f"/proc/{node.processes['data'].pid}/stat").read_text()
	fields = stat.rpartition(")")[2].split()
	return (int(fields[11]) + int(fields[12])) * TICK_S


with Lab(network=SHORT) as lab:
	three(lab, idle="busy")
	adaptive, busy = lab["service"], lab["mix1"]
	before = {node.name: (counters(node), cpu_seconds(node)) for node in lab}
	start = time.monotonic()
	wait_for("20 sleeps of an adaptive worker", lambda:
		counters(adaptive)["sleeps"] >= before["service"][0]["sleeps"] + 20)
	wait_for("100,000 rounds of a busy worker", lambda:
		counters(busy)["loops"] >= before["mix1"][0]["loops"] + 100_000)
	for node in lab:
		count, cpu = before[node.name]
		print(f"{node.name}: {(cpu_seconds(node) - cpu) / (time.monotonic() - start):.1%} of a CPU without traffic,",
			moved(count, counters(node)))
	with Steady(lab) as traffic:
		traffic.more(100)
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	equal(counters(busy)["sleeps"], 0, "sleeps of a busy worker")
	late = {node.name: report.workers(node)[0]["late_ns"] for node in lab}
	print("lateness of releases, ns:", late)
