# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 the Fogline authors
"""Forged access tokens, made with Python's cryptography and, where only the signature shall be good, with the platform's own
key. tests/unit/accounts/token_check.py has every reason in detail; here they come over HTTP, as does what stands around them."""
import hashlib
import hmac
import json
import sys
import tempfile
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from _init import ROOT, check, equal
from attacks import Tables, Wire, raw, request
from control import Control

sys.path.insert(0, str(ROOT / "tests" / "unit" / "accounts"))
from token_check import b64, sealed_in, signing_key, unb64

ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's base point
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DER = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class Forger:
	"""Puts tokens together. Headers and bodies are objects, or the text as it shall stand."""

	def __init__(self, control, url, access):
		head, body, self.signature = access.split(".")
		self.access = access
		self.header, self.body = json.loads(unb64(head)), json.loads(unb64(body))
		key_file = control.state_dir / "control" / "platform.key"
		sealed = sealed_in(Tables(control, url).url, self.header["kid"])
		self.key = signing_key(sealed, key_file, self.header["kid"])
		self.public = self.key.public_key()

	def text(self, header, body):
		return ".".join(b64(part.encode() if isinstance(part, str) else part) for part in (header, body))

	def signed(self, header=None, body=None, key=None):
		"""By the platform's own key, or another one."""
		text = self.text(header or self.header, body or self.body)
		return text + "." + b64((key or self.key).sign(text.encode()))

	def head(self, **changes):
		return {**self.header, **changes}

	def claims(self, gone=(), **changes):
		return {name: value for name, value in {**self.body, **changes}.items() if name not in gone}


def algorithms(forger):
	"""The header names an algorithm: none of these is ours."""
	body = forger.body
	for none in ("none", "None", "NONE", "nOnE", "nonE", " none", "none\u0000", "", None, False, 0, [], ["none"], ["EdDSA"], "eddsa", "EDDSA", "Ed25519"):
		text = forger.text(forger.head(alg=none), body)
		for signature in ("", forger.signature, b64(forger.key.sign(text.encode()))):
			yield f"alg {none!r}", text + "." + signature
	yield "no alg", forger.signed({name: value for name, value in forger.header.items() if name != "alg"})
	secrets = [forger.public.public_bytes(*form) for form in (RAW, PEM, DER)]
	secrets += [b64(secrets[0]).encode(), json.dumps({"kty": "OKP", "crv": "Ed25519", "x": b64(secrets[0])}).encode(), b"", b"secret", forger.header["kid"].encode()]
	for name, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
		for secret in secrets:
			text = forger.text(forger.head(alg=name), body)
			yield f"{name} with what is public", text + "." + b64(hmac.new(secret, text.encode(), digest).digest())
	mine = rsa.generate_private_key(65537, 2048)
	text = forger.text(forger.head(alg="RS256"), body)
	yield "RS256", text + "." + b64(mine.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))
	text = forger.text(forger.head(alg="PS256"), body)
	yield "PS256", text + "." + b64(mine.sign(text.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()))
	curve = ec.generate_private_key(ec.SECP256R1())
	text = forger.text(forger.head(alg="ES256"), body)
	r, s = decode_dss_signature(curve.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
	yield "ES256", text + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
	yield "ES256 of zeros", forger.text(forger.head(alg="ES256"), body) + "." + b64(bytes(64))


def keys(forger):
	"""The header names a key, or brings one along."""
	mine = ed25519.Ed25519PrivateKey.generate()
	own = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": forger.header["kid"], "x": b64(mine.public_key().public_bytes(*RAW))}
	for kid in ("A" * 16, "", "../../../../dev/null", "/proc/sys/kernel/randomize_va_space", "' UNION SELECT 'AAAA' --", "' OR '1'='1", "%",
		forger.header["kid"] + "\u0000", forger.header["kid"].swapcase(), forger.header["kid"][:-1], "| cat /etc/passwd", "http://127.0.0.1:9/", 0, None, [forger.header["kid"]], {}):
		yield f"kid {kid!r} of another key", forger.signed(forger.head(kid=kid), key=mine)
		yield f"kid {kid!r} of our key", forger.signed(forger.head(kid=kid))
	yield "no kid", forger.signed({name: value for name, value in forger.header.items() if name != "kid"})
	yield "another key under our kid", forger.signed(key=mine)
	for more in ({"jwk": own}, {"jku": "http://127.0.0.1:9/jwks.json"}, {"x5u": "http://127.0.0.1:9/x.pem"}, {"x5c": ["MIIB"]}, {"x5t": "AAAA"}, {"crit": ["exp"]}, {"crit": []},
		{"b64": False}, {"cty": "JWT"}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"epk": own}):
		yield f"header with {list(more)}, another key", forger.signed(forger.head(**more), key=mine)
		yield f"header with {list(more)}, our key", forger.signed(forger.head(**more))
	for kind in ("JWT", "jwt", "at+JWT", "application/at+jwt", "rt+jwt", "dpop+jwt", "", None, 1):
		yield f"typ {kind!r}", forger.signed(forger.head(typ=kind))


