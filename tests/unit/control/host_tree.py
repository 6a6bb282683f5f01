# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Trees of /proc and /sys of hosts that can't be here: a server with two NUMA nodes and PCI devices."""
import pathlib

FLAGS = "fpu aes sse4_2 pclmulqdq avx2 fma bmi2 avx512f avx512vl avx512dq avx512ifma vaes sha_ni constant_tsc nonstop_tsc"
STATUS = "Name:\tsh\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n"


class Tree:
	def __init__(self, folder):
		self.root = pathlib.Path(folder)

	def put(self, path, text):
		at = self.root / path
		at.parent.mkdir(parents=True, exist_ok=True)
		at.write_text(str(text) + "\n")

	def get(self, path):
		return (self.root / path).read_text()

	def link(self, path, to):
		"""'path' leads to 'to', both below the root."""
		at = self.root / path
		at.parent.mkdir(parents=True, exist_ok=True)
		at.unlink(missing_ok=True)
		at.symlink_to(pathlib.Path(*[".."] * (len(pathlib.PurePath(path).parts) - 1)) / to)

	def hugepages(self, node, kib, total, free):
		folder = f"sys/devices/system/node/node{node}/hugepages/hugepages-{kib}kB"
		self.put(f"{folder}/nr_hugepages", total)
		self.put(f"{folder}/free_hugepages", free)

	def cpu(self, cpu, node, siblings, governor=None):
		folder = f"sys/devices/system/cpu/cpu{cpu}"
		self.put(f"{folder}/topology/thread_siblings_list", siblings)
		(self.root / f"sys/devices/system/node/node{node}/cpu{cpu}").mkdir(parents=True)
		if governor:
			self.put(f"{folder}/cpufreq/scaling_governor", governor)

	def pci(self, address, driver=None, group=None, interface=None, kind="0x020000", node=-1):
		"""A device; without 'group' there is no IOMMU for it."""
		folder = f"sys/devices/pci0000:00/{address}"
		self.put(f"{folder}/class", kind)
		self.put(f"{folder}/numa_node", node)
		self.put(f"{folder}/driver_override", "(null)")
		self.link(f"sys/bus/pci/devices/{address}", folder)
		self.driver(address, driver)
		if group is not None:
			self.link(f"{folder}/iommu_group", f"sys/kernel/iommu_groups/{group}")
			self.link(f"sys/kernel/iommu_groups/{group}/devices/{address}", folder)
		if interface:
			self.interface(interface, f"{folder}/net/{interface}")
			self.link(f"{folder}/net/{interface}/device", folder)

	def driver(self, address, driver):
		at = f"sys/devices/pci0000:00/{address}/driver"
		(self.root / at).unlink(missing_ok=True)
		if driver:
			(self.root / f"sys/bus/pci/drivers/{driver}").mkdir(parents=True, exist_ok=True)
			self.link(at, f"sys/bus/pci/drivers/{driver}")

	def interface(self, name, folder, queues=1, mtu=1500, lower=()):
		for queue in range(queues):
			(self.root / folder / "queues" / f"rx-{queue}").mkdir(parents=True, exist_ok=True)
		self.put(f"{folder}/mtu", mtu)
		self.put(f"{folder}/flags", "0x1003")
		self.put(f"{folder}/operstate", "up")
		self.link(f"sys/class/net/{name}", folder)
		for below in lower:
			self.link(f"{folder}/lower_{below}", f"sys/class/net/{below}")

	def virtual(self, name, lower):
		self.interface(name, f"sys/devices/virtual/net/{name}", lower=lower)

	def process(self, pid, comm, words=(), hugetlb_kib=0):
		self.put(f"proc/{pid}/comm", comm)
		(self.root / f"proc/{pid}/cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
		self.put(f"proc/{pid}/status", f"Name:\t{comm}\nHugetlbPages:\t{hugetlb_kib} kB")

	def interrupts(self, rows, chip="IR-PCI-MSIX"):
		"""rows: (number, allowed, delivered to)."""
		self.put("proc/interrupts", "\n".join(
			["            CPU0       CPU1"] +
			[f" {irq}:        100          0 {chip}-0000:00:01.0   0-edge      dev{irq}" for irq, _, _ in rows] +
			["NMI:          0          0   Non-maskable interrupts"]))
		for irq, allowed, at in rows:
			self.put(f"proc/irq/{irq}/smp_affinity_list", allowed)
			self.put(f"proc/irq/{irq}/effective_affinity_list", at)


def server(folder):
	"""Eight CPUs on two nodes, hyper-threads n and n + 4, all as it should be for workers on 2 and 3."""
	tree = Tree(folder)
	tree.put("proc/cpuinfo", f"processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: {FLAGS}")
	tree.put("proc/cmdline", "root=/dev/sda1 isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3")
	tree.put("proc/meminfo", "MemTotal: 1000000 kB\nHugepagesize:       2048 kB")
	tree.put("proc/sys/kernel/osrelease", "6.1.0-30-amd64")
	tree.put("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555")
	tree.put("proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno")
	tree.put("proc/sys/kernel/unprivileged_bpf_disabled", 2)
	tree.put("proc/sys/kernel/numa_balancing", 0)
	tree.put("proc/sys/net/core/bpf_jit_enable", 1)
	tree.put("proc/self/mounts", "sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0")
	tree.put("proc/self/status", STATUS)
	tree.put("proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         8388608              8388608              bytes")
	tree.put("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc")
	tree.put("sys/devices/system/cpu/online", "0-7")
	tree.put("sys/devices/system/cpu/isolated", "2-3")
	tree.put("sys/devices/system/cpu/nohz_full", "2-3")
	(tree.root / "sys/class/iommu/dmar0").mkdir(parents=True)
	for cpu in range(8):
		# The threads 6 and 7 are switched off.
		siblings = f"{cpu % 4},{cpu % 4 + 4}" if cpu % 4 < 2 else str(cpu)
		tree.cpu(cpu, cpu % 2, siblings, "performance")
	for node in range(2):
		tree.hugepages(node, 2048, 512, 512)
		tree.hugepages(node, 1048576, 0, 0)
	tree.interrupts([(40, "0-7", "0"), (41, "0-1", "1")])
	tree.pci("0000:00:01.0", "e1000e", 1, "eno1")
	tree.pci("0000:00:02.0", "ice", 2, "eno2")
	tree.driver("0000:00:02.0", "ice")
	(tree.root / "sys/bus/pci/drivers/vfio-pci").mkdir(parents=True)
	(tree.root / "sys/module/vfio_iommu_type1").mkdir(parents=True)
	return tree
