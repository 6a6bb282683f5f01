# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Either process of a mix killed with SIGKILL at random moments of its rollovers, under traffic, and started
again: it recovers by itself; what a replay table remembers outlives every kill for as long as its key; tables
of dead keys are gone; no private key is ever in a file; and of all frames seen on its link, sent again, nothing
is accepted."""
import random
import time

from _init import Lab, check, drops, encrypted, equal, moved, netns, report, wait_for
from memory import mix_key
from steady import SHORT, Steady, three

EPOCH_S = 12
AGAIN = 2000  # frames sent again
DATA = 4  # type of a link frame


def keys_of(node):
	plane = node.rest.get("/v1/status")["data_plane"]
	return plane["mix_keys"] if plane else []


class Watch:
	"""What a mix's replay tables hold, looked at again and again."""

	def __init__(self, node):
		self.node, self.seen, self.epochs = node, {}, set()

	def look(self):
		try:
			keys = keys_of(self.node)
		except OSError:
			return
		check(len(keys) <= 2, f"{len(keys)} keys at a time: {keys}")
		for key in keys:
			name = key["epoch"], key["mix_public_key"]
			check(key["replay_count"] >= self.seen.get(name, 0),
				f"the table of epoch {key['epoch']} forgot packets: {key['replay_count']} after {self.seen.get(name)}")
			self.seen[name] = key["replay_count"]
			self.epochs.add(key["epoch"])
		check(len({epoch for epoch, _ in self.seen}) == len(self.seen), f"an epoch with two keys: {list(self.seen)}")

	def rest(self, seconds):
		end = time.monotonic() + seconds
		while time.monotonic() < end:
			self.look()
			time.sleep(0.1)


def files_with(node, secret):
	"""Files of the node that hold these bytes, as they are or in hexadecimal digits."""
	forms = secret, secret.hex().encode(), secret.hex().upper().encode()
	found = []
	for folder in (node.state_dir, node.run_dir, node.replay_dir, node.folder):
		for path in folder.rglob("*"):
			try:
				data = path.read_bytes() if path.is_file() else b""
			except FileNotFoundError:  # gone meanwhile
				continue
			if any(form in data for form in forms):
				found.append(path)
	return found


def no_key_in_files(node, epochs):
	"""Returns how many keys were looked for."""
	identity = (node.state_dir / "identity.key").read_bytes()[:32]
	check(files_with(node, identity), "the search finds nothing")
	keys = {epoch: mix_key(f"lab{node.lab.run.number}-{node.name}", node.uid, epoch) for epoch in epochs}
	for epoch, key in keys.items():
		if key:
			found = files_with(node, key)
			check(not found, f"the private key of epoch {epoch} is in {found}")
	return sum(map(bool, keys.values()))


def tables(node):
	return {int(path.name.split("-")[1]) for path in node.replay_dir.rglob("replay-*")}


def killed(lab, mix, watch, which):
	received = lab["service"].rest.get("/v1/status")["messages"]["received"]
	mix.kill(which)
	count = no_key_in_files(mix, {max(watch.epochs) + step for step in (-1, 0, 1, 2)})
	check(count > 0, "no key is in the keyring")
	mix.start(which)
	mix.wait_ready()
	wait_for("messages to pass again", lambda:
		lab["service"].rest.get("/v1/status")["messages"]["received"] > received + 10)
	watch.look()


def again(lab, mix, frames):
	"""Frames to the mix once more: their sessions have seen them, or are gone."""
	check(report.rest_of(lab), "traffic doesn't come to rest")
	before = drops(mix)
	sock = netns.packet_socket(lab.switch.netns, mix.switch_port)
	for frame in frames:
		sock.send(frame)
		time.sleep(0.0002)
	sock.close()
	refused = wait_for("the frames to be refused", lambda: (change := moved(before, drops(mix))) and
		sum(change.values()) >= len(frames) and change)
	equal(sum(refused.values()), len(frames), f"frames that were dropped, {refused}")
	check(all(reason.startswith("link_") for reason in refused), f"not all by the link: {refused}")
	print(f"sent again: {refused}")


def sessions(lab):
	"""Of a link that no kill concerns."""
	return next(link["sessions"] for link in lab["gateway"].rest.get("/v1/links")["links"] if link["name"] == "service")


def run(kills, seconds):
	"""At most so many kills within so many seconds."""
	seed = random.randrange(1 << 32)
	print(f"seed {seed}")
	chance = random.Random(seed)
	with Lab(network={**encrypted(EPOCH_S), **SHORT}) as lab:
		three(lab)
		mix = lab["mix1"]
		watch, done, end = Watch(mix), 0, time.monotonic() + seconds
		lab["gateway"].fogctl("links", "rekey")
		wait_for("old sessions", lambda: sessions(lab) > 1)
		with netns.Capture(lab.switch.netns, mix.switch_port) as capture, Steady(lab) as traffic:
			watch.rest(2)
			while done < kills and time.monotonic() < end:
				watch.rest(chance.uniform(0, EPOCH_S / 3))
				killed(lab, mix, watch, chance.choice(("data", "control")))
				done += 1
				traffic.alive()
			watch.rest(2)
			first = max(watch.epochs)
			wait_for("a rollover after the last kill", lambda: watch.look() or max(watch.epochs) > first,
				4 * EPOCH_S)
			alive = {key["epoch"] for key in keys_of(mix)}
			wait_for("tables of dead keys to go", lambda: tables(mix) <= {key["epoch"] for key in keys_of(mix)} | alive)
			traffic.stop()
			wait_for("old sessions to go", lambda: sessions(lab) == 1, every=0.5)
		# Handshakes sent again are another test's.
		to_mix = [frame for out, frame in capture.frames
			if out and frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[42] == DATA]
		again(lab, mix, to_mix[-AGAIN:])
		print(f"{done} kills, epochs {min(watch.epochs)} to {max(watch.epochs)}")
		check(done >= min(kills, 3), f"only {done} kills")
