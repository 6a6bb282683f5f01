#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl host on this machine: what check says is what /proc and /sys say, init does what it prints and
undo takes exactly that back. Hugepages, interrupts, bpffs and the queues of a veth are really changed;
which NIC is refused is asked in a namespace whose routes are real and whose PCI devices are a tree."""
import ctypes
import fcntl
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

from _init import ROOT, check, equal, netns

sys.path.insert(0, str(ROOT / "tests" / "unit" / "control"))
from host_tree import server

FOGCTL = pathlib.Path(os.environ.get("FOGLINE_BIN") or ROOT / "build" / "bin").absolute() / "fogctl"
PAGES = pathlib.Path("/sys/devices/system/node/node0/hugepages/hugepages-2048kB")
NETNS = f"foghost-{os.getpid()}"
NOBODY = 65534
STA_UNSYNC = 0x40


def read(path):
	return pathlib.Path(path).read_text().strip()


def cpus(text):
	"""'0-2,5' as a set."""
	pairs = [part.split("-") for part in text.split(",") if part]
	return {cpu for pair in pairs for cpu in range(int(pair[0]), int(pair[-1]) + 1)}


def run(*words, code=0, inside=False, env=None, **more):
	argv = [*(["ip", "netns", "exec", NETNS] if inside else []), str(FOGCTL), "host", *map(str, words)]
	done = subprocess.run(
		argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, **more)
	if code is not None:
		equal(done.returncode, code, f"exit code of {' '.join(words[:2])}: {done.stdout}{done.stderr}")
	return done


def stages(*words, **more):
	done = run("check", *words, "-j", code=None, **more)
	answer = json.loads(done.stdout)
	equal(done.returncode, any(stage["verdict"] == "fail" for stage in answer["stages"]), "exit code of check")
	equal(list(answer), ["stages"], "keys")
	for stage in answer["stages"]:
		equal(list(stage), ["name", "verdict", "detail", "mend"], "keys of a stage")
		check(stage["verdict"] in ("ok", "warn", "fail", "skip", "unknown"), f"verdict {stage}")
		check(stage["detail"], f"no reason: {stage}")
		check(stage["mend"] or stage["verdict"] in ("ok", "skip"), f"no mend: {stage}")
	return {stage["name"]: stage for stage in answer["stages"]}


def delivered(irq):
	"""CPUs that an interrupt disturbs, None when it has no setting."""
	folder = pathlib.Path(f"/proc/irq/{irq}")
	allowed = cpus(read(folder / "smp_affinity_list"))
	at = folder / "effective_affinity_list"
	return allowed & (cpus(read(at)) or allowed) if at.exists() else allowed


def interrupts():
	words = [line.split()[0].rstrip(":") for line in pathlib.Path("/proc/interrupts").read_text().splitlines()[1:]]
	return [int(word) for word in words if word.isdigit()]


class Timex(ctypes.Structure):
	_fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
		("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
		("rest", ctypes.c_char * 200)]


def verdicts():
	"""Every stage, against a reading of our own."""
	seen = stages("--cpus", "0", "--pages", "3")
	flags = next(line for line in read("/proc/cpuinfo").splitlines() if line.startswith("flags")).split()
	equal(list(seen), ["config", "cpu", "kernel", "sysctl", "hugepages", "replay", "memlock", "iommu", "vfio", "queues",
		"cpus", "irq", "clock"], "stages")
	table = "avx512" if {"avx512f", "avx512vl", "avx512dq", "avx512ifma"} <= {*flags} else \
		"avx2" if {"avx2", "fma", "bmi2"} <= {*flags} else "ref"
	check(f"runs as {table}," in seen["cpu"]["detail"], f"{seen['cpu']} of {table}")
	check(("VAES yes" in seen["cpu"]["detail"]) == ("vaes" in flags), f"{seen['cpu']}")
	check(f"Linux {platform.release()}" in seen["kernel"]["detail"], f"{seen['kernel']}")
	check("XDP works; AF_XDP works" in seen["kernel"]["detail"], f"{seen['kernel']}")
	bpffs = any(line.split()[1:3] == ["/sys/fs/bpf", "bpf"] for line in read("/proc/mounts").splitlines())
	check(("no bpffs" in seen["kernel"]["detail"]) == (not bpffs), f"{seen['kernel']}, bpffs: {bpffs}")
	jit = int(read("/proc/sys/net/core/bpf_jit_enable"))
	unprivileged = int(read("/proc/sys/kernel/unprivileged_bpf_disabled"))
	check(f"net.core.bpf_jit_enable {jit}" in seen["sysctl"]["detail"], f"{seen['sysctl']}")
	equal(seen["sysctl"]["verdict"] == "warn", jit == 0 or unprivileged == 0 or (
		pathlib.Path("/sys/devices/system/node/node1").exists() and
		read("/proc/sys/kernel/numa_balancing") != "0"), "verdict of sysctl")
	free, total = int(read(PAGES / "free_hugepages")), int(read(PAGES / "nr_hugepages"))
	check(f"node 0: {free} of {total} pages of 2048 KiB are free, 3 needed" in seen["hugepages"]["detail"], f"{seen['hugepages']}")
	equal(seen["hugepages"]["verdict"], "ok" if free >= 3 else "fail", "verdict of hugepages")
	limit = next(line for line in read("/proc/self/limits").splitlines() if line.startswith("Max locked")).split()[3]
	check("no limit" in seen["memlock"]["detail"] if limit == "unlimited" else
		f"limit {int(limit) // 1024} KiB" in seen["memlock"]["detail"], f"{seen['memlock']}, limit {limit}")
	groups = pathlib.Path("/sys/kernel/iommu_groups")
	count = len(list(groups.iterdir())) if groups.exists() else 0
	check(f"{count} IOMMU groups" in seen["iommu"]["detail"], f"{seen['iommu']}, {count} groups")
	equal([seen[name]["verdict"] for name in ("config", "replay", "iommu", "vfio", "queues")], ["skip"] * 5, "skipped")
	online, isolated = cpus(read("/sys/devices/system/cpu/online")), cpus(read("/sys/devices/system/cpu/isolated"))
	check(("isolated: none" in seen["cpus"]["detail"]) == (0 not in isolated), f"{seen['cpus']}, isolated {isolated}")
	equal("no CPU is left" in seen["cpus"]["detail"], online == {0}, "CPUs left")
	disturbing = [irq for irq in interrupts() if 0 in delivered(irq)]
	check((f"{len(disturbing)} of {len(interrupts())} interrupts" if disturbing else "none of") in seen["irq"]["detail"],
		f"{seen['irq']}, should be {disturbing}")
	t = Timex()
	ctypes.CDLL(None).adjtimex(ctypes.byref(t))
	equal("not synchronised" in seen["clock"]["detail"], bool(t.status & STA_UNSYNC), "clock")


def without_root(folder):
	"""check works, says what it can't see, and init and undo are refused."""
	program = shutil.copy(FOGCTL, folder)
	os.chmod(folder, 0o755)
	done = subprocess.run([program, "host", "check", "-j"], capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[])
	seen = {stage["name"]: stage for stage in json.loads(done.stdout)["stages"]}
	check("run this as root" in seen["kernel"]["mend"], f"{seen['kernel']}")
	for verb in ("init", "undo"):
		done = subprocess.run([program, "host", verb, "-y"], capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[])
		check(done.returncode == 1 and "sudo" in done.stderr and not done.stdout, f"{verb} by nobody: {done}")


