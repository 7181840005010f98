#!/usr/bin/env python3
"""Writes into the folder named: CAs and CRLs, of which each has one thing wrong or one thing rare.

The file name says which; what is to be found is in tests/crl/."""
import os
import pathlib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "crypto", "data"))

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

from pki import *  # noqa: E402,F403

out = pathlib.Path(sys.argv[1])
ca_key, other_key, p384_key, ed_key = Key.ec(ec.SECP256R1()), Key.ec(ec.SECP256R1()), Key.ec(ec.SECP384R1()), Key.ed25519()
rsa_2048, rsa_4096 = Key.rsa(2048), Key.rsa(4096)
ca = name(("C", "NL"), ("O", "Eightbells Test"), ("CN", "Issuing CA"))
sibling = name(("C", "NL"), ("O", "Eightbells Test"), ("CN", "Sibling CA"))
for label, key, kind in (("ca", ca_key, None), ("ca-p384", p384_key, "ecdsa-sha384"), ("ca-rsa2048", rsa_2048, None),
                         ("ca-rsa4096", rsa_4096, "pss-sha512"), ("ca-ed25519", ed_key, None)):
    (out / f"{label}.der").write_bytes(authority(ca, key, kind=kind))

REASON, INVALIDITY, CERTIFICATE_ISSUER = "2.5.29.21", "2.5.29.24", "2.5.29.29"
NUMBER, DELTA, IDP, AUTHORITY = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.35"


def reason(code):
    return extension(REASON, enumerated(code))


def entry(serial, *extensions, date=time("2026-11-20 01:02:03"), raw=None):
    return seq(raw or integer(serial), date, seq(*extensions) if extensions else b"")


plain = (entry(0x1001), entry(0x1002, reason(1)), entry(0xFF03, reason(6)))


def crl(file, entries=plain, *, key=ca_key, issuer=ca, kind=None, inner=None, version=integer(1), number=integer(5),
        this=time("2026-11-22 06:00:00"), following=time("2026-11-24 06:00:00"), authority=None, more=(), behind=b"",
        extensions=None):
    kind = kind or key.usual()
    if extensions is None:
        extensions = [authority if authority is not None else authority_key_identifier(key),
                      extension(NUMBER, number) if number else b"", *more]
    body = seq(*extensions)
    made = signed(
        seq(version, algorithm(inner or kind), issuer, this, following,
            entries if isinstance(entries, bytes) else seq(*entries), explicit(0, body) if extensions else b"", behind),
        key, kind)
    (out / f"{file}.crl").write_bytes(made)
    return made


good = crl("good")
(out / "good.pem").write_text("Certificate Revocation List\n" + pem("X509 CRL", good) + "the end\n")
(out / "two.pem").write_text(pem("X509 CRL", good) + pem("X509 CRL", good))
(out / "tampered.crl").write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
(out / "changed.crl").write_bytes(good.replace(integer(0x1001), integer(0x1009)))

# Right, and read in full.
crl("empty", b"")
crl("reasons", [entry(0x2000 + code, reason(code)) for code in (0, 1, 2, 3, 4, 5, 6, 9, 10)])
crl("invalidity", [entry(1, extension(INVALIDITY, generalized("2026-11-19 23:59:59"))),
                   entry(2, reason(1), extension(INVALIDITY, generalized("1999-01-01")))])
crl("serials", [entry(1), entry(127), entry(128), entry(255), entry(256), entry(2**159 - 1)])
crl("dates", [entry(1, date=time("1950-01-01")), entry(2, date=time("2049-12-31 23:59:59")),
              entry(3, date=time("2050-01-01"))])
crl("last", following=generalized("9999-12-31 23:59:59"))
crl("unknown", more=[extension("1.2.3.4", NULL)], entries=[entry(1, extension("1.2.3.5", NULL))])
crl("expired-certs", more=[extension("2.5.29.60", generalized("2020-01-01"))])
crl("p384", key=p384_key, kind="ecdsa-sha384")
crl("rsa2048", key=rsa_2048)
crl("rsa4096-pss", key=rsa_4096, kind="pss-sha512")
crl("ed25519", key=ed_key)
crl("number-0", number=integer(0))
crl("first", [entry(0x1001), entry(0x1002, reason(1)), entry(0x1003, reason(4))], number=integer(0))
crl("number-128", number=integer(128))
crl("number-20-octets", number=integer(2**159 - 1))
uri = tlv(0x86, b"http://status.example/a.crl")
crl("shard", more=[extension(IDP, seq(explicit(0, explicit(0, uri)), tlv(0x81, b"\xff")), True)])

