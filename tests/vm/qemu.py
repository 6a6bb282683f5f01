# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Runs QEMU, which translates the code of a whole PC with an IOMMU and PCI devices, on any host."""
import os
import select
import signal
import subprocess
import sys
import time

# A split interrupt controller, as the emulated IOMMU remaps interrupts only then. No AVX: the AES-CTR
# that intel-ipsec-mb computes with AVX2 comes out wrong in QEMU 7.2 (the self-check of the crypto finds
# it), and X25519 is faster without AVX here.
MACHINE = [
	"qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "q35,kernel-irqchip=split",
	"-cpu", "max,avx=off,avx2=off", "-device", "intel-iommu,intremap=on", "-nodefaults", "-no-user-config",
	"-no-reboot", "-display", "none", "-monitor", "none", "-serial", "stdio",
]
# For the kernel's command line. Its test of the timer counts instructions, which are slow on a busy
# host: it would find the timer broken.
KERNEL = "console=ttyS0 loglevel=4 no_timer_check mitigations=off random.trust_cpu=on panic=-1"


def nics(*devices):
	"""Arguments for NICs that all hang on one wire. Each: (QEMU's device, PCI slot, MAC)."""
	words = []
	for n, (device, slot, mac) in enumerate(devices):
		words += [
			"-netdev", f"hubport,id=wire{n},hubid=0", "-device", f"{device},netdev=wire{n},mac={mac},addr={slot:#x}"]
	return words


def start(arguments):
	"""A machine that dies with us, whatever ends us; its serial port is its standard output."""
	return subprocess.Popen(
		["setpriv", "--pdeathsig", "KILL", *MACHINE, *map(str, arguments)],
		stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def lines(arguments, limit_s):
	"""Run a machine and yield the lines of its serial port until it ends; ends it when the time or the
	reader ends, or the kernel panics. QEMU dies with us, whatever ends us."""
	signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
	end, rest = time.monotonic() + limit_s, b""
	process = start(arguments)
	try:
		while (left := end - time.monotonic()) > 0:
			if not select.select([process.stdout], [], [], left)[0]:
				break
			data = os.read(process.stdout.fileno(), 65536)
			if not data:
				return
			*whole, rest = (rest + data).split(b"\n")
			for line in (text.decode(errors="replace").rstrip() for text in whole):
				yield line
				if "Kernel panic" in line:
					return
		yield f"no end after {limit_s} s"
	finally:
		if process.poll() is None:
			process.kill()
		process.wait()