def hugepages(folder):
	record = pathlib.Path(folder) / "state" / "undo.json"
	words = ("--undo-file", record, "-y")
	before, want = int(read(PAGES / "nr_hugepages")), int(read(PAGES / "free_hugepages")) + 4
	need = ("hugepages", "--pages", want, *words)
	command = f"echo {before + 4} >{PAGES}/nr_hugepages\n"
	equal(run("init", *need, "--dry-run").stdout, command, "what would be run")
	equal(int(read(PAGES / "nr_hugepages")), before, "pages after --dry-run")
	equal(stages("hugepages", "--pages", want)["hugepages"]["verdict"], "fail", "before")
	try:
		equal(run("init", *need).stdout, command, "what was run")
		equal(int(read(PAGES / "nr_hugepages")), before + 4, "pages after init")
		equal((record.stat().st_mode & 0o777, record.stat().st_uid), (0o600, 0), "who may read the record")
		equal(stages("hugepages", "--pages", want)["hugepages"]["verdict"], "ok", "after")
		equal(run("init", *need).stdout, "# nothing to do\n", "again")
		lock = os.open(record.parent, os.O_RDONLY)
		fcntl.flock(lock, fcntl.LOCK_EX)
		check("another fogctl" in run("init", *need, code=1).stderr, "two at once")
		os.close(lock)
		# What somebody has changed since is not ours to restore.
		(PAGES / "nr_hugepages").write_text(str(before + 5))
		check("somebody has changed it" in run("undo", *words).stdout, "changed since")
		equal((int(read(PAGES / "nr_hugepages")), record.exists()), (before + 5, False), "left alone")
		(PAGES / "nr_hugepages").write_text(str(before))
		run("init", *need)
		run("init", "hugepages", "--pages", want + 2, *words)
		run("undo", *words)
		equal((int(read(PAGES / "nr_hugepages")), record.exists()), (before, False), "pages after undo")
		equal(run("undo", *words).stdout, "# nothing to do\n", "undo again")
		# Somebody else's record is not what root does.
		forged = {"boot": read("/proc/sys/kernel/random/boot_id"), "changes": [{"stage": "hugepages", "kind": "file",
			"path": f"{PAGES}/nr_hugepages", "was": str(before + 7), "set": str(before)}]}
		for owner, mode in ((NOBODY, 0o600), (0, 0o666)):
			record.write_text(json.dumps(forged))
			os.chown(record, owner, owner)
			record.chmod(mode)
			check("somebody else wrote" in run("undo", *words, code=1).stderr, f"a record of {owner}, mode {mode:o}")
			equal(int(read(PAGES / "nr_hugepages")), before, "pages after a forged record")
		record.unlink()
		# More than there is: init says so, and what it got is given back.
		done = run("init", "hugepages", "--pages", 1 << 24, *words, code=1)
		check("vm/compact_memory" in done.stderr, f"too many: {done.stderr}")
		run("undo", *words)
		equal(int(read(PAGES / "nr_hugepages")), before, "pages after too many")
	finally:
		(PAGES / "nr_hugepages").write_text(str(before))


