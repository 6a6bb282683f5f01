# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Runs Bochs, which interprets every instruction of a PC, AVX-512 included, on any host."""
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tty

# What this CPU model needs of the kernel. With "fast short rep mov" but without the fast string
# operations of this BIOS, Linux 6.1's memmove writes where it must not. The size that CPUID tells
# for compacted register images is wrong, and Linux would do without AVX. The other two are counters
# and keys that are announced and missing.
CPU = "corei7_icelake_u"
ARGUMENTS = "clearcpuid=fsrm,xsavec,xsaves,pku,aperfmperf nolapic nosmp"

CONFIG = """\
plugin_ctrl: unmapped=1, biosdev=1, serial=1, speaker=0, parallel=0, gameport=0, usb_uhci=0
config_interface: textconfig
display_library: term
cpu: model={cpu}, count=1, ips={ips}
clock: sync=none
megs: 256
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
"""

# Instructions per second of the guest's clock, not of the host's. Fewer make what the guest waits
# for cheaper, more make its timer interrupts rarer.
IPS = 40_000_000


def _drain(fd):
	"""Nobody looks at the terminals, but they must not fill, or Bochs waits for ever. A Bochs with a
	debugger shows the guest's screen on a second one, which it names."""
	told, screen = b"", None
	try:
		while text := os.read(fd, 65536):
			if screen is not None:
				continue
			told = (told + text)[-4096:]
			if match := re.search(rb'connected to screen "([^"]+)"', told):
				screen = os.open(match[1], os.O_RDWR | os.O_NOCTTY)
				tty.setraw(screen)
				threading.Thread(target=_drain, args=[screen], daemon=True).start()
	except OSError:  # the other end is closed
		pass


def _start(folder, image, serial):
	config, commands = pathlib.Path(folder, "bochsrc"), pathlib.Path(folder, "commands")
	config.write_text(CONFIG.format(
		cpu=CPU, ips=IPS, image=image, serial=serial, log=pathlib.Path(folder, "log")))
	commands.write_text("c\n")  # Debian's Bochs has a debugger, which waits for "continue"
	screen, terminal = pty.openpty()
	process = subprocess.Popen(
		["bochs", "-f", config, "-rc", commands], stdin=terminal, stdout=terminal, stderr=terminal,
		env={**os.environ, "TERM": "linux"}, start_new_session=True)
	os.close(terminal)
	threading.Thread(target=_drain, args=[screen], daemon=True).start()
	return process


def lines(image, last, limit_s):
	"""Boot the CD 'image' and yield the lines of its serial port until one is 'last'. Ends early
	when the machine or the time ends, or the kernel panics. Bochs doesn't outlive a SIGTERM to us."""
	signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
	end, rest = time.monotonic() + limit_s, b""
	with tempfile.TemporaryDirectory() as folder:
		serial = pathlib.Path(folder, "serial")
		serial.touch()
		process = _start(folder, image, serial)
		try:
			with serial.open("rb") as port:
				running = True
				while running:
					running = process.poll() is None and time.monotonic() < end
					*whole, rest = (rest + port.read()).split(b"\n")
					for line in (text.decode(errors="replace").strip() for text in whole):
						yield line
						if line == last or "Kernel panic" in line:
							return
					time.sleep(0.2)
		finally:
			if process.poll() is None:
				os.killpg(process.pid, signal.SIGKILL)
				process.wait()
			log = pathlib.Path(folder, "log")
			if log.exists():
				print(*(line for line in log.read_text(errors="replace").splitlines()
					if "PANIC" in line), sep="\n", end="")
