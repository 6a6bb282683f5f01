#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The package under a real systemd: install, start, upgrade, watchdog, drain, stop, kill, purge, with
the units as they are."""
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

from chroot import depends, run
from package_test import ROOT, built, check
from system import System, cgroup2, properties, wait_for

sys.path[:0] = [str(ROOT / "tests" / "smoke"), str(ROOT / "config" / "lab")]
from notified import WALL, stopped

DATA, CONTROL = "fogline-dataplane@node1", "fogline-controlplane@node1"
CONFIG = """
instance: node1
workers:
  cpus: [{worker}]
  manager_cpu: {manager}
ports:
  - name: wan
    device: eth1
"""
TOPOLOGY = """
network: {{name: test, links: none, delay: {{mean: 100ms, max: 1s}}}}
nodes:
  - {{name: node1, id: {node_id}, mix_key: {mix_public_key}, address: 198.18.0.1, role: mix, layer: 1}}
"""


def status(system):
	return json.loads(system.sh("fogctl status -j"))


def ready(system):
	try:
		return system.sh("fogctl ready").strip() == "ready"
	except AssertionError:
		return False


def log(system, unit):
	return system.sh(f"journalctl -q --no-pager -u {unit}")


def says(system, unit, word):
	return wait_for(f"'{word}' of {unit}", lambda: word in properties(system, unit, "StatusText")["StatusText"])


def started(system):
	"""As the README tells it: control plane, topology, data plane."""
	system.in_net("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "peer1")
	for name in ("eth1", "peer1"):
		system.in_net("ip", "link", "set", name, "up")
	system.in_net("ip", "address", "add", "198.18.0.1/24", "dev", "eth1")
	cpus = sorted(os.sched_getaffinity(0))
	(system.root / "etc/fogline/node1.yaml").write_text(CONFIG.format(worker=cpus[-1], manager=cpus[0]))
	system.sh(f"systemctl start {CONTROL}")
	says(system, CONTROL, "no_topology")
	(system.root / "etc/fogline/topology.yaml").write_text(TOPOLOGY.format(**status(system)))
	system.sh(f"systemctl enable {CONTROL} {DATA} && systemctl start {DATA}")
	wait_for("readiness", lambda: ready(system))
	says(system, CONTROL, "ready")
	says(system, DATA, "forwarding on 1 worker")


def rights(system):
	pid, = system.pids("fog-controlplane")
	text = pathlib.Path(f"/proc/{pid}/status").read_text()
	for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
		check(f"{name}:\t0000000000000000" in text, f"the control plane has capabilities:\n{text}")
	check("NoNewPrivs:\t1" in text and "Seccomp:\t2" in text, text)
	user = system.sh("id -u fogline").strip()
	check(f"Uid:\t{user}\t{user}\t{user}\t{user}" in text, text)
	owner = system.sh("stat -c '%U %a' /run/fogline/node1 /var/lib/fogline/node1/identity.key "
		"/run/fogline-dataplane/node1/launch.blob").split("\n")
	check(owner[:3] == ["fogline 755", "fogline 600", "root 600"], f"owners and modes: {owner}")


def upgraded(system, package):
	"""The control plane is a new process with the old key, the data plane the old process."""
	before, pids = status(system), {name: system.pids(name) for name in ("fog-dataplane", "fog-controlplane")}
	system.sh(f"dpkg -i /root/{package.name}")
	wait_for("readiness after the upgrade", lambda: ready(system))
	check(system.pids("fog-dataplane") == pids["fog-dataplane"], "the upgrade restarted the data plane")
	check(system.pids("fog-controlplane") != pids["fog-controlplane"], "the upgrade left the old control plane")
	after = status(system)
	check(after["mix_public_key"] == before["mix_public_key"], "another mix key after the upgrade")
	check(after["data_plane"]["boot_id"] == before["data_plane"]["boot_id"], "another data plane")
	check("found in the keyring" in log(system, CONTROL), "the mix key was made anew")


def watched(system):
	"""A worker that stands still: systemd ends the data plane and starts it again."""
	pid, = system.pids("fog-dataplane")
	tid, = [int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
		if "worker" in (task / "comm").read_text()]
	try:
		with stopped(tid):
			wait_for("the watchdog", lambda: "watchdog" in properties(system, DATA, "Result")["Result"]
				or system.pids("fog-dataplane") != [pid])
	except OSError:
		os.waitpid(tid, WALL)  # it is gone, as it should be; the last word on that is its tracer's
	# In this order: until the old process is gone its node is ready.
	wait_for("a restart", lambda: properties(system, DATA, "NRestarts")["NRestarts"] == "1")
	wait_for("readiness after the watchdog", lambda: ready(system))
	check("stands still" in log(system, DATA), log(system, DATA))


def killed(system):
	os.kill(system.pids("fog-dataplane")[0], 9)
	wait_for("a restart", lambda: properties(system, DATA, "NRestarts")["NRestarts"] == "2")
	wait_for("readiness after a kill", lambda: ready(system))
	system.sh(f"systemctl reload {CONTROL}")
	check(ready(system), "not ready after a reload")


def drained(system):
	"""Ends with success, and stays ended."""
	text = system.sh("fogctl drain --wait --grace 300")
	check("drained" in text, text)
	wait_for("the end", lambda: properties(system, DATA, "ActiveState")["ActiveState"] == "inactive")
	time.sleep(3)  # longer than RestartSec=
	found = properties(system, DATA, "ActiveState", "Result", "ExecMainStatus")
	check(found == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}, f"after a drain: {found}")
	system.sh(f"systemctl start {DATA}")
	wait_for("readiness after a drain", lambda: ready(system))
	system.sh(f"systemctl restart {DATA}")
	wait_for("readiness after a restart", lambda: ready(system))
	check("draining" in log(system, DATA), "a restart does not drain")
	check("table found" in log(system, DATA), "a restart forgets the replay table")


def purged(system):
	"""Also what a data plane left that was killed before."""
	os.kill(system.pids("fog-dataplane")[0], 9)
	check("eth1" in system.sh("find /sys/fs/bpf/fogline") or "wan" in system.sh("find /sys/fs/bpf/fogline"), "no pin")
	system.sh("dpkg --purge fogline")
	for name in ("fog-dataplane", "fog-controlplane"):
		check(not system.pids(name), f"{name} runs after a purge")
	left = system.sh("ls -d /run/fogline* /var/lib/fogline /dev/shm/fogline* /sys/fs/bpf/fogline 2>/dev/null || true")
	check(left == "", f"purge left {left}")
	known = system.sh("for what in units unit-files; do systemctl list-$what --all --no-legend 'fogline-*'; done; true")
	check(known == "", f"systemd still knows {known}")
	check((system.root / "etc/fogline/node1.yaml").exists(), "purge took the administrator's configuration")


def main():
	if os.geteuid() != 0:
		print("needs root (namespaces)")
		sys.exit(77)
	if cgroup2() is None:
		print("needs cgroups of version 2 (mount -t cgroup2)")
		sys.exit(77)
	folder = tempfile.TemporaryDirectory()
	package = built(folder.name)
	with folder, System(ROOT / "build" / "debian", depends(package)) as system:
		shutil.copy(package, system.root / "root")
		system.sh(f"dpkg -i /root/{package.name}")
		started(system)
		rights(system)
		upgraded(system, package)
		watched(system)
		killed(system)
		drained(system)
		purged(system)
	print(f"{package.name} under {run('systemctl', '--version').split(chr(10))[0]}")


if __name__ == "__main__":
	main()