def claims(forger):
	"""Our own signature under what no token of ours says."""
	now = int(time.time())
	for issuer in ("Fogline", "fogline ", "evil", "", None, ["fogline"], "https://fogline"):
		yield f"iss {issuer!r}", forger.signed(body=forger.claims(iss=issuer))
	for audience in ("fogline", "", None, [forger.body["aud"]], forger.body["aud"] + "x", forger.body["aud"].upper() + "Z", "*"):
		yield f"aud {audience!r}", forger.signed(body=forger.claims(aud=audience))
	for name in ("iss", "aud", "sub", "sid", "exp", "nbf", "iat"):
		yield f"no {name}", forger.signed(body=forger.claims([name]))
	for name in ("nbf", "iat"):
		for value in (now + 60, now + 10**9, "0", None, -1, 1e18):
			yield f"{name} {value!r}", forger.signed(body=forger.claims(**{name: value}))
	for value in (now - 1, 0, -1, "9999999999", None, True, 1e300, 2**63, [now + 60]):
		yield f"exp {value!r}", forger.signed(body=forger.claims(exp=value))
	for value in ("0", "-1", "01", "1 OR 1=1", "1' OR '1'='1", "1e1", "9" * 30, 1, None, [], "../1", "9007199254740991"):
		yield f"sub {value!r}", forger.signed(body=forger.claims(sub=value))
		yield f"sid {value!r}", forger.signed(body=forger.claims(sid=value))
	plain = json.dumps(forger.body)
	for name, value in (("sub", "1"), ("exp", 9999999999), ("aud", "x"), ("iss", "fogline")):
		yield f"{name} twice", forger.signed(body=plain[:-1] + f', "{name}": {json.dumps(value)}}}')
	head = json.dumps(forger.header)
	yield "alg twice", forger.signed(head[:-1] + ', "alg": "none"}')
	yield "kid twice", forger.signed(head[:-1] + ', "kid": "AAAAAAAAAAAAAAAA"}')
	for body in ("[]", "null", "1", '"x"', "", "{", plain + "x", plain + plain, "\ufeff" + plain, "{}"):
		yield f"a body {body[:9]!r}", forger.signed(body=body or " ")


def forms(forger):
	"""One token has one spelling, one signature and no more."""
	access, (head, body, signature) = forger.access, forger.access.split(".")
	for more in ("=", "==", ".", "..", ".x", "A", "AA", "AAAA", "%00", "%20", ",", ";", "\t", "\"", "'", "+", "/", "#"):
		yield f"{more!r} behind it", access + more
	yield "a dot before it", "." + access
	for gone in (1, 2, 43):
		yield f"{gone} characters less", access[:-gone]
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for bit in (1, 2, 4, 8):
		yield "bits that decoding throws away", access[:-1] + letters[letters.index(access[-1]) ^ bit]
	plain = unb64(signature)
	s = int.from_bytes(plain[32:], "little")
	for times in range(1, 16):
		if s + times * ORDER < 2**256:
			yield f"S + {times} L", ".".join((head, body, b64(plain[:32] + (s + times * ORDER).to_bytes(32, "little"))))
	yield "the neutral point", ".".join((head, body, b64(b"\x01" + bytes(63))))
	yield "zeros", ".".join((head, body, b64(bytes(64))))
	yield "another body", ".".join((head, b64(forger.claims(sub="1")), signature))
	yield "padded", ".".join((head + "=", body, signature))
	yield "three parts too many", ".".join((head, body, signature, head, body, signature))
	yield "five parts, as if encrypted", ".".join((head, "", "", body, signature))
	yield "as JSON", json.dumps({"payload": body, "protected": head, "signature": signature})
	yield "upper case", access.upper()


