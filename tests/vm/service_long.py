#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The Debian package in an emulated machine with systemd: installs, both units start and say so, packets
pass a PCI NIC, a stalled worker is found and ended, a stop drains, a purge leaves nothing.

usage: service_long.py [BUILD_FOLDER]
"""
import json
import os
import pathlib
import re
import sys
import tempfile

import image
import qemu
import vfio_test
from console import collect, differing, json_of, step, unfinished

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "vm"
sys.path.insert(0, str(ROOT / "tests" / "package"))
import chroot  # noqa: E402
import package_test  # noqa: E402

LIMIT_S = 840
COUNT = 500  # before the worker stalls, and after it
STEPS = [
	"install", "prepare", "start", "ready", "peer", "generate", "status", "stall", "stalled", "again", "status2",
	"stop", "purge", "journal"]
TOOLS = ["systemd", "systemd-sysv", "udev", "kmod", "iproute2", "librte-net-e1000-23"]
MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "e1000e", "vfio-pci", "vfio_iommu_type1"]
UNIT = """\
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh /root/service_guest.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
"""
DATA, CONTROL = "fogline-dataplane@node1.service", "fogline-controlplane@node1.service"


def disk(cache, package):
	"""A file system with what the package depends on, made anew only when that changes."""
	path, mark = cache / "debian.ext4", cache / "debian.packages"
	wanted = sorted({*chroot.depends(package), *TOOLS})
	if path.exists() and mark.exists() and mark.read_text().split() == wanted:
		return path
	mark.unlink(missing_ok=True)
	path.unlink(missing_ok=True)
	with chroot.Chroot(cache / "debian", wanted) as system:
		chroot.run("mkfs.ext4", "-q", "-d", system.root, path, "1G")
	mark.write_text("\n".join(wanted))
	return path


def initramfs(build, kernel, package):
	text = vfio_test.text
	conf = {
		"OUR": vfio_test.pci(vfio_test.OUR_SLOT), "PEER": vfio_test.pci(vfio_test.PEER_SLOT), "COUNT": COUNT}
	wants = "test/etc/systemd/system/multi-user.target.wants/vm-test.service"
	return {
		**image.with_libraries({"usr/bin/kmod": "/bin/kmod"}),
		**image.modules(kernel, MODULES),
		"bin/busybox": (0o755, pathlib.Path("/bin/busybox").read_bytes()),
		"sbin/modprobe": image.link("/usr/bin/kmod"),
		"init": (0o755, (HERE / "service_init.sh").read_bytes()),
		"test/root/guest.sh": text((HERE / "guest.sh").read_text()),
		"test/root/service_guest.sh": text((HERE / "service_guest.sh").read_text()),
		"test/root/vm.conf": text("".join(f"{key}={value}\n" for key, value in conf.items())),
		"test/root/vm_stall": (0o755, (build / "tests" / "vm" / "vm_stall").read_bytes()),
		"test/root/fogline.deb": (0o644, package.read_bytes()),
		"test/etc/systemd/system/vm-test.service": text(UNIT),
		wants: image.link("/etc/systemd/system/vm-test.service"),
		"test/etc/fogline/node1.yaml": text(json.dumps({**vfio_test.config(), "instance": "node1"}) + "\n"),
		"test/etc/fogline/topology.yaml": text((ROOT / "config" / "testnet" / "topology.yaml").read_text()),
	}


def units(output, name):
	"""What a step says of both units: {id: {property: value}}."""
	blocks = step(output, name)[0].split("\n\n")
	found = [dict(re.findall(r"^(\w+)=(.*)$", block, re.MULTILINE)) for block in blocks]
	return {unit["Id"]: unit for unit in found if "Id" in unit}


def unit_is(output, name, unit, **wanted):
	return differing(f"{name}: {unit}", units(output, name).get(unit, {}), wanted)


def passed(output, name, status):
	"""All packets of a run came back, and the books of the data plane close."""
	return differing(name, json_of(output, name), {
		"sent": COUNT, "received": COUNT, "lost": 0, "duplicates": 0, "corrupt": 0, "early": 0,
	}) + differing(status, json_of(output, status).get("books", {}), {
		"drops": 0, "accounting_gap": 0, "port_lost": 0})


def judge(output):
	"""What is wrong with the output of the machine; empty when all is well."""
	wrong = unfinished(output, STEPS)
	if wrong:
		return wrong
	up = {"ActiveState": "active", "SubState": "running", "Result": "success"}
	for unit in (CONTROL, DATA):
		wrong += unit_is(output, "start", unit, **up, NRestarts="0")
	wrong += passed(output, "generate", "status")
	wrong += unit_is(output, "stalled", DATA, **up, NRestarts="1") + unit_is(output, "stalled", CONTROL, **up, NRestarts="0")
	wrong += passed(output, "again", "status2")
	wrong += unit_is(output, "stop", DATA, ActiveState="inactive", Result="success") + unit_is(output, "stop", CONTROL, **up)
	wrong += [f"purge: {line}" for line in step(output, "purge")[0].split("\n") if line.startswith("left:")]
	for unit in (CONTROL, DATA):
		wrong += unit_is(output, "purge", unit, LoadState="not-found")
	journal = step(output, "journal")[0]
	for pattern in (
		r"Watchdog timeout", r"Scheduled restart job", r"drained: nothing is parked, everything is sent", r"Stopped fogline-dataplane@node1"):
		if not re.search(pattern, journal):
			wrong.append(f"journal: nothing like '{pattern}'")
	return wrong


def main(build):
	if os.geteuid() != 0:
		print("needs root (chroot): sudo ./fogline test")
		return 77
	cache = build / "vm"
	kernel = image.kernel(cache, image.FULL)
	with tempfile.TemporaryDirectory() as folder:
		package = package_test.built(folder)
		with image.locked(cache):
			root = disk(cache, package)
		initrd = image.file(cache, "service.cpio", initramfs(build, kernel, package))
	output = collect(qemu.lines([
		"-kernel", image.vmlinuz(kernel), "-initrd", initrd, "-m", 1024, "-smp", 2,
		"-append", f"{qemu.KERNEL} intel_iommu=on systemd.show_status=0 "
		"systemd.mask=serial-getty@ttyS0.service systemd.condition_needs_update=no",
		"-drive", f"file={root},format=raw,if=virtio,snapshot=on",
		*qemu.nics(
			("e1000e", vfio_test.OUR_SLOT, vfio_test.OUR_MAC), ("e1000e", vfio_test.PEER_SLOT, vfio_test.PEER_MAC)),
	], LIMIT_S))
	wrong = judge(output)
	print(*wrong, sep="\n")
	return 1 if wrong else 0


if __name__ == "__main__":
	sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()))
