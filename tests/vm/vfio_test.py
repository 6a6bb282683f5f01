#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The data plane on a PCI NIC behind an IOMMU, in an emulated machine: Sphinx packets go from a
generator on a second NIC through it and back, and none is lost.

usage: vfio_test.py [BUILD_FOLDER] [NIC...]

NIC is what QEMU calls the data plane's device: e1000e, vmxnet3 or virtio-net-pci. Without one it is
e1000e; with $FOGLINE_LONG all of them.
"""
import json
import os
import pathlib
import sys

import image
import qemu
from console import collect, differing, json_of, step, unfinished

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "vm"
LIMIT_S = 800
LONG = bool(os.environ.get("FOGLINE_LONG"))
COUNT = 10_000 if LONG else 2_000  # all rings turn round in either case
OUR_SLOT, OUR_MAC = 4, "02:00:00:00:00:01"
PEER_SLOT, PEER_MAC = 5, "02:00:00:00:00:02"
# What QEMU calls the device -> DPDK's driver, the kernel's module, the kernel's driver, and QEMU's
# arguments. A virtio device asks the IOMMU only when it is told to.
NICS = {
	"e1000e": ("net_e1000_em", "e1000e", "e1000e", "e1000e"),
	"vmxnet3": ("net_vmxnet3", "vmxnet3", "vmxnet3", "vmxnet3"),
	"virtio-net-pci": (
		"net_virtio", "virtio_pci", "virtio-pci", "virtio-net-pci,disable-legacy=on,iommu_platform=on"),
}
USERS = {"root": 0, "fogline": 900, "fogline-dp": 901}
PROGRAMS = ["fog-controlplane", "fog-dataplane", "fog-trafficgen", "fogctl"]
PMDS = ["bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_virtio", "net_vmxnet3"]
PMD_FOLDER = pathlib.Path("/usr/lib/x86_64-linux-gnu/dpdk")
STEPS = [
	"peer", "prepare", "check", "planes", "generate", "status", "ports", "workers", "stop", "undo", "log-control",
	"log-data"]


def pci(slot):
	return f"0000:00:{slot:02x}.0"


def config():
	"""The test network's appliance, with its port on the NIC. Both ends find each other by ARP."""
	return {
		"instance": "vm", "topology": "/etc/fogline/topology.yaml",
		"test": {"delay_seed": 1, "key_seed": 1}, "workers": {"cpus": [1]},
		"memory": {"hugepages": True, "mib": 128, "packet_buffers": 16384},
		"ports": [{
			"name": "wan", "driver": "dpdk", "device": pci(OUR_SLOT), "addresses": ["198.18.0.1/24"],
		}],
	}


def text(data):
	return 0o644, data.encode()


def initramfs(build, kernel, module):
	programs = {f"usr/bin/{name}": build / "bin" / name for name in PROGRAMS}
	for name in PMDS:  # EAL loads them from their own folder, by the whole of their names
		path = next(PMD_FOLDER.glob(f"pmds-*/librte_{name}.so.*.*"))
		programs[str(path).lstrip("/")] = path
	conf = {
		"OUR": pci(OUR_SLOT), "OUR_DRIVER": module, "PEER": pci(PEER_SLOT),
		"PEER_DRIVER": "e1000e", "COUNT": COUNT}
	return {
		**image.with_libraries({**programs, "usr/bin/kmod": "/bin/kmod"}),
		"bin/busybox": (0o755, pathlib.Path("/bin/busybox").read_bytes()),
		**image.modules(kernel, ["e1000e", "vfio-pci", "vfio_iommu_type1", "vmxnet3", "virtio_net", "virtio_pci"]),
		"sbin/modprobe": image.link("/usr/bin/kmod"),  # where the kernel looks for it
		"init": (0o755, (HERE / "vfio_guest.sh").read_bytes()),
		"etc/guest.sh": text((HERE / "guest.sh").read_text()),
		"etc/vm.conf": text("".join(f"{key}={value}\n" for key, value in conf.items())),
		"etc/passwd": text("".join(
			f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in USERS.items())),
		"etc/group": text("".join(f"{name}:x:{gid}:\n" for name, gid in USERS.items())),
		"etc/fogline/vm.yaml": text(json.dumps(config(), indent=2) + "\n"),
		"etc/fogline/topology.yaml": text((ROOT / "config" / "testnet" / "topology.yaml").read_text()),
	}


def judge(output, pmd, driver):
	"""What is wrong with the output of the machine; empty when all is well."""
	wrong = unfinished(output, STEPS)
	if wrong:
		return wrong
	for name, line in (
		("prepare", f"before: {driver}"), ("prepare", "after: vfio-pci"), ("undo", f"after: {driver}")):
		if line not in step(output, name)[0].split("\n"):
			wrong.append(f"{name}: no line '{line}', so the NIC had another driver")
	for stage in json_of(output, "check").get("stages") or [{"name": "no stage"}]:
		wrong += differing(f"fogctl host check: {stage['name']}", stage, {"verdict": "ok"})
	wrong += differing("generator", json_of(output, "generate"), {
		"wanted": COUNT, "sent": COUNT, "received": COUNT, "lost": 0, "lost_here": 0, "duplicates": 0, "corrupt": 0,
		"foreign": 0, "early": 0, "corrupt_reasons": {}})
	wrong += differing("port", json_of(output, "ports").get("ports", [{}])[0], {
		"name": "wan", "lost_rx_ring": 0, "lost_no_buffer": 0, "lost_invalid": 0, "port_lost": 0, "tx_failed": 0})
	mode = json_of(output, "ports").get("ports", [{}])[0].get("mode", "")
	if not mode.startswith(f"dpdk {pmd}"):
		wrong.append(f"port: mode is '{mode}', not that of {pmd}")
	for worker in json_of(output, "workers").get("workers") or [{}]:
		wrong += differing("from and to the sink", (worker.get("peers") or [{}])[0], {"rx": COUNT, "tx": COUNT})
	return wrong + differing("books", json_of(output, "status").get("books", {}), {
		"injected": 0, "delivered": 0, "drops": 0, "parked": 0, "in_batch": 0, "accounting_gap": 0, "port_lost": 0})


def play(build, nic):
	pmd, module, driver, device = NICS[nic]
	print(f"{nic}:", flush=True)
	cache = build / "vm"
	kernel = image.kernel(cache, image.FULL)
	initrd = image.file(cache, f"vfio-{nic}.cpio", initramfs(build, kernel, module))
	output = collect(qemu.lines([
		"-kernel", image.vmlinuz(kernel), "-initrd", initrd, "-append", f"{qemu.KERNEL} intel_iommu=on",
		"-m", 1024, "-smp", 2,
		*qemu.nics((device, OUR_SLOT, OUR_MAC), ("e1000e", PEER_SLOT, PEER_MAC)),
	], LIMIT_S))
	return [f"{nic}: {line}" for line in judge(output, pmd, driver)]


def main(build, nics):
	wrong = [line for nic in nics for line in play(build, nic)]
	print(*wrong, sep="\n")
	return 1 if wrong else 0


if __name__ == "__main__":
	sys.exit(main(
		pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve(),
		sys.argv[2:] or (list(NICS) if LONG else ["e1000e"])))
