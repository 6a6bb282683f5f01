#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
# Independent check of the delay law: computes the vectors from the definition, once in integers
# (which must agree exactly with the file that the C test reads, and with the committed table) and
# once with real logarithms (to which the integers must be near).
#   delay_check.py TABLE GENERATOR VECTORS           check; last line "N passed, N failed"
#   delay_check.py TABLE GENERATOR VECTORS --write   write VECTORS
import hashlib
import json
import re
import subprocess
import sys
from decimal import Decimal, getcontext

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

getcontext().prec = 60
ONE = 1 << 64
LAST = 1 << 28
LAWS = [  # mean_us, max_us, cap_ms
    (1, 3600000000, 0),
    (1000, 1000, 0),
    (50000, 500000, 0),
    (50000, 5000000, 100),
    (200000, 300000, 4294967295),
    (10000000, 100000000, 0),
    (10000000, 3600000000, 60000),
    (3600000000, 3600000000, 0),
]
DELAY_KEY = hashlib.sha256(b"fogline delay vectors").digest()


def log_table():
    """ln(1 + i/2048) in units of 2^-32, by the series ln(a/b) = 2 artanh((a-b)/(a+b))."""
    unit = 1 << 160
    table = []
    for i in range(2049):
        ratio = unit * i // (4096 + i)
        power, total, n = ratio, 0, 1
        while power:
            total += power // n
            power = power * ratio // unit * ratio // unit
            n += 2
        table.append((2 * total + (1 << 127)) >> 128)
    return table


LOG = log_table()


def standard(v):
    """Quantile of the standard exponential at v / 2^64 in units of 2^-32."""
    tail = ONE - v
    octave = 64 - (tail.bit_length() - 1)  # tail = 2^(64 - octave) * (1 + m)
    m = (tail << octave) - ONE  # in units of 2^-64
    if octave == 0:
        return 0
    step, rest = m >> 53, (m & ((1 << 53) - 1)) >> 21
    log = LOG[step] + ((LOG[min(step + 1, 2048)] - LOG[step]) * rest >> 32)
    return octave * LOG[2048] - log


def scale_of(mean, top):
    """Greatest v below 2^64 with standard(v) * mean <= top."""
    low, high = 0, ONE
    while high - low > 1:
        middle = (low + high) // 2
        if standard(middle) * mean <= top << 32:
            low = middle
        else:
            high = middle
    return low


def quantile(mean, scale, u):
    return (standard(u * scale >> 64) * mean + (1 << 31)) >> 32


def true_quantile(mean, top, u):
    share = 1 - (-Decimal(top) / mean).exp()
    return -mean * (1 - share * u / ONE).ln()


def uniform(tag):
    cipher = Cipher(algorithms.AES(DELAY_KEY), modes.ECB()).encryptor()
    return int.from_bytes(cipher.update(tag[:16])[:8], "big")


def sample_uniforms(mean):
    yield from (0, 1, ONE - 1, ONE - 2, ONE >> 1, (ONE >> 1) - 1, (ONE >> 1) + 1)
    for octave in range(2, 64, 6):
        yield ONE - (ONE >> octave)
        yield ONE - (ONE >> octave) - 1
    for i in range(60):
        yield int.from_bytes(hashlib.sha256(b"u %d %d" % (mean, i)).digest()[:8], "big")


def vectors():
    laws = []
    for mean, top, cap in LAWS:
        scale = scale_of(mean, top)
        law = {"mean_us": mean, "max_us": top, "cap_ms": cap, "scale": f"{scale:016x}"}
        law["quantile"] = [
            {"u": f"{u:016x}", "us": quantile(mean, scale, u)} for u in sample_uniforms(mean)
        ]
        law["owed"] = []
        for i, node_delay in enumerate((0, 1, 99, 101, 70000, 4294967295)):
            tag = hashlib.sha256(b"tag %d %d" % (mean, i)).digest()
            own = quantile(mean, scale, uniform(tag))
            law["owed"].append(
                {
                    "tag": tag.hex(),
                    "node_delay_ms": node_delay,
                    "uniform": f"{uniform(tag):016x}",
                    "us": own + 1000 * min(node_delay, cap),
                }
            )
        laws.append(law)
    return {
        "about": "owed delays; see dataplane/crypto/delay.h. Made by tests/unit/core/delay_check.py.",
        "delay_key": DELAY_KEY.hex(),
        "laws": laws,
    }


def limit_us(mean):
    """Half a microsecond of rounding, and the table: 3.0e-8 of interpolation, 1.5e-8 of the
    rounding of its entries over 64 octaves."""
    return Decimal("0.5") + mean * Decimal("4.5e-8")


def main():
    table_path, generator, vectors_path = sys.argv[1:4]
    text = json.dumps(vectors(), indent=1) + "\n"
    if sys.argv[4:] == ["--write"]:
        with open(vectors_path, "w") as f:
            f.write(text)
        return 0
    results = []

    def check(name, good):
        results.append(good)
        if not good:
            print("FAILED:", name)

    with open(table_path) as f:
        committed = f.read()
    made = subprocess.run([sys.executable, generator], capture_output=True, text=True, check=True)
    check("committed table is what the generator prints", made.stdout == committed)
    numbers = [int(n) for n in re.findall(r"\b(\d+)u", committed)]
    check("table is ln(1 + i/2048) by another way", numbers == LOG)
    with open(vectors_path) as f:
        check("vectors file agrees exactly", json.load(f) == json.loads(text))
    worst = Decimal(0)
    for mean, top, _ in LAWS:
        scale = scale_of(mean, top)
        for u in sample_uniforms(mean):
            got = quantile(mean, scale, u)
            # In the last 2^-36 of the law (one packet in 7 * 10^10) the steps of 64-bit numbers
            # are wider than the table's error.
            error = abs(got - true_quantile(mean, top, u))
            fine = error <= limit_us(mean) or ONE - u < LAST
            check(f"mean {mean} max {top} u {u:016x}: {error:.3f} us off", fine and got <= top)
            if mean == 10000000 and ONE - u >= LAST:
                worst = max(worst, error)
    check(f"at a mean of 10 s at most 1 us off, here {worst:.3f}", worst < 1)
    print(f"worst error at a mean of 10 s: {worst:.3f} us")
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