def irq(folder):
	words = ("--cpus", "0", "--undo-file", f"{folder}/irq.json", "-y")
	if cpus(read("/sys/devices/system/cpu/online")) == {0}:
		return
	before = {n: read(f"/proc/irq/{n}/smp_affinity_list") for n in interrupts()}
	moving = [n for n in before if 0 in delivered(n)]
	done = run("init", "irq", *words)
	stay = [n for n in moving if f"# interrupt {n} is placed by the kernel" in done.stdout]
	try:
		for n in moving:
			equal(0 in cpus(read(f"/proc/irq/{n}/smp_affinity_list")), n in stay, f"interrupt {n} on CPU 0")
		moved = {n: read(f"/proc/irq/{n}/smp_affinity_list") for n in before}
		check(run("init", "irq", *words).stdout.endswith("# nothing to do\n"), "again")
		equal({n: read(f"/proc/irq/{n}/smp_affinity_list") for n in before}, moved, "again")
	finally:
		run("undo", *words)
	equal({n: read(f"/proc/irq/{n}/smp_affinity_list") for n in before}, before, "interrupts after undo")


def bpffs(folder):
	"""In a mount namespace of its own, so that the host keeps what it has."""
	words = f"--undo-file {folder}/bpf.json"
	script = f"""set -e
		umount /sys/fs/bpf 2>/dev/null || true
		{FOGCTL} host check kernel {words} | grep -q 'no bpffs'
		{FOGCTL} host init kernel {words} -y | grep -qx 'mount -t bpf -o nosuid,nodev,noexec,mode=0700 bpf /sys/fs/bpf'
		{FOGCTL} host check kernel {words} | grep -q 'bpffs at /sys/fs/bpf'
		{FOGCTL} host init kernel {words} -y | grep -q 'nothing to do'
		{FOGCTL} host undo {words} -y | grep -qx 'umount /sys/fs/bpf'
		! grep -q ' /sys/fs/bpf bpf ' /proc/mounts"""
	done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
	equal(done.returncode, 0, f"bpffs: {done.stdout}{done.stderr}")


