#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A port takes its interface's addresses when it is opened. A later change is told once, with the
mend, and traffic to the old address goes on."""
import subprocess

from _init import Lab, equal, wait_for
from steady import SHORT, Steady, three

SENTENCE = "the addresses of its interface changed: restart fog-dataplane"


def told(node):
	return node.log("data").read_text().count(SENTENCE)


with Lab(network=SHORT) as lab:
	three(lab)
	mix = lab["mix1"]
	equal(told(mix), 0, "complaints before any change")
	change = ["ip", "-n", mix.netns, "address", "add", "10.99.0.1/32", "dev", "eth0"]
	subprocess.run(change, check=True)
	wait_for("the complaint", lambda: told(mix) == 1, alive=mix.check_alive)
	with Steady(lab) as traffic:
		traffic.more(50)
		traffic.arrive()
	equal(told(mix), 1, "complaints")
	equal(told(lab["gateway"]), 0, "complaints of a node whose addresses stay")
