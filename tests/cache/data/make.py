#!/usr/bin/env python3
"""Stored blobs written from the words of cache/README.md alone, not by the code under test.

Writes vectors.json (each blob beside what it says; test_vectors.cc compares both ways) and ../corpus/<kind>/ (seeds of
the fuzz harnesses). Fixed seeds and dates: the same files every time. Needs python3-cryptography for Ed25519.
"""
import hashlib
import json
import pathlib
import random
import shutil

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parent / "corpus"
NOW = 1795329600  # 2026-11-22T06:40:00Z
YEAR_9999 = 253402300799
REASONS = [None, 1, 2, 3, 4, 5, 6, 9, 10]
rnd = random.Random(8)


def number(value, octets):
    return value.to_bytes(octets, "big")


def length(n):
    return bytes([n]) if n < 128 else number(0x8000 + n, 2)


def difference(seconds):
    coded = abs(seconds) * 2 + (seconds < 0)
    groups = []
    while coded > 127:
        groups.append(coded % 128 + 128)
        coded //= 128
    return bytes(groups + [coded])


def record(r, base):
    serial = bytes.fromhex(r["serial"])
    flags, optional = 0, b""
    if r["revoked"]:
        flags += 1
        optional += number(r["revoked"]["time"], 5) + bytes([r["revoked"]["reason"] or 0])
    for bit, mine, theirs in zip((2, 4, 8), r["times"], base):
        if mine == theirs:
            continue
        if bit == 8 and mine == YEAR_9999:
            flags += 16
        else:
            flags += bit
            optional += difference(mine - theirs)
    extensions = bytes.fromhex(r["extensions"])
    if extensions:
        flags += 32
        optional += length(len(extensions)) + extensions
    signature = bytes.fromhex(r["signature"])
    return bytes([r["profile"] * 32 + len(serial)]) + serial + bytes([flags]) + optional + length(len(signature)) + signature


def set_octet(s):
    return bytes([s[0] * 16 + s[1]])


def times(base):
    return b"".join(number(t, 5) for t in base)


def page(p):
    records = [record(r, p["base"]) for r in sorted(p["records"], key=lambda r: int(r["serial"], 16))]
    offsets, at = b"", 0
    for r in records:
        offsets += number(at, 2)
        at += len(r)
    return (b"EBP\x01" + set_octet(p["set"]) + bytes([p["page_bits"]]) + number(p["index"], 4) + number(p["sequence"], 8)
            + times(p["base"]) + bytes([len(p["profiles"])]) + number(len(records), 2)
            + b"".join(map(bytes.fromhex, p["profiles"])) + offsets + b"".join(records))


def patch(p):
    entries = sorted(p["records"], key=lambda r: (r["set"], int(r["serial"], 16)))
    return (b"EBC\x01" + number(p["sequence"], 8) + times(p["base"]) + bytes([len(p["profiles"])]) + number(len(entries), 4)
            + b"".join(map(bytes.fromhex, p["profiles"])) + b"".join(set_octet(r["set"]) + record(r, p["base"]) for r in entries))


def profile(p):
    out = b"EBA\x01" + bytes([p["hash"], p["form"]])
    for field in ("responder_key_hash", "issuer_name_hash", "issuer_key_hash"):
        out += bytes.fromhex(p[field])
    for field in ("signature_algorithm", "signer_certificate", "single_extensions"):
        part = bytes.fromhex(p[field])
        out += number(len(part), 2) + part
    return out


def table(t):
    return b"EBT\x01" + b"".join(map(bytes.fromhex, t["digests"]))


def head(h):
    out = b"EBH\x01" + bytes.fromhex(h["issuer"]) + number(h["epoch"], 8) + number(h["sequence"], 8) + number(h["time"], 5)
    out += bytes([len(h["sets"])])
    for s in sorted(h["sets"], key=lambda s: s["set"]):
        out += set_octet(s["set"]) + bytes([s["page_bits"]]) + bytes.fromhex(s["root"])
    out += number(len(h["patches"]), 2)
    for p in sorted(h["patches"], key=lambda p: p["sequence"]):
        out += number(p["sequence"], 8) + bytes.fromhex(p["digest"])
    out += number(len(h["profiles"]), 2) + b"".join(sorted(map(bytes.fromhex, h["profiles"])))
    out += bytes([len(h["crls"])])
    for c in sorted(h["crls"], key=lambda c: c["path"]):
        out += bytes([len(c["path"])]) + c["path"].encode() + bytes.fromhex(c["digest"]) + number(c["size"], 8)
    return out


# --- what they say ---

def octets(n):
    return rnd.randbytes(n).hex()


def digest():
    return octets(32)


def serial(n):
    return bytes([rnd.randrange(1, 256)]).hex() + octets(n - 1)


def sequence(n):
    content = rnd.randbytes(n)
    head_octets = bytes([0x30, n]) if n < 128 else b"\x30\x82" + number(n, 2) if n > 255 else bytes([0x30, 0x81, n])
    return (head_octets + content).hex()


def base_times(final=False):
    return [NOW, NOW - 300, YEAR_9999 if final else NOW + 86400]


