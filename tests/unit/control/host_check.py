#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl host on trees of other hosts' /proc and /sys: what check says of them, and what init would run.
Nothing here changes this host. Usage: host_check.py FOGCTL"""
import json
import pathlib
import subprocess
import sys
import tempfile

from host_tree import FLAGS, STATUS, server

FOGCTL = sys.argv[1]
PORT = {"name": "p", "device": "eno2", "addresses": ["192.0.2.1"]}
CONFIG = {
	"instance": "t", "user": "", "workers": {"cpus": [2, 3]}, "memory": {"hugepages": True, "mib": 1024},
	"ports": [PORT],
}
results = {"passed": 0, "failed": 0}


def check(what, condition, seen=""):
	results["passed" if condition else "failed"] += 1
	if not condition:
		print(f"FAILED: {what}: {seen}", flush=True)


def fogctl(*words):
	return subprocess.run([FOGCTL, "host", *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)


class Case:
	"""One host, changed by 'change' from a good one."""

	def __init__(self, change=lambda tree: None, config=None, words=("--cpus", "2-3")):
		self.folder = tempfile.TemporaryDirectory()
		self.tree = server(self.folder.name)
		change(self.tree)
		self.words = ["--root", self.folder.name, "--undo-file", f"{self.folder.name}/undo.json"]
		if config is None:
			self.words += words
		else:
			path = pathlib.Path(self.folder.name) / "n.yaml"
			path.write_text(json.dumps({**CONFIG, **config}))
			self.words += ["--config", path]

	def stage(self, name, *words):
		done = fogctl("check", name, "-j", *self.words, *words)
		(stage,) = json.loads(done.stdout)["stages"]
		check(f"{name}: keys", list(stage) == ["name", "verdict", "detail", "mend"], stage)
		check(f"{name}: exit code", done.returncode == (stage["verdict"] == "fail"), done)
		if stage["verdict"] in ("warn", "fail", "unknown"):
			check(f"{name}: a mend", stage["mend"], stage)
		return stage

	def expect(self, name, verdict, detail="", mend="", *words):
		stage = self.stage(name, *words)
		check(f"{name} {verdict} {detail}", stage["verdict"] == verdict and detail in stage["detail"] and
			mend in stage["mend"], stage)

	def init(self, name, *words):
		return fogctl("init", name, "--dry-run", *self.words, *words)


def putting(path, text):
	return lambda tree: tree.put(path, text)


def cpus_flags(flags, vendor="GenuineIntel"):
	return putting("proc/cpuinfo", f"vendor_id\t: {vendor}\nflags\t\t: {flags}")


def without(*names):
	return " ".join(flag for flag in FLAGS.split() if flag not in names)


def test_cpu():
	Case().expect("cpu", "ok", "crypto runs as avx512, eight packets at a time")
	Case(cpus_flags(without("avx512ifma"))).expect("cpu", "ok", "crypto runs as avx2")
	Case(cpus_flags(without("avx512f", "bmi2"))).expect("cpu", "warn", "crypto runs as ref", "AVX2")
	Case(cpus_flags(without("aes"))).expect("cpu", "fail", "lacks aes,", "AES-NI")
	Case(cpus_flags(without("aes", "pclmulqdq"))).expect("cpu", "fail", "lacks aes, pclmulqdq")
	Case(cpus_flags(without("nonstop_tsc"))).expect("cpu", "warn", "no nonstop_tsc", "invtsc")
	clock = "sys/devices/system/clocksource/clocksource0/current_clocksource"
	Case(putting(clock, "hpet")).expect("cpu", "warn", "keeps time by hpet", "dmesg")
	Case(putting("proc/cpuinfo", "")).expect("cpu", "unknown", "no flags")
	# What this machine really chose is what its flags say.
	here, copy = (json.loads(fogctl("check", "cpu", "-j", *words).stdout) for words in ((), ("--root", "/")))
	check("this CPU", here == copy, (here, copy))


def test_kernel():
	case = Case()
	case.expect("kernel", "unknown", "bpffs at /sys/fs/bpf", "run this on that host")
	check("nothing to mount", "nothing to do" in case.init("kernel").stdout)
	Case(putting("proc/sys/kernel/osrelease", "5.4.0-42")).expect("kernel", "fail", "5.4.0-42 is too old", "Debian 12")
	Case(putting("proc/sys/kernel/osrelease", "5.10.0-9")).expect("kernel", "warn", "", "busy polling")
	Case(putting("proc/sys/kernel/seccomp/actions_avail", "errno")).expect("kernel", "fail", "no seccomp")
	case = Case(putting("proc/self/mounts", "sysfs /sys sysfs rw 0 0"))
	case.expect("kernel", "warn", "no bpffs", "fogctl host init kernel")
	check("mount", "mount -t bpf" in case.init("kernel").stdout, case.init("kernel"))
	# Without an AF_XDP port there is nothing for XDP to do.
	pci = {"ports": [{**PORT, "driver": "dpdk", "device": "0000:00:02.0"}]}
	Case(putting("proc/self/mounts", ""), pci).expect("kernel", "ok")


def test_sysctl():
	Case().expect("sysctl", "ok")
	for path, value, command in (
		("net/core/bpf_jit_enable", 0, "echo 1 >/proc/sys/net/core/bpf_jit_enable"),
		("kernel/unprivileged_bpf_disabled", 0, "echo 2 >/proc/sys/kernel/unprivileged_bpf_disabled"),
		("kernel/numa_balancing", 1, "echo 0 >/proc/sys/kernel/numa_balancing"),
	):
		case = Case(putting(f"proc/sys/{path}", value))
		case.expect("sysctl", "warn", f"{path.replace('/', '.')} {value}", "fogctl host init sysctl")
		check(path, case.init("sysctl").stdout == command + "\n", case.init("sysctl"))


def test_hugepages():
	path = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"
	# 512 pages for the manager on CPU 0 and workers on 2 and 3: two lcores on node 0, one on node 1.
	Case(config={}).expect("hugepages", "ok", "node 0: 512 of 512 pages of 2048 KiB are free, 342 needed")
	Case(config={}).expect("hugepages", "ok", "node 1: 512 of 512 pages of 2048 KiB are free, 171 needed")
	case = Case(lambda tree: (tree.hugepages(0, 2048, 40, 6), tree.hugepages(1, 2048, 512, 200)), {})
	case.expect("hugepages", "fail", "node 0: 6 of 40 pages", "'hugepages=376'")
	check("reserve", case.init("hugepages").stdout == f"echo 376 >{path.format(0)}\n", case.init("hugepages"))
	# One page of 1 GiB holds it all, EAL takes pages of every size.
	case = Case(lambda tree: (tree.hugepages(0, 2048, 0, 0), tree.hugepages(0, 1048576, 1, 1)), {})
	case.expect("hugepages", "ok")
	check("nothing to reserve", "nothing to do" in case.init("hugepages").stdout)
	Case(config={"memory": {"hugepages": False}}).expect("hugepages", "skip", "the config needs none")
	case = Case(words=("--pages", "1200"))
	case.expect("hugepages", "fail", "node 0: 512 of 512", "--pages 1200")
	Case(putting("proc/meminfo", "MemTotal: 1 kB"), {}).expect("hugepages", "fail", "no hugepages", "HUGETLBFS")

	def running(tree):
		tree.hugepages(0, 2048, 342, 0)
		tree.hugepages(1, 2048, 171, 0)
		tree.process(77, "fog-dataplane", ["fog-dataplane", "--run-dir", "/run/fogline/t"], 1024 << 10)

	Case(running, {}).expect("hugepages", "ok", "the running data plane has 1024 MiB")
	# That of somebody else is not ours.
	Case(running, {"instance": "u"}).expect("hugepages", "fail", "node 0: 0 of 342")


def test_replay():
	Case().expect("replay", "skip")
	Case(config={}).expect("replay", "unknown", "", "run this on that host")


def test_memlock():
	Case().expect("memlock", "ok", "CAP_IPC_LOCK is held")
	Case(putting("proc/self/status", "CapEff:\t0\nCapBnd:\t000001ffffffffff")).expect("memlock", "ok", "that root starts")
	Case(putting("proc/self/status", "CapEff:\t0\nCapBnd:\t00000000a80425fb")).expect(
		"memlock", "fail", "limit 8192 KiB", "LimitMEMLOCK=infinity")

	def unlimited(tree):
		tree.put("proc/self/status", "CapEff:\t0\nCapBnd:\t0")
		tree.put("proc/self/limits", "Max locked memory         unlimited            unlimited            bytes")

	Case(unlimited).expect("memlock", "ok", "no limit")
	Case(lambda tree: (tree.root / "proc/self/limits").unlink()).expect("memlock", "unknown")
	check("status is one with all rights", "CapEff:\t000001ff" in STATUS)


def test_iommu():
	device = ("--device", "0000:00:02.0")
	Case().expect("iommu", "skip", "2 IOMMU groups")
	Case().expect("iommu", "ok", "1 units, 2 groups; interrupts are remapped", "", *device)
	# A config names its device, too, with what DPDK is told about it.
	pci = {"ports": [{**PORT, "driver": "dpdk", "device": "0000:00:02.0,mprq_en=1"}]}
	Case(config=pci).expect("iommu", "ok")

	def none(tree):
		for group in (1, 2):
			for device in (tree.root / f"sys/kernel/iommu_groups/{group}/devices").iterdir():
				device.unlink()
			(tree.root / f"sys/kernel/iommu_groups/{group}/devices").rmdir()
			(tree.root / f"sys/kernel/iommu_groups/{group}").rmdir()
			(tree.root / f"sys/devices/pci0000:00/0000:00:0{group}.0/iommu_group").unlink()

	Case(none).expect("iommu", "fail", "one that is switched off", "intel_iommu=on iommu=pt", *device)
	Case(none).expect("iommu", "fail", "", "VT-d", *device)
	Case(lambda tree: (none(tree), cpus_flags(FLAGS, "AuthenticAMD")(tree))).expect(
		"iommu", "fail", "", "amd_iommu=on", *device)
	Case(lambda tree: (none(tree), cpus_flags(FLAGS + " hypervisor")(tree))).expect(
		"iommu", "fail", "", "virtual IOMMU", *device)
	Case(lambda tree: (none(tree), tree.put("proc/cmdline", "intel_iommu=off"))).expect(
		"iommu", "fail", "", "remove 'iommu=off'", *device)
	Case(lambda tree: tree.interrupts([(40, "0", "0")], "PCI-MSIX")).expect(
		"iommu", "fail", "not remapped", "intremap=off", *device)
	unsafe = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
	Case(lambda tree: (tree.interrupts([], "PCI-MSIX"), tree.put(unsafe, "Y"))).expect(
		"iommu", "warn", "fake interrupts", "firmware", *device)


def test_vfio():
	address, name = ("--device", "0000:00:02.0"), ("--device", "eno2")
	Case().expect("vfio", "skip", "no PCI device is asked for")
	Case(config={}).expect("vfio", "skip", "no port of the config")
	for device in (address, name, ("--device", "00:02.0")):
		case = Case()
		case.expect("vfio", "fail", "0000:00:02.0 is bound to ice as eno2", "fogctl host init vfio", *device)
		done = case.init("vfio", *device)
		check(f"binding by {device}", done.returncode == 0 and done.stdout.splitlines()[1:] == [
			"echo vfio-pci >/sys/bus/pci/devices/0000:00:02.0/driver_override",
			"echo 0000:00:02.0 >/sys/bus/pci/devices/0000:00:02.0/driver/unbind",
			"echo 0000:00:02.0 >/sys/bus/pci/drivers_probe"], done)

	def taken(tree):
		tree.driver("0000:00:02.0", "vfio-pci")
		(tree.root / "sys/class/net/eno2").unlink()

	case = Case(lambda tree: (taken(tree), tree.put("dev/vfio/2", "")))
	case.expect("vfio", "ok", "bound to vfio-pci, IOMMU group 2", "", *address)
	check("twice", "nothing to do" in case.init("vfio", *address).stdout, case.init("vfio", *address))
	Case(taken).expect("vfio", "fail", "/dev/vfio/2 is missing", "udev", *address)
	Case(lambda tree: (taken(tree), tree.put("dev/vfio/2", ""), tree.put("sys/kernel/iommu_groups/2/name", "vfio-noiommu"))).expect(
		"vfio", "warn", "WITHOUT an IOMMU", "stage iommu", *address)
	Case(lambda tree: tree.driver("0000:00:02.0", "uio_pci_generic")).expect("vfio", "warn", "no IOMMU", "init vfio", *address)
	case = Case(lambda tree: tree.driver("0000:00:02.0", "mlx5_core"))
	case.expect("vfio", "ok", "kernel driver mlx5_core", "", *address)
	check("mlx5 stays", "stays with mlx5_core" in case.init("vfio", *address).stdout, case.init("vfio", *address))
	Case().expect("vfio", "fail", "there is no PCI device 0000:00:09.0", "ls /sys/bus/pci", "--device", "0000:00:09.0")
	Case().expect("vfio", "fail", "there is no interface eno9", "ip link", "--device", "eno9")
	Case(lambda tree: tree.pci("0000:00:03.0", "nvme", 3, kind="0x010802")).expect(
		"vfio", "fail", "no network device", "NIC", "--device", "0000:00:03.0")
	node = "sys/bus/pci/devices/0000:00:02.0/numa_node"
	Case(lambda tree: (taken(tree), tree.put("dev/vfio/2", ""), tree.put(node, 0)), {"workers": {"cpus": [2, 3]}, "ports": [
		{**PORT, "driver": "dpdk", "device": "0000:00:02.0"}]}).expect(
		"vfio", "warn", "0000:00:02.0 is on NUMA node 0, the worker's CPU 3 on node 1", "workers.cpus to CPUs of node 0")
	test_vfio_groups(address)
	test_vfio_only()


def test_vfio_groups(address):
	def shared(tree):
		tree.pci("0000:00:02.1", "snd_hda_intel", 2, kind="0x040300")
		tree.pci("0000:00:02.2", "shpchp", 2, kind="0x060400")

	case = Case(shared)
	case.expect("vfio", "fail", "group 2 also holds 0000:00:02.1 (snd_hda_intel)", "slot", *address)
	done = case.init("vfio", *address)
	check("a shared group", done.returncode == 1 and not done.stdout and "holds 0000:00:02.1 (snd_hda_intel):" in done.stderr, done)
	# Both functions of a card together are a whole group.
	case = Case(lambda tree: tree.pci("0000:00:02.1", "ice", 2, "eno3"))
	done = case.init("vfio", *address, "--device", "eno3")
	check("both of a group", done.returncode == 0 and done.stdout.count("drivers_probe") == 2, done)

	def alone(tree):
		(tree.root / "sys/devices/pci0000:00/0000:00:02.0/iommu_group").unlink()

	case = Case(alone)
	done = case.init("vfio", *address)
	check("no IOMMU", done.returncode == 1 and not done.stdout and "--force" in done.stderr, done)
	done = case.init("vfio", *address, "--force")
	check("no IOMMU, forced", done.returncode == 0 and "WITHOUT an IOMMU" in done.stderr and
		"echo Y >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode" in done.stdout, done)
	case = Case(lambda tree: (tree.root / "sys/bus/pci/drivers/vfio-pci").rmdir())
	done = case.init("vfio", *address)
	check("the module first", done.stdout.startswith("modprobe vfio-pci\n"), done)


def test_vfio_only():
	def gone(tree):
		tree.driver("0000:00:01.0", "vfio-pci")
		(tree.root / "sys/class/net/eno1").unlink()

	case = Case(gone)
	case.expect("vfio", "fail", "the only network interface", "another NIC", "--device", "eno2")
	done = case.init("vfio", "--device", "eno2")
	check("the only NIC", done.returncode == 1 and not done.stdout and "--force" in done.stderr, done)
	done = case.init("vfio", "--device", "eno2", "--force")
	check("the only NIC, forced", done.returncode == 0 and "WARNING" in done.stderr and "drivers_probe" in done.stdout, done)
	done = Case().init("vfio", "--device", "eno1", "--device", "eno2")
	check("both NICs", done.returncode == 1 and not done.stdout, done)


def test_queues():
	Case(words=()).expect("queues", "skip", "no interface is asked for")

	def four(tree):
		tree.interface("eno2", "sys/devices/pci0000:00/0000:00:02.0/net/eno2", queues=4)

	Case(four, {}).expect("queues", "fail", "eno2 has 4 receive queues, 2 needed", "ethtool -L eno2 combined 2")
	Case(four, {"ports": [{**PORT, "queues": 4}]}).expect("queues", "ok", "4 receive queues, 4 needed")
	Case(four).expect("queues", "fail", "4 receive queues, 2 needed", "", "--device", "eno2")
	Case(four, {"ports": [{**PORT, "queues": 4, "mtu": 3000}]}).expect(
		"queues", "fail", "MTU of 1500, the config asks for 3000", "ip link set dev eno2 mtu 3000")
	Case(lambda tree: (four(tree), tree.put("sys/class/net/eno2/flags", "0x1002")), {"ports": [{**PORT, "queues": 4}]}).expect(
		"queues", "fail", "eno2 is down", "ip link set dev eno2 up")
	Case(lambda tree: (four(tree), tree.put("sys/class/net/eno2/operstate", "down")), {"ports": [{**PORT, "queues": 4}]}).expect(
		"queues", "warn", "no link", "cable")
	busy = {"workers": {"cpus": [2, 3], "idle": "busy", "manager_cpu": 0}, "ports": [{**PORT, "queues": 4}]}
	folder = "sys/class/net/eno2"

	def deferring(defer, flush):
		return lambda tree: (four(tree), tree.put(f"{folder}/napi_defer_hard_irqs", defer),
			tree.put(f"{folder}/gro_flush_timeout", flush))

	Case(deferring(1, 50000), busy).expect("queues", "ok", "napi_defer_hard_irqs of eno2 is 1")
	Case(deferring(0, 0)).expect("queues", "fail", "", "", "--device", "eno2")  # of the queues, and no word of this
	case = Case(deferring(0, 50000), busy)
	case.expect("queues", "warn", "napi_defer_hard_irqs of eno2 is 0", "fogctl host init queues")
	check("busy polling", case.init("queues").stdout == f"echo 2 >/{folder}/napi_defer_hard_irqs\n", case.init("queues"))
	Case(config={"ports": [{**PORT, "device": "eno7"}]}).expect("queues", "fail", "no interface eno7", "ip link")
	Case(config={"ports": [{**PORT, "driver": "loop"}]}).expect("queues", "skip", "no AF_XDP port")


def test_cpus():
	Case().expect("cpus", "ok", "workers on CPU 2-3 of 0-7; of these isolated: 2-3; without timer ticks (nohz_full): 2-3; "
		"without RCU callbacks (rcu_nocbs): 2-3; governor performance")
	Case(words=()).expect("cpus", "skip")
	case = Case(putting("sys/devices/system/cpu/isolated", ""))
	case.expect("cpus", "warn", "isolated: none", "isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3")
	# A cpuset partition isolates as well.
	Case(lambda tree: (tree.put("sys/devices/system/cpu/isolated", ""), tree.put("sys/fs/cgroup/cpuset.cpus.isolated", "2-3"))).expect(
		"cpus", "ok")
	Case(putting("sys/devices/system/cpu/nohz_full", "(null)")).expect("cpus", "ok")
	Case(lambda tree: (tree.put("sys/devices/system/cpu/nohz_full", "3"), tree.put("proc/cmdline", "quiet"))).expect(
		"cpus", "warn", "(nohz_full): 3; without RCU callbacks (rcu_nocbs): 3")
	Case(putting("sys/devices/system/cpu/online", "0-2")).expect("cpus", "fail", "CPU 3 of the workers is not online", "workers.cpus")
	Case().expect("cpus", "warn", "CPU 1 shares its core: 1,5", "echo 0 >/sys/devices/system/cpu/cpu5/online", "--cpus", "1")
	Case().expect("cpus", "warn", "", "keep one CPU a core", "--cpus", "1,5")
	Case(putting("sys/devices/system/cpu/online", "2-3")).expect("cpus", "warn", "no CPU is left", "leave at least one")
	case = Case(putting("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave"))
	case.expect("cpus", "warn", "CPU 3 is not under the governor", "fogctl host init cpus")
	check("governor", case.init("cpus").stdout == "echo performance >/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor\n",
		case.init("cpus"))


def test_irq():
	Case().expect("irq", "ok", "none of 2 interrupts")
	case = Case(lambda tree: tree.interrupts([(40, "0-7", "2"), (41, "2-3", "3"), (42, "0-7", "5"), (43, "0-1", "2")]))
	# 43 moves with its next interrupt.
	case.expect("irq", "warn", "2 of 4 interrupts are delivered to the workers' CPUs: 40,41", "fogctl host init irq")
	check("moved", case.init("irq").stdout == "echo 0-1,4-7 >/proc/irq/40/smp_affinity_list\necho 0-1,4-7 >/proc/irq/41/smp_affinity_list\n",
		case.init("irq"))
	Case(lambda tree: tree.process(50, "irqbalance")).expect("irq", "warn", "irqbalance runs", "IRQBALANCE_BANNED_CPULIST=2-3")
	done = Case(putting("sys/devices/system/cpu/online", "2-3")).init("irq")
	check("no CPU left", done.returncode == 1 and "leave one out" in done.stderr, done)


def test_clock_and_config():
	Case().expect("clock", "unknown", "", "run this on that host")
	Case().expect("config", "skip")
	Case(config={}).expect("config", "warn", "no topology", "copy")
	Case(config={"production": True, "test": {"key_seed": 1}}).expect(
		"config", "fail", "key_seed", "fogctl config check")


def test_usage():
	for words in (
		(), ("chek",), ("check", "nonsense"), ("check", "--force"), ("check", "--dry-run"), ("check", "-y"),
		("init", "--root", "/", "-y"), ("init", "-j"), ("undo", "-j"), ("check", "--pages", "0"), ("check", "--pages", "-3"),
		("check", "--pages", "x"), ("check", "--cpus", "3-1"), ("check", "--cpus", ""), ("check", "--cpus", "0x"),
		("check", "--config", "a", "--instance", "b"), ("check", "--what"), ("check", *["--device", "a"] * 17),
	):
		done = fogctl(*words)
		check(f"usage {words}", done.returncode == 2 and "host" in done.stderr and not done.stdout, done)
	done = fogctl("--help")
	check("help", done.returncode == 0 and "--undo-file" in done.stdout and "hugepages" in done.stdout, done)
	done = fogctl("check", "--config", "/nonexistent.yaml")
	check("no such config", done.returncode == 1 and "fogctl config check" in done.stderr, done)


def test_record():
	case = Case(putting("undo.json", "{"))
	for words in (("check",), ("undo", "--dry-run"), ("init", "--dry-run")):
		done = fogctl(*words, *case.words[:4])
		check(f"a damaged record, {words[0]}", done.returncode == 1 and "by hand" in done.stderr and not done.stdout, done)
	boot = case.tree.get("proc/sys/kernel/random/boot_id").strip()
	path = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
	change = {"stage": "hugepages", "kind": "file", "path": path, "was": "8", "set": "512"}
	for what, record, wanted in (
		("ours", {"boot": boot, "changes": [change]}, f"echo 8 >{path}\n"),
		("restored already", {"boot": boot, "changes": [{**change, "was": "512"}]}, "# nothing to do\n"),
		("changed since", {"boot": boot, "changes": [{**change, "set": "511"}]},
			f"# {path}: somebody has changed it since, left as it is\n# nothing to do\n"),
		("an earlier boot", {"boot": "x", "changes": [change]}, "# nothing to do\n"),
	):
		case.tree.put("undo.json", json.dumps(record))
		done = fogctl("undo", "--dry-run", *case.words[:4])
		check(f"undo, {what}", done.returncode == 0 and done.stdout == wanted, done)
	case.tree.put("undo.json", json.dumps({"boot": boot, "changes": [change]}))
	done = fogctl("undo", "irq", "--dry-run", *case.words[:4])
	check("undo of another stage", done.stdout == "# nothing to do\n", done)
	done = fogctl("undo", "hugepages", "--dry-run", *case.words[:4])
	check("undo of a stage", done.stdout == f"echo 8 >{path}\n", done)
	case.tree.put("undo.json", json.dumps({"boot": boot, "changes": [{"stage": "irq", "kind": "new"}]}))
	done = fogctl("undo", "--dry-run", *case.words[:4])
	check("a record of another version", done.returncode == 1 and "fogctl that made it" in done.stderr, done)


for name, test in list(globals().items()):
	if name.startswith("test_") and name not in ("test_vfio_groups", "test_vfio_only"):
		test()
print(f"{results['passed']} passed, {results['failed']} failed")
sys.exit(1 if results["failed"] else 0)
