#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""An appliance comes into a network through the platform: it is added and deployed at one appliance, enrols from its own host over
TLS that it knows by a fingerprint, starts with the files that it got, and is seen as active, by what it really carries. Tokens that
are wrong, used or over, and identities of somebody else, are refused, and the audit has it."""
import json
import pathlib
import re
import sqlite3
import subprocess

from _init import check, equal, netns, report, wait_for
from consensus import EPOCH_S, Steady, listed, network, ready

STEP_S = 6 * EPOCH_S
AUDIT_S = 180  # refusals of strangers are written once a minute
TCP = "10.91.0.1:8000"  # of the first appliance of a lab
LAYER = 1


class Host:
	"""The host of a new appliance, with nothing but fogctl and a namespace."""

	def __init__(self, node, fingerprint):
		self.node, self.fingerprint = node, fingerprint
		self.files = node.folder / "files"

	def enrols(self, token, state_dir=None, fingerprint=None):
		"""Exit code, and what it said."""
		self.files.mkdir(exist_ok=True)
		token_file = self.node.folder / "token"
		token_file.write_text(token + "\n")
		argv = [
			self.node.lab.bin / "fogctl", "betanet", "enrol", "--url", f"https://{TCP}", "--fingerprint",
			fingerprint or self.fingerprint, "--token-file", token_file, "--state-dir", state_dir or self.node.state_dir, "--write", self.files]
		done = subprocess.run(netns.command(self.node.netns, argv), capture_output=True, text=True, stdin=subprocess.DEVNULL)
		return done.returncode, done.stdout + done.stderr

	def configure(self):
		"""The configuration that it got; only users and folders of the lab are added."""
		text = (self.files / "fogline.yaml").read_text()
		own = self.node.config()
		more = {key: own[key] for key in ("user", "dataplane_user", "run_dir", "state_dir", "replay")}
		more["topology"] = str(self.files / "topology.yaml")
		check("workers:\n" in text, f"a configuration without workers: {text}")
		text = text.replace("workers:\n", "workers:\n  idle: adaptive\n")
		self.node.config_path.write_text(text + "".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items()))


def managed(platform, name, **more):
	return platform.rest.post("/v1/betanet/nodes", {"name": name, **more})["id"]


def deploys(platform, number, host):
	"""Returns the token."""
	cpu = host.node.config()["workers"]["cpus"][0]
	out = platform.fogctl(
		"betanet", "deploy", str(number), "--address", host.node.ip4, "--layer", str(LAYER), "--device", "eth0", "--cpus", str(cpu))
	equal(platform.rest.get(f"/v1/betanet/nodes/{number}")["state"], "deploying", "state of what was deployed")
	return re.search(r"^token: (\S{43})$", out, re.MULTILINE)[1]


def refused(host, what, token, **more):
	code, said = host.enrols(token, **more)
	check(code == 1 and "no open enrolment" in said, f"{what}: {code}: {said}")
	check(not list(host.files.iterdir()), f"{what} left {list(host.files.iterdir())}")


def ends_now(platform, number):
	"""Nobody waits for a day here: the end of the enrolment is put into the past where it is kept."""
	store = sqlite3.connect(platform.state_dir / "control" / "platform.db", timeout=60)
	with store:
		equal(store.execute("UPDATE betanet_node SET enrolment_until_us = 1 WHERE id = ?", (number,)).rowcount, 1, "rows")
	store.close()


def with_wrong_token(platform, host):
	refused(host, "a token of nobody", "A" * 43)
	over = managed(platform, "too-late")
	token = deploys(platform, over, host)
	ends_now(platform, over)
	refused(host, "a token whose time is over", token)
	equal(platform.rest.get(f"/v1/betanet/nodes/{over}")["state"], "failed", "state of what did not come")
	code, said = host.enrols(token, fingerprint="00" * 32)
	check(code != 0 and "enrolled" not in said, f"somebody else's certificate: {code}: {said}")


def somebody_else(platform, token, identity):
	"""Who has the token, but not the key of the identity that he says is his."""
	body = {"token": token, "identity": identity, "signature": "5a" * 64}
	status, _, answer = platform.rest.call("POST", "/v1/betanet/enrol", body)
	equal((status, answer["code"]), (403, "enrolment_refused"), "somebody else's identity")


def starts(lab, host):
	node = host.node
	host.configure()
	node.start("control")
	node.status = wait_for(f"REST of {node.name}", lambda: node.rest.get("/v1/status"), alive=node.check_alive)
	lab.compile(node)
	node.start("data")


def enrols(lab, platform, host, number):
	token = deploys(platform, number, host)
	stranger = host.node.folder / "stranger"
	code, said = host.enrols(token)
	check(code == 0 and f"enrolled as '{host.node.name}'" in said, f"enrolment: {code}: {said}")
	equal((host.files / "topology.yaml").read_text(), lab.topology_path.read_text(), "network file")
	kept = {path: path.read_bytes() for path in host.files.iterdir()}
	code, said = host.enrols(token, state_dir=stranger)
	check(code == 1 and "no open enrolment" in said, f"a token that was used: {code}: {said}")
	equal({path: path.read_bytes() for path in host.files.iterdir()}, kept, "files after a refusal")
	somebody_else(platform, token, (pathlib.Path(stranger) / "identity.pub").read_text().strip())
	starts(lab, host)
	now = platform.rest.get(f"/v1/betanet/nodes/{number}")
	equal(now["node_id"], host.node.id, "node ID that the platform waits for")
	check(now["enrolled_at"] and now["state"] == "deploying" and not now["listed"], f"before it is seen: {now}")


def carried(node):
	return sum(worker["owed_us"]["count"] for worker in report.workers(node))


def is_active(lab, platform, node, number):
	steady = Steady(lab)
	path = f"/v1/betanet/nodes/{number}"
	steady.until("the new node in a consensus", lambda: node.name in listed(platform), STEP_S)
	steady.until("the new node ready", lambda: node.ready() and node.linked() and node.resolved(), STEP_S)
	before, sent = carried(node), platform.rest.get(path)["link"]["tx"]
	steady.until("packets through it", lambda: carried(node) >= before + 20, STEP_S)
	# What is told of links is a second old.
	steady.until("frames to it", lambda: platform.rest.get(path)["link"]["tx"] >= sent + 10, STEP_S)
	now = platform.rest.get(path)
	check(now["state"] == "active" and now["listed"] and now["layer"] == LAYER and now["since_epoch"], f"how it is seen: {now}")
	equal(now["link"]["state"], "up", "the link with it")
	equal(set(now["figures"].values()), {None}, "counters that only the node itself knows")
	own = node.rest.get("/v1/betanet/status")["figures"]
	check(own["packets_forwarded"] >= 20 and own["packets_processed"] >= own["packets_forwarded"], f"its own figures: {own}")
	steady.end(20)


def is_noted(platform, number):
	"""What the platform has written down of it, without anybody's asking for the node."""
	def newest():
		states = platform.rest.get(f"/v1/betanet/nodes/{number}/history")["states"]
		return states if states and states[0]["state"] == "active" else None
	platform.rest.post("/v1/services/betanet_watch/restart", {})
	wait_for("the history of the new node", newest, AUDIT_S)
	where = f"/v1/audit?action=betanet_node.state&object=/v1/betanet/nodes/{number}"
	rows = wait_for("the audit of its state", lambda: platform.rest.get(where)["rows"], AUDIT_S)
	equal({row["actor_kind"] for row in rows}, {"system"}, "who has found it")


