#!/usr/bin/env python3
"""Writes into the folder named: CAs, and OCSP signer certificates of which each breaks one rule of group H.

The file name says what is wrong; what is to be found is in tests/crypto/signer_rules_test.cc."""
import pathlib
import subprocess
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pki import *  # noqa: F403

out = pathlib.Path(sys.argv[1])


def write(file, der):
    (out / f"{file}.der").write_bytes(der)


ca_key, other_key, signer_key = (Key.ec(ec.SECP256R1()) for _ in range(3))
rsa_2048 = Key.rsa(2048)
ca = name(("C", "NL"), ("O", "Eightbells Test"), ("CN", "Issuing CA"))
sibling = name(("C", "NL"), ("O", "Eightbells Test"), ("CN", "Sibling CA"))
same_but_printable = name(("C", "NL"), ("O", "Eightbells Test", PRINTABLE), ("CN", "Issuing CA", PRINTABLE))
write("ca", authority(ca, ca_key))
write("ca-without-signing", authority(ca, ca_key, usage=CA_USAGE))
write("ca-without-usage", authority(ca, ca_key, usage=None))
write("ca-expired", authority(ca, ca_key, end="2026-11-15"))
write("ca-renewed", authority(ca, ca_key, begin="2026-01-01", end="2050-06-01"))
write("ca-rsa2048", authority(ca, rsa_2048))
write("ca-restricted", authority(ca, ca_key, more=[extension("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.36")))]))
write("not-a-ca", certificate(ca, ca_key, ca, ca_key, extensions=[extension("2.5.29.19", seq())]))
write("ca-version-1", certificate(ca, ca_key, ca, ca_key, version=0))

OCSP_SIGNING, CLIENT_AUTH, ANY = "1.3.6.1.5.5.7.3.9", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
parts = {
    "usage": key_usage(DIGITAL_SIGNATURE),
    "purpose": extension("2.5.29.37", seq(oid(OCSP_SIGNING))),
    "nocheck": extension("1.3.6.1.5.5.7.48.1.5", NULL),
    "constraints": extension("2.5.29.19", seq(), True),
    "authority": authority_key_identifier(ca_key),
    "own": key_identifier(signer_key),
}


def signer(file, key=signer_key, issuer=ca, issuer_key=ca_key, **changes):
    rest = {k: changes.pop(k) for k in ("serial", "begin", "end", "kind", "inner", "spki") if k in changes}
    chosen = {**parts, **changes}
    extensions = [value for value in chosen.values() if value]
    made = certificate(issuer, issuer_key, name(("CN", "OCSP signer")), key, extensions=extensions, **rest)
    write(f"signer-{file}", made)
    return made


good = signer("good")
signer("without-constraints", constraints=None)
signer("sibling", issuer=sibling, issuer_key=other_key, authority=authority_key_identifier(other_key))
signer("sibling-unnamed", issuer=sibling, issuer_key=other_key, authority=None)
signer("rekeyed", issuer_key=other_key, authority=authority_key_identifier(other_key))
signer("rekeyed-unnamed", issuer_key=other_key, authority=None)
write("signer-tampered", good[:-1] + bytes([good[-1] ^ 1]))
write("signer-changed", good.replace(b"OCSP signer", b"OCSP Signer"))
signer("name-spelled-otherwise", issuer=same_but_printable)
signer("without-purpose", purpose=None)
signer("two-purposes", purpose=extension("2.5.29.37", seq(oid(OCSP_SIGNING), oid(CLIENT_AUTH))))
signer("any-purpose", purpose=extension("2.5.29.37", seq(oid(ANY))))
signer("no-purposes", purpose=extension("2.5.29.37", seq()))
signer("without-nocheck", nocheck=None)
signer("critical-nocheck", nocheck=extension("1.3.6.1.5.5.7.48.1.5", NULL, True))
signer("empty-nocheck", nocheck=extension("1.3.6.1.5.5.7.48.1.5", b""))
signer("long-nocheck", nocheck=extension("1.3.6.1.5.5.7.48.1.5", NULL + b"\x00"))
uri = tlv(0x86, b"http://status.example/")
signer("ocsp-access", access=extension("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.2"), uri),
                                                              seq(oid("1.3.6.1.5.5.7.48.1"), uri))))
