# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""`fogctl sphinx` as its users meet it: verify passes the published files and fails every changed
one, hostile JSON never crashes it, exit codes and error messages are as documented.

usage: verify_check.py FOGCTL VECTORS_DIR
"""
import copy
import json
import pathlib
import random
import subprocess
import sys

FOGCTL, VECTORS = sys.argv[1], pathlib.Path(sys.argv[2])
passed = failed = 0
rng = random.Random(20260101)


def check(name, ok):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAIL: {name}")


def fogctl(*args, text=""):
    return subprocess.run(
        [FOGCTL, *args], input=text, capture_output=True, text=True, check=False, errors="replace"
    )


def verify(doc):
    return fogctl("sphinx", "verify", "-", text=doc if isinstance(doc, str) else json.dumps(doc))


def must_fail(name, doc, *words):
    run = verify(doc)
    check(f"{name}: exit {run.returncode}, want 1", run.returncode == 1)
    for word in words:
        check(f"{name}: no '{word}' in {run.stdout!r}", word in run.stdout)


def must_pass(name, doc):
    run = verify(doc)
    check(f"{name}: {run.stdout!r}", run.returncode == 0 and ", failed: 0\n" in run.stdout)


def flip(text, n):
    """Hex text with one bit of byte n changed."""
    return text[: 2 * n + 1] + format(int(text[2 * n + 1], 16) ^ 1, "x") + text[2 * n + 2 :]


def check_files():
    for name, hops in (("katzenpost", 20), ("sphinx-geometries", 11)):
        run = fogctl("sphinx", "verify", str(VECTORS / f"{name}.json"))
        last = run.stdout.splitlines()[-1]
        check(f"{name}: {last}", last == f"hops verified: {hops}, failed: 0")
        check(f"{name}: exit code", run.returncode == 0)


def as_geometries(packet):
    """A packet of Katzenpost's format in the other one."""
    hops = packet["hops"]
    out = {
        "NrHops": packet["max_hops"],
        "PacketLength": packet["packet_length"],
        "HeaderLength": packet["header_length"],
        "Nodes": [
            {"ID": h["node_id"], "PrivateKey": h["node_private_key"], "PublicKey": h["node_public_key"]}
            for h in hops
        ],
        "Commands": ["".join(h["commands_without_next_node_hop"]) for h in hops],
        "Packets": [h["packet_in"] for h in hops],
        "Payload": packet["payload"],
    }
    if packet["is_surb"]:
        out["SurbKeys"] = packet["surb_keys"]
    return out