# A part of the issuer's certificates, by the URI in their CDP; deltas.
def scope(*names, fields=()):
    return extension(IDP, seq(explicit(0, explicit(0, *[tlv(0x86, n) for n in names])), *fields), True)


crl("shard-case", more=[scope(b"http://Status.example/a.crl")])
crl("shard-two-names", more=[scope(b"http://elsewhere.example/a.crl", b"http://status.example/a.crl")])
crl("shard-no-name", more=[extension(IDP, seq(tlv(0x81, b"\xff")), True)])
crl("shard-forged-name", more=[scope(b"http://status.example/a.crl\nFORGED")])
crl("relative-name", more=[extension(IDP, seq(explicit(0, tlv(0xA1, b""))), True)])
crl("no-names", more=[extension(IDP, seq(explicit(0, explicit(0))), True)])
crl("many-names", more=[scope(*[b"http://status.example/%d.crl" % i for i in range(20)])])
FRESHEST = "2.5.29.46"
freshest = seq(seq(explicit(0, explicit(0, uri))))
crl("base", more=[extension(FRESHEST, freshest)])
crl("base-critical", more=[extension(FRESHEST, freshest, True)])
crl("delta-6", [entry(0x1002, reason(1))], number=integer(6), more=[extension(DELTA, integer(5), True)])
crl("delta-of-6", number=integer(7), more=[extension(DELTA, integer(6), True)])
crl("delta-scope", number=integer(6), more=[extension(DELTA, integer(5), True), scope(b"http://status.example/a.crl")])
crl("delta-freshest", number=integer(6), more=[extension(DELTA, integer(5), True), extension(FRESHEST, freshest)])

# How far nextUpdate lies ahead.
crl("ten-days", following=time("2026-12-02 05:59:59"))
crl("ten-days-and-a-second", following=time("2026-12-02 06:00:00"))
crl("a-year", following=time("2027-11-22 06:00:00"))
crl("a-year-and-a-second", following=time("2027-11-22 06:00:01"))
crl("cas-a-year", following=time("2027-11-22 06:00:00"), more=[scope(b"http://status.example/a.crl", fields=[tlv(0x82, b"\xff")])])

# Entries that a profile forbids; the second is the wrong one.
crl("rule-hold", [entry(1, reason(1)), entry(0x0BAD, reason(6))])
crl("rule-unspecified", [entry(1, reason(1)), entry(0x0BAD, reason(0))])
crl("rule-ca-compromise", [entry(1, reason(1)), entry(0x0BAD, reason(2))])
crl("rule-aa-compromise", [entry(1, reason(1)), entry(0x0BAD, reason(10))])
crl("rule-missing", [entry(1, reason(1)), entry(0x0BAD)])
crl("rule-critical", [entry(1, reason(1)), entry(0x0BAD, extension(REASON, enumerated(1), True))])
crl("rule-invalidity", [entry(1, reason(1)), entry(0x0BAD, reason(1), extension(INVALIDITY, generalized("2026-11-19"), True))])

# Departures that bind in public trust only.
crl("no-authority", authority=b"")
crl("other-authority", authority=authority_key_identifier(other_key))
crl("critical-authority", authority=extension(AUTHORITY, seq(tlv(0x80, ca_key.identifier)), True))
crl("critical-number", authority=authority_key_identifier(ca_key), number=None, more=[extension(NUMBER, integer(5), True)])
crl("number-2-159", number=tlv(0x02, b"\x00\x80" + bytes(19)))
crl("generalized-this", this=generalized("2026-11-22 06:00:00"))
crl("generalized-next", following=generalized("2026-11-24 06:00:00"))

