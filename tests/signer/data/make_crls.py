#!/usr/bin/env python3
"""Writes CRLs of the CA whose certificate and key are named, as told by one JSON object a line on standard input.

    make_crls.py issuer.pem issuer.key

{"file": "a.crl", "number": 5, "this": 0, "next": 172800, "entries": [["0a1b", "certificate_hold"], ...]} with times in
seconds from now, and optionally "base" (of a delta), "uri" (of its issuing distribution point), "freshest" (URI),
"last" (true: nextUpdate in the year 9999), "key" (another key's file), "padding" (octets of an extension), "hash" and
"pss".
"""
import datetime
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

issuer = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
now = datetime.datetime.utcnow().replace(microsecond=0)


def load(file):
    return serialization.load_pem_private_key(open(file, "rb").read(), None)


def points(uri):
    return [x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, None)]


for line in sys.stdin:
    told = json.loads(line)
    last = datetime.datetime(9999, 12, 31, 23, 59, 59)
    following = last if told.get("last") else now + datetime.timedelta(seconds=told.get("next", 172800))
    made = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
            .last_update(now + datetime.timedelta(seconds=told.get("this", 0))).next_update(following)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), False)
            .add_extension(x509.CRLNumber(told["number"]), False))
    if "base" in told:
        made = made.add_extension(x509.DeltaCRLIndicator(told["base"]), True)
    if "uri" in told:
        made = made.add_extension(x509.IssuingDistributionPoint(
            [x509.UniformResourceIdentifier(told["uri"])], None, False, False, None, False, False), True)
    if "freshest" in told:
        made = made.add_extension(x509.FreshestCRL(points(told["freshest"])), False)
    if "padding" in told:
        oid = x509.ObjectIdentifier("1.2.3.4")
        made = made.add_extension(x509.UnrecognizedExtension(oid, bytes(told["padding"])), False)
    for serial, reason in told.get("entries", []):
        entry = (x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
                 .revocation_date(now - datetime.timedelta(seconds=3600)))
        if reason:
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags[reason]), False)
        made = made.add_revoked_certificate(entry.build())
    key = load(told.get("key", sys.argv[2]))
    signed = made.sign(key, hashes.SHA256())
    with open(told["file"], "wb") as out:
        out.write(signed.public_bytes(serialization.Encoding.DER))
