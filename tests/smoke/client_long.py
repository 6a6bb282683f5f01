#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""10,000 messages of clients, of 1 B to 64 KiB (log-uniform), where every link loses 5 % of its datagrams, with 20
clients killed on the way, and each plane of a gateway twice: all arrive once, in their bytes, and are acknowledged.

59 MB are a quarter of a million fragments, which a single client at the default rate (10 a second) would need
seven hours for. So there are eight clients, and a network of higher rates: about 50 fragments a second each.

usage: client_long.py [MESSAGES [KILLS]]
"""
import sys
import time

from _init import wait_for
from clients import LOSS, Client, Post, network

CLIENTS, EPOCH_S, LIMIT_S = 8, 30, 3600
TELL_S = 30


def main(messages=10000, kills=20):
	begin = time.monotonic()
	with network(EPOCH_S, client_send="20ms", client_loops="2s", client_fetch="8ms") as lab:
		lab.start()
		lab.faults.loss(LOSS)
		post = Post(lab, [Client(lab, i, f"gateway{1 + i % 2}") for i in range(CLIENTS)], messages, seed=10000)
		post.start()
		told = [0]

		def tell():
			if time.monotonic() - told[0] > TELL_S:
				told[0] = time.monotonic()
				print(f"{told[0] - begin:5.0f} s: {post.accepted()} accepted, {post.delivered()} delivered", flush=True)

		def gateway_too(done):
			tell()
			if done % max(1, kills // 4) == 0:
				node, which = lab[f"gateway{1 + done % 2}"], ("control", "data")[done // max(1, kills // 4) % 2]
				node.kill(which)
				node.start(which)
				node.wait_ready()
				wait_for(f"links of {node.name}", node.linked, lab.patience_s, alive=node.check_alive)
		post.kill_until(kills, LIMIT_S, gateway_too)
		post.finish(LIMIT_S, tell)
	print(f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
	main(*map(int, sys.argv[1:3]))
