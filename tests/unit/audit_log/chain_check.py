#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Chains of the audit, checked by a program that shares no code with the one that wrote them, and kill -9.

usage: chain_check.py WRITER FOGCTL, with FOGLINE_STORE (tests/postgres.py)
"""
import datetime
import hashlib
import json
import os
import pathlib
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WRITER, FOGCTL = sys.argv[1:]
STORE = os.environ["FOGLINE_STORE"]
LONG = "FOGLINE_LONG" in os.environ
PATIENCE_S, KILLS, ACKS = 120, 20 if LONG else 4, 500
TEXTS = [
	"actor_kind", "actor_id", "actor_name", "action", "object", "source", "request_id", "correlation_id", "method", "path",
	"outcome", "details"]
OLD_ROWS = 3 if "FOGLINE_OLD_STORE" in os.environ else 0  # of another chain

results = {"passed": 0, "failed": 0}


def check(name, good):
	results["passed" if good else "failed"] += 1
	if not good:
		print(f"FAILED: {name}")


def fields(*parts):
	"""BLAKE2b-256 of parts with their lengths in front, as row.h says."""
	h = hashlib.blake2b(digest_size=32)
	for part in parts:
		data = part if isinstance(part, bytes) else struct.pack(">q", part) if isinstance(part, int) else part.encode()
		h.update(struct.pack(">I", len(data)) + data)
	return h.digest()


def microseconds(text):
	epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
	return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - epoch) // datetime.timedelta(microseconds=1)


def row_hash(row):
	return fields(
		"fogline audit row v1", bytes.fromhex(row["previous"]), row["chain"], row["sequence"], microseconds(row["time"]),
		row["status"], row["duration_us"], bytes.fromhex(row["body_digest"] or ""), *(row[name] for name in TEXTS)).hex()


def head_good(head):
	key = bytes.fromhex(head["key"])
	digest = fields("fogline audit head v1", head["chain"], head["sequence"], bytes.fromhex(head["hash"]), head["time_us"])
	if hashlib.blake2b(key, digest_size=32).hexdigest() != head["chain"]:
		return False
	try:
		Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(head["signature"]), digest)
	except InvalidSignature:
		return False
	return True


def faults(rows, heads):
	"""Numbers of rows that something is wrong with, of one chain."""
	wrong, previous, sequence = set(), "00" * 32, 0
	by_number = {row["sequence"]: row for row in rows}
	for row in sorted(rows, key=lambda row: row["sequence"]):
		sequence += 1
		if row["sequence"] != sequence or row["previous"] != previous:
			wrong.add(sequence)
		if row_hash(row) != row["hash"]:
			wrong.add(row["sequence"])
		sequence, previous = row["sequence"], row["hash"]
	for head in heads:
		if head["sequence"] > sequence:
			wrong.add(sequence + 1)
		elif head["sequence"] > 0 and by_number.get(head["sequence"], {}).get("hash") != head["hash"]:
			wrong.add(head["sequence"])
		if not head_good(head):
			wrong.add(head["sequence"])
	return wrong


def sql(text):
	if STORE.startswith("postgresql:"):
		subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", STORE, "-c", text], check=True, stdout=subprocess.DEVNULL)
		return
	db = sqlite3.connect(STORE)
	db.executescript(text)
	db.close()


def drop_triggers():
	if STORE.startswith("postgresql:"):
		sql("DROP TRIGGER audit_change ON audit; DROP TRIGGER audit_truncate ON audit")
	else:
		sql("DROP TRIGGER audit_update; DROP TRIGGER audit_delete; DROP TRIGGER audit_replace")


class Chain:
	def __init__(self, folder):
		self.heads, self.log = folder / "audit-head.jsonl", folder / "log"

	def fogctl(self, *words):
		argv = [FOGCTL, "audit", *words, "--store", STORE]
		return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

	def verify(self):
		done = self.fogctl("verify", "--heads", str(self.heads), "-j")
		if done.stderr:
			print(done.stderr)
		return done.returncode, json.loads(done.stdout)

	def export(self, *words):
		"""Of the writer's own chain."""
		return self.fogctl("export", "--chain", self.read_heads()[0]["chain"], *words)

	def rows(self):
		done = self.export()
		check("export", done.returncode == 0)
		return [json.loads(line) for line in done.stdout.splitlines()]

	def read_heads(self):
		return [json.loads(line) for line in self.heads.read_text().splitlines(keepends=True) if line.endswith("\n")]

	def write(self, threads, count):
		with self.log.open("a") as log:
			return subprocess.Popen([WRITER, self.heads, str(threads), str(count)], stdout=subprocess.PIPE, stderr=log, text=True)


def acknowledged(text):
	return {line.split()[1]: int(line.split()[0]) for line in text if line.endswith("\n")}


def all_there(name, rows, acks):
	stored = {row["correlation_id"]: row["sequence"] for row in rows}
	check(f"{name}: every acknowledged row", all(stored.get(key) == number for key, number in acks.items()))


def other(name, value):
	if name == "time":
		return value[:-2] + ("2Z" if value.endswith("1Z") else "1Z")
	if name in ("previous", "body_digest"):
		return "00" * 32
	return value + 1 if isinstance(value, int) else value + "x"


