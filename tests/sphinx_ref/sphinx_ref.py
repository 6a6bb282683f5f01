# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""A second implementation of the packet format, written from its description and independent of
the C library, so that wrap and unwrap are never only tested against each other. It is slow and not
constant time: for tests only. Needs python3-cryptography.
"""
import hashlib
import hmac
import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PREFIX = bytes(2)
SLOT = 82
TAG = 32
KDF_INFO = b"katzenpost-kdf-v0-hkdf-sha256"
P25519 = 2**255 - 19


class Reject(Exception):
    """The packet is dropped; str() is the drop's metric label."""


# --- AES rounds and AEZ v5 ------------------------------------------------------------------------


def _make_tables():
    """One table per row: S-box and column mix of a byte as a 32-bit column."""
    exp, log, x = [0] * 256, [0] * 256, 1
    for i in range(255):
        exp[i], log[x] = x, i
        x ^= (x << 1) ^ (0x11B if x & 0x80 else 0)
    tables = [[], [], [], []]
    for a in range(256):
        inv = 0 if a == 0 else exp[(255 - log[a]) % 255]
        s = inv
        for r in range(1, 5):
            s ^= ((inv << r) | (inv >> (8 - r))) & 0xFF
        s ^= 0x63
        two = (s << 1) ^ (0x11B if s & 0x80 else 0)
        column = [two, s, s, two ^ s]
        for row in range(4):
            tables[row].append(int.from_bytes(bytes(column[-row:] + column[:-row]), "big"))
    return tables


_T0, _T1, _T2, _T3 = _make_tables()


def aes_round(s, k):
    """One full AES round with round key k; blocks are big-endian integers."""
    b = s.to_bytes(16, "big")
    c0 = _T0[b[0]] ^ _T1[b[5]] ^ _T2[b[10]] ^ _T3[b[15]]
    c1 = _T0[b[4]] ^ _T1[b[9]] ^ _T2[b[14]] ^ _T3[b[3]]
    c2 = _T0[b[8]] ^ _T1[b[13]] ^ _T2[b[2]] ^ _T3[b[7]]
    c3 = _T0[b[12]] ^ _T1[b[1]] ^ _T2[b[6]] ^ _T3[b[11]]
    return (c0 << 96 | c1 << 64 | c2 << 32 | c3) ^ k


def gf_times(n, x):
    """n * x in GF(2^128) modulo x^128 + x^7 + x^2 + x + 1."""
    total = 0
    while n:
        if n & 1:
            total ^= x
        x = (x << 1) ^ (((1 << 128) | 0x87) if x >> 127 else 0)
        n >>= 1
    return total