def channels(side):
	text = subprocess.run(["ip", "netns", "exec", NETNS, "ethtool", "-l", side], capture_output=True, text=True, check=True).stdout
	current = text.split("Current")[1]
	return [int(line.split()[1]) for line in current.splitlines() if line.startswith(("RX:", "TX:"))]


def offload(side, name):
	argv = ["ip", "netns", "exec", NETNS, "ethtool", "-k", side]
	text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
	return f"{name}: on" in text


def queues(folder):
	netns.ip("link", "add", "fa", "numrxqueues", 4, "numtxqueues", 4, "type", "veth", "peer", "name", "fb",
		"numrxqueues", 4, "numtxqueues", 4, netns=NETNS)
	subprocess.run(["ip", "netns", "exec", NETNS, "ethtool", "-L", "fa", "rx", "1", "tx", "1"], check=True)
	config = pathlib.Path(folder) / "n.yaml"
	config.write_text(json.dumps({"instance": "t", "user": "", "dataplane_user": "",
		"workers": {"cpus": [0, 1], "idle": "busy"}, "ports": [
		{"name": "p", "device": "fa", "vlan": 7, "queues": 2}]}))
	words = ("--config", config, "--undo-file", f"{folder}/queues.json")
	seen = stages("queues", *words, inside=True)["queues"]
	for part in ("fa has 1 receive queues, 2 needed", "fa is down", "offload rxvlan"):
		check(part in seen["detail"], f"{part}: {seen}")
	netns.ip("link", "set", "fa", "up", netns=NETNS)
	netns.ip("link", "set", "fb", "up", netns=NETNS)
	done = run("init", "queues", *words, "-y", inside=True)
	equal(done.stdout, "ethtool -L fa rx 2 tx 2\nethtool -K fa rxvlan off\n"
		"echo 2 >/sys/class/net/fa/napi_defer_hard_irqs\necho 200000 >/sys/class/net/fa/gro_flush_timeout\n", "what was run")
	equal((channels("fa"), offload("fa", "rx-vlan-offload")), ([2, 2], False), "after init")
	equal(stages("queues", *words, inside=True)["queues"]["verdict"], "ok", "after init")
	equal(run("init", "queues", *words, "-y", inside=True).stdout, "# nothing to do\n", "again")
	done = run("undo", *words[2:], "-y", inside=True)
	equal(done.stdout, "echo 0 >/sys/class/net/fa/gro_flush_timeout\necho 0 >/sys/class/net/fa/napi_defer_hard_irqs\n"
		"ethtool -K fa rxvlan on\nethtool -L fa rx 1 tx 1\n", "undone")
	equal((channels("fa"), offload("fa", "rx-vlan-offload")), ([1, 1], True), "after undo")
	# A config that asks for more than there is.
	config.write_text(json.dumps({"instance": "t", "user": "", "dataplane_user": "", "workers": {"cpus": [0]}, "ports": [
		{"name": "p", "device": "fa", "queues": 9}]}))
	seen = stages("queues", *words, inside=True)["queues"]
	check("fa can have 4 at most" in seen["mend"], f"{seen}")
	check("can't have 9 receive queues" in run("init", "queues", *words, "-y", inside=True, code=1).stderr, "9 queues")