def check_conversion(katz):
    """The same packets pass in either format, replies included; a changed key or byte doesn't."""
    converted = [as_geometries(p) for p in katz]
    must_pass("converted", converted)
    reply = next(p for p in converted if "SurbKeys" in p)
    for n in (0, len(reply["SurbKeys"]) // 2 - 1):
        must_fail("SurbKeys", [{**reply, "SurbKeys": flip(reply["SurbKeys"], n)}], "SurbKeys")
    must_fail("no SurbKeys", [{k: v for k, v in reply.items() if k != "SurbKeys"}], "SurbKeys")
    must_fail("Payload", [{**reply, "Payload": flip(reply["Payload"], 0)}], "Payload")


def positions(length, some):
    fixed = [0, 1, 2, 33, 34, length - 1]
    return fixed + rng.sample(range(length), some)


def check_flips(katz, geometries):
    for p, packet in enumerate(katz):
        for h, hop in enumerate(packet["hops"]):
            for n in positions(packet["packet_length"], 12):
                one = copy.deepcopy(packet)
                one["hops"][h]["packet_in"] = flip(hop["packet_in"], n)
                must_fail(f"packet {p} hop {h} byte {n}", [one], f"hop {h}")
    for p, packet in enumerate(geometries):
        for h, text in enumerate(packet["Packets"]):
            for n in positions(packet["PacketLength"], 12):
                one = copy.deepcopy(packet)
                one["Packets"][h] = flip(text, n)
                must_fail(f"geometries {p} hop {h} byte {n}", [one], f"hop {h}")


def check_every_field(katz, geometries):
    """Every hex value of the files counts, but for Katzenpost's replay tags."""
    for p in (0, 4):
        packet = katz[p]
        for h in (0, len(packet["hops"]) - 1):
            for name, value in packet["hops"][h].items():
                one = copy.deepcopy(packet)
                if isinstance(value, list):
                    one["hops"][h][name][-1] = flip(value[-1], len(value[-1]) // 2 - 1)
                else:
                    one["hops"][h][name] = flip(value, len(value) // 4)
                if name.startswith("replay_tag"):
                    must_pass(f"packet {p} hop {h} {name}", [one])
                elif name == "node_id" and h == 0 and not packet["is_surb"]:
                    # Nothing else in a forward packet knows its first hop's ID.
                    must_pass(f"packet {p} hop {h} {name}", [one])
                else:
                    must_fail(f"packet {p} hop {h} {name}", [one], "FAIL: packet 0 hop")
    for name in ("payload", "surb", "surb_keys"):
        for n in (0, 31, 100, -1):
            one = copy.deepcopy(katz[4])
            one[name] = flip(one[name], n % (len(one[name]) // 2))
            must_fail(f"SURB packet {name} byte {n}", [one], "FAIL: packet 0")
    for name in ("nr_hops", "max_hops", "packet_length", "header_length", "routing_info_length",
                 "per_hop_routing_info_length", "payload_tag_length", "is_surb"):
        for value in (3 + katz[4][name], -1, None, "5", [], 1.5, 10**18):
            one = copy.deepcopy(katz[4])
            one[name] = value
            must_fail(f"SURB packet {name} = {value}", [one], "hops verified: 0, failed: 5")
    for name in ("Nodes", "Commands", "Payload", "PacketLength", "HeaderLength", "NrHops"):
        one = copy.deepcopy(geometries[0])
        del one[name]
        must_fail(f"geometries without {name}", [one], "FAIL: packet 0")
    for path in (("Payload",), ("Commands", 0), ("Commands", 4), ("Nodes", 1, "ID"),
                 ("Nodes", 0, "PrivateKey"), ("Nodes", 0, "PublicKey")):
        one = copy.deepcopy(geometries[0])
        at = one
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = flip(at[path[-1]], 3)
        must_fail(f"geometries {path}", [one], "FAIL: packet 0 hop")
    for h, name, value, good in ((0, "final_payload", None, True), (0, "final_payload", "00", False),
                                 (1, "packet_out", "", True), (1, "packet_out", "00", False)):
        one = copy.deepcopy(katz[0])
        one["hops"][h][name] = value
        (must_pass if good else must_fail)(f"hop {h} with {name} = {value!r}", [one])
    one = copy.deepcopy(geometries[0])
    one["Commands"] = [[c] for c in one["Commands"]]
    del one["ReplayTags"]
    must_pass("geometries with lists of commands, without replay tags", [one])


HOSTILE_VALUES = [None, True, 0, -1, 1e308, "", "0", "zz", "0g", "00" * 70000, [], [[]], {}, "\u00e9\u0000"]


def check_hostile(katz, geometries):
    """Any value anywhere may be anything: a failure with a line that says so, never a crash."""
    def mutate(value, depth=0):
        if isinstance(value, dict) and value and rng.random() < 0.9:
            key = rng.choice(list(value))
            if rng.random() < 0.15:
                del value[key]
            else:
                value[key] = mutate(value[key], depth + 1)
            return value
        if isinstance(value, list) and value and rng.random() < 0.9:
            n = rng.randrange(len(value))
            if rng.random() < 0.15:
                value.pop(n)
            elif rng.random() < 0.15:
                value.append(value[n])
            else:
                value[n] = mutate(value[n], depth + 1)
            return value
        if isinstance(value, str) and rng.random() < 0.4:
            return value[: rng.randrange(len(value) + 1)]
        return rng.choice(HOSTILE_VALUES)

    for n in range(300):
        doc = [copy.deepcopy(rng.choice(katz + geometries))]
        run = verify(mutate(doc))
        check(f"hostile {n}: exit {run.returncode}", run.returncode in (0, 1))
        last = (run.stdout or run.stderr or "\n").splitlines()[-1]
        check(f"hostile {n}: {last!r}", run.returncode == 0 or "failed: " in last
              or run.stderr.startswith("fogctl sphinx: "))
    for text in ("", "[", "[]", "{}", "null", "7", '"x"', "[null]", "[[]]", "[{}]",
                 '[{"hops": []}]', '[{"hops": {}}]', '[{"hops": [1]}]', '[{"Packets": 1}]',
                 '[{"Packets": ["00"]}]', "[" * 100000, "\x00", '{"a":1,"a":2}'):
        run = verify(text)
        check(f"hostile {text[:20]!r}: exit {run.returncode}", run.returncode == 1)
    check("a packet without hops", "failed: 1" in verify('[{"nr_hops": 5}]').stdout)
    check("nothing to verify", "hops verified: 0, failed: 0" in verify("[]").stdout)
    one = copy.deepcopy(katz[0])
    one["hops"][0]["extra"] = "00"
    check("an unknown field is told of", "'extra'" in verify([one]).stdout)
    check("a missing file", fogctl("sphinx", "verify", "/nonexistent").returncode == 1)


def check_errors():
    """Usage is 2, a wrong field is 1 and named, a dropped packet is 1 and says why."""
    for args in ((), ("nonsense",), ("sphinx",), ("sphinx", "nonsense"), ("sphinx", "verify"),
                 ("sphinx", "keygen", "x"), ("sphinx", "wrap", "a", "b")):
        run = fogctl(*args)
        check(f"{args}: exit {run.returncode}", run.returncode == 2 and "usage:" in run.stderr)
    for args in (("help",), ("version",), ("sphinx", "help"), ("sphinx", "keygen")):
        check(f"{args}", fogctl(*args).returncode == 0)
    key = json.loads(fogctl("sphinx", "keygen").stdout)
    hop = {"id": key["id"], "public_key": key["public_key"]}
    good = {"geometry": "mtu", "path": [hop | {"recipient": "00" * 32}], "payload": "00" * 900}
    check("wrap", fogctl("sphinx", "wrap", text=json.dumps(good)).returncode == 0)
    for change, word in (
        ({"geometry": "mtu4"}, "geometry"), ({"geometry": {"slots": 21, "payload_len": 1}}, "slots"),
        ({"geometry": {"slots": 5}}, "payload_len"), ({"payload": "00"}, "payload"),
        ({"payload": None}, "payload"), ({"path": []}, "path"), ({"path": [hop] * 6}, "1 to 5"),
        ({"path": [hop | {"id": "xx" * 32}]}, "not all hex"), ({"patch": 1}, "patch"),
        ({"path": [hop | {"recipient": "00" * 32}, hop]}, "last hop"),
        ({"path": [hop | {"delay_ms": -1}]}, "delay_ms"),
        ({"path": [hop | {"delay_ms": 2**32}]}, "delay_ms"),
        ({"path": [hop | {"public_key": "00" * 32}]}, "low order"),
        ({"path": [hop | {"delay": 1}]}, "delay"),
    ):
        run = fogctl("sphinx", "wrap", text=json.dumps(good | change))
        check(f"wrap with {change}: {run.stderr!r}", run.returncode == 1 and word in run.stderr)
    run = fogctl("sphinx", "surb", text=json.dumps({"path": good["path"]}))
    check(f"surb without ID: {run.stderr!r}", run.returncode == 1 and "surb_id" in run.stderr)
    packet = {"private_key": key["private_key"], "packet": "00" * 1408}
    run = fogctl("sphinx", "unwrap", text=json.dumps(packet))
    check("unwrap zeros", run.returncode == 1 and '"zero_secret"' in run.stdout)


def main():
    katz = json.loads((VECTORS / "katzenpost.json").read_text())
    geometries = json.loads((VECTORS / "sphinx-geometries.json").read_text())
    check_files()
    check_conversion(katz)
    check_flips(katz, geometries)
    check_every_field(katz, geometries)
    check_hostile(katz, geometries)
    check_errors()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