signer("issuer-access", access=extension("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.2"), uri))))
signer("broken-access", access=extension("1.3.6.1.5.5.7.1.1", seq(uri)))
signer("crl-points", points=extension("2.5.29.31", seq(seq(explicit(0, explicit(0, uri))))))
signer("without-usage", usage=None)
signer("usage-not-critical", usage=key_usage(DIGITAL_SIGNATURE, False))
signer("more-usage", usage=key_usage(bytes.fromhex("030206C0")))
signer("other-usage", usage=key_usage(bytes.fromhex("03020640")))
signer("padded-usage", usage=key_usage(bytes.fromhex("03020080")))
signer("ca", constraints=extension("2.5.29.19", seq(TRUE), True))
signer("spelled-default", constraints=extension("2.5.29.19", seq(b"\x01\x01\x00"), True))
signer("without-authority", authority=None)
signer("other-authority", authority=authority_key_identifier(other_key))
signer("without-own", own=None)
signer("alternative-name", alternative=extension("2.5.29.17", seq(tlv(0x82, b"a.example"))))
signer("name-constraints", names=extension("2.5.29.30", seq(explicit(0, seq(tlv(0x82, b"example"))))))
signer("policies", policies=extension("2.5.29.32", seq(seq(oid("2.5.29.32.0")))))
signer("unknown-critical", unknown=extension("1.2.3.4", NULL, True))
signer("future", begin="2026-11-23")
signer("expired", begin="2026-10-01", end="2026-11-21")
signer("long-lived", end="2028-01-01")
signer("short-serial", serial=integer(0x0123456789ABCD))
signer("zero-serial", serial=integer(0))
signer("negative-serial", serial=integer(-5))
signer("sha1", kind="ecdsa-sha1")
signer("two-algorithms", inner="ecdsa-sha384")
signer("rsa-1024", key=Key.rsa(1024))
signer("rsa-2048", key=rsa_2048)
signer("rsa-3072", key=Key.rsa(3072))
subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2052",
                "-out", out / "odd.key"], check=True)
signer("rsa-2052", key=Key(serialization.load_pem_private_key((out / "odd.key").read_bytes(), None)))
signer("p384", key=Key.ec(ec.SECP384R1()))
signer("p521", key=Key.ec(ec.SECP521R1()))
signer("secp256k1", key=Key.ec(ec.SECP256K1()))
signer("ed25519", key=Key.ed25519())

# For Certificate::parse: forms that are no rule's matter.
twice = seq(oid("1.2.3.4"), octets(NULL))
write("extension-twice", certificate(ca, ca_key, ca, ca_key, extensions=[twice, twice]))
write("empty-extensions", certificate(ca, ca_key, ca, ca_key, extensions=[b""]))
write("version-4", certificate(ca, ca_key, ca, ca_key, version=3))
write("version-1-with-extensions", certificate(ca, ca_key, ca, ca_key, version=0, extensions=[twice]))
write("mixed-names", authority(
    name(("C", "NL"), ("O", "Ålesund, \"Test\" + Söhne", UTF8), ("organizationIdentifier", "NTRNL-1", PRINTABLE),
         ("CN", "Mixed; CA", PRINTABLE)), ca_key))
(out / "good.pem").write_text("subject=OCSP signer\n" + pem("CERTIFICATE", good) + "that was it\n")
(out / "two.pem").write_text(pem("CERTIFICATE", good) + pem("CERTIFICATE", good))
(out / "with-key.pem").write_bytes(signer_key.pkcs8() + pem("CERTIFICATE", good).encode())