def around(control, access):
	"""The header that carries it."""
	ask = lambda *fields: raw(control, request("GET", "/v1/auth/me", *fields))[0]
	for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
		equal(ask(f"Authorization: {scheme} {access}")[0], 200, f"{scheme}: names of schemes have no case")
	for line in ("Bearer" + access, "Bearer\t" + access, "Bearer  " + access, "Bearer:" + access, "Token " + access, "JWT " + access, access, "Bearer", "Bearer ",
		f"Bearer {access}, Bearer {access}", f"Bearer {access} {access}", f"Bearer \"{access}\"", f"Bearer token={access}", f"Basic {access}", f"Bearer {access}\x0b",
		f"Bearer x, Bearer {access}", f"Bearer {access},"):
		equal(ask("Authorization: " + line)[0], 401, f"Authorization: {line[:12]!r}..{line[-4:]!r}")
	for lines in ((f"Authorization: Bearer {access}", "Authorization: Bearer x"), ("Authorization: Bearer x", f"authorization: Bearer {access}"),
		(f"Authorization: Bearer {access}",) * 2):
		status, _, body = ask(*lines)
		equal((status, json.loads(body)["code"]), (400, "header_twice"), "two Authorization headers")
	for name in ("Authorization ", "Authorization\t", " Authorization", "X-Authorization", "Authorization\x00", "Proxy-Authorization"):
		equal([answer[0] for answer in raw(control, request("GET", "/v1/auth/me", f"{name}: Bearer {access}")) if answer[0] < 400], [], f"{name!r}: ..")


def others(control, tokens):
	"""What is no access token is none, wherever it is shown; nor is one of another control plane."""
	wire = Wire(control)
	key = control.call("POST", "/v1/keys", tokens["access_token"], {"name": "k", "scopes": ["account:read"]}).json["secret_key"]
	for text in (tokens["refresh_token"], key[7:], key.upper(), "fog_sk_", "fog_sk_" + "A" * 43, key + "A", "fog_sk_" + tokens["refresh_token"]):
		yield "what is no token", text
	for text in (tokens["access_token"], key, "' OR '1'='1", "%", ""):
		status, _, answer = wire.ask("POST", "/v1/auth/refresh", {"refresh_token": text})
		wanted = (401, "bad_token") if 0 < len(text) <= 128 else (400, "bad_field")
		equal((status, answer["code"]), wanted, "what is no refresh token")
	with tempfile.TemporaryDirectory() as folder, Control(folder, "other") as other:
		for name in ("one", "token"):  # as many accounts, so that numbers are the same
			other.add_user(name, ["admin"])
		yield "a token of another control plane", other.login("token")["access_token"]


def run(control, url):
	control.add_user("token", ["user", "auditor", "operator", "admin"], tier="enterprise")
	tokens = control.login("token")
	access = tokens["access_token"]
	forger = Forger(control, url, access)
	wire, tried = Wire(control), 0
	good = lambda text: wire.ask("GET", "/v1/auth/me", headers={"Authorization": f"Bearer {text}"})[0]
	equal((good(access), good(forger.signed()), good(forger.signed(body=forger.claims(jti="another")))), (200, 200, 200), "tokens that are good")
	for part in (algorithms(forger), keys(forger), claims(forger), forms(forger), others(control, tokens)):
		for what, text in part:
			for method, path, body in (("GET", "/v1/auth/me", None), ("PUT", "/v1/log", {"control_plane": "debug"})):
				status, fields, answer = wire.ask(method, path, body, {"Authorization": f"Bearer {text}"})
				equal(status, 401, f"{what}: {method} {path} with {text}")
				check(answer["code"] in ("bad_token", "token_expired", "token_revoked") and fields["WWW-Authenticate"] == "Bearer", f"{what}: {answer}")
			tried += 1
	around(control, access)
	equal(control.local.get("/v1/log")["control_plane"], "info", "the level that nobody may have changed")
	equal(good(access), 200, "the token that was good")
	return f"{tried} forged tokens"
