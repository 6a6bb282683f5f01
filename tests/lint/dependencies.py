# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Who may include whom. A part is a folder, or a few files of dataplane/ that stay free of DPDK.

	log <- drivers, dataplane, controlplane
	api, crypto <- sphinx, core, link <- start <- dataplane, controlplane <- bench <- tests
	api <- xdp  <- drivers      <- dataplane
	sandbox                     <- dataplane, controlplane
"""
import pathlib
import re

from tree import Finding

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Parts of the tree by path, first match wins.
PARTS = [
	("log", r"log/"),
	("api", r"dataplane/api/"),
	("crypto", r"dataplane/crypto/"),
	("sphinx", r"dataplane/sphinx/"),
	("core", r"dataplane/(calendar|replay|random)\w*\.(c|h|inc)"),
	("link", r"dataplane/link/"),
	("start", r"dataplane/(pools|rights_folder|self_check)\.(c|h)"),
	("dataplane", r"dataplane/"),
	("sandbox", r"sandbox/"),
	("drivers", r"drivers/"),
	("xdp", r"xdp/"),
	("controlplane", r"controlplane/"),
	("bench", r"bench/"),
	("tests", r"tests/"),
]

# What a part may include besides itself.
MAY = {
	"log": set(),
	"api": set(),
	"crypto": {"api"},
	"sphinx": {"api", "crypto"},
	"core": {"api", "crypto"},
	"link": {"api", "crypto"},
	"start": {"api", "crypto", "sphinx"},
	"sandbox": set(),
	"xdp": {"api"},
	"drivers": {"api", "xdp", "log"},
	"dataplane": {"api", "crypto", "sphinx", "core", "link", "start", "drivers", "sandbox", "log"},
	"controlplane": {"api", "crypto", "sphinx", "sandbox", "log"},
	"bench": {"api", "crypto", "sphinx", "core", "link", "start", "xdp", "drivers", "dataplane", "controlplane", "sandbox"},
}
MAY["tests"] = MAY["bench"] | {"bench", "log"}

DPDK = r"rte_"
BPF = r"(bpf|xdp)/|linux/bpf|linux/if_xdp"
TEXT = r"(jansson|yaml|cyaml|sqlite3|libpq)"
HTTP = r"(microhttpd|curl)"
# Headers from outside that a part must not include: the packet path reads no text, the primitives
# know no framework, the control plane knows no DPDK.
FOREIGN = {
	"log": [DPDK, BPF, TEXT, HTTP],
	"api": [DPDK, BPF, TEXT, HTTP],
	"crypto": [DPDK, BPF, TEXT, HTTP],
	"sphinx": [DPDK, BPF, TEXT, HTTP],
	"core": [DPDK, BPF, TEXT, HTTP],
	"link": [DPDK, BPF, TEXT, HTTP],
	"start": [DPDK, BPF, TEXT, HTTP],
	"sandbox": [DPDK, r"(bpf|xdp)/", TEXT, HTTP],
	"xdp": [DPDK, TEXT, HTTP],
	"drivers": [TEXT, HTTP],
	"dataplane": [TEXT, HTTP],
	"controlplane": [DPDK],
}


def part_of(path):
	return next((name for name, pattern in PARTS if re.match(pattern, path)), None)


def includes(tree, path):
	"""(line, quote, name) of every #include."""
	for number, line in tree.lines(path):
		match = INCLUDE.match(line)
		if match:
			yield number, match.group(1), match.group(2)


def resolve(tree, path, name):
	"""The file of the tree that an include means, or None: beside it, or from a folder above."""
	for folder in [*pathlib.PurePosixPath(path).parents, pathlib.PurePosixPath("dataplane")]:
		parts = []
		for piece in (folder / name).parts:
			if piece == ".." and parts:
				parts.pop()
			else:
				parts.append(piece)
		candidate = "/".join(parts)
		if candidate in tree.paths:
			return candidate
	return None


def layers(tree):
	"""Includes follow the table MAY; nothing includes tests."""
	for path in tree.files(".c", ".h", ".def"):
		part = part_of(path)
		for line, quote, name in includes(tree, path):
			target = resolve(tree, path, name)
			if target is None and name.endswith(".skel.h"):
				target = f"xdp/{name}"  # made from the BPF program during the build
			if target is None:
				if quote == '"':
					yield Finding(path, line, f'"{name}" is not in the tree')
				continue
			other = part_of(target)
			if other != part and other not in MAY.get(part, set()):
				yield Finding(path, line, f"{part} must not include {other} ({target})")


def foreign_headers(tree):
	for path in tree.files(".c", ".h", ".def"):
		part = part_of(path)
		for line, quote, name in includes(tree, path):
			if quote == "<" and any(re.match(pattern, name) for pattern in FOREIGN.get(part, [])):
				yield Finding(path, line, f"{part} must not include <{name}>")


def cycles(tree):
	"""No header includes itself by way of others."""
	graph = {}
	for path in tree.files(".h", ".def"):
		targets = {resolve(tree, path, name) for _, _, name in includes(tree, path)}
		graph[path] = {target for target in targets if target and target.endswith((".h", ".def"))}
	done = set()

	def visit(path, trail):
		if path in trail:
			yield Finding(path, 1, "include cycle: " + " -> ".join([*trail[trail.index(path):], path]))
		elif path not in done:
			for target in sorted(graph.get(path, ())):
				yield from visit(target, [*trail, path])
			done.add(path)

	for path in graph:
		yield from visit(path, [])
