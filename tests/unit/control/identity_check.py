#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""fogctl identity on a state folder made here: what it prints, compared with python3-cryptography and
hashlib, what it refuses, and whether a backup gives back the same node."""
import fcntl
import hashlib
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

FOGCTL = sys.argv[1]
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def run(*words, says=b""):
	done = subprocess.run([FOGCTL, "identity", *map(str, words)], input=says, capture_output=True, timeout=60)
	return done.returncode, done.stdout.decode(), done.stderr.decode()


def check(condition, what):
	if not condition:
		raise SystemExit(f"failed: {what}")


def fields(text):
	return dict(re.findall(r"(\w+): ([0-9a-f]{64})", text))


def expected(seed):
	"""The entry of a seed, computed by other code."""
	identity = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(*RAW)
	derive = lambda label: hashlib.blake2b(label, digest_size=32, key=seed).digest()
	link = x25519.X25519PrivateKey.from_private_bytes(derive(b"fogline link key v1"))
	vrf = ed25519.Ed25519PrivateKey.from_private_bytes(derive(b"fogline vrf key v1"))
	return {
		"id": hashlib.blake2b(identity, digest_size=32).hexdigest(), "identity": identity.hex(),
		"link_key": link.public_key().public_bytes(*RAW).hex(),
		"vrf_key": vrf.public_key().public_bytes(*RAW).hex(),
	}


def write_key(folder, seed):
	folder.mkdir(mode=0o711)
	public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(*RAW)
	(folder / "identity.key").write_bytes(seed + public)
	(folder / "identity.key").chmod(0o600)
	(folder / "identity.pub").write_text(public.hex() + "\n")


def check_show(folder, seed):
	code, out, err = run("show", folder)
	check(code == 0, f"show: {err}")
	check(fields(out) == expected(seed), f"show says {out}")
	check(out.startswith("  - name: node\n"), "the entry begins with the folder's name")
	code, out, err = run("show", folder.parent / "nowhere")
	check(code == 1 and "no identity" in err, "show where there is none")
	check(not (folder.parent / "nowhere").exists(), "show makes nothing")


def check_lock(folder):
	"""A control plane holds this lock for as long as it runs."""
	fd = os.open(folder, os.O_RDONLY)
	fcntl.flock(fd, fcntl.LOCK_EX)
	for words in (("show", folder), ("rotate", folder), ("backup", folder, folder.parent / "x"),
	              ("restore", folder, folder.parent / "good")):
		code, _, err = run(*words, says=b"correct horse\n")
		check(code == 1 and "another control plane" in err, f"{words[0]} while locked: {err}")
	check(not (folder.parent / "x").exists(), "no backup was written")
	os.close(fd)


def check_backup(top, folder, seed):
	good = top / "good"
	code, out, err = run("backup", folder, good, says=b"correct horse\n")
	check(code == 0 and "opened" in out, f"backup: {err}")
	check(good.stat().st_mode & 0o777 == 0o600, "a backup is root-only")
	data = good.read_bytes()
	check(seed not in data and seed[:16] not in data, "the seed is not in clear")
	code, _, err = run("backup", folder, good, says=b"correct horse\n")
	check(code == 1 and "name another" in err, f"a file is not overwritten: {err}")
	check(good.read_bytes() == data, "and stays as it is")
	code, _, err = run("backup", folder, top / "short", says=b"short\n")
	check(code == 1 and "8 to" in err and not (top / "short").exists(), "a short passphrase")
	other = top / "other"
	code, _, err = run("restore", other, good, says=b"wrong horse\n")
	check(code == 1 and "another passphrase" in err and not other.exists(), "a wrong passphrase")
	# Every part of the file counts.
	for at in (0, 20, 28, 40, 60, 100, len(data) - 1):
		bad = top / "bad"
		bad.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
		check(run("restore", other, bad, says=b"correct horse\n")[0] == 1, f"byte {at} was changed")
	for wrong in (data[:-1], data + b"x", b""):
		bad.write_bytes(wrong)
		check(run("restore", other, bad, says=b"correct horse\n")[0] == 1, "another length")
	check(not (other / "identity.key").exists(), "nothing was restored")
	phrase = top / "phrase"
	phrase.write_text("correct horse\n")
	code, out, err = run("restore", other, good, "--passphrase-file", phrase)
	check(code == 0 and fields(out) == expected(seed), f"restore: {err}")
	check((other / "identity.key").read_bytes() == (folder / "identity.key").read_bytes(), "the same key")
	check((other / "identity.key").stat().st_mode & 0o777 == 0o600, "for root only")
	code, _, err = run("restore", folder, good, says=b"correct horse\n")
	check(code == 1 and "has an identity" in err, f"restore over an identity: {err}")


def at_terminal(words, says):
	"""On a terminal of its own. Returns exit code, what it showed, whether it echoes again; a None waits
	until the question was asked and interrupts."""
	main, side = pty.openpty()
	done = subprocess.Popen([FOGCTL, "identity", *map(str, words)], stdin=side, stdout=subprocess.PIPE,
		stderr=subprocess.PIPE, bufsize=0, preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
	asked, deadline = b"", time.monotonic() + 60
	for line in says:
		while not asked.endswith(b": ") and (byte := done.stderr.read(1)):
			asked += byte
		# What was typed before it stops to echo is thrown away.
		while termios.tcgetattr(side)[3] & termios.ECHO:
			check(done.poll() is None and time.monotonic() < deadline, f"not asked: {asked}")
			time.sleep(0.01)
		if line is None:
			done.send_signal(signal.SIGINT)
			break
		os.write(main, line)
		asked = b""
	out, err = done.communicate(timeout=60)
	echoes = bool(termios.tcgetattr(side)[3] & termios.ECHO)
	os.close(main)
	os.close(side)
	return done.returncode, (out + err).decode(), echoes


def check_terminal(top, folder, seed):
	"""Who types blindly is asked twice for a new passphrase, and an interrupt leaves a terminal that shows."""
	code, out, echoes = at_terminal(("backup", folder, top / "typed"), (b"correct horse\n", b"correct hose\n"))
	check(code == 1 and "begin again" in out and echoes, f"two passphrases: {out}")
	check(not (top / "typed").exists(), "no backup of it")
	code, out, echoes = at_terminal(("backup", folder, top / "typed"), (None,))
	check(code != 0 and echoes and not (top / "typed").exists(), f"interrupted: {code} {out}")


def check_rotate(folder, seed):
	old = (folder / "identity.key").read_bytes()
	code, out, err = run("rotate", folder)
	check(code == 0, f"rotate: {err}")
	check("topology file of ALL nodes" in out, "rotate says what has to change")
	new = (folder / "identity.key").read_bytes()
	check(new != old and fields(out) == expected(new[:32]), "a new identity")
	kept = [p for p in folder.iterdir() if p.name.startswith("identity.key.OLD-")]
	check(len(kept) == 1 and kept[0].read_bytes() == old, "the old one is kept")
	check(kept[0].stat().st_mode & 0o777 == 0o600, "for root only")
	check((folder / "identity.pub").read_text() == new[32:].hex() + "\n", "identity.pub follows")
	code, _, _ = run("rotate", folder.parent / "nowhere2")
	check(code == 1, "nothing to rotate")
	# Old keys of every second in which this can run: they stay, and so does the one in use.
	for second in range(int(time.time()), int(time.time()) + 600):
		(folder / time.strftime("identity.key.OLD-%Y%m%dT%H%M%SZ", time.gmtime(second))).touch()
	code, _, err = run("rotate", folder)
	check(code == 1 and "try again" in err, "another one of this second")
	check((folder / "identity.key").read_bytes() == new, "nothing is overwritten")


def check_mends(top, folder):
	"""Whoever names the wrong place is told what to name."""
	code, _, err = run("show", top / "nobody")
	check(code == 1 and "name the state folder of a node" in err, "show: the mend")
	for words in (("backup", folder, top / "nowhere" / "box"), ("restore", top / "another", top / "nothing")):
		code, _, err = run(*words, says=b"long enough a phrase\n")
		check(code == 1 and "No such file" in err and "name a file" in err, f"{words[0]}: the mend")


def main():
	os.umask(0o022)
	with tempfile.TemporaryDirectory() as name:
		top = pathlib.Path(name)
		folder, seed = top / "node", bytes(range(32))
		write_key(folder, seed)
		check_show(folder, seed)
		check_backup(top, folder, seed)
		check_terminal(top, folder, seed)
		check_lock(folder)
		check_mends(top, folder)
		check_rotate(folder, seed)
	check(run()[0] == 2 and run("show")[0] == 2 and run("burn", "x")[0] == 2, "usage")


main()
print("ok")
