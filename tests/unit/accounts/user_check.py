#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl user on a host without a control plane, and beside one: the first admin and what follows; the accounts' own library
then lets in whom fogctl made. As root the files belong to the control plane's user.

usage: user_check.py FOGCTL ACCOUNTS_ANSWER"""
import fcntl
import json
import os
import pathlib
import pty
import pwd
import stat
import subprocess
import sys
import tempfile
import termios
import time

from accounts_answer import ADMIN, OPERATOR, Accounts, check

PASSWORD, OTHER = "an owl in the fog", "a fox in the fog"
NOBODY = pwd.getpwnam("nobody")


class Host:
	def __init__(self, fogctl, folder):
		self.fogctl, self.folder = fogctl, folder
		self.user = "nobody" if os.geteuid() == 0 else ""
		self.state = folder / "state"
		self.config = folder / "n.yaml"
		self.config.write_text(json.dumps({
			"instance": "n", "user": self.user, "run_dir": str(folder / "run"), "state_dir": str(self.state),
			"topology": str(folder / "topology.yaml"), "workers": {"cpus": [0]},
			"ports": [{"name": "p0", "driver": "loop", "device": "a", "addresses": ["192.0.2.1"]}]}))

	def argv(self, *words):
		return [self.fogctl, "user", *words, "--config", str(self.config)]

	def run(self, *words, says="", code=0):
		done = subprocess.run(self.argv(*words), input=says, capture_output=True, text=True, timeout=60)
		check(done.returncode == code, f"{words}: exit code {done.returncode}: {done.stderr}")
		return done.stdout if code == 0 else done.stderr

	def users(self):
		return {user["name"]: user for user in json.loads(self.run("list", "-j"))["users"]}

	def at_terminal(self, words, lines):
		"""Types lines where nobody sees them; returns exit code and all that the terminal showed."""
		main, side = pty.openpty()
		done = subprocess.Popen(
			self.argv(*words), stdin=side, stdout=side, stderr=subprocess.PIPE, bufsize=0,
			preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
		asked, deadline = b"", time.monotonic() + 60
		for line in lines:
			while not asked.endswith(b": ") and (byte := done.stderr.read(1)):
				asked += byte
			# What was typed before it stops to echo is thrown away.
			while termios.tcgetattr(side)[3] & termios.ECHO:
				check(done.poll() is None and time.monotonic() < deadline, f"not asked: {asked}")
				time.sleep(0.01)
			os.write(main, line.encode() + b"\n")
			asked = b""
		err = done.communicate(timeout=60)[1].decode()
		check(termios.tcgetattr(side)[3] & termios.ECHO, "the terminal shows nothing any more")
		os.set_blocking(main, False)
		try:
			shown = os.read(main, 65536).decode()
		except BlockingIOError:
			shown = ""
		os.close(main)
		os.close(side)
		return done.returncode, shown + err


def check_first(host):
	check("account 1" in host.run("add", "Root.One", "--role", "admin,operator", says=PASSWORD + "\n"), "the first admin")
	user = host.users()["root.one"]
	check((user["roles"], user["tier"], user["state"], user["totp"]) == ("operator,admin", "free", "active", False), f"{user}")
	for path in (host.state / "control", *(host.state / "control").iterdir()):
		about = path.stat()
		check(not host.user or about.st_uid == NOBODY.pw_uid, f"{path} belongs to {about.st_uid}")
		check(stat.S_IMODE(about.st_mode) & 0o077 == 0, f"{path} is open to others")
	table = host.run("list")
	check("root.one" in table and "last login" in table, table)


def check_refused(host):
	check("last admin" in host.run("disable", "root.one", code=1), "the last admin")
	check("name" in host.run("add", "root.one", says=PASSWORD + "\n", code=1), "a name twice")
	check("8 to 128" in host.run("add", "short", says="short\n", code=1), "a short password")
	check("no password" in host.run("add", "none", says="", code=1), "no password")
	check("too long" in host.run("add", "long", says="x" * 2000 + "\n", code=1), "a password without end")
	check("no role" in host.run("add", "role", "--role", "root", says=PASSWORD + "\n", code=2), "a role that there is not")
	check("no tier" in host.run("add", "tier", "--tier", "gold", says=PASSWORD + "\n", code=2), "a tier that there is not")
	check("no such account" in host.run("unlock", "nobody", code=1), "an account that there is not")
	for words in ((), ("add",), ("list", "name"), ("passwd",), ("remove", "root.one"), ("list", "--role", "user"), ("add", "a", "b")):
		check("usage" in host.run(*words, code=2), f"{words}")
	check(set(host.users()) == {"root.one"}, "a refused one was made")


def check_terminal(host):
	code, said = host.at_terminal(("add", "typed"), [PASSWORD, PASSWORD])
	check(code == 0 and PASSWORD not in said, f"typed twice: {said}")
	code, said = host.at_terminal(("passwd", "typed"), [OTHER, PASSWORD])
	check(code == 1 and "two passwords" in said and OTHER not in said, f"typed differently: {said}")


def check_beside(host, program):
	"""A control plane runs meanwhile."""
	control = host.state / "control"
	with Accounts(program, control / "platform.db", control / "platform.key") as plane:
		def login(name, password):
			return plane.ask("login", name=name, password=password)

		access = login("root.one", PASSWORD)["access"]
		check(plane.good("find", bearer=access)["roles"] == ADMIN | OPERATOR, "its roles")
		host.run("passwd", "root.one", says=OTHER + "\n")
		deadline = time.monotonic() + 60
		while plane.ask("find", bearer=access)["r"] == 0:
			check(time.monotonic() < deadline, "the session goes on with a new password")
			time.sleep(0.02)
		check(login("root.one", PASSWORD)["why"] == "password", "the old password")
		check(login("root.one", OTHER)["r"] == 0, "the new one")
		for _ in range(5):
			login("typed", OTHER)
		check(login("typed", PASSWORD)["why"] == "locked_pair", "five failures")
		host.run("unlock", "typed")
		check(login("typed", PASSWORD)["r"] == 0, "unlocked")
		host.run("disable", "typed")
		check(login("typed", PASSWORD)["code"] == "disabled", "disabled")
		check(host.users()["typed"]["state"] == "disabled", "listed as disabled")
		host.run("enable", "typed")
		check(login("typed", PASSWORD)["r"] == 0, "enabled")


def audit(host, *words, code=0):
	done = subprocess.run(
		[host.fogctl, "audit", *words, "--config", str(host.config)], capture_output=True, text=True, timeout=60)
	check(done.returncode == code, f"audit {words}: exit code {done.returncode}: {done.stdout} {done.stderr}")
	return done.stdout


def check_audit(host):
	"""Each change has two rows, which say who; several commands at once write one chain."""
	rows = [json.loads(line) for line in audit(host, "export", "--source", "host").splitlines()]
	what = [(row["action"], row["outcome"]) for row in rows]
	for action in ("user.create", "user.update", "user.unlock", "password.set"):
		check((action, "begun") in what and (action, "done") in what, f"{action}: {what}")
	check(("user.update", "refused") in what, f"the last admin: {what}")
	check(sum(outcome == "begun" for _, outcome in what) * 2 == len(what), f"halves: {what}")
	uid = os.environ.get("SUDO_UID", str(os.getuid())) if os.getuid() == 0 else str(os.getuid())
	for row in rows:
		check(row["actor_kind"] == "local" and row["actor_id"] == uid and "@" in row["actor_name"], f"{row}")
	made = next(row for row in rows if row["action"] == "user.create" and row["outcome"] == "done")
	check(made["object"] == "/v1/users/1" and PASSWORD not in str(rows), f"{made}")
	env = {**os.environ, "SUDO_UID": "4711", "SUDO_USER": "carol"}
	several = [
		subprocess.Popen(host.argv("add", f"many{i}"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=env)
		for i in range(6)]
	for one in several:
		one.stdin.write(PASSWORD + "\n")
		one.stdin.close()
	check(all(one.wait(60) == 0 for one in several), "several at once")
	rows = [json.loads(line) for line in audit(host, "export", "--source", "host").splitlines()]
	check(len({row["chain"] for row in rows}) == 1, "one chain")
	check(len([row for row in rows if row["action"] == "user.create" and row["outcome"] == "done"]) >= 8, "all of them")
	if os.getuid() == 0:
		check(rows[-1]["actor_id"] == "4711" and rows[-1]["actor_name"].startswith("carol@"), f"{rows[-1]}")
	said = json.loads(audit(host, "verify", "-j"))
	check(said["ok"] and said["unwatched_chains"] == 0 and said["rows"] == len(rows), f"{said}")
	# Without its key nothing is changed, and nobody is told that it was.
	key = host.state / "control" / "audit-host.key"
	kept, users = key.read_bytes(), host.users()
	key.write_bytes(b"short")
	check("without an audit" in host.run("disable", "many1", code=1), "a broken key")
	check(host.users() == users, "what could not be noted was changed")
	key.write_bytes(kept)
	host.run("disable", "many1")


def main(fogctl, program):
	with tempfile.TemporaryDirectory(prefix="fogline-check-") as name:
		folder = pathlib.Path(name)
		folder.chmod(0o711)
		host = Host(fogctl, folder)
		if os.geteuid() != 0:
			(host.state / "control").mkdir(parents=True, mode=0o700)
		check_first(host)
		check_refused(host)
		check_terminal(host)
		if os.geteuid() == 0:
			# The library opens keys of its own user only.
			for path in (host.state / "control", *(host.state / "control").iterdir()):
				os.chown(path, 0, 0)
			host.user = ""
			host.config.write_text(host.config.read_text().replace('"nobody"', '""'))
		check_beside(host, program)
		check_audit(host)
	print("fogctl user: the first admin, and those after him")


if __name__ == "__main__":
	if len(sys.argv) != 3:
		sys.exit(__doc__)
	main(*sys.argv[1:])