class Aez:
    """AEZ-core with tau = 0 and no associated data."""

    def __init__(self, key, nonce):
        assert len(key) == 48 and len(nonce) == 16
        self.i, self.j, self.l = (int.from_bytes(key[n : n + 16], "big") for n in (0, 16, 32))
        self.nonce = int.from_bytes(nonce, "big")

    def e(self, j, i, x):
        """The tweakable block cipher E^{j,i} of the paper."""
        keys_ijl = [self.i, self.j, self.l]
        if j == -1:
            s = x ^ gf_times(i, self.l)
            for k in keys_ijl * 3 + [self.i]:
                s = aes_round(s, k)
            return s
        power = 1 << ((i + 7) // 8)
        s = x ^ gf_times(j, self.j) ^ gf_times(power, self.i) ^ gf_times(i % 8, self.l)
        for k in (self.j, self.i, self.l, 0):
            s = aes_round(s, k)
        return s

    def _middle(self, part):
        if not part:
            return 0
        pad = lambda p: int.from_bytes((p + b"\x80").ljust(16, b"\0"), "big")
        if len(part) < 16:
            return self.e(0, 4, pad(part))
        return self.e(0, 4, int.from_bytes(part[:16], "big")) ^ self.e(0, 5, pad(part[16:]))

    def _core(self, data, one, two):
        pairs = (len(data) - 32) // 32
        blocks = [int.from_bytes(data[n : n + 16], "big") for n in range(0, 32 * pairs, 16)]
        middle = data[32 * pairs : -32]
        mx, my = (int.from_bytes(b, "big") for b in (data[-32:-16], data[-16:]))
        # tau is the first hashed string, the nonce the second.
        delta = self.e(3, 1, 0) ^ self.e(4, 1, self.nonce)
        w, x = [], []
        for n in range(pairs):
            w.append(blocks[2 * n] ^ self.e(1, n + 1, blocks[2 * n + 1]))
            x.append(blocks[2 * n + 1] ^ self.e(0, 0, w[n]))
        total = self._middle(middle)
        for v in x:
            total ^= v
        sx = mx ^ delta ^ total ^ self.e(0, one, my)
        sy = my ^ self.e(-1, one, sx)
        s = sx ^ sy
        out, total = [], 0
        for n in range(pairs):
            mask = self.e(2, n + 1, s)
            y, z = w[n] ^ mask, x[n] ^ mask
            second = y ^ self.e(0, 0, z)
            out += [z ^ self.e(1, n + 1, second), second]
            total ^= y
        stream = b"".join(self.e(-1, t, s).to_bytes(16, "big") for t in (4, 5))
        middle = bytes(a ^ b for a, b in zip(middle, stream))
        total ^= self._middle(middle)
        cy = sx ^ self.e(-1, two, sy)
        cx = sy ^ delta ^ total ^ self.e(0, two, cy)
        whole = b"".join(b.to_bytes(16, "big") for b in out)
        return whole + middle + cx.to_bytes(16, "big") + cy.to_bytes(16, "big")

    def encipher(self, data):
        return self._core(data, 1, 2)

    def decipher(self, data):
        return self._core(data, 2, 1)


# --- the other primitives -------------------------------------------------------------------------


def x25519(scalar, point):
    """Raises ValueError for the all-zero result."""
    return X25519PrivateKey.from_private_bytes(scalar).exchange(
        X25519PublicKey.from_public_bytes(point)
    )


def public_key(private):
    return x25519(private, bytes([9]) + bytes(31))


def mac_of(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def ctr(key, iv, data):
    c = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return c.update(data) + c.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


class Keys:
    """What one hop and the sender derive from their shared secret."""

    def __init__(self, secret):
        okm, t = b"", b""
        for n in range(1, 7):
            t = mac_of(secret, t + KDF_INFO + bytes([n]))
            okm += t
        self.secret, self.okm = secret, okm
        self.mac, self.ctr, self.iv = okm[:32], okm[32:64], okm[64:80]
        self.aez, self.seed, self.replay_tag = okm[80:128], okm[128:160], okm[160:192]
        self.blind = Cipher(algorithms.ChaCha20(self.seed, bytes(16)), None).encryptor().update(
            bytes(32)
        )

    def payload(self):
        return Aez(self.aez, self.iv)


# --- geometry, nodes, paths -----------------------------------------------------------------------


@dataclass(frozen=True)
class Geometry:
    slots: int
    payload_len: int

    @property
    def routing(self):
        return self.slots * SLOT

    @property
    def header(self):
        return 66 + self.routing

    @property
    def packet(self):
        return self.header + TAG + self.payload_len

    @property
    def surb(self):
        return self.header + 32 + 64


GEOMETRIES = {
    "mtu": Geometry(5, 1408 - 476 - 32),
    "mtu3": Geometry(3, 1408 - 312 - 32),
    "jumbo": Geometry(5, 3082 - 476 - 32),
}


@dataclass
class Node:
    private: bytes = field(default_factory=lambda: os.urandom(32))
    id: bytes = field(default_factory=lambda: os.urandom(32))

    @property
    def public(self):
        return public_key(self.private)


@dataclass
class Hop:
    """One hop of a path, as its sender describes it."""

    id: bytes
    public: bytes
    delay_ms: int | None = None
    recipient: bytes | None = None
    surb_id: bytes | None = None
    # Test senders may put any bytes in the slot instead of the commands above.
    raw_commands: bytes | None = None

    def commands(self):
        if self.raw_commands is not None:
            return self.raw_commands
        out = b""
        if self.delay_ms is not None:
            out += b"\x80" + self.delay_ms.to_bytes(4, "big")
        if self.recipient is not None:
            out += b"\x02" + self.recipient
        if self.surb_id is not None:
            out += b"\x03" + self.surb_id
        return out


# --- sending --------------------------------------------------------------------------------------


def sender_keys(path, ephemeral):
    """The elements that the hops see, and the keys shared with them."""
    elements, keys = [public_key(ephemeral)], []
    for hop in path:
        secret = x25519(ephemeral, hop.public)
        for earlier in keys:
            secret = x25519(earlier.blind, secret)
        keys.append(Keys(secret))
        elements.append(x25519(keys[-1].blind, elements[-1]))
    return elements[: len(path)], keys


def make_header(geo, path, random=os.urandom):
    """Returns the header and each hop's Keys."""
    assert 1 <= len(path) <= geo.slots
    elements, keys = sender_keys(path, random(32))
    fillers = [b""]
    streams = []
    for n, k in enumerate(keys):
        stream = ctr(k.ctr, k.iv, bytes(geo.routing + SLOT))
        cut = len(stream) - (n + 1) * SLOT
        fillers.append(xor(fillers[-1] + bytes(SLOT), stream[cut:]))
        streams.append(stream[:cut])
    routing, mac = random((geo.slots - len(path)) * SLOT), b""
    for n in reversed(range(len(path))):
        slot = path[n].commands()
        if n + 1 < len(path):
            slot += b"\x01" + path[n + 1].id + mac
        assert len(slot) <= SLOT
        routing = xor(slot.ljust(SLOT, b"\0") + routing, streams[n])
        mac = mac_of(keys[n].mac, PREFIX + elements[n] + routing + fillers[n])
    return PREFIX + elements[0] + routing + mac, keys


def wrap_with_keys(geo, path, payload, random=os.urandom):
    """Returns the packet and each hop's Keys: the sender of a test may need the MAC keys."""
    assert len(payload) == geo.payload_len
    header, keys = make_header(geo, path, random)
    body = bytes(TAG) + payload
    for k in reversed(keys):
        body = k.payload().encipher(body)
    return header + body, keys


def wrap(geo, path, payload, random=os.urandom):
    return wrap_with_keys(geo, path, payload, random)[0]


def surb_create(geo, path, random=os.urandom):
    """Returns the SURB and its creator's keys."""
    header, keys = make_header(geo, path, random)
    key = random(64)
    return header + path[0].id + key, b"".join(k.aez + k.iv for k in reversed(keys)) + key


def surb_reply(geo, surb, payload):
    """Returns the first hop's ID and the packet."""
    assert len(surb) == geo.surb and len(payload) == geo.payload_len
    header, first, key = surb[: geo.header], surb[geo.header : -64], surb[-64:]
    return first, header + Aez(key[:48], key[48:]).encipher(bytes(TAG) + payload)


def surb_open(geo, surb_keys, reply):
    assert len(surb_keys) % 64 == 0 and len(reply) == TAG + geo.payload_len
    keys = [surb_keys[n : n + 64] for n in range(0, len(surb_keys), 64)]
    for k in keys[:-1]:
        reply = Aez(k[:48], k[48:]).encipher(reply)
    reply = Aez(keys[-1][:48], keys[-1][48:]).decipher(reply)
    if any(reply[:TAG]):
        raise Reject("bad_payload_tag")
    return reply[TAG:]


def with_element(geo, packet, element, mac_key):
    """The packet with another group element and the header MAC made right for it."""
    head = packet[:2] + element + packet[34 : 34 + geo.routing]
    return head + mac_of(mac_key, head) + packet[geo.header :]


def aliases(geo, packet, mac_key):
    """Byte-different packets that give their hop the same shared secret, as a malicious sender
    (who knows the MAC key) can make them: bit 255 is ignored by X25519, and 1/u differs from u by
    a point of order two, which the clamped scalar removes."""
    element = packet[2:34]
    u = int.from_bytes(element, "little") % 2**255
    return {
        "inverse": with_element(geo, packet, pow(u, -1, P25519).to_bytes(32, "little"), mac_key),
        "bit255": with_element(
            geo, packet, element[:31] + bytes([element[31] ^ 0x80]), mac_key
        ),
    }


# --- a hop's work ---------------------------------------------------------------------------------


@dataclass
class Unwrapped:
    action: str  # forward, deliver or reply
    keys: Keys
    delay_ms: int = 0
    next_hop: bytes | None = None
    packet: bytes | None = None
    recipient: bytes | None = None
    surb_id: bytes | None = None
    payload: bytes | None = None  # deliver: the payload; reply: tag and payload, still enciphered


def parse(slot):
    """Commands of a slot as {opcode: body}."""
    sizes = {1: 64, 2: 32, 3: 16, 0x80: 4}
    found = {}
    while slot and slot[0] != 0:
        op, slot = slot[0], slot[1:]
        if op not in sizes or op in found:
            raise Reject("unknown_command")
        if len(slot) < sizes[op]:
            raise Reject("truncated_command")
        found[op], slot = slot[: sizes[op]], slot[sizes[op] :]
    if any(slot):
        raise Reject("bad_padding")
    if not {1, 2, 3} & set(found):
        raise Reject("no_destination")
    return found


def unwrap(geo, private, packet):
    if len(packet) != geo.packet:
        raise Reject("undersize" if len(packet) < geo.packet else "oversize")
    if packet[:2] != PREFIX:
        raise Reject("bad_prefix")
    try:
        keys = Keys(x25519(private, packet[2:34]))
    except ValueError:
        raise Reject("zero_secret") from None
    return unwrap_with_keys(geo, keys, packet)


def unwrap_with_keys(geo, keys, packet):
    """Unwrap as the sender may do it, who knows the hop's Keys but not its private key."""
    end = 34 + geo.routing
    if not hmac.compare_digest(mac_of(keys.mac, packet[:end]), packet[end : geo.header]):
        raise Reject("bad_mac")
    text = ctr(keys.ctr, keys.iv, packet[34:end] + bytes(SLOT))
    commands = parse(text[:SLOT])
    body = keys.payload().decipher(packet[geo.header :])
    out = Unwrapped("deliver", keys, int.from_bytes(commands.get(0x80, b""), "big"))
    out.recipient, out.surb_id = commands.get(2), commands.get(3)
    if 1 in commands:
        out.action, out.next_hop = "forward", commands[1][:32]
        element = x25519(keys.blind, packet[2:34])
        out.packet = PREFIX + element + text[SLOT:] + commands[1][32:] + body
    elif 3 in commands:
        out.action, out.payload = "reply", body
    elif any(body[:TAG]):
        raise Reject("bad_payload_tag")
    else:
        out.payload = body[TAG:]
    return out