def some_record(base, profiles, plain=False, signature=64, number_of_octets=None):
    r = {"serial": serial(number_of_octets or rnd.choice((1, 2, 8, 16, 20))), "profile": rnd.randrange(profiles), "revoked": None,
         "times": list(base), "signature": octets(signature), "extensions": ""}
    if plain:
        return r
    if rnd.random() < 0.6:
        r["revoked"] = {"time": rnd.choice((0, 1, NOW - 86400 * 365, NOW, YEAR_9999)), "reason": rnd.choice(REASONS)}
    if rnd.random() < 0.5:
        r["times"] = [rnd.choice((0, NOW + 1, NOW - 1, NOW + 63, NOW - 64, NOW + 8192, YEAR_9999)),
                      rnd.choice((base[1], 0, NOW)), rnd.choice((base[2], YEAR_9999, YEAR_9999 - 1, NOW))]
    if rnd.random() < 0.4:
        r["extensions"] = sequence(rnd.choice((5, 40, 125, 126, 200)))
    return r


def unique(records):
    return list({r["serial"]: r for r in records}.values())


def pages():
    for final in (False, True):
        base = base_times(final)
        yield {"set": [1, 2 if final else 0], "page_bits": 0, "index": 0, "sequence": 41, "base": base,
               "profiles": [digest() for _ in range(3)],
               "records": unique(some_record(base, 3) for _ in range(12))}
    base = base_times()
    yield {"set": [0, 1], "page_bits": 0, "index": 0, "sequence": 2**64 - 1, "base": base, "profiles": [digest()],
           "records": [some_record(base, 1, plain=True, number_of_octets=1)]}
    r = some_record(base, 8)
    yield {"set": [1, 0], "page_bits": 24, "index": int(hashlib.sha256(bytes.fromhex(r["serial"])).hexdigest()[:6], 16),
           "sequence": 7, "base": base, "profiles": [digest() for _ in range(8)], "records": [r]}
    yield {"set": [1, 0], "page_bits": 0, "index": 0, "sequence": 8, "base": base, "profiles": [digest()],
           "records": unique(some_record(base, 1, signature=5120) for _ in range(2))}


def patches():
    base = base_times()
    for count in (1, 5, 12):
        records = []
        for r in unique(some_record(base, 2) for _ in range(count)):
            life = rnd.randrange(3)
            records += [dict(r, set=[hash_of_cert_id, life], signature=octets(64)) for hash_of_cert_id in (0, 1)]
        yield {"sequence": 40 + count, "base": base, "profiles": [digest(), digest()], "records": records}


def profiles():
    for hash_of_cert_id, size in ((0, 20), (1, 32)):
        for form in range(4):
            yield {"hash": hash_of_cert_id, "form": form, "responder_key_hash": octets(20), "issuer_name_hash": octets(size),
                   "issuer_key_hash": octets(size), "signature_algorithm": sequence(10),
                   "signer_certificate": "" if form == 0 else sequence(300),
                   "single_extensions": "" if form < 2 else sequence(20) + sequence(30)}


def tables():
    for count in (1, 2, 16, 256):
        digests = [digest() if rnd.random() < 0.8 or i == 0 else "00" * 32 for i in range(count)]
        yield {"digests": digests}


def heads():
    yield {"issuer": octets(16), "epoch": 0, "sequence": 0, "time": 0, "sets": [], "patches": [], "profiles": [], "crls": []}
    yield {"issuer": octets(16), "epoch": 3, "sequence": 2**63, "time": NOW,
           "sets": [{"set": [h, l], "page_bits": 8 * l, "root": digest() if l < 2 else "00" * 32} for h in (0, 1) for l in (0, 1, 2)],
           "patches": [{"sequence": s, "digest": digest()} for s in (0, 5, 2**63)], "profiles": [digest() for _ in range(4)],
           "crls": [{"path": "/demo.crl", "digest": digest(), "size": 1234}, {"path": "/a/b~c.crl", "digest": digest(), "size": 2**30}]}
    yield {"issuer": octets(16), "epoch": 2**64 - 1, "sequence": 2**64 - 1, "time": YEAR_9999,
           "sets": [{"set": [1, 0], "page_bits": 24, "root": digest()}], "patches": [], "profiles": [digest()],
           "crls": [{"path": "/" + "x" * 254, "digest": digest(), "size": 1}]}


def main():
    shutil.rmtree(CORPUS, ignore_errors=True)
    vectors = []

    def take(kind, blob, says):
        same_kind = sum(v["kind"] == kind for v in vectors)
        vectors.append({"kind": kind, "blob": blob.hex(), "says": says})
        folder = CORPUS / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{same_kind}.bin").write_bytes(blob)

    for base in (base_times(), base_times(True)):
        for i in range(12):
            r = some_record(base, 8, plain=i == 0, signature=rnd.choice((1, 64, 127, 128, 256)))
            take("record", record(r, base), dict(r, base=base))
    for p in pages():
        take("page", page(p), p)
    for p in patches():
        take("patch", patch(p), p)
    for p in profiles():
        take("profile", profile(p), p)
    for t in tables():
        take("table", table(t), t)
    for h in heads():
        take("head", head(h), h)
        key = Ed25519PrivateKey.from_private_bytes(bytes([len(vectors) % 256] * 32))
        covered = head(h) + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        vectors.append({"kind": "signed head", "blob": (covered + key.sign(covered)).hex(), "says": h})
    (HERE / "vectors.json").write_text(json.dumps(vectors, indent=0) + "\n")


main()
