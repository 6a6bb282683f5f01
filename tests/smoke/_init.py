# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""What every smoke test starts with: `from _init import *` gives the lab and a few words to read well.

A test is a script: it ends with exit code 0, or with 77 and the missing feature as its last line,
or it raises. Conditions are waited for, never assumed after a time.
"""
import os
import pathlib
import socket
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "config" / "lab"), str(ROOT / "tests")]

import answers
import guard
import lab as laboratory
import netns
import postgres
import report
from lab import LabError, Node, agreed, default_path, encrypted, wait_for
from rest import Rest, RestError
from traffic import Traffic

__all__ = [
	"LONG", "ROOT", "SANITIZED", "Lab", "LabError", "Node", "Rest", "RestError", "Traffic", "agreed", "books",
	"check", "default_path", "drops", "encrypted", "equal", "guard", "missing", "moved", "netns", "none_missing", "port_lost", "report",
	"skip", "wait_for",
]

LONG = bool(os.environ.get("FOGLINE_LONG"))
SANITIZED = bool(os.environ.get("FOGLINE_SANITIZER"))
AF_XDP = 44


Rest.heard = answers.ANSWERS.add


class Lab(laboratory.Lab):
	"""At its end all answers of REST must be as the API's description says. Where FOGLINE_STORE names a kind of store, each node
	has one."""

	def __init__(self, *words, **options):
		super().__init__(*words, **options)
		self._description = self.bin.parent / "openapi.json"  # a test may take other programs later

	def add(self, *words, setup=lambda node: None, **options):
		def with_store(node):
			config = postgres.own_store(node.state_dir, node.name, node.uid)
			node.options["config"] = {**config, **node.options.get("config", {})}
			setup(node)
		return super().add(*words, setup=with_store, **options)

	def __exit__(self, kind, error, trace):
		super().__exit__(kind, error, trace)
		if kind is None:
			answers.ANSWERS.check(self._description)


def skip(feature):
	"""End the test: the host lacks a feature."""
	print(feature)
	sys.exit(77)


def check(condition, sentence):
	if not condition:
		raise AssertionError(sentence)


def equal(got, wanted, what):
	if got != wanted:
		raise AssertionError(f"{what}: {got!r}, should be {wanted!r}")


def books(node):
	return report.node_books(node)


def drops(node):
	"""reason -> packets, reasons that never happened left out."""
	total = {}
	for worker in report.workers(node):
		for reason, count in worker["drops_by_reason"].items():
			if count:
				total[reason] = total.get(reason, 0) + count
	return total


def port_lost(node):
	return books(node)["port_lost"]


def moved(before, after):
	"""What changed between two dicts of numbers: key -> difference."""
	keys = {*before, *after}
	change = {key: after.get(key, 0) - before.get(key, 0) for key in keys}
	return {key: value for key, value in change.items() if value}


def missing(lab):
	"""node -> frames sent to it so far that it has not received. What is under way looks so, too: the least of
	some looks."""
	looks = [report.missing(lab) for _ in range(5)]
	return {name: min(look[name] for look in looks) for name in looks[0]}


def none_missing(lab, before):
	"""Every frame since missing() has arrived; frames of encrypted links, which don't come to rest."""
	wait_for("all frames", lambda: all(lost <= before[name] for name, lost in report.missing(lab).items()))


def _probe():
	"""The features that every lab needs."""
	if os.geteuid() != 0:
		skip("needs root (namespaces, AF_XDP)")
	try:
		socket.socket(AF_XDP, socket.SOCK_RAW).close()
	except OSError:
		skip("needs a kernel with AF_XDP (CONFIG_XDP_SOCKETS)")


_probe()
