#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A small replay table on its way to the end: nothing below 80 %, an alarm from there on wherever an
operator may look, said once in the log, and a closed door when it is full. And the rate limit in front
of it."""
from _init import Lab, check, drops, equal, wait_for
from peer import DROPPED, FORWARDED, QUICK, Books, counters, played

CAPACITY, ALARM = 20, 16  # tags; 80 %
BURST = 64  # what an idle worker accepts at once, however low its limit


def told(node):
	"""What an operator is told of the table: code of the warning, and what the metrics say."""
	codes = {entry["code"] for entry in node.rest.get("/v1/status")["warnings"]}
	text = node.rest.call("GET", "/metrics")[2].decode()
	values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("fog_replay_"))
	return (codes & {"replay_alarm", "replay_full"}, float(values["fog_replay_fill_ratio"]),
		int(values["fog_replay_alarm"]), node.rest.get("/v1/status")["data_plane"]["replay_alarm"],
		"ALARM" in node.fogctl("status"))


def log_lines(node):
	lines = node.log("data").read_text().splitlines()
	return [line for line in lines if "replay table of epoch" in line and " % full" in line]


def fills(mix, peer):
	books, kept = Books(mix), []
	for count in range(1, CAPACITY + 1):
		packet, _ = peer.make(mix)
		kept.append(packet)
		peer.send(peer.frame(mix, packet))
		books.moves(f"packet {count}", FORWARDED)
		alarm = count >= ALARM
		code = {"replay_full"} if count == CAPACITY else {"replay_alarm"} if alarm else set()
		equal(told(mix), (code, count / CAPACITY, alarm, alarm, alarm), f"what is told at {count} of {CAPACITY}")
	for _ in range(3):
		peer.send(peer.frame(mix, peer.make(mix)[0]))
		books.moves("one too many", DROPPED, "replay_full")
	for packet in kept:
		peer.send(peer.frame(mix, packet))
	books.moves("what is in the table", DROPPED, "replay", times=len(kept))
	books.close()
	lines = wait_for("two lines in the log", lambda: len(lines := log_lines(mix)) >= 2 and lines)
	equal(len(lines), 2, "lines in the log")
	check(" 80 % full" in lines[0] and " 100 % full" in lines[1], f"the log says {lines}")


def limited(mix, peer):
	"""One packet a second, and a bucket for bursts. How many seconds this takes is not known, only that
	there are more packets than seconds."""
	frames = [peer.frame(mix, peer.make(mix)[0]) for _ in range(2 * BURST)]
	for frame in frames:
		peer.send(frame)
	wait_for("all packets", lambda: counters(mix)["sum"]["rx"] == len(frames))
	dropped = drops(mix)
	equal(set(dropped), {"rate"}, "reasons")
	wait_for("the others", lambda: counters(mix)["sum"]["tx"] == len(frames) - dropped["rate"])
	check(len(frames) - dropped["rate"] >= BURST, f"{dropped['rate']} of {len(frames)} dropped: the burst is too small")
	# What was turned away takes no place in the table.
	wait_for("the tags of the others", lambda: mix.rest.get("/v1/status")["data_plane"]["replay_count"] ==
		len(frames) - dropped["rate"])
	# Capacity follows from the limit: one packet a second and worker for 20 + 2 minutes, and the burst.
	equal(mix.rest.get("/v1/status")["data_plane"]["replay_capacity"], 22 * 60 + BURST, "capacity")


with Lab(network=QUICK) as lab:
	mix, peer = played(lab, config={"replay": {"capacity": CAPACITY}})
	with peer:
		fills(mix, peer)

with Lab(network=QUICK) as lab:
	mix, peer = played(lab, config={"workers": {"max_rate": 1}})
	with peer:
		limited(mix, peer)
