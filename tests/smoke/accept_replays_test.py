#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""--accept-replays: every packet gets through as often as it comes, everybody who looks is told, and no
production configuration runs with it. And --crypto, and what the self-check at start measures."""
import hashlib
import json
import struct
import subprocess

import hostile
from _init import Lab, check, equal, wait_for
from peer import FORWARDED, QUICK, Books, played

# struct fog_blob: checksum over all that is behind it.
CHECKSUM, GENERATION = slice(16, 48), 48
COPIES = 3
AGAIN = {**FORWARDED, "replay_count": 0, "replays_accepted": 1}  # through, without a new tag


def production(blob, generation):
	"""The same configuration with production: true, which no network without link encryption lets pass."""
	blob = bytearray(blob)
	# struct fog_blob_run begins with the node's ID; production is the sixth number behind it.
	at = blob.index(bytes.fromhex(mix.id), GENERATION) + 32 + 5 * 4
	equal(struct.unpack_from("=I", blob, at)[0], 0, "production in the blob")
	struct.pack_into("=I", blob, at, 1)
	struct.pack_into("=Q", blob, GENERATION, generation)
	blob[CHECKSUM] = hashlib.blake2b(blob[GENERATION:], digest_size=32).digest()
	return bytes(blob)


def loud(node, on):
	"""The warning, the metric, the log."""
	status = node.rest.get("/v1/status")
	equal(status["data_plane"]["accept_replays"], on, "accept_replays in the status")
	equal("accept_replays" in {entry["code"] for entry in status["warnings"]}, on, "warning")
	text = node.rest.call("GET", "/metrics")[2].decode().splitlines()
	equal(f"fog_accept_replays {int(on)}" in text, True, "metric")
	equal("warning accept_replays:" in " ".join(node.fogctl("status").split()), on, "fogctl status")
	equal(node.log("data").read_text().count("warning: --accept-replays"), 1, "starts with the option in the log")


def measured(node, crypto):
	status, workers = node.rest.get("/v1/status")["data_plane"], node.rest.get("/v1/workers")["workers"]
	equal(status["crypto"], crypto or status["crypto"], "implementation")
	check(all(worker["capacity_pps"] > 0 for worker in workers), f"capacity of {workers}")
	equal(status["capacity_pps"], sum(worker["capacity_pps"] for worker in workers), "capacity of all")
	text = node.rest.call("GET", "/metrics")[2].decode()
	line = f'fog_worker_capacity_packets_per_second{{worker="0"}} {workers[0]["capacity_pps"]}\n'
	check(line in text, f"no {line!r} in /metrics")
	check(f"{status['capacity_pps']} packets/s, " in node.fogctl("status"), "fogctl status")
	print(f"{status['crypto']}: {status['capacity_pps']} packets/s")


def accepts(mix, peer):
	books = Books(mix)
	packet, arrives = peer.make(mix)
	peer.send(peer.frame(mix, packet))
	books.moves("the first time", FORWARDED)
	for _ in range(COPIES):
		peer.send(peer.frame(mix, packet))
	books.moves("copies", AGAIN, times=COPIES)
	books.close()
	equal(peer.packets(), (1 + COPIES) * [arrives], "packets on the wire")


def refuses_at_run_time(mix):
	"""By the control plane's own socket: ours cannot compile such a configuration today."""
	mix.end("control")
	with hostile.Peer(mix.run_dir / "dp.sock") as peer:
		peer.attach()
		blob = production(mix.blob_path.read_bytes(), peer.generation + 1)
		peer.message(hostile.CONFIG, struct.pack("=Q", peer.generation + 1),
			[hostile.memfd(blob, hostile.BLOB_SEALS)])
		status, text = peer.ack()
		check(status < 0 and "production is 1 and links are not encrypted" in text,
			f"a production configuration: {status} {text!r}")


def refuses_in_control(mix):
	"""The control plane of a production node isn't ready with such a data plane, and has it destroy the key."""
	text = mix.config_path.read_text()
	mix.config_path.write_text(json.dumps({**json.loads(text), "production": True}))
	mix.start("control")
	wait_for("the reason", lambda: "accept_replays" in [
		reason["code"] for reason in mix.rest.call("GET", "/readyz")[2]["reasons"]], alive=mix.check_alive)
	wait_for("the key to be withheld", lambda: "the mix key is kept from it" in mix.log("control").read_text(),
		alive=mix.check_alive)
	mix.end("control")
	mix.config_path.write_text(text)


def fails(mix, sentence, *arguments):
	"""The data plane refuses to start, and says why."""
	done = subprocess.run(
		[mix.lab.bin / "fog-dataplane", "--blob", mix.blob_path, "--run-dir", mix.run_dir, *arguments],
		capture_output=True, text=True, timeout=60)
	equal(done.returncode, 1, f"exit code with {arguments}")
	check(sentence in done.stderr, f"fog-dataplane {arguments} says {done.stderr!r}")


with Lab(network=QUICK) as lab:
	mix, peer = played(lab, arguments=["--accept-replays", "--crypto", "ref"])
	with peer:
		loud(mix, True)
		measured(mix, "ref")
		accepts(mix, peer)
	refuses_at_run_time(mix)
	refuses_in_control(mix)
	equal(mix.end("data"), 0, "end of the data plane")
	good = mix.blob_path.read_bytes()
	mix.blob_path.write_bytes(production(good, 0))
	fails(mix, "production is 1 and links are not encrypted", "--accept-replays")
	mix.blob_path.write_bytes(good)
	fails(mix, "no such implementation; take ref", "--crypto", "abacus")
	mix.options["arguments"] = []
	mix.start("control")
	mix.start("data")
	mix.wait_ready()
	loud(mix, False)
	measured(mix, None)
