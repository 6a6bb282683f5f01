#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The data plane of a mix killed with SIGKILL under traffic and restarted, and drained and restarted:
its control plane, never restarted, gives it back configuration and key; and of all it had accepted
before, sent to it again, nothing is accepted."""
from _init import Lab, books, check, drops, equal, netns, report, wait_for
from steady import SHORT, Steady, number, messages, three

IPV4, UDP, MIX_PORT = b"\x08\x00", 17, (9001).to_bytes(2, "big")
IN_FORCE = ("generation", "checksum", "mix_public_key", "key_epoch")


def data_plane(node):
	return node.rest.get("/v1/status")["data_plane"]


def to_the_mix(capture):
	"""Packets of the network on their way to the mix."""
	return [frame for out, frame in capture.frames
		if out and frame[12:14] == IPV4 and frame[23] == UDP and frame[36:38] == MIX_PORT]


def send_again(lab, mix, frames):
	"""Returns when the mix has taken every frame, and nothing moves any more."""
	before = books(mix)["rx"]
	sock = netns.packet_socket(lab.switch.netns, mix.switch_port)
	for i, frame in enumerate(frames, 1):
		sock.send(frame)
		if i % 100 == 0 or i == len(frames):
			wait_for(f"{i} frames at the mix", lambda i=i: books(mix)["rx"] >= before + i, every=0.01)
	sock.close()
	check(report.rest_of(lab), "traffic doesn't come to rest")


def killed(lab, mix, traffic):
	"""Returns what the mix counted as accepted just before."""
	traffic.more(150)
	accepted = data_plane(mix)["replay_count"]
	mix.kill("data")
	status, _, body = wait_for("word that the data plane is gone", lambda:
		(answer := mix.rest.call("GET", "/readyz"))[0] != 200 and answer)
	equal((status, [reason["code"] for reason in body["reasons"]]), (503, ["no_data_plane"]), "readiness")
	traffic.more(20)
	traffic.stop()
	check(report.rest_of(lab), "traffic doesn't come to rest")
	return accepted


def replayed(lab, mix, frames, least):
	check(least > 100, f"only {least} packets accepted before")
	known = wait_for(f"{least} packets in the replay table", lambda:
		(count := data_plane(mix)["replay_count"]) >= least and count)
	send_again(lab, mix, frames)
	equal(drops(mix), {"replay": known}, "drops of what was sent again")
	equal(books(mix)["tx"], len(frames) - known, "packets that were new to the mix")
	# Now it has accepted all of them, and nothing passes.
	send_again(lab, mix, frames)
	equal(drops(mix), {"replay": known + len(frames)}, "drops the second time")
	equal(books(mix)["tx"], len(frames) - known, "packets sent the second time")
	wait_for("the replay table's count", lambda: data_plane(mix)["replay_count"] == len(frames))


def drained(lab, mix, frames):
	"""A restart in good order."""
	mix.fogctl("drain", "--wait")
	equal(mix.processes.pop("data").wait(60), 0, f"exit code\n{mix.log_end('data')}")
	mix.start("data")
	mix.wait_ready()
	wait_for("the replay table", lambda: data_plane(mix)["replay_count"] == len(frames))
	send_again(lab, mix, frames)
	equal(drops(mix), {"replay": len(frames)}, "drops of what was sent again after a drain")
	equal(books(mix)["tx"], 0, "packets sent again after a drain")


with Lab(network=SHORT) as lab:
	three(lab)
	mix = lab["mix1"]
	before = data_plane(mix)
	with netns.Capture(lab.switch.netns, mix.switch_port) as capture, Steady(lab) as traffic:
		accepted = killed(lab, mix, traffic)
	frames = to_the_mix(capture)
	equal(len(set(frames)), len(frames), "distinct frames on the wire")

	mix.start("data")
	mix.wait_ready()
	after = data_plane(mix)
	check(after["boot_id"] != before["boot_id"], "the same boot ID")
	for key in IN_FORCE:
		equal(after[key], before[key], f"{key} after the restart")
	replayed(lab, mix, frames, accepted)
	drained(lab, mix, frames)
	for node in (lab["gateway"], lab["service"]):
		numbers = list(map(number, messages(node.rest)))
		equal(len(set(numbers)), len(numbers), f"distinct messages at {node.name}")

	with Steady(lab) as traffic:
		traffic.more()
		traffic.arrive()
	mix.check_alive()  # its control plane is the first one