def good_chain(chain):
	writer = chain.write(8, 50)
	acks = acknowledged(writer.stdout)
	check("the writer", writer.wait(PATIENCE_S) == 0 and len(acks) == 400)
	rows, heads = chain.rows(), chain.read_heads()
	all_there("good", rows, acks)
	check("good: rows", len(rows) == 402)
	check("good: nothing wrong", faults(rows, heads) == set())
	check("good: heads", len(heads) == 3 and heads[0]["newest"] and heads[0]["sequence"] == 402)
	code, said = chain.verify()
	check("good: fogctl agrees", code == 0 and said["ok"] and said["rows"] == 402 + OLD_ROWS and said["signed_heads"] == 2)
	# The judge itself is judged: each field counts.
	for name in [*TEXTS, "status", "duration_us", "time", "previous", "body_digest"]:
		spoiled = [dict(row) for row in rows]
		spoiled[100][name] = other(name, spoiled[100][name])
		check(f"good: {name} counts", 101 in faults(spoiled, heads))
	check("good: a head counts", faults(rows, [{**heads[1], "time_us": heads[1]["time_us"] + 1}]) == {heads[1]["sequence"]})
	for words, count in ((["--actor", "17"], 400), (["--action", "audit."], 2), (["--correlation", next(iter(acks))], 1)):
		done = chain.export(*words)
		check(f"export {words}", done.returncode == 0 and len(done.stdout.splitlines()) == count)
	done = chain.fogctl("show", "--limit", "3")
	check("show", done.returncode == 0 and len(done.stdout.splitlines()) == 4 and "audit.stop" in done.stdout)
	done = chain.export("--csv")
	check("csv", done.returncode == 0 and len(done.stdout.splitlines()) == 403)
	for words in (["--limit", "0"], ["--from", "yesterday"], ["--limit", "x"]):
		check(f"usage {words}", chain.fogctl("show", *words).returncode == 2)


def killed(chain):
	acks = {}
	for number in range(KILLS):
		writer = chain.write(32, 0)
		lines = [writer.stdout.readline() for _ in range(ACKS)]
		writer.send_signal(signal.SIGKILL)
		lines += writer.stdout.readlines()
		writer.wait(PATIENCE_S)
		now = acknowledged(lines)
		check(f"kill {number}: rows before it", len(now) >= ACKS)
		acks.update(now)
		code, said = chain.verify()
		check(f"kill {number}: verified", code == 0 and said["ok"])
	rows = chain.rows()
	all_there("kill", rows, acks)
	check("kill: nothing wrong", faults(rows, chain.read_heads()) == set())
	check("kill: numbered once", len({row["sequence"] for row in rows}) == len(rows))
	print(f"{len(acks)} rows acknowledged before {KILLS} kills")


def spoiled(chain):
	# Rows that a killed process has written and nobody was told of may stand behind its last head; from here on none do.
	check("a start after the kills", chain.write(1, 1).wait(PATIENCE_S) == 0)
	drop_triggers()
	kept = chain.heads.read_bytes()
	last = max(row["sequence"] for row in chain.rows())
	for text, first in (
			("UPDATE audit SET actor_name = 'mallory' WHERE sequence = 77", 77),
			("DELETE FROM audit WHERE sequence BETWEEN 200 AND 210", 200),
			(f"DELETE FROM audit WHERE sequence > {last - 5}", last - 4)):
		sql(text)
		code, said = chain.verify()
		found = {finding["sequence"] for finding in said["findings"]}
		check(f"{text}: fogctl", code == 4 and not said["ok"] and first in found)
		check(f"{text}: this program", first in faults(chain.rows(), chain.read_heads()))
	said = chain.fogctl("verify", "--heads", str(chain.heads))
	check("said to people", said.returncode == 4 and "row 77: " in said.stdout and "(cut)" in said.stdout)
	# Without the heads a cut can't be seen, and that is said; the log has them, too.
	done = chain.fogctl("verify")
	check("without heads", "no heads" in done.stdout and "(cut)" not in done.stdout)
	done = chain.fogctl("verify", "--log", str(chain.log))
	others = "\n1 chains have no heads" if OLD_ROWS else None
	check("the log's heads", done.returncode == 4 and "(cut)" in done.stdout and
		(others in done.stdout if others else "no heads" not in done.stdout))
	check("no log", chain.fogctl("verify", "--log", "/nonexistent").returncode == 1)
	chain.heads.write_bytes(kept)
	# A newest line that somebody has edited.
	line = json.loads(kept.splitlines()[0])
	line["sequence"] -= 5
	chain.heads.write_bytes(json.dumps(line).ljust(511).encode() + b"\n" + kept[512:])
	code, said = chain.verify()
	check("an edited head", code == 4 and "bad_head" in {finding["fault"] for finding in said["findings"]})
	chain.heads.write_bytes(kept)


with tempfile.TemporaryDirectory(prefix="fogline-audit-") as name:
	where = Chain(pathlib.Path(name))
	good_chain(where)
	killed(where)
	spoiled(where)
	check("no such store", subprocess.run(
		[FOGCTL, "audit", "verify", "--store", "/nonexistent/x.db"], capture_output=True, check=False).returncode == 1)
print(f"{results['passed']} passed, {results['failed']} failed")
sys.exit(results["failed"] > 0)
