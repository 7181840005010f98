#!/usr/bin/python3
"""Holds what a front answers by OCSP against the CRL that it serves, as Python's cryptography reads both, again and again.

    crl_against_ocsp.py CRL_URL OCSP_URL ISSUER_CERTIFICATE SECONDS ENTRIES

The CRL is fetched first and its entries are asked for afterwards, each on a connection of its own: none may be good then.
New entries are asked for first. Ends when a CRL with ENTRIES entries has been held against the answers, and prints how
many CRLs and answers there were; after SECONDS, or at the first difference, it fails with a line that begins with FAULT.
"""
import base64
import hashlib
import sys
import time
import urllib.parse
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp


def subject_public_key(certificate):
    """The octets of the subjectPublicKey's BIT STRING; the keys here are on a curve."""
    return certificate.public_key().public_bytes(serialization.Encoding.X962,
                                                 serialization.PublicFormat.UncompressedPoint)


def fetch(url):
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read()


def tlv(tag, *parts):
    content = b"".join(parts)
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content


ALGORITHMS = {"sha1": "06052b0e03021a0500", "sha256": "06096086480165030402010500"}


def request(issuer, serial, algorithm):
    """An OCSPRequest for a serial number alone; the library wants the certificate."""
    number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    cert_id = tlv(0x30, tlv(0x30, bytes.fromhex(ALGORITHMS[algorithm])),
                  tlv(0x04, hashlib.new(algorithm, issuer.subject.public_bytes()).digest()),
                  tlv(0x04, hashlib.new(algorithm, subject_public_key(issuer)).digest()), tlv(0x02, number))
    octets = tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, cert_id))))
    assert ocsp.load_der_ocsp_request(octets).serial_number == serial
    return octets


def status(url, issuer, serial, algorithm):
    encoded = base64.b64encode(request(issuer, serial, algorithm)).decode()
    response = ocsp.load_der_ocsp_response(fetch(url + urllib.parse.quote(encoded, safe="")))
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        return response.response_status.name
    return response.certificate_status.name


def main(crl_url, ocsp_url, issuer_file, limit, wanted):
    with open(issuer_file, "rb") as file:
        issuer = x509.load_pem_x509_certificate(file.read())
    end = time.monotonic() + float(limit)
    seen, crls, answers, last = set(), 0, 0, None
    while time.monotonic() < end:
        octets = fetch(crl_url)
        if octets == last:
            time.sleep(0.005)
            continue
        last = octets
        crl = x509.load_der_x509_crl(octets)
        assert crl.is_signature_valid(issuer.public_key())
        crls += 1
        listed = {entry.serial_number for entry in crl}
        for serial in sorted(listed - seen) + sorted(listed & seen):
            for algorithm in ALGORITHMS:
                told = status(ocsp_url, issuer, serial, algorithm)
                answers += 1
                if told != "REVOKED":
                    print(f"FAULT: CRL {crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number} lists "
                          f"{serial:X}, but OCSP ({algorithm}) says {told}")
                    return 1
        seen |= listed
        if len(listed) >= int(wanted):
            print(f"{crls} CRLs, {answers} answers, no difference")
            return 0
    print(f"FAULT: no CRL with {wanted} entries within {limit} s; the last had {len(seen)}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
