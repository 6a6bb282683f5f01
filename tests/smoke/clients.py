# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Clients without an appliance that send each other messages, through a network with a directory that loses
datagrams, and are killed on the way. Each is a process of fog-mailer (tests/mailer), which uses libfogclient."""
import collections
import hashlib
import math
import random
import signal
import subprocess
import time

from _init import Lab, check, encrypted, equal, netns, wait_for

LOSS = 5  # per cent of all UDP datagrams, on every link and in each direction
LENGTH_MAX = 64 << 10
CLIENT_RATE = 1000  # of a gateway: beyond what clients send at the highest rates of these tests
HEAD, RECORD = 6, 12  # of an entry of a plan, of what was received


def network(epoch_s, **cover):
	"""The demo's mixes between two gateways; four authorities. Not started."""
	lab = Lab(directory=4, network={
		**encrypted(epoch_s),
		"mix_key": {"epoch": f"{epoch_s}s", "overlap": "3s", "tolerance": "1s"},
		"delay": {"mean": "20ms", "max": "100ms"},
		"cover": {**encrypted()["cover"], **cover},
	})
	for name, role, layer in (
		("gateway1", "gateway", 0), ("mix1", "mix", 1), ("mix2", "mix", 2), ("mix3", "mix", 3), ("gateway2", "gateway", 0),
	):
		lab.add(name, role, layer, config={"links": {"client_rate": CLIENT_RATE}})
	return lab


def lengths(count, dice):
	"""Log-uniform from 1 B to 64 KiB, both ends among them."""
	middle = [round(math.exp(dice.uniform(0, math.log(LENGTH_MAX)))) for _ in range(count - 2)]
	return dice.sample([1, LENGTH_MAX, *middle], count)


def digest(data):
	return hashlib.sha256(data).digest()


class Client:
	"""One client, at the gateway 'gateway'."""

	def __init__(self, lab, index, gateway):
		self.lab, self.name, self.gateway = lab, f"client{index}", gateway
		self.netns, self.address, _ = lab.add_host(self.name, 100 + index)
		self.folder = lab.run.folder / self.name
		self.desk = self.folder.with_suffix(".desk")
		self.desk.mkdir()
		self.log_path = self.folder.with_suffix(".log")
		self.process, self.kills, self.plan = None, 0, []
		self.expected = collections.Counter()

	def write_plan(self, plan):
		"""[(receiver, bytes)]"""
		self.plan = plan
		with (self.desk / "plan").open("wb") as file:
			for to, data in plan:
				file.write(len(data).to_bytes(4, "big") + to.to_bytes(2, "big") + data)

	def start(self):
		argv = [self.lab.bin / "fog-mailer", self.folder, self.lab.topology_path, self.gateway, self.desk]
		with self.log_path.open("ab") as log:
			self.process = subprocess.Popen(
				netns.command(self.netns, argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

	def kill(self):
		self.end(signal.SIGKILL)
		self.kills += 1

	def end(self, how=signal.SIGTERM):
		self.alive()
		self.process.send_signal(how)
		self.process.wait()
		self.process = None

	def alive(self):
		code = self.process.poll()
		check(code is None, f"{self.name} ended with {code}: {self.log_path.read_text()[-500:]}")

	def said(self, name):
		path = self.desk / name
		return path.read_text() if path.exists() else ""

	def accepted(self):
		"""IDs, in the order of the plan."""
		return list(map(int, self.said("accepted").split()))

	def received(self):
		"""ID -> digest. A record cut off by a kill is read again by the next life, under the same ID."""
		path = self.desk / "received"
		data = path.read_bytes() if path.exists() else b""
		at, found = 0, {}
		while at + RECORD <= len(data):
			number = int.from_bytes(data[at:at + 8], "big")
			end = at + RECORD + int.from_bytes(data[at + 8:at + RECORD], "big")
			content = digest(data[at + RECORD:end])
			equal(found.setdefault(number, content), content, f"{self.name}: message {number} read again")
			at = end
		return found


class Post:
	"""'count' messages among the clients: each to another one, drawn at random."""

	def __init__(self, lab, clients, count, seed):
		self.lab, self.clients, self.count = lab, clients, count
		self.dice = random.Random(seed)
		self.bytes = 0
		plans = {client: [] for client in clients}
		for length in lengths(count, self.dice):
			sender, to = self.dice.sample(range(len(clients)), 2)
			data = self.dice.randbytes(length)
			plans[clients[sender]].append((to, data))
			clients[to].expected[digest(data)] += 1
			self.bytes += length
		for client, plan in plans.items():
			client.write_plan(plan)

	def start(self):
		for client in self.clients:
			client.start()
		for client in self.clients:
			wait_for(f"address of {client.name}", lambda client=client: client.said("address"), self.lab.patience_s, alive=client.alive)
		text = "".join(client.said("address") + "\n" for client in self.clients)
		for client in self.clients:
			fresh = client.desk / "receivers.new"
			fresh.write_text(text)
			fresh.rename(client.desk / "receivers")

	def delivered(self):
		return sum(len(client.received()) for client in self.clients)

	def kill_one(self):
		client = self.dice.choice(self.clients)
		client.kill()
		client.start()

	def alive(self):
		for node in self.lab:
			node.check_alive()
		for client in self.clients:
			client.alive()

	def kill_until(self, kills, limit_s, also=lambda kills: None):
		"""Kill clients, spread at random over the way: each time that so many more messages are accepted.
		also(n) is called after the n-th."""
		marks = sorted(self.dice.sample(range(1, self.count), kills))
		end = time.monotonic() + limit_s
		for done, mark in enumerate(marks, 1):
			wait_for(f"{mark} accepted messages", lambda: self.accepted() >= mark, end - time.monotonic(), alive=self.alive)
			time.sleep(self.dice.uniform(0, 0.3))
			self.kill_one()
			also(done)

	def accepted(self):
		return sum(len(client.accepted()) for client in self.clients)

	def finish(self, limit_s, tell=lambda: None):
		"""All are acknowledged, and there once."""
		def over():
			tell()
			ends = [client.said("finished").split() for client in self.clients]
			check(all(not end or end[1] == "0" for end in ends), f"acknowledged, failed, again: {ends}")
			return all(ends)
		wait_for(f"acknowledgements of {self.count} messages", over, limit_s, every=0.5, alive=self.alive)
		wait_for("all messages at their receivers", lambda: self.delivered() >= self.count, limit_s, alive=self.alive)
		# What is still under way would make a message come twice.
		wait_for("empty mailboxes", self.settled, self.lab.patience_s, every=1, alive=self.alive)
		for client in self.clients:
			client.end()
		self.judge()

	def settled(self):
		return all(node.rest.get("/v1/status")["mail"]["waiting"] == 0 for node in self.lab if node.role == "gateway")

	def judge(self):
		again = 0
		for client in self.clients:
			ids = client.accepted()
			equal(ids, list(range(1, len(client.plan) + 1)), f"{client.name}: IDs of accepted messages")
			acknowledged, failed, more = map(int, client.said("finished").split())
			equal((acknowledged, failed), (len(client.plan), 0), f"{client.name}: acknowledged, failed")
			equal(collections.Counter(client.received().values()), client.expected, f"what {client.name} has received")
			again += more
		print(f"{self.count} messages, {self.bytes} bytes: each acknowledged, and there once, in its bytes")
		print(f"{sum(client.kills for client in self.clients)} clients killed, {again} fragments sent again, "
			f"{self.lab.faults.lost()} datagrams lost on the way")
