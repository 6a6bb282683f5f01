# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The C library, through `fogctl sphinx`, against the independent implementation: what one wraps
the other unwraps, for every shipped geometry and path length, SURB replies included.

usage: cross_check.py FOGCTL VECTORS_DIR
"""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sphinx_ref"))
import sphinx_ref as ref  # noqa: E402

FOGCTL, VECTORS = sys.argv[1], pathlib.Path(sys.argv[2])
passed = failed = 0


def check(name, ok):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAIL: {name}")


def fogctl(command, **fields):
    """Run one subcommand; bytes become hex. Returns the parsed answer, or None if there is none."""
    text = json.dumps(fields, default=bytes.hex)
    run = subprocess.run(
        [FOGCTL, "sphinx", command], input=text, capture_output=True, text=True, check=False
    )
    if run.stderr:
        print(f"fogctl sphinx {command}: {run.stderr.strip()}")
    return json.loads(run.stdout) if run.stdout else None


def unhex(answer, name):
    return bytes.fromhex((answer or {}).get(name) or "")


def make_path(length, surb):
    nodes = [ref.Node() for _ in range(length)]
    path = [ref.Hop(n.id, n.public, delay_ms=1000 + i) for i, n in enumerate(nodes)]
    path[-1].delay_ms = None if length % 2 else 7
    path[-1].recipient = os.urandom(32)
    path[-1].surb_id = os.urandom(16) if surb else None
    return nodes, path


def path_json(path):
    names = {"id": "id", "public": "public_key"}
    return [
        {names.get(k, k): v for k, v in vars(hop).items() if v is not None} for hop in path
    ]


def c_unwrap(geo, node, packet):
    answer = fogctl("unwrap", geometry=geo, private_key=node.private, packet=packet) or {}
    if answer.get("action") in (None, "drop"):
        raise ref.Reject(answer.get("reason"))
    return answer


def walk(name, geo, nodes, path, packet, by_c):
    """Take a packet along its path; by_c(i) says who unwraps at hop i. Both must agree at every
    hop in every field. Returns what the last hop delivers."""
    g = ref.GEOMETRIES[geo]
    for i, node in enumerate(nodes):
        mine = ref.unwrap(g, node.private, packet)
        theirs = c_unwrap(geo, node, packet) if by_c(i) else None
        last = i + 1 == len(nodes)
        kind = "forward" if not last else "reply" if path[-1].surb_id else "deliver"
        check(f"{name} hop {i} action", mine.action == kind)
        check(f"{name} hop {i} delay", mine.delay_ms == (path[i].delay_ms or 0))
        if theirs:
            field = {"forward": "packet", "reply": "reply", "deliver": "payload"}[kind]
            body = mine.packet if kind == "forward" else mine.payload
            check(f"{name} hop {i} same action", theirs["action"] == kind)
            check(f"{name} hop {i} same {field}", unhex(theirs, field) == body)
            check(f"{name} hop {i} same delay", theirs["delay_ms"] == mine.delay_ms)
            check(
                f"{name} hop {i} same replay tag",
                unhex(theirs, "replay_tag") == mine.keys.replay_tag,
            )
        if last:
            check(f"{name} recipient", mine.recipient == path[-1].recipient)
            check(f"{name} SURB ID", mine.surb_id == path[-1].surb_id)
            return mine.payload
        check(f"{name} hop {i} next hop", mine.next_hop == path[i + 1].id)
        packet = unhex(theirs, "packet") if theirs else mine.packet
    raise AssertionError


def check_forward(geo, length):
    g = ref.GEOMETRIES[geo]
    name = f"{geo} path {length}"
    payload = os.urandom(g.payload_len)
    nodes, path = make_path(length, surb=False)
    answer = fogctl("wrap", geometry=geo, path=path_json(path), payload=payload)
    check(f"{name} C wraps: first hop", unhex(answer, "first_hop") == path[0].id)
    got = walk(f"{name} C wraps", geo, nodes, path, unhex(answer, "packet"), lambda i: False)
    check(f"{name} C wraps: payload", got == payload)
    packet = ref.wrap(g, path, payload)
    got = walk(f"{name} Python wraps", geo, nodes, path, packet, lambda i: True)
    check(f"{name} Python wraps: payload", got == payload)


def check_surb(geo, length):
    g = ref.GEOMETRIES[geo]
    name = f"{geo} path {length} SURB"
    payload = os.urandom(g.payload_len)
    nodes, path = make_path(length, surb=True)
    answer = fogctl("surb", geometry=geo, path=path_json(path))
    first, packet = ref.surb_reply(g, unhex(answer, "surb"), payload)
    check(f"{name} of C: first hop", first == path[0].id)
    reply = walk(f"{name} of C", geo, nodes, path, packet, lambda i: False)
    keys = unhex(answer, "surb_keys")
    check(f"{name} of C: Python opens", ref.surb_open(g, keys, reply) == payload)
    opened = fogctl("open", geometry=geo, surb_keys=keys, reply=reply)
    check(f"{name} of C: C opens", unhex(opened, "payload") == payload)

    surb, keys = ref.surb_create(g, path)
    answer = fogctl("reply", geometry=geo, surb=surb, payload=payload)
    check(f"{name} of Python: first hop", unhex(answer, "first_hop") == path[0].id)
    reply = walk(
        f"{name} of Python", geo, nodes, path, unhex(answer, "packet"), lambda i: i % 2 == 0
    )
    check(f"{name} of Python: Python opens", ref.surb_open(g, keys, reply) == payload)


def check_aliases(geo):
    """An alias passes the MAC, has the same replay tag, and becomes the very same packet."""
    g = ref.GEOMETRIES[geo]
    nodes, path = make_path(3, surb=False)
    packet, keys = ref.wrap_with_keys(g, path, os.urandom(g.payload_len))
    true = c_unwrap(geo, nodes[0], packet)
    for name, alias in ref.aliases(g, packet, keys[0].mac).items():
        got = c_unwrap(geo, nodes[0], alias)
        check(f"{geo} alias {name} differs", alias[2:34] != packet[2:34])
        check(f"{geo} alias {name} has the same replay tag",
              got["replay_tag"] == true["replay_tag"])
        check(f"{geo} alias {name} becomes the same packet", got["packet"] == true["packet"])


def check_lengths():
    """Payload ciphers of 32 to 200 bytes: every remainder that AEZ treats in its own way."""
    for length in range(169):
        g, node = ref.Geometry(1, length), ref.Node()
        path, payload = [ref.Hop(node.id, node.public, recipient=bytes(32))], os.urandom(length)
        geo = {"slots": 1, "payload_len": length}
        theirs = fogctl("wrap", geometry=geo, path=path_json(path), payload=payload)
        mine = ref.unwrap(g, node.private, unhex(theirs, "packet"))
        check(f"payload of {length} bytes, C wraps", mine.payload == payload)
        theirs = c_unwrap(geo, node, ref.wrap(g, path, payload))
        check(f"payload of {length} bytes, Python wraps", unhex(theirs, "payload") == payload)


def check_rejects(geo):
    """Both refuse the same packets for the same reason."""
    g = ref.GEOMETRIES[geo]
    node = ref.Node()

    def crafted(commands):
        return ref.wrap(
            g, [ref.Hop(node.id, node.public, raw_commands=commands)], bytes(g.payload_len)
        )

    good = crafted(b"\x02" + bytes(32))
    flip = lambda n: good[:n] + bytes([good[n] ^ 1]) + good[n + 1 :]
    cases = {
        "undersize": good[:-1], "oversize": good + b"\0", "bad_prefix": flip(1),
        "zero_secret": good[:2] + bytes(32) + good[34:], "bad_mac": flip(40),
        "unknown_command": crafted(b"\x04" + bytes(20)),
        "truncated_command": crafted(b"\x02" + b"\x01" * 32 + b"\x03" + b"\x01" * 16
                                     + b"\x01" + b"\x01" * 31),
        "bad_padding": crafted(b"\x02" + bytes(32) + b"\0\0\x01"),
        "no_destination": crafted(b"\x80\0\0\0\x05"), "bad_payload_tag": flip(g.header),
    }
    for reason, packet in cases.items():
        for who, run in (
            ("Python", lambda p: ref.unwrap(g, node.private, p)),
            ("C", lambda p: c_unwrap(geo, node, p)),
        ):
            try:
                run(packet)
                check(f"{geo} {who} rejects {reason}", False)
            except ref.Reject as why:
                check(f"{geo} {who} rejects {reason}, got {why}", str(why) == reason)


def check_vectors():
    """The independent implementation must itself agree with Katzenpost."""
    for n, p in enumerate(json.loads((VECTORS / "katzenpost.json").read_text())):
        g = ref.Geometry(p["max_hops"], len(p["payload"]) // 2)
        for i, hop in enumerate(p["hops"]):
            got = ref.unwrap(
                g, bytes.fromhex(hop["node_private_key"]), bytes.fromhex(hop["packet_in"])
            )
            if got.action == "forward":
                check(f"vector {n} hop {i}", got.packet.hex() == hop["packet_out"])
            elif got.action == "deliver":
                check(f"vector {n} hop {i}", got.payload.hex() == hop["final_payload"])
            else:
                opened = ref.surb_open(g, bytes.fromhex(p["surb_keys"]), got.payload)
                check(f"vector {n} hop {i}", opened.hex() == p["payload"])


def main():
    check_vectors()
    check_lengths()
    for geo, g in ref.GEOMETRIES.items():
        for length in range(1, g.slots + 1):
            check_forward(geo, length)
            check_surb(geo, length)
        check_aliases(geo)
        check_rejects(geo)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
