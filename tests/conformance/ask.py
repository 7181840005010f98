#!/usr/bin/python3
"""Asks a responder as Python's cryptography would, by GET and POST, with SHA-1 and SHA-256 CertIDs, and checks the answers.

    ask.py URL NAME,NAME... CA_FOLDER...

Prints for each folder, certificate NAME.pem in it, hash and method one line: FOLDER NAME HASH METHOD good | revoked TIME
REASON INVALIDITY | an OCSP error. Whatever is wrong with an answer is a line that begins with FAULT.
"""
import base64
import datetime
import hashlib
import pathlib
import sys
import urllib.parse
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"
INVALIDITY_DATE = "2.5.29.24"
RSASSA_PSS = "1.2.840.113549.1.1.10"


def fault(about, text):
    print(f"FAULT {about}: {text}")


def stamp(time):
    return time.strftime("%y%m%d%H%M%SZ")


def key_bits(key):
    """The octets of the subjectPublicKey's BIT STRING, without its unused-bits octet."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def verify(key, signature, octets, algorithm, pss):
    """Raises unless the signature is right."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, octets, ec.ECDSA(algorithm))
    elif pss:
        key.verify(signature, octets, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
    else:
        key.verify(signature, octets, padding.PKCS1v15(), algorithm)


def is_pss(certificate):
    return certificate.signature_algorithm_oid.dotted_string == RSASSA_PSS


def check_signature(about, response, issuer):
    pss = response.signature_algorithm_oid.dotted_string == RSASSA_PSS
    algorithm = hashes.SHA256() if pss else response.signature_hash_algorithm
    if isinstance(algorithm, hashes.SHA1):
        fault(about, "signed with SHA-1")
    if len(response.certificates) != 1:
        fault(about, f"{len(response.certificates)} certificates are in it")
    signer = response.certificates[0]
    verify(signer.public_key(), response.signature, response.tbs_response_bytes, algorithm, pss)
    certified_with = hashes.SHA256() if is_pss(signer) else signer.signature_hash_algorithm
    verify(issuer.public_key(), signer.signature, signer.tbs_certificate_bytes, certified_with, is_pss(signer))
    usages = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if list(usages) != [ExtendedKeyUsageOID.OCSP_SIGNING]:
        fault(about, f"extended key usage {list(usages)}")
    signer.extensions.get_extension_for_oid(ExtensionOID.OCSP_NO_CHECK)
    if response.responder_key_hash != hashlib.sha1(key_bits(signer.public_key())).digest():
        fault(about, "the responder ID is not the SHA-1 of the signer's key")
    if response.next_update > signer.not_valid_after:
        fault(about, "nextUpdate lies after the end of the signer certificate")


def check_single(about, response, certificate, issuer, algorithm):
    name_hash = hashlib.new(algorithm, certificate.issuer.public_bytes()).digest()
    if response.issuer_name_hash != name_hash:
        fault(about, "issuerNameHash")
    if response.issuer_key_hash != hashlib.new(algorithm, key_bits(issuer.public_key())).digest():
        fault(about, "issuerKeyHash")
    if response.hash_algorithm.name != algorithm:
        fault(about, f"hash {response.hash_algorithm.name}")
    if response.serial_number != certificate.serial_number:
        fault(about, "serialNumber")
    now = datetime.datetime.utcnow()
    if not response.this_update <= response.produced_at <= now < response.next_update:
        fault(about, f"times {response.this_update} {response.produced_at} {now} {response.next_update}")
    if len(response.extensions) != 0:
        fault(about, f"response extensions {list(response.extensions)}")


def generalized_time(extension):
    """The time in an extension of one DER GeneralizedTime, as index.txt spells it."""
    value = extension.value
    octets = value.value if isinstance(value, x509.UnrecognizedExtension) else value.public_bytes()
    if octets[:2] != b"\x18\x0f" or len(octets) != 17:
        raise ValueError(octets.hex())
    return octets[4:].decode()


def describe(about, response, issuer):
    extensions = {e.oid.dotted_string: e for e in response.single_extensions}
    cutoff = extensions.pop(ARCHIVE_CUTOFF, None)
    if cutoff is None or cutoff.critical or generalized_time(cutoff) != stamp(issuer.not_valid_before):
        fault(about, f"archive cutoff {cutoff}")
    invalidity = extensions.pop(INVALIDITY_DATE, None)
    if extensions:
        fault(about, f"single extensions {list(extensions)}")
    if response.certificate_status != ocsp.OCSPCertStatus.REVOKED:
        return response.certificate_status.name.lower()
    reason = response.revocation_reason.value if response.revocation_reason else "-"
    return f"revoked {stamp(response.revocation_time)} {reason} {generalized_time(invalidity) if invalidity else '-'}"


def send(url, data=None):
    headers = {"Content-Type": "application/ocsp-request"} if data else {}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as reply:
        if reply.headers.get_content_type() != "application/ocsp-response":
            fault(url, f"content type {reply.headers.get_content_type()}")
        return reply.read()


def read(about, octets, certificate, issuer, algorithm):
    response = ocsp.load_der_ocsp_response(octets)
    if response.public_bytes(serialization.Encoding.DER) != octets:
        fault(about, "is not what the same answer is in DER")
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        return response.response_status.name.lower()
    check_signature(about, response, issuer)
    check_single(about, response, certificate, issuer, algorithm)
    return describe(about, response, issuer)


def ask(url, about, certificate, issuer, algorithm):
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate, issuer, hashes.SHA1() if algorithm == "sha1" else hashes.SHA256())
    request = builder.build().public_bytes(serialization.Encoding.DER)
    with_nonce = builder.add_extension(x509.OCSPNonce(b"0123456789abcdef"), False).build()
    encoded = base64.b64encode(request).decode()
    answers = {
        "GET": send(url + urllib.parse.quote(encoded, safe="")),
        "GET-raw": send(url + "ocsp/" + encoded),
        "POST": send(url, request),
        "POST-nonce": send(url + "ocsp", with_nonce.public_bytes(serialization.Encoding.DER)),
    }
    told = {}  # by the answer's bytes: the same need not be verified twice
    for method, octets in answers.items():
        if octets not in told:
            try:
                told[octets] = read(about, octets, certificate, issuer, algorithm)
            except Exception as error:  # whatever a stranger stumbles over is a finding
                told[octets] = repr(error)
                fault(about, repr(error))
        print(about, method, told[octets])
    if len(told) != 1:
        fault(about, "the answers differ by method")


def main():
    url, names, folders = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
    for folder in map(pathlib.Path, folders):
        issuer = x509.load_pem_x509_certificate((folder / "issuer.pem").read_bytes())
        for name in names:
            certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
            for algorithm in ("sha1", "sha256"):
                ask(url, f"{folder.name} {name} {algorithm}", certificate, issuer, algorithm)


if __name__ == "__main__":
    main()
