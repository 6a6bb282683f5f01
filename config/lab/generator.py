# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""An appliance under test, and fog-trafficgen beside it in the place of the sender and of the sink."""
import json
import os
import re
import subprocess

import netns
from lab import ROOT, LabError

SEED, SINK_SEED = 1, 2  # of keys and delays: those of config/testnet


def sink():
	"""The sink's entry of the test network: its key is the generator's."""
	text = (ROOT / "config" / "testnet" / "topology.yaml").read_text().split("- name: sink")[1]
	entry = dict(re.findall(r"(\w+): (\w+)$", text, re.MULTILINE))
	return {"name": "sink", "id": entry["id"], "mix_key": entry["mix_key"], "role": "service"}


class UnderTest:
	"""Adds both to a lab, which the caller starts. The worker has the last CPU for itself, the
	generator shares the first with everything else. 'options' as in Lab.add."""

	def __init__(self, lab, config=None, **options):
		self.lab = lab
		self.cpus = sorted(os.sched_getaffinity(0))
		self.netns, self.address, _ = lab.add_host("generator", 100)
		mac = json.loads(netns.ip("-j", "link", "show", "eth0", netns=self.netns))[0]["address"]
		lab.guests.append({**sink(), "address": self.address})
		# The way back is known for good: no ARP in between.
		self.node = lab.add("mix1", "mix", 1, **options, setup=lambda node: netns.ip(
			"neigh", "replace", self.address, "lladdr", mac, "dev", "eth0", "nud", "permanent", netns=node.netns),
			config={
				"test": {"key_seed": SEED, "delay_seed": SEED},
				"workers": {"cpus": [self.cpus[-1]], "manager_cpu": self.cpus[0], "idle": "busy"},
				"memory": {"mib": 256, "packet_buffers": 65536, "parked_max": 32768},
				"replay": {"capacity": "16M"},  # of every packet that the generator makes while it is up
				**(config or {}),
			})

	def start_generator(self, rate, count, *words):
		"""fog-trafficgen on its way; generator_report takes what it says."""
		return subprocess.Popen(netns.command(self.netns, [
			self.lab.bin / "fog-trafficgen", "run", "--json", "--topology", self.lab.topology_path,
			"--port", "afxdp:eth0", "--delay-seed", SEED, "--sink-seed", SINK_SEED, "--rate", rate, "--count", count,
			"--poisson", "--cpus", f"{self.cpus[0]},{self.cpus[0]}", *words,
		]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

	@staticmethod
	def generator_report(process):
		"""Waits for its end. Lost or changed packets are no error here."""
		out, errors = process.communicate()
		if process.returncode not in (0, 3):
			raise LabError(f"fog-trafficgen: {errors}")
		return json.loads(out)

	def generate(self, rate, count, *words):
		return self.generator_report(self.start_generator(rate, count, *words))

	def drops(self):
		"""What the appliance has dropped so far, by reason."""
		return {one["reason"]: one["packets"] or 0 for one in self.node.rest.get("/v1/drops")["reasons"]}

	def links_dropped(self):
		"""Frames that the interfaces between generator and appliance have dropped, as the kernel counts
		them, by interface and direction."""
		found = {}
		for space in (self.netns, self.lab.switch.netns, self.node.netns):
			for link in json.loads(netns.ip("-s", "-j", "link", "show", netns=space)):
				for way in ("rx", "tx"):
					found[f"{space.rsplit('-', 1)[1]} {link['ifname']} {way}"] = link["stats64"][way]["dropped"]
		return found