# Refused by the gate.
crl("foreign", key=other_key, issuer=sibling)
crl("foreign-key", key=other_key)
crl("sha1", kind="ecdsa-sha1")
crl("rsa-sha1", key=rsa_2048, kind="rsa-sha1")
crl("no-number", number=None)
crl("future", this=time("2026-11-22 12:00:01"))
crl("expired", following=time("2026-11-22 12:00:00"))
crl("no-next", following=b"")
crl("unknown-critical", more=[extension("1.2.3.4", NULL, True)])
crl("late-expired-certs", more=[extension("2.5.29.60", generalized("2026-11-22 06:00:00"))])
crl("indirect", more=[extension(IDP, seq(tlv(0x84, b"\xff")), True)])
crl("attributes", more=[extension(IDP, seq(tlv(0x85, b"\xff")), True)])
crl("some-reasons", more=[extension(IDP, seq(tlv(0x83, b"\x01\x40")), True)])
crl("users-and-cas", more=[extension(IDP, seq(tlv(0x81, b"\xff"), tlv(0x82, b"\xff")), True)])
crl("empty-scope", more=[extension(IDP, seq(), True)])
crl("disordered-scope", more=[extension(IDP, seq(tlv(0x82, b"\xff"), tlv(0x81, b"\xff")), True)])
crl("false-scope", more=[extension(IDP, seq(tlv(0x81, b"\x00")), True)])
crl("delta", [entry(0x1001, reason(8)), entry(0x1002, reason(1))], more=[extension(DELTA, integer(4), True)])
crl("delta-of-the-future", more=[extension(DELTA, integer(9), True)])

# Refused when parsed.
crl("version-1", version=b"", extensions=[])
crl("version-3", version=integer(2))
crl("two-algorithms", inner="ecdsa-sha384")
crl("empty-sequence", seq())
crl("extension-twice", more=[extension("1.2.3.4", NULL), extension("1.2.3.4", NULL)])
crl("no-extensions", extensions=[b""])
crl("spelled-default", more=[seq(oid("1.2.3.4"), b"\x01\x01\x00", octets(NULL))])
crl("negative-number", number=integer(-5))
crl("padded-number", number=tlv(0x02, b"\x00\x05"))
crl("number-21-octets", number=integer(2**160))
crl("delta-not-critical", more=[extension(DELTA, integer(4))])
crl("scope-not-critical", more=[extension(IDP, seq(tlv(0x81, b"\xff")))])
crl("field-behind", behind=NULL)
crl("broken-this", this=tlv(0x17, b"261132060000Z"))
crl("broken-next", following=tlv(0x17, b"2611240600Z"))
crl("many-extensions", more=[extension(f"1.2.3.{i}", NULL) for i in range(40)])

# Refused while the entries stream; the second entry is the wrong one.
first = entry(0x1001)
crl("entry-reason-7", [first, entry(0x0BAD, reason(7))])
crl("entry-reason-11", [first, entry(0x0BAD, reason(11))])
crl("entry-reason-8", [first, entry(0x0BAD, reason(8))])
crl("entry-issuer", [first, entry(0x0BAD, extension(CERTIFICATE_ISSUER, seq(tlv(0xA4, sibling)), True))])
crl("entry-critical", [first, entry(0x0BAD, extension("1.2.3.4", NULL, True))])
crl("entry-twice", [first, entry(0x0BAD, reason(1), reason(1))])
crl("entry-many", [first, entry(0x0BAD, *[extension(f"1.2.3.{i}", NULL) for i in range(20)])])
crl("entry-empty-list", [first, seq(integer(0x0BAD), time("2026-11-20"), seq())])
crl("entry-behind", [first, seq(integer(0x0BAD), time("2026-11-20"), NULL)])
crl("entry-default", [first, entry(0x0BAD, seq(oid(REASON), b"\x01\x01\x00", octets(enumerated(1))))])
crl("entry-utc-invalidity", [first, entry(0x0BAD, extension(INVALIDITY, time("2026-11-19")))])
crl("entry-broken-date", [first, entry(0x0BAD, date=tlv(0x17, b"261120010203+0100"))])
crl("entry-no-date", [first, seq(integer(0x0BAD))])
crl("entry-serial-zero", [first, entry(0)])
crl("entry-serial-negative", [first, entry(-2989)])
crl("entry-serial-21-octets", [first, entry(2**160)])
crl("entry-serial-padded", [first, entry(0, raw=tlv(0x02, b"\x00\x0b"))])
crl("entry-no-sequence", [first, NULL])
