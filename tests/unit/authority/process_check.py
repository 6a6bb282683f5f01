#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Authorities as processes on loopback agree: four of them, three in spite of the fourth, which votes two ways;
two make nothing. `process_check.py FOG_AUTHORITY DESCRIPTOR_CHECK FOGCTL`"""
import signal
import subprocess
import sys

from authorities import (
	COUNT, LIAR, NODES, check, check_proofs, everywhere, four, fresh_epoch, load, now, open_consensus, upload, vote, wait_for,
)


def check_fogctl(fogctl, proofs, folder, network, liar):
	"""What an operator does with the proof."""
	path = folder / "proofs"
	path.write_bytes(proofs)
	done = subprocess.run(
		[fogctl, "consensus", "verify", "--network", network, path], capture_output=True, text=True, timeout=60)
	check(done.returncode == 0 and f"{liar} has signed two different votes" in done.stdout, f"fogctl: {done}")
	path.write_bytes(bytes([*proofs[:-1], proofs[-1] ^ 1]))
	done = subprocess.run(
		[fogctl, "consensus", "verify", "--network", network, path], capture_output=True, text=True, timeout=60)
	check(done.returncode != 0 and "bad_signature" in done.stdout + done.stderr, f"fogctl, another byte: {done}")


def run(dc, authorities, network, fogctl, folder):
	honest = authorities[:LIAR]
	# What was signed stays until a consensus says that the clock is right.
	old = authorities[0].state / "authority" / "said-vote-1"
	authorities[0].stop()
	old.write_bytes(b"x")
	authorities[0].start(network)
	wait_for("the first one again", authorities[0].answers)
	check(old.exists(), "what was signed is gone, and nobody has said what time it is")
	epoch = fresh_epoch()
	upload(dc, authorities, epoch)
	data = wait_for("the first consensus", lambda: len(c := everywhere(authorities, epoch + 1)) == COUNT and c)
	first = [open_consensus(dc, d, authorities) for d in data]
	check(len({c["digest"] for c in first}) == 1, "they don't agree")
	check(first[0]["names"].keys() == {f"n{i}" for i in range(NODES)}, f"nodes: {first[0]}")
	check((first[0]["voted"], first[0]["shared"], first[0]["lied"]) == (15, 15, 0), f"{first[0]}")
	wait_for("the end of what was signed long ago", lambda: not old.exists())

	# The fourth votes two ways; the first is killed and comes back.
	authorities[LIAR].stop()
	authorities[0].stop(signal.SIGKILL)
	authorities[0].start(network)
	wait_for("the one that was killed", authorities[0].answers)
	check(authorities[0].consensus(epoch + 1) in data, "the killed one lost its consensus")
	epoch = fresh_epoch()
	sent = upload(dc, honest, epoch)
	previous = max((c for c in first if c["epoch"] <= epoch), key=lambda c: c["epoch"])
	wait_for("the time of votes", lambda: now() % 1 > 0.65)
	for k, a in enumerate(honest[:2]):
		lie = vote(authorities[LIAR], epoch + 1, previous["epoch"], previous["digest"], sent[k:])
		status, body = a.request("POST", "/directory/votes", lie)
		check(status == 200, f"the liar's vote {k}: {status} {body}")
	data = wait_for("a consensus of the honest", lambda: len(c := everywhere(honest, epoch + 1)) == LIAR and c)
	second = [open_consensus(dc, d, authorities) for d in data]
	check(len({c["digest"] for c in second}) == 1, "the honest don't agree")
	check((second[0]["voted"], second[0]["lied"]) == (7, 8), f"{second[0]}")
	for a in honest:
		proofs = a.request("GET", "/directory/equivocations")[1]
		check_proofs(proofs, authorities[LIAR])
	check_fogctl(fogctl, proofs, folder, network, f"auth{LIAR + 1}")
	check(authorities[0].request("GET", f"/directory/votes/{epoch + 1}")[0] == 200, "votes are shown")

	# Two of four make none.
	honest[2].stop()
	epoch = fresh_epoch()
	upload(dc, honest[:2], epoch)
	wait_for("the end of the time to sign", lambda: now() > epoch + 1.2)
	check(not everywhere(honest[:2], epoch + 1), "two of four have made a consensus")
	for a in honest[:2]:
		a.stop()


def main(program, descriptor_check, fogctl):
	with four(program) as (authorities, network, folder):
		run(load(descriptor_check), authorities, network, fogctl, folder)
	print("four authorities agree, three in spite of the fourth, two make nothing")


main(*sys.argv[1:])
