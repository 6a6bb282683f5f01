#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Access tokens against another implementation of JWT: ours verify there by the published keys, and what is forged
there is refused here, each for the reason that it was forged in.

usage: token_check.py ACCOUNTS_ANSWER"""
import base64
import ctypes
import hashlib
import hmac
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from accounts_answer import PASSWORD, USER, Accounts, check

EARLY, LEEWAY = 60, 5


def b64(data):
	return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def unb64(text):
	return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def published(plane):
	answer = plane.good("platform")
	key, = answer["jwks"]["keys"]
	return answer["platform"], key


def ours_verify(plane, access):
	platform, key = published(plane)
	header = jwt.get_unverified_header(access)
	check(header == {"alg": "EdDSA", "kid": key["kid"], "typ": "at+jwt"}, f"header {header}")
	public = jwt.PyJWK.from_dict(key).key
	body = jwt.decode(
		access, public, algorithms=["EdDSA"], audience=platform, issuer="fogline",
		options={"require": ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"]})
	check(body["exp"] - body["iat"] == 1800 and body["nbf"] == body["iat"], f"times {body}")
	check(set(key) == {"kty", "crv", "alg", "use", "kid", "x"}, f"the published key tells more: {set(key)}")
	return header, body, public


def forge(header, body, key):
	"""PyJWT signs what it is told to."""
	return jwt.api_jws.PyJWS().encode(json.dumps(body).encode(), key, algorithm="EdDSA", headers=header)


def forged_by_strangers(plane, access, header, body, public):
	raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
	pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
	mine = ed25519.Ed25519PrivateKey.generate()
	my_jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(mine.public_key().public_bytes(
		serialization.Encoding.Raw, serialization.PublicFormat.Raw))}
	head, payload, signature = access.split(".")
	refused = lambda why, token: plane.refused(why, "find", bearer=token)

	for none in ("none", "None", "NONE", "nOnE", ""):
		text = b64({**header, "alg": none}) + "." + payload + "."
		refused("jwt_alg", text)
		refused("jwt_alg", text + signature)
	for secret in (raw, pem, b64(raw).encode(), b"", b"secret"):
		text = b64({**header, "alg": "HS256"}) + "." + payload
		refused("jwt_alg", text + "." + b64(hmac.new(secret, text.encode(), hashlib.sha256).digest()))
	mine_rsa = rsa.generate_private_key(65537, 2048)
	refused("jwt_alg", jwt.encode(body, mine_rsa, algorithm="RS256", headers={"kid": header["kid"], "typ": "at+jwt"}))
	refused("jwt_alg", b64({"kid": header["kid"], "typ": "at+jwt"}) + "." + payload + "." + signature)

	refused("jwt_signature", forge(header, body, mine))
	refused("jwt_kid", forge({**header, "kid": "AAAAAAAAAAAAAAAA"}, body, mine))
	for kid in ("", "../../../dev/null", "' UNION SELECT 1; --", header["kid"] + " ", header["kid"][:-1], 7, None, [header["kid"]]):
		refused("jwt_kid", b64({**header, "kid": kid}) + "." + payload + "." + signature)
	# Keys that a header brings along count for nothing.
	for more in ({"jwk": my_jwk}, {"jku": "http://127.0.0.1:9/keys"}, {"x5u": "http://127.0.0.1:9/"}, {"x5c": ["MIIB"]}, {"crit": ["exp"]}, {"b64": False}):
		refused("jwt_header", forge({**header, **more}, body, mine))
	for kind in ("JWT", "jwt", "at+JWT", "application/at+jwt", "rt+jwt", "", None):
		refused("jwt_type", b64({**header, "typ": kind}) + "." + payload + "." + signature)

	other = b64({**body, "sub": "2"})
	refused("jwt_signature", ".".join((head, other, signature)))
	refused("jwt_signature", ".".join((head, payload, "")))
	refused("jwt_form", ".".join((head, payload)))
	refused("jwt_form", ".".join((head, payload, signature, signature)))
	refused("jwt_signature", ".".join((head, payload, b64(unb64(signature)[:63]))))
	refused("jwt_signature", ".".join((head, payload, b64(bytes(64)))))
	for more in ("=", "\n", " ", "\0", "%00", "~"):
		refused("jwt_form", access + more)
	# One bit that decoding would throw away.
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	refused("jwt_signature", access[:-1] + letters[letters.index(access[-1]) ^ 1])
	for text in ("x", "..", ".", "a.b.c", head, b64(b"[]") + "..", b64(b"\0") + "..", b64(b'{"alg":"EdDSA","alg":"none"}') + ".."):
		answer = plane.ask("find", bearer=text)
		check(answer["r"] < 0 and answer["code"] == "bad_token", f"{text}: {answer}")
	# The signature's other form, S + L: accepted by careless ones.
	order = 2**252 + 27742317777372353535851937790883648493
	plain = unb64(signature)
	s = int.from_bytes(plain[32:], "little") + order
	if s < 2**256:
		refused("jwt_signature", ".".join((head, payload, b64(plain[:32] + s.to_bytes(32, "little")))))


def forged_by_us(plane, header, body, key, now):
	"""What our own key signs is still refused when it says what no token of ours says."""
	refused = lambda why, changes, gone=(): plane.refused(why, "find", bearer=forge(
		header, {name: value for name, value in {**body, **changes}.items() if name not in gone}, key))

	check(plane.good("find", bearer=forge(header, {**body, "jti": "another"}, key))["r"] == 0, "the key is not the right one")
	for issuer in ("Fogline", "", None, ["fogline"], "fogline.example"):
		refused("jwt_issuer", {"iss": issuer})
	for audience in ("", "fogline", body["aud"][:-1], [body["aud"]], None):
		refused("jwt_audience", {"aud": audience})
	for name in ("iss", "aud", "sub", "sid", "exp", "nbf", "iat"):
		why = {"iss": "jwt_issuer", "aud": "jwt_audience"}.get(name, "jwt_claims")
		refused(why, {}, [name])
	for value in ("0", "-1", "1 OR 1=1", "01", "9" * 19, 1, None, "", "1e3"):
		refused("jwt_claims", {"sub": value})
		refused("jwt_claims", {"sid": value})
	for value in ("soon", 1e300, -1, 2**62, None, True, [now]):
		refused("jwt_claims", {"exp": value})
	answer = refused("jwt_expired", {"exp": now})
	check(answer["code"] == "token_expired", f"{answer}")
	refused("jwt_expired", {"exp": now - 1})
	refused("jwt_early", {"nbf": now + EARLY})
	refused("jwt_early", {"iat": now + EARLY})
	plane.good("find", bearer=forge(header, {**body, "nbf": now + LEEWAY - 1, "iat": now + LEEWAY - 1}, key))
	answer = refused("session_gone", {"sid": "4711"})
	check(answer["code"] == "token_revoked", f"{answer}")
	refused("session_gone", {"sub": "4711"})


def signing_key(sealed, key_file, kid):
	"""The seed, opened by libsodium through ctypes, from what README.md says of it."""
	sodium = ctypes.CDLL("libsodium.so.23")
	secret = key_file.read_bytes()
	key = hashlib.blake2b(b"fogline platform seal", key=secret, digest_size=32).digest()
	context = f"signing key {kid}".encode()
	out = ctypes.create_string_buffer(32)
	r = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
		out, None, None, sealed[24:], ctypes.c_ulonglong(len(sealed) - 24), context, ctypes.c_ulonglong(len(context)),
		sealed[:24], key)
	check(r == 0, "the signing key does not open")
	return ed25519.Ed25519PrivateKey.from_private_bytes(out.raw)


def sealed_in(store, kid):
	if store.startswith("postgresql:"):
		return bytes.fromhex(subprocess.run(
			["psql", "-XqAt", "-d", store, "-c", f"SELECT encode(sealed, 'hex') FROM signing_key WHERE kid = '{kid}'"],
			check=True, capture_output=True, text=True).stdout.strip())
	with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
		return db.execute("SELECT sealed FROM signing_key WHERE kid = ?", (kid,)).fetchone()[0]


def main(program):
	store = os.environ["FOGLINE_STORE"]
	with tempfile.TemporaryDirectory(prefix="fogline-check-") as folder:
		key_file = pathlib.Path(folder) / "platform.key"
		with Accounts(program, store, key_file) as plane:
			plane.good("add", name="victim", password=PASSWORD, roles=USER)
			access = plane.good("login", name="victim", password=PASSWORD)["access"]
			header, body, public = ours_verify(plane, access)
			now = plane.good("time")["now"]
			key = signing_key(sealed_in(store, header["kid"]), key_file, header["kid"])
			forged_by_strangers(plane, access, header, body, public)
			forged_by_us(plane, header, body, key, now)
			plane.good("find", bearer=access)
	print("tokens: as another implementation has them")


if __name__ == "__main__":
	if len(sys.argv) != 2:
		sys.exit(__doc__)
	main(sys.argv[1])
