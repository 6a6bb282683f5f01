# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Clients on a network with a directory that loses 2 % of all datagrams: their messages of 1 B to 64 KiB arrive once
and are acknowledged, though clients and a gateway's control plane are killed on the way. fogctl as a client."""
import subprocess

from _init import check, drops, netns, port_lost
from clients import Client, Post, network

MESSAGES, KILLS = 20, 3
# One of six packets or answers is lost on its ten links. With client_long.py's 5 % it is two of five, and
# the test takes three times as long.
LOSS = 2


def fogctl(client, *words):
	argv = [client.lab.bin / "fogctl", *words, "--client", client.folder]
	done = subprocess.run(netns.command(client.netns, argv), capture_output=True, timeout=client.lab.patience_s)
	check(done.returncode == 0, f"fogctl {words[0]}: {done.returncode}, {done.stderr.decode()}")
	return done.stdout.decode()


def dropped(lab):
	return {node.name: (port_lost(node), drops(node)) for node in lab}


def by_hand(lab):
	"""What one types: the first message creates the client's folder."""
	one, other = Client(lab, 10, "gateway1"), Client(lab, 11, "gateway2")
	new = ("--network", lab.topology_path, "--gateway")
	address = fogctl(other, "client", "address", *new, other.gateway).strip()
	check(fogctl(other, "receive") == "no messages\n", "a new mailbox")
	said = fogctl(one, "send", *new, one.gateway, address, "who is there?")
	check("acknowledged, 1 of 1 fragments" in said, said)
	said = fogctl(other, "receive", "--wait", "60")
	check("13 bytes\nwho is there?" in said, said)
	before = dropped(lab)
	said = fogctl(one, "ping", "--count", "3", "gateway2")
	check(said.startswith("3 sent, 3 returned, 0 lost"), f"{said}dropped before and since: {before} {dropped(lab)}")
	print(said)
	# What got lost was lost on the wires.
	for name, (_, reasons) in dropped(lab).items():
		check("client_rate" not in reasons, f"drops of {name}: {reasons}")


def main():
	with network(12, client_send="10ms", client_loops="2s", client_fetch="5ms") as lab:
		lab.start()
		lab.faults.loss(LOSS)
		post = Post(lab, [Client(lab, i, f"gateway{1 + i % 2}") for i in range(4)], MESSAGES, seed=6)
		post.start()

		def gateway_too(kills):
			if kills == 2:
				lab["gateway1"].kill("control")
				lab["gateway1"].start("control")
				lab["gateway1"].wait_ready()
		post.kill_until(KILLS, lab.patience_s, gateway_too)
		post.finish(2 * lab.patience_s)
		lab.faults.clear()  # fogctl ping says what got lost, but sends nothing again
		by_hand(lab)


if __name__ == "__main__":
	main()
