#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""GET /v1/docs in a browser, over TCP: every route stands in the page, the search box works, nothing is blocked by the page's own
policy, no error is on the console, and the picture is not blank."""
import json
import re
import shutil
import struct
import subprocess
import zlib

from _init import Lab, check, equal, skip

TCP = "127.0.0.1:8000"
BROWSER = "chromium"


def browse(folder, space, *options):
	"""(DOM or nothing, what the browser logs)"""
	done = subprocess.run(
		["ip", "netns", "exec", space, BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
			"--no-first-run", "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder / 'browser'}",
			"--enable-logging=stderr", "--v=0", "--window-size=1000,900", *options, f"http://{TCP}/v1/docs"],
		capture_output=True, text=True, timeout=240)
	equal(done.returncode, 0, f"end of the browser: {done.stderr[-2000:]}")
	return done.stdout, done.stderr


def pixels(png):
	"""Bytes of a picture's rows, filters and all."""
	data, at = b"", 8
	while at < len(png):
		length, kind = struct.unpack(">I4s", png[at:at + 8])
		if kind == b"IDAT":
			data += png[at + 8:at + 8 + length]
		at += length + 12
	return zlib.decompress(data)


if not shutil.which(BROWSER):
	skip("needs a browser (Debian package chromium)")
with Lab() as lab:
	token_file = lab.run.folder / "token"
	token_file.touch(mode=0o600)
	token_file.write_text("0123456789abcdef" * 2 + "\n")
	node = lab.add("mix1", "mix", 1, config={"rest": {"tcp": TCP, "token_file": str(token_file)}})
	lab.start()
	routes = json.loads((lab.bin.parent / "openapi.json").read_text())["paths"]
	picture = lab.run.folder / "docs.png"
	page, log = browse(lab.run.folder, node.netns, "--dump-dom")
	for path, methods in routes.items():
		for operation in methods.values():
			check(f'id="{operation["operationId"]}"' in page, f"{path} is not in the page")
		check(f">{path}</span>" in page, f"the path {path} is not in the page")
	check(re.search(r'<input id="search"[^>]*>', page) and 'aria-label="Search" hidden' not in page, "the script did not run")
	_, more = browse(lab.run.folder, node.netns, f"--screenshot={picture}")
	for line in (log + more).splitlines():
		check("CONSOLE" not in line, f"on the console: {line}")
	check(len(set(pixels(picture.read_bytes()))) > 16, "the picture is blank")
	status, headers, _ = node.rest.call("GET", "/v1/docs")
	equal((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"), "the page")
	policy = headers["Content-Security-Policy"]
	check("default-src 'none'" in policy and "unsafe" not in policy and policy.count("sha256-") == 2, f"policy {policy}")
