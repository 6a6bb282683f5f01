# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""The answers compiled into dataplane/crypto/self_test.c, computed by python3-cryptography and the
independent AEZ of tests/sphinx_ref. Fails when one differs, and prints the right one.

usage: self_test.py SELF_TEST_C
"""
import hashlib
import pathlib
import re
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sphinx_ref"))
import sphinx_ref as ref  # noqa: E402

LANES, HMAC_LEN, TEXT_LEN = 19, 444, 460
GCM_LEN, BAD_TAG = 440, 7
LOW_ORDER, ALL_ONES, LOW_ONES = 5, 3, 18
SEED = b"fogline crypto self-test".ljust(32, b"\0")


def inputs():
    """(key, iv, point, text) of every lane: libsodium's deterministic random bytes, and specials."""
    nonce = bytes(4) + b"LibsodiumDRG"  # counter, then nonce
    size = 48 + 16 + 32 + TEXT_LEN
    stream = Cipher(algorithms.ChaCha20(SEED, nonce), None).encryptor().update(bytes(LANES * size))
    lanes = []
    for i in range(LANES):
        lane = stream[i * size : (i + 1) * size]
        key, iv, point, text = lane[:48], lane[48:64], lane[64:96], lane[96:]
        if i == LOW_ORDER:
            point = bytes(32)
        if i == ALL_ONES:
            iv = b"\xff" * 16
        if i == LOW_ONES:
            iv = iv[:8] + b"\xff" * 8
        lanes.append((key, iv, point, text))
    return lanes


def x25519(key, iv, point, text):
    try:
        return ref.x25519(key[:32], point)
    except ValueError:
        return bytes(32)


def blind_scalar(key, iv, point, text):
    return Cipher(algorithms.ChaCha20(key[:32], bytes(16)), None).encryptor().update(bytes(32))


def gcm_seal(key, iv, point, text):
    return AESGCM(key[:32]).encrypt(iv[:12], text[:GCM_LEN], point[:16])


def gcm_open(key, iv, point, text):
    """What seal and open leave behind: the text and its tag."""
    return text[:GCM_LEN] + gcm_seal(key, iv, point, text)[GCM_LEN:]


FUNCTIONS = {
    "x25519": x25519,
    "x25519_base": lambda key, iv, point, text: ref.x25519(key[:32], bytes([9]).ljust(32, b"\0")),
    "expand": lambda key, iv, point, text: ref.Keys(key[:32]).okm,
    "hmac": lambda key, iv, point, text: ref.mac_of(key[:32], text[:HMAC_LEN]),
    "ctr": lambda key, iv, point, text: ref.ctr(key[:32], iv, text),
    "aez_encrypt": lambda key, iv, point, text: ref.Aez(key, iv).encipher(text),
    "aez_decrypt": lambda key, iv, point, text: ref.Aez(key, iv).decipher(text),
    "blind_scalar": blind_scalar,
    "gcm_seal": gcm_seal,
    "gcm_open": gcm_open,
}


def answer(name):
    lanes = [bytearray(FUNCTIONS[name](*lane).ljust(TEXT_LEN, b"\0")) for lane in inputs()]
    if name == "gcm_open":
        lanes[BAD_TAG][GCM_LEN + 15] ^= 1
    written = b"".join(lanes)
    mask = {"x25519": 1 << LOW_ORDER, "gcm_open": 1 << BAD_TAG}.get(name, 0)
    return hashlib.blake2b(written + mask.to_bytes(8, "little"), digest_size=16).hexdigest()


def main():
    source = pathlib.Path(sys.argv[1]).read_text()
    compiled = dict(re.findall(r'\{"(\w+)", self_\w+, "(\w*)"\}', source))
    right = {name: answer(name) for name in FUNCTIONS}
    failed = 0
    for name in sorted(compiled.keys() | right.keys()):
        if compiled.get(name) != right.get(name):
            failed += 1
            print(f"FAIL: {name}: compiled {compiled.get(name)}, right {right.get(name)}")
    print(f"{len(right) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
