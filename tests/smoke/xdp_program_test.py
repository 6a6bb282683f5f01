#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The XDP program of an appliance with two queues: killed with SIGKILL it leaves program and pinned link,
which the next start takes over; a stranger's program is named and left alone; and in the end no program,
map, link or pin is there that wasn't before."""
import ctypes
import json
import pathlib
import subprocess
import tempfile

from _init import Lab, check, equal, netns, wait_for
from peer import GEO, QUICK, Peer, counted, hop, moved, os, per_worker, sphinx, start

CLONE_NEWNS = 0x20000
PINS = pathlib.Path("/sys/fs/bpf/fogline")
STRANGER = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int stranger(struct xdp_md *ctx) { return XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
"""
COUNT = 200


def own_bpffs():
	"""A mount namespace of our own with a bpffs, as systemd mounts one; it goes when this test ends."""
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.unshare(CLONE_NEWNS):
		raise OSError(ctypes.get_errno(), "new mount namespace")
	subprocess.run(["mount", "--make-rprivate", "/"], check=True)
	subprocess.run(["mount", "-t", "bpf", "-o", "mode=700", "bpf", PINS.parent], check=True)


def bpftool(*words, space=None):
	argv = ["bpftool", "-j", *map(str, words)]
	argv = netns.command(space, argv) if space else argv
	return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout or "[]")


def objects():
	"""Programs, maps and links of the kernel."""
	return {(kind, entry["id"]) for kind in ("prog", "map", "link") for entry in bpftool(kind, "list")}


def program(node):
	"""(id, name) of the XDP program on the node's interface, None when there is none."""
	for entry in bpftool("net", "list", space=node.netns)[0]["xdp"]:
		if entry["devname"] == "eth0":
			found = bpftool("prog", "show", "id", entry["id"])
			return found["id"], found["name"]
	return None


def pin(node):
	"""Path of the node's pinned link."""
	return PINS / node.config()["instance"] / "eth0" / "link"


def link(node):
	return bpftool("link", "show", "pinned", pin(node))["id"]


def passes(peer, first, second):
	"""Packets through both appliances, by both queues of the second."""
	before, shares = counted(second), per_worker(second, "rx")
	here = peer.nodes[4]
	path = [hop(first), hop(second), sphinx.Hop(here.id, here.public, recipient=bytes(32))]
	for _ in range(COUNT):
		header, _ = sphinx.make_header(GEO, path)
		peer.send(peer.frame(first, header + os.urandom(GEO.packet - GEO.header)))
	wait_for(f"{COUNT} packets", lambda: moved(before, counted(second)).get("tx") == COUNT)
	for worker, packets in per_worker(second, "rx").items():
		check(packets > shares.get(worker, 0), f"worker {worker} took no packet")


def killed_and_taken_over(peer, first, second):
	was, held = program(second), link(second)
	equal(was[1], "fog_steer", "the program's name")
	second.kill("data")
	equal(program(second), was, "the program after the kill")
	second.start("data")
	second.wait_ready()
	wait_for("next hops", second.resolved)
	now = program(second)
	check(now[0] != was[0] and now[1] == "fog_steer", f"the old program {was} is still there")
	equal(link(second), held, "the link")
	wait_for("the end of the old program", lambda: ("prog", was[0]) not in objects())
	passes(peer, first, second)


def clean_end(second):
	equal(second.end("data"), 0, "exit code")
	equal(program(second), None, "the program after the end")
	check(not pin(second).parent.parent.exists(), "folders of the pin are left")


def foreign(second):
	with tempfile.TemporaryDirectory() as folder:
		source, built = pathlib.Path(folder, "stranger.c"), pathlib.Path(folder, "stranger.o")
		source.write_text(STRANGER)
		subprocess.run(
			["clang-14", "-target", "bpf", "-O2", "-g", "-isystem", "/usr/include/x86_64-linux-gnu", "-c", source,
				"-o", built], check=True)
		subprocess.run(
			netns.command(second.netns, ["ip", "link", "set", "dev", "eth0", "xdp", "obj", built, "sec", "xdp"]),
			check=True)
	stranger = program(second)
	equal(stranger[1], "stranger", "the stranger's name")
	second.start("data")
	process = second.processes.pop("data")
	check(process.wait(60) != 0, "the data plane runs beside a foreign program")
	words = f"XDP program {stranger[0]} (stranger), left alone; run: ip link set dev eth0 xdp off"
	check(words in second.log_end("data"), f"no word of the stranger: {second.log_end('data')}")
	equal(program(second), stranger, "the stranger")
	netns.ip("link", "set", "dev", "eth0", "xdp", "off", netns=second.netns)


own_bpffs()
before = objects()
with Lab(network=QUICK) as lab, Peer(lab) as peer:
	first = lab.add("mix1", "mix", 1, setup=peer.known)
	second = lab.add("mix2", "mix", 2, setup=peer.known, queues=2, workers=2)
	start(lab)
	passes(peer, first, second)
	killed_and_taken_over(peer, first, second)
	clean_end(second)
	foreign(second)
	second.start("data")
	second.wait_ready()
	wait_for("next hops", second.resolved)
	passes(peer, first, second)
wait_for("the end of all programs, maps and links", lambda: not objects() - before)
check(not PINS.exists(), f"left behind: {list(PINS.rglob('*'))}")