def spared(folder):
	"""A tree with the NICs eno1 (under a bond, a bridge and a VLAN) and eno2, and interfaces of these names
	that have real addresses and routes."""
	tree = server(folder)
	tree.virtual("bond0", ["eno1"])
	tree.virtual("br0", ["bond0"])
	tree.virtual("br0.7", ["br0"])
	words = ("--root", folder, "--undo-file", f"{folder}/undo.json", "--dry-run")

	def refused(device, why, **more):
		done = run("init", "vfio", "--device", device, *words, inside=True, code=1 if why else 0, **more)
		check(why in done.stderr if why else not done.stderr, f"{device}: {done.stderr}, should be {why!r}")
		if why:
			check("--force" in done.stderr and "driver: afxdp" in done.stderr, f"the way out: {done.stderr}")
			done = run("init", "vfio", "--device", device, *words, "--force", inside=True, **more)
			check("WARNING" in done.stderr and "drivers_probe" in done.stdout, f"--force: {done}")

	for name, address in (("br0.7", "192.0.2.9/24"), ("eno2", "198.51.100.9/24")):
		netns.ip("link", "add", name, "type", "veth", "peer", "name", f"far-{name}", netns=NETNS)
		netns.ip("link", "set", f"far-{name}", "up", netns=NETNS)
		netns.ip("link", "set", name, "up", netns=NETNS)
		netns.ip("address", "add", address, "dev", name, netns=NETNS)
	netns.ip("address", "add", "2001:db8::9/64", "dev", "eno2", "nodad", netns=NETNS)
	alone = {"SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22"}
	refused("eno1", "", env=alone)
	refused("eno2", "", env=alone)
	for device, other, family, route in (
		("eno1", "eno2", "-4", ["default", "via", "192.0.2.1"]),
		("eno2", "eno1", "-6", ["default", "via", "2001:db8::1"]),
		("eno2", "eno1", "-4", ["default", "via", "198.51.100.1", "table", "77"]),
		("eno2", "", "-4", ["default", "nexthop", "via", "192.0.2.1", "nexthop", "via", "198.51.100.1"]),
	):
		netns.ip(family, "route", "add", *route, netns=NETNS)
		refused(device, f"carries the IPv{family[1]} default route", env=alone)
		if other:
			refused(other, "", env=alone)
		netns.ip(family, "route", "del", *route, netns=NETNS)
	for device, other, connection in (
		("eno1", "eno2", "192.0.2.50 4711 192.0.2.9 22"), ("eno2", "eno1", "2001:db8::50 4711 2001:db8::9 22"),
		# The address is on one interface, answers go out by the other.
		("eno2", "", "198.51.100.50 4711 192.0.2.9 22"),
	):
		refused(device, f"carries your SSH connection from {connection.split()[0]}", env={"SSH_CONNECTION": connection})
		if other:
			refused(other, "", env={"SSH_CONNECTION": connection})
	# sudo drops the variable: an ancestor of ours has it still.
	inner = f"env -u SSH_CONNECTION {FOGCTL} host init vfio --device eno2 {' '.join(words)}; true"
	done = subprocess.run(
		["ip", "netns", "exec", NETNS, "sh", "-c", inner], capture_output=True, text=True,
		env={**os.environ, "SSH_CONNECTION": "198.51.100.50 4711 198.51.100.9 22"})
	check("eno2 carries your SSH connection" in done.stderr, f"without the variable: {done}")


with tempfile.TemporaryDirectory() as folder:
	verdicts()
	without_root(folder)
	hugepages(folder)
	irq(folder)
	bpffs(folder)
	netns.create(NETNS)
	try:
		queues(folder)
		spared(f"{folder}/tree")
	finally:
		netns.ip("netns", "del", NETNS)
