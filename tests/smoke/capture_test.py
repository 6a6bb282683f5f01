#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl capture: tcpdump reads what it wrote, and sees the frames of the wire, all of them, in both
directions, with their sizes and headers; not one byte of a packet is in the file."""
import pathlib
import re
import struct
import subprocess
import threading

from _init import Lab, check, equal, wait_for
from peer import DROPPED, FORWARDED, MIX_PORT, QUICK, Books, played

COUNT = 20
HEADERS = 14 + 20 + 8
PACKET_LEN = 1408


def captured(node, file, count):
	"""fogctl capture in the background, once it has begun."""
	failures = []

	def run():
		done = subprocess.run(
			[node.lab.bin / "fogctl", "--socket", node.socket_path, "capture", "-w", file, "--sample", "1",
				"--count", str(count), "--seconds", "60"], capture_output=True, text=True)
		failures.extend([] if done.returncode == 0 else [done.stderr])
	thread = threading.Thread(target=run)
	thread.start()
	wait_for("the capture to begin", lambda: failures or node.rest.get("/v1/status")["data_plane"]["tracing"])
	return thread, failures


def blocks(data):
	"""(type, body) of each block; its length stands at both ends."""
	at = 0
	while at < len(data):
		kind, length = struct.unpack_from("=II", data, at)
		equal(struct.unpack_from("=I", data, at + length - 4)[0], length, "length at the end of a block")
		yield kind, data[at + 8:at + length - 4]
		at += length


def options(body):
	found, at = {}, 0
	while at < len(body):
		code, length = struct.unpack_from("=HH", body, at)
		if code == 0:
			break
		found[code] = body[at + 4:at + 4 + length]
		at += 4 + (length + 3) // 4 * 4
	return found


def frames(data):
	for kind, body in blocks(data):
		if kind == 6:
			interface, high, low, kept, size = struct.unpack_from("=5I", body)
			yield interface, high << 32 | low, size, body[20:20 + kept], options(body[20 + (kept + 3) // 4 * 4:])


def tcpdump(file):
	"""One line a frame: (source, to, UDP bytes)."""
	done = subprocess.run(["tcpdump", "-r", file, "-nn", "-tt", "-q"], capture_output=True, text=True)
	equal(done.returncode, 0, f"tcpdump says {done.stderr}")
	lines = done.stdout.splitlines()
	found = [re.match(r"\d+\.\d+ IP (\S+) > (\S+): UDP, (?:bad )?length (\d+)", line) for line in lines]
	check(all(found), f"tcpdump prints {[line for line, match in zip(lines, found) if not match][:3]}")
	return [(match[1], match[2], int(match[3])) for match in found]


with Lab(network=QUICK) as lab:
	# The short frames are the worker's to see, not the XDP program's to drop.
	node, peer = played(lab, config={"filter": {"early_drop": False}})
	with peer:
		sums = Books(node)
		file = pathlib.Path(lab.run.folder) / "wire.pcapng"
		made = [peer.make(node) for _ in range(COUNT)]
		thread, failures = captured(node, file, 3 * COUNT)
		equal(node.rest.call("POST", "/v1/trace", {})[0], 409, "a trace beside a capture")
		equal(node.rest.get("/v1/trace")["state"], "none", "a trace that is a capture")
		for packet, _ in made:
			peer.send(peer.frame(node, packet))
		sums.moves("packets while they are captured", FORWARDED, times=COUNT)
		for packet, _ in made:
			peer.send(peer.frame(node, packet[:64]))
		sums.moves("and short ones", DROPPED, "undersize", times=COUNT)
		thread.join()
		equal(failures, [], "fogctl capture")
		equal(file.stat().st_mode & 0o777, 0o600, "mode of the file")
		data = file.read_bytes()
		found = list(frames(data))
		inward = [frame for frame in found if frame[4][2] == b"\1\0\0\0"]
		outward = [frame for frame in found if frame[4][2] == b"\2\0\0\0"]
		equal((len(inward), len(outward)), (2 * COUNT, COUNT), "frames in and out")
		equal({len(frame[3]) for frame in found}, {HEADERS}, "bytes kept of each")
		equal([frame[2] for frame in inward], [HEADERS + PACKET_LEN] * COUNT + [HEADERS + 64] * COUNT, "sizes")
		equal([frame[4].get(1) for frame in inward], [None] * COUNT + [b"dropped: undersize"] * COUNT, "comments")
		equal({frame[0] for frame in found}, {0}, "interface")
		times = [frame[1] for frame in found]
		equal(times, sorted(times), "order in time")
		written = file.stat().st_mtime_ns
		check(written - 120e9 < times[0] <= times[-1] < written + 1e9, f"times {times[0]} to {times[-1]}, file {written}")
		for packet, left in made:
			for bytes_of in (packet, left):
				check(bytes_of[2:18] not in data, "bytes of a packet are in the file")
		seen = tcpdump(file)
		here = f"{node.ip4}.{MIX_PORT}"
		equal(len([line for line in seen if line[1] == here]), 2 * COUNT, "frames to the node as tcpdump sees it")
		equal(sorted({line[2] for line in seen}), [64, PACKET_LEN], "sizes as tcpdump sees them")
		sent = [line for line in seen if line[0].startswith(node.ip4 + ".")]
		equal(len(sent), COUNT, "frames from the node as tcpdump sees it")
		sums.close()
