#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl store: backups and their way back, migrations, moves between the stores and back, what is refused. Started by
tests/postgres.py: the store is FOGLINE_STORE's.

usage: command_check.py FOGCTL"""
import fcntl
import json
import os
import pathlib
import pwd
import sqlite3
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import old_store  # noqa: E402

STORE = os.environ["FOGLINE_STORE"]
OLD = os.environ.get("FOGLINE_OLD_STORE")
OLD_USERS = ["old.admin", "old.operator", "old.user"] if OLD else []
SHARED = STORE.startswith("postgresql://")
NOBODY = pwd.getpwnam("nobody")


def check(condition, what):
	if not condition:
		raise SystemExit(f"failed: {what}")


class Host:
	"""A configuration whose store is at 'url', or where it is by default."""

	def __init__(self, fogctl, folder, name, url=""):
		self.fogctl = fogctl
		self.state = folder / name
		self.config = folder / f"{name}.yaml"
		self.config.write_text(json.dumps({
			"instance": name, "user": "nobody" if os.geteuid() == 0 else "", "run_dir": str(folder / "run"),
			"state_dir": str(self.state), "topology": str(folder / "topology.yaml"), "workers": {"cpus": [0]},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}],
			"store": {"url": url}}))

	def put_old(self):
		"""What an older version left of its state."""
		control = self.state / "control"
		control.mkdir(parents=True)
		old_store.put_key(control / "platform.key")
		if not SHARED:
			old_store.put(OLD, control / "platform.db")
		for path in (self.state, control, *control.iterdir()):
			os.chown(path, NOBODY.pw_uid if os.geteuid() == 0 else -1, -1)

	def run(self, *words, code=0, command="store", says=""):
		done = subprocess.run(
			[self.fogctl, command, *map(str, words), "--config", self.config],
			input=says, capture_output=True, text=True, timeout=60)
		check(done.returncode == code, f"{words}: exit code {done.returncode}: {done.stderr}")
		return done.stdout if code == 0 else done.stderr

	def audit(self, *words, code=0):
		return self.run("verify", "-j", *words, command="audit", code=code)

	def rows(self, action):
		rows = [json.loads(line) for line in self.run("export", "--action", action, command="audit").splitlines()]
		return [(row["outcome"], row["object"]) for row in rows]

	def users(self):
		return self.run("list", "-j", command="user")

	def add(self, name):
		self.run("add", name, command="user", says="an owl in the fog\n")


def lines(path):
	return [json.loads(line) for line in path.read_text().splitlines()]


def check_backup(host, folder):
	if OLD:
		check("fogctl store migrate" in host.run("backup", folder / "early", code=1), "a store that is not up to date")
		check(not (folder / "early").exists() or (folder / "early").stat().st_size == 0, "leaves no backup")
	ran = host.run("migrate")
	check("steps that ran: " in ran and ran.split()[-1] != "0", f"an empty store, or an old one, is brought up to date: {ran}")
	check("steps that ran: 0" in host.run("migrate"), "once")
	check(host.rows("store.migrate") == [("done", "store")], "steps that ran are in the audit, once")
	host.add("ann")
	host.add("bob")
	backup = folder / "backup"
	check(f"{backup}: " in host.run("backup", backup), "a backup")
	check(stat.S_IMODE(backup.stat().st_mode) == 0o600, "a backup is closed to others")
	parts = lines(backup)
	check(parts[0]["fogline"] == "store" and parts[-1]["rows"] == sum(isinstance(part, list) for part in parts), "its form")
	check("isn't there" in host.run("backup", backup, code=1), "a file that is there is kept")
	check(lines(backup) == parts, "as it was")
	check("folder" in host.run("backup", folder / "no" / "backup", code=1), "a folder that isn't there")
	return backup


def check_restore(host, folder, backup):
	before = host.users()
	host.add("cid")
	check("--force" in host.run("restore", backup, code=1), "a store that isn't empty")
	check(host.rows("store.restore") == [("begun", str(backup)), ("refused", str(backup))], f"a refused one: {host.rows('store.restore')}")
	check("cid" in host.users(), "stays as it was")
	cut = folder / "cut"
	cut.write_bytes(backup.read_bytes()[:-100])
	check("damaged" in host.run("restore", cut, "--force", code=1), "a file that was cut")
	check("cid" in host.users(), "changes nothing")
	check("rows: " in host.run("restore", backup, "--force"), "a backup is restored")
	check(host.users() == before, f"all is as it was: {host.users()}")
	check(host.rows("store.restore")[-1] == ("done", str(backup)), f"{host.rows('store.restore')}")
	host.add("dan")
	check(f'"id":{len(OLD_USERS) + 3}' in host.users().replace(" ", ""), f"the next account: {host.users()}")
	host.run("restore", backup, "--force")


def check_running(host, folder, backup):
	"""What a control plane holds while it runs."""
	fd = os.open(host.state, os.O_RDONLY)
	fcntl.flock(fd, fcntl.LOCK_EX)
	for words in (("restore", backup, "--force"), ("move", folder / "running.db")):
		check("control plane runs" in host.run(*words, code=1), f"{words} beside a control plane")
	check(not (folder / "running.db").exists(), "nothing was made")
	host.run("backup", folder / "beside")
	host.run("migrate")
	os.close(fd)


def check_move(host, fogctl, folder):
	"""To SQLite and back: what the two stores say is the same."""
	users = host.users()
	there = folder / "there"
	there.mkdir(mode=0o777)
	there.chmod(0o777)
	target = there / "platform.db"
	check("store.url" in host.run("move", target), "a move")
	check(host.rows("store.move") == [("begun", str(target))], "the audit of the store that it came from")
	if os.geteuid() == 0:
		check(target.stat().st_uid == NOBODY.pw_uid, "it belongs to the control plane's user")
	with sqlite3.connect(target) as db:
		check(db.execute("SELECT name FROM account ORDER BY id").fetchall() == [(name,) for name in (*OLD_USERS, "ann", "bob")], "its rows")
		moved = db.execute("SELECT outcome, object FROM audit WHERE action = 'store.move' ORDER BY id").fetchall()
		check(moved == [("begun", str(target)), ("done", str(target))], f"the audit of the new one: {moved}")
	other = Host(fogctl, folder, "other", str(target))
	# The key that seals secrets goes by hand.
	(other.state / "control").mkdir(parents=True)
	for path in (other.state, other.state / "control"):
		os.chown(path, host.state.stat().st_uid, host.state.stat().st_gid)
	key = other.state / "control" / "platform.key"
	key.write_bytes((host.state / "control" / "platform.key").read_bytes())
	key.chmod(0o600)
	if os.geteuid() == 0:
		for path in (other.state / "control", key):
			os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
	check(other.users() == users, "accounts are the same there")
	other.add("eve")
	check("--force" in other.run("move", host_url(host), code=1), "the old store isn't empty")
	other.run("move", host_url(host), "--force")
	back = host.rows("store.move")[-1]
	check(back[0] == "done" and "fogline@" not in back[1] and back[1] != "", f"the move back: {back}")
	check("eve" in host.users(), "back again")
	check("cannot" in host.run("move", folder / "no" / "where.db", code=1), "where there is no folder")


def host_url(host):
	return STORE if SHARED else host.state / "control" / "platform.db"


def check_usage(host):
	for words in ((), ("backup",), ("migrate", "x"), ("restore",), ("move",), ("steal", "x"), ("backup", "a", "b"), ("migrate", "--no")):
		check("usage" in host.run(*words, code=2), f"{words}")


def main():
	with tempfile.TemporaryDirectory(prefix="fogline-store-") as name:
		folder = pathlib.Path(name)
		folder.chmod(0o755)
		host = Host(sys.argv[1], folder, "host", STORE if SHARED else "")
		if OLD:
			host.put_old()
		backup = check_backup(host, folder)
		check_restore(host, folder, backup)
		check_running(host, folder, backup)
		check_move(host, sys.argv[1], folder)
		check_usage(host)


if __name__ == "__main__":
	main()
