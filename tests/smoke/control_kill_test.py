#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Control planes killed with SIGKILL and restarted under traffic: no packet and no message is lost,
none comes twice, the data planes go on meanwhile."""
import os
import pathlib
import re
import signal
import struct

from _init import Lab, books, check, drops, encrypted, equal, missing, none_missing, port_lost, report, wait_for
from hostile import Peer
from notified import stopped, worker_thread
from steady import SHORT, Steady, three

KILLS = {"service": 2, "mix1": 1, "gateway": 1}  # of control planes, by this test
AGAIN = 5  # messages stored whose slots were not given back
DELIVER_TAIL = 256  # of worker 0, in struct fog_control_page


def rewind(pid):
	"""As if the control plane had died between storing messages and giving their slots back: set its
	index of the delivery ring back. A file of its memory is the only way there, it has closed its own."""
	maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
	pages = re.search(r"^(\w+-\w+) .*/memfd:fog-cmd", maps, re.MULTILINE).group(1)
	fd = os.open(f"/proc/{pid}/map_files/{pages}", os.O_RDWR)
	tail, = struct.unpack("=I", os.pread(fd, 4, DELIVER_TAIL))
	check(tail >= AGAIN, f"{tail} messages taken from the ring")
	os.pwrite(fd, struct.pack("=I", tail - AGAIN), DELIVER_TAIL)
	os.close(fd)


def restart(node):
	node.start("control")
	node.wait_ready()


def service_killed(lab, traffic):
	service, mix = lab["service"], lab["mix1"]
	traffic.more()
	os.kill(service.processes["control"].pid, signal.SIGSTOP)
	rewind(service.processes["control"].pid)
	service.kill("control")
	before = books(mix)["tx"]
	wait_for("packets while the service has no control plane", lambda: books(mix)["tx"] >= before + 50)
	restart(service)
	counts = service.rest.get("/v1/status")["messages"]
	wait_for("the messages that were stored before", lambda:
		service.rest.get("/v1/status")["messages"]["duplicates"] == AGAIN)
	equal(counts["malformed"], 0, "malformed messages")


def service_taken_over(lab, traffic):
	"""What a worker delivers after the manager has carried its ring over, and before it has switched
	to the new one: messages wait for a worker that stands still, while a control plane attaches that
	dies without having read any."""
	service, mix = lab["service"], lab["mix1"]
	service.kill("control")
	with Peer(service.run_dir / "dp.sock") as peer:
		with stopped(worker_thread(service)):
			peer.attach()
			before = books(mix)["tx"]
			wait_for("packets for the worker", lambda: books(mix)["tx"] >= before + 20)
		traffic.more(20)
	restart(service)


def mix_killed(lab, traffic):
	mix, gateway = lab["mix1"], lab["gateway"]
	mix.kill("control")
	before = books(gateway)["delivered"]
	wait_for("replies through a mix without control plane",
		lambda: books(gateway)["delivered"] >= before + 50)
	traffic.more()
	restart(mix)


def gateway_killed(lab, traffic):
	"""Messages whose replies arrive only after the restart: the keys to open them have survived."""
	gateway, service = lab["gateway"], lab["service"]
	traffic.hold = True
	traffic.more()
	replies = gateway.rest.get("/v1/status")["messages"]["injected"]
	gateway.kill("control")
	before = books(service)["tx"]
	traffic.hold = False
	wait_for("replies on their way", lambda: books(service)["tx"] >= before + 40)
	restart(gateway)
	check(replies > 0, "nothing was injected before")
	traffic.more()


with Lab(network={**encrypted(), **SHORT}) as lab:
	three(lab)
	frames = missing(lab)
	# Neighbours that were up first have spoken to a port that was just being opened.
	lost = {node.name: port_lost(node) for node in lab}
	with Steady(lab) as traffic:
		service_killed(lab, traffic)
		service_taken_over(lab, traffic)
		mix_killed(lab, traffic)
		gateway_killed(lab, traffic)
		traffic.arrive()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	for node in lab:
		# A control plane that is killed between handing a packet on and noting that hands it on once
		# more; the replay check of its own data plane drops the copy. One a kill at the most.
		copies = drops(node)
		check(copies.pop("replay", 0) <= KILLS.get(node.name, 0), f"replays at {node.name}")
		equal(copies, {}, f"drops of {node.name}")
		equal(books(node)["accounting_gap"], 0, f"accounting gap of {node.name}")
		equal(port_lost(node), lost[node.name], f"frames lost at the port of {node.name}")
		equal(node.rest.get("/v1/status")["messages"]["deliver_missing"], 0, "missing in the ring")
	none_missing(lab, frames)
