"""Hostile tokens: each built by hand, so that nothing but the one fault is wrong with it."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from flask import Flask

from app.services import keys


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger:
    """Knows a good access token and the key that signed it, and makes bad ones from them."""

    def __init__(self, app: Flask, good: str) -> None:
        self.good = good
        self.header: dict[str, Any] = jwt.get_unverified_header(good)
        with app.app_context():
            self.key = (keys.ring().accepted | {keys.refresh_key().kid: keys.refresh_key()})[self.header["kid"]]
        self.claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})

    def sign(self, header: Any, claims: Any, secret: bytes | None = None) -> str:
        """Return a correctly signed token over any header and payload; bytes are taken as they are.

        With ``secret`` it is signed by HMAC, whatever the server's key is.
        """
        if secret is None:
            key = self.key.signing
            return self.sign_by(lambda text: key.Algorithm.sign(text, key.key), header, claims)
        return self.sign_by(lambda text: hmac.digest(secret, text, "sha256"), header, claims)

    def sign_by(self, signature_of: Callable[[bytes], bytes], header: Any, claims: Any) -> str:
        """Return a token with whatever signature the function makes."""
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
        signed = ".".join(b64(part) for part in parts)
        return f"{signed}.{b64(signature_of(signed.encode()))}"

    def without(self, *names: str) -> str:
        return self.sign(self.header, {k: v for k, v in self.claims.items() if k not in names})

    def with_claims(self, **changes: Any) -> str:
        return self.sign(self.header, self.claims | changes)

    def with_header(self, **changes: Any) -> str:
        return self.sign(self.header | changes, self.claims)

    def tokens(self, refresh_token: str, other_sid: str) -> dict[str, str]:
        """Return every hostile token by name."""
        head, body, signature = self.good.split(".")
        now = int(time.time())
        none_body = f"{b64(json.dumps(self.header | {'alg': 'none'}).encode())}.{body}"
        no_kid = {k: v for k, v in self.header.items() if k != "kid"}
        odd_kids: dict[str, Any] = {
            "unknown": "unknown",
            "empty": "",
            "null": None,
            "number": 7,
            "list": ["a"],
            "object": {"a": 1},
            "path": "../../../dev/null",
            "sql": "' OR 1=1 --",
            "nul": "\0",
            "long": "k" * 2000,
        }
        cases = {
            "no kid": self.sign(no_kid, self.claims),
            "alg none, no signature": f"{none_body}.",
            "alg none, old signature": f"{none_body}.{signature}",
            "alg None in capitals": self.with_header(alg="None"),
            "alg HS512 with an HS256 signature": self.with_header(alg="HS512"),
            "alg of another kind of key": self.with_header(
                alg="ES256" if self.header.get("alg") == "RS256" else "RS256"
            ),
            "alg of a stronger hash": self.with_header(alg=f"{self.header.get('alg', '')[:2]}384"),
            "alg a number": self.with_header(alg=256),
            "wrong key": self.sign(self.header, self.claims, b"another secret of thirty-two bytes!"),
            "empty key": self.sign(self.header, self.claims, b"\0"),
            "signature of another token": f"{head}.{body}.{refresh_token.split('.')[2]}",
            "payload of another token": f"{head}.{refresh_token.split('.')[1]}.{signature}",
            "signature cut off": f"{head}.{body}",
            "signature shortened": self.good[:-1],
            "a part too many": f"{self.good}.{signature}",
            "jku": self.sign(no_kid | {"jku": "http://127.0.0.1:1/jwks.json"}, self.claims),
            "jwk": self.sign(no_kid | {"jwk": {"kty": "oct", "k": b64(b"x" * 32)}}, self.claims),
            "critical extension": self.with_header(crit=["exp"]),
            "unencoded payload": self.with_header(b64=False, crit=["b64"]),
            "typ JWT": self.with_header(typ="JWT"),
            "typ left out": self.sign({k: v for k, v in self.header.items() if k != "typ"}, self.claims),
            "refresh token as access token": refresh_token,
            "refresh token renamed": self.sign(self.header | {"typ": "rt+jwt"}, self.claims),
            "expired": self.with_claims(exp=now - 60),
            "not valid yet": self.with_claims(nbf=now + 3600),
            "another issuer": self.with_claims(iss="https://evil.example"),
            "another audience": self.with_claims(aud="https://evil.example"),
            "a list of audiences": self.with_claims(aud=[self.claims["aud"], "https://evil.example"]),
            "sub a number": self.with_claims(sub=1),
            "sub no uuid": self.with_claims(sub="admin"),
            "sub somebody else": self.with_claims(sub="00000000-0000-4000-8000-000000000000"),
            "sid no uuid": self.with_claims(sid="x"),
            "sid unknown": self.with_claims(sid="00000000-0000-7000-8000-000000000000"),
            "sid of somebody else": self.with_claims(sid=other_sid),
            "exp text": self.with_claims(exp="soon"),
            "exp infinite": self.sign(self.header, json.dumps(self.claims | {"exp": float("inf")}).encode()),
            "exp a fraction": self.with_claims(exp=now + 100.5),
            "exp true": self.with_claims(exp=True),
            "iat text": self.with_claims(iat="x"),
            "jti a list": self.with_claims(jti=["a"]),
            "payload an array": self.sign(self.header, [self.claims]),
            "payload null": self.sign(self.header, None),
            "payload a string": self.sign(self.header, "sub"),
            "payload empty": self.sign(self.header, b""),
            "payload not JSON": self.sign(self.header, b"{"),
            "payload not UTF-8": self.sign(self.header, b'{"sub": "\xff"}'),
            "payload very deep": self.sign(self.header, b"[" * 900 + b"]" * 900),
            "header an array": self.sign([self.header], self.claims),
            "header not JSON": self.sign(b"{", self.claims),
            "8 KB of noise": "x" * 8192,
            "8 KB of noise in three parts": f"{'a' * 2700}.{'b' * 2700}.{'c' * 2700}",
            "non-ASCII": "é" * 100,
            "padding": f"{self.good}==",
            "blank inside": f"{head} .{body}.{signature}",
            "empty": "",
            "dots": "..",
            "quotes": '"' + self.good + '"',
        }
        cases |= {f"kid {name}": self.with_header(kid=kid) for name, kid in odd_kids.items()}
        cases |= {f"{name} missing": self.without(name) for name in self.claims if name not in ("fresh", "type")}
        return cases