def audited(platform, host):
	"""What was begun with a token that counts is a row each; strangers' tries are counted, and written at the end at the latest."""
	equal(platform.end("control"), 0, "exit code of the platform's control plane")
	store = sqlite3.connect(f"file:{platform.state_dir}/control/platform.db?mode=ro", uri=True)
	rows = store.execute("SELECT status FROM audit WHERE action = 'betanet_node.enrol' AND outcome <> 'begun' ORDER BY id").fetchall()
	strangers = store.execute("SELECT source, details FROM audit WHERE action = 'audit.anonymous'").fetchall()
	store.close()
	equal([status for status, in rows], [200, 403, 403], "enrolments in the audit")
	counted = [json.loads(details) for source, details in strangers if source == host.node.ip4]
	equal(sum(one["actions"].get("betanet_node.enrol", 0) for one in counted), 2, f"refusals of strangers: {strangers}")


def main(lab):
	platform = lab["gateway"]
	lab.start()
	ready(lab, platform)
	node = lab.add(f"lab{lab.run.number}-new", "mix", LAYER)
	node.prepare()
	host = Host(node, platform.rest.get("/v1/status")["tls"]["fingerprint"])
	with_wrong_token(platform, host)
	number = managed(platform, node.name, node_type="mixnode")
	enrols(lab, platform, host, number)
	is_active(lab, platform, node, number)
	is_noted(platform, number)
	audited(platform, host)


with network() as the_lab:
	the_lab["gateway"].options = {"config": {"rest": {"tcp": TCP}}}
	main(the_lab)
