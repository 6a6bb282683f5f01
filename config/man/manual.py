#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Manuals and bash completion from what the programs say about themselves, so that they cannot differ.

usage: manual.py FOGCTL FOG-DATAPLANE FOG-CONTROLPLANE FOG-AUTHORITY drops.def metrics.def FOLDER
"""
import dataclasses
import pathlib
import re
import subprocess
import sys

import completion
from roff import Page


@dataclasses.dataclass
class Usage:
	"""A usage text, taken apart."""
	synopsis: list
	items: list  # (tag, sentence): options and the like, in order
	text: list  # paragraphs
	common: list  # items that all commands share
	first: int = 0  # items before the first gap between them


ITEM = re.compile(r"^  (\S.*?)(?:\s{2,}(\S.*))?$")


def parse(text):
	usage = Usage([], [], [], [])
	items, paragraph = usage.items, None
	for line in text.split("\n"):
		if line.startswith("usage: "):
			line = line.removeprefix("usage: ")
			usage.synopsis.append(re.split(r"\s{3,}", line)[0])
			usage.text += re.split(r"\s{3,}", line)[1:]
		elif re.match(r"^ {7}fog", line):
			usage.synopsis.append(line.strip())
		elif line.startswith(" " * 8) and usage.synopsis and not (usage.text or usage.items or usage.common):
			usage.synopsis.append(line[7:])  # goes on
		elif line == "Common options:":
			items = usage.common
		elif re.match(r"[a-z ]+:$", line):
			items.append([line, ""])  # of what follows
		elif match := ITEM.match(line):
			items.append([match[1], match[2] or ""])
		elif line.startswith("   ") and items:
			items[-1][1] = f"{items[-1][1]} {line.strip()}".strip()
		elif not line:
			paragraph = None
			usage.first = usage.first or len(usage.items)
		elif "nrecognized option" not in line:
			if paragraph is None:
				usage.text.append("")
				paragraph = True
			usage.text[-1] = f"{usage.text[-1]} {line.strip()}".strip()
	return usage


def said(*argv):
	done = subprocess.run(argv, capture_output=True, text=True)
	if done.returncode:
		sys.exit(f"manual.py: {' '.join(argv)}: exit code {done.returncode}: {done.stderr}")
	return done.stdout


def commands(fogctl):
	"""(name, sentence, usage) of every command."""
	found = []
	for line in said(fogctl, "help", "--describe").split("\n"):
		if line.startswith("command "):
			name, sentence = line.removeprefix("command ").split("\t")
			found.append([name, sentence, ""])
		elif line.startswith("\t"):
			found[-1][2] += line[1:] + "\n"
	return [(name, sentence, parse(text)) for name, sentence, text in found]


def explained(listed):
	"""Ends the build when a synopsis has an option that nothing else speaks of."""
	for name, _, usage in listed:
		told = " ".join([*usage.text, *(" ".join(item) for item in usage.items + usage.common)])
		silent = set(completion.OPTION.findall(" ".join(usage.synopsis))) - set(completion.OPTION.findall(told)) - {"-j"}
		if silent:
			sys.exit(f"manual.py: fogctl {name} doesn't explain {', '.join(sorted(silent))}: add it to its usage")


def definitions(path):
	"""(macro, arguments) of each row of an X-macro file."""
	for line in pathlib.Path(path).read_text().split("\n"):
		if match := re.match(r"^([A-Z]+)\((\w+), (.*)\)$", line):
			yield match[1], re.findall(r'"([^"]*)"', match[3])


def fogctl_page(listed, version):
	page = Page("fogctl", 1, "operate a Fogline node", version)
	page.section("SYNOPSIS")
	page.line(r"\fBfogctl\fR \fICOMMAND\fR [\fIARGUMENT\fR]...")
	page.section("DESCRIPTION")
	page.paragraph("Asks the control plane of a running node through its REST API, or works on files. "
		"What it may do is for root and for members of the control plane's group. With --client it is a client of the "
		"network itself, on any host, for whoever owns the client's folder.")
	page.paragraph("An appliance elsewhere is reached by HTTPS: fogctl profile add gives it a name, its address and whom to trust, "
		"fogctl login begins a session there with an account. A token file does for machines.")
	page.section("COMMANDS")
	common = []
	for name, sentence, usage in listed:
		page.subsection(f"fogctl {name}")
		page.paragraph(sentence[0].upper() + sentence[1:] + ".")
		if usage.synopsis and name not in ("help", "version"):
			page.literal(usage.synopsis)
			for text in usage.text:
				page.paragraph(text)
			page.items(usage.items)
		common = common or usage.common
	page.section("COMMON OPTIONS")
	page.paragraph("Of every command that asks a running node; they may stand before the command too.")
	page.items(common)
	page.section("EXIT STATUS")
	page.items([
		("0", "done; of audit delays: all nodes delay as they owe"), ("1", "refused or failed"), ("2", "wrong usage"),
		("3", "no control plane answers; of a client: no consensus can be had"), ("4", "audit delays: somebody cheats; audit verify: somebody has changed the audit"),
		("5", "audit delays: no verdict on every node, what is missing is said"),
	])
	page.section("FILES")
	page.items([
		("/run/fogline/NAME/rest.sock", "where the control plane of the instance NAME answers"),
		("/etc/fogline/NAME.yaml", "its configuration, see fogline.yaml(5)"),
		("~/.config/fogline/fogctl.yaml", "profiles; NAME.session beside it is the session of one, closed to others"),
		("DIR/key, DIR/client.db, DIR/network.yaml, DIR/consensus", "of a client, see fogclient(3); keep a copy of the key "
			"in a safe place, and the gateway's name with it"),
	])
	page.see("fog-controlplane(8)", "fog-dataplane(8)", "fog-authority(8)", "fogline.yaml(5)", "fogclient(3)")
	return page


def daemon_head(name, sentence, usage, version):
	page = Page(name, 8, sentence, version)
	page.section("SYNOPSIS")
	page.literal(usage.synopsis)
	return page


def dataplane_page(usage, drops, version):
	page = daemon_head("fog-dataplane", "packet path of a Fogline node", usage, version)
	page.section("DESCRIPTION")
	page.paragraph("Takes packets from its ports, opens them, lets them wait for their delay and sends "
		"them on. Starts as root, opens ports and memory, then gives its rights away. It has no "
		"configuration of its own but a blob that fogctl config compile makes; the unit "
		"fogline-dataplane@NAME.service compiles /etc/fogline/NAME.yaml before every start.")
	page.section("OPTIONS")
	page.items(usage.items)
	page.section("SIGNALS")
	page.items([
		("SIGTERM, SIGINT", "Drain: readiness off, after drain.grace no more packets are taken, those that "
			"wait leave when they are due, exit with 0. The second one ends at once."),
	])
	page.section("SERVICE MANAGER")
	page.paragraph("READY=1 when the self-check has passed and every worker runs. WATCHDOG=1 while every "
		"worker moves. STATUS= says what it does. While it drains it asks for the time that the "
		"network's longest delay takes (EXTEND_TIMEOUT_USEC).")
	page.section("REASONS FOR DROPS")
	page.paragraph("As fogctl drops and the metric fog_drop_packets_total name them.")
	page.items([(label, text) for _, (label, text) in drops])
	page.see("fogctl(1)", "fog-controlplane(8)", "fogline.yaml(5)")
	return page


def controlplane_page(usage, metrics, version):
	page = daemon_head("fog-controlplane", "keys, configuration, messages and API of a Fogline node", usage, version)
	page.section("DESCRIPTION")
	page.paragraph("Holds what a node is: its identity, its mix key, its configuration, the messages that "
		"ended here. Hands keys and configuration to the data plane, and serves the REST API that "
		"fogctl uses. Packets keep flowing while it is away.")
	page.section("OPTIONS")
	page.items(usage.items)
	page.section("SIGNALS")
	page.items([
		("SIGHUP", "read configuration, topology and the TLS certificate again"),
		("SIGTERM, SIGINT", "end; packets keep flowing"),
	])
	page.section("SERVICE MANAGER")
	page.paragraph("READY=1 when requests are served, RELOADING=1 while files are read again, WATCHDOG=1 "
		"from its event loop, STATUS= says whether the node is ready, and what it lacks.")
	page.section("METRICS")
	page.paragraph("Of every worker, at /metrics; beside these there are metrics of ports, peers, drops, "
		"messages and the node, each with its own explanation there.")
	page.items([
		("_".join(filter(None, ("fog", name, unit))) + ("_total" if kind == "COUNTER" else ""), text)
		for kind, (name, unit, text) in metrics
	])
	page.section("FILES")
	page.items([
		("/var/lib/fogline/NAME", "identity.key, the node's identity: keep a copy in a safe place; identity.pub; "
			"control/store.db, messages; control/platform.db, accounts and audit; control/platform.key, which opens what is secret in it; control/audit-head.jsonl, where the audit ends; control/rest.pem and rest.key, "
			"the TLS certificate of rest.tcp that was made, if none is named"),
		("/run/fogline/NAME", "rest.sock, dp.sock"),
	])
	page.see("fogctl(1)", "fog-dataplane(8)", "fogline.yaml(5)")
	return page


def authority_page(usage, version):
	page = daemon_head("fog-authority", "says with others which nodes a Fogline network has", usage, version)
	page.section("DESCRIPTION")
	page.paragraph("Collects what nodes say about themselves, and once an epoch agrees with the other "
		"authorities of the network file on a consensus, which nodes and clients fetch and verify. With "
		"four authorities and a threshold of three one of them may be down or lie. Starts as root or as "
		"its user; with --user it becomes that one. Either way it then has no capabilities, and a sandbox: files of its "
		"folder and of the one that --refuse is in, a few system calls.")
	page.paragraph("The listener speaks HTTPS with a key that the network file names. Whoever asks too often is answered "
		"with status 429, and has no part in what the other authorities get. Under a service manager it says when it is "
		"ready, feeds a watchdog, and shows the consensus that counts as its status.")
	page.section("OPTIONS")
	page.items(usage.items)
	page.section("SIGNALS")
	page.items([
		("SIGHUP", "read the list of refused nodes again, at once; that the file has changed or was replaced is noticed "
			"by itself within a second or two"),
		("SIGTERM, SIGINT", "end; what was signed stays on disk"),
	])
	page.section("FILES")
	page.items([
		("DIR/identity.key", "the identity, from which its other keys follow: keep a copy in a safe place"),
		("DIR/authority", "consensuses, proofs of equivocation, and what was signed (said-*): a copy of it must "
			"never run beside this one, which would make both a liar"),
	])
	page.see("fogctl(1)", "fog-controlplane(8)", "fogline.yaml(5)")
	return page


def config_page(fogctl, version):
	page = Page("fogline.yaml", 5, "configuration of a Fogline node and of its network", version)
	page.section("DESCRIPTION")
	page.paragraph("Each node has a file of its own, usually /etc/fogline/NAME.yaml; the network has one "
		"that is the same on all nodes, usually /etc/fogline/topology.yaml. Both are YAML, an unknown key "
		"is an error, and fogctl config check tells every finding with its line. Commented examples lie in "
		"/usr/share/doc/fogline/examples.")
	page.paragraph("Counts take k, M, G (powers of 1,000), memory MiB, GiB, times us, ms, s, min, h. Each "
		"key is followed by its default, its values, and what a change takes.")
	rows = [line.split("\t") for line in said(fogctl, "config", "keys").rstrip("\n").split("\n")[1:]]
	for title, wanted in (("KEYS OF A NODE", False), ("KEYS OF THE NETWORK", True)):
		page.section(title)
		page.items([
			(key, f"{text} [{default}; {values}; {change}]") for key, default, values, change, text in rows
			if key.startswith(("network.", "nodes[]", "directory.threshold", "directory.authorities")) == wanted
		])
	page.see("fogctl(1)", "fog-controlplane(8)", "fog-dataplane(8)")
	return page


def main(fogctl, dataplane, controlplane, authority, drops, metrics, folder):
	version = said(fogctl, "version").split()[1]
	listed = commands(fogctl)
	explained(listed)
	pages = {
		"fogctl.1": fogctl_page(listed, version),
		"fog-dataplane.8": dataplane_page(parse(said(dataplane, "--help")), definitions(drops), version),
		"fog-controlplane.8": controlplane_page(parse(said(controlplane, "--help")), definitions(metrics), version),
		"fog-authority.8": authority_page(parse(said(authority, "--help")), version),
		"fogline.yaml.5": config_page(fogctl, version),
	}
	for name, page in pages.items():
		(pathlib.Path(folder) / name).write_text(page.text())
	(pathlib.Path(folder) / "fogctl").write_text(completion.script(listed))


if __name__ == "__main__":
	if len(sys.argv) != 8:
		sys.exit(__doc__)
	main(*sys.argv[1:])
