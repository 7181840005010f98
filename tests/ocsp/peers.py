#!/usr/bin/python3
"""Python's cryptography, asked by answer_peers_test.cc.

peers.py read FOLDER    what each FOLDER/*.der says, one line a file, and whether it is the same when encoded anew
peers.py build FOLDER   for each line of FOLDER/cases the ResponseData that cryptography makes: FOLDER/NAME.tbs
"""
import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else "-"


def single(answer):
    status = answer.certificate_status.name.lower()
    reason = answer.revocation_reason.value if answer.revocation_reason else "-"
    return (f"{answer.hash_algorithm.name} {answer.issuer_name_hash.hex()} {answer.issuer_key_hash.hex()} "
            f"{answer.serial_number:x} {status} {stamp(answer.revocation_time)} {reason} "
            f"{stamp(answer.this_update)} {stamp(answer.next_update)}")


def describe(path):
    octets = path.read_bytes()
    response = ocsp.load_der_ocsp_response(octets)
    same = "same" if response.public_bytes(serialization.Encoding.DER) == octets else "DIFFERENT"
    words = [path.stem, same, response.response_status.name.lower()]
    if response.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL:
        nonce = [e.value.nonce.hex() for e in response.extensions if isinstance(e.value, x509.OCSPNonce)]
        words += [response.responder_key_hash.hex(), stamp(response.produced_at),
                  response.signature_algorithm_oid.dotted_string, f"certs={len(response.certificates)}",
                  f"nonce={''.join(nonce) or '-'}", f"extensions={len(response.extensions)}"]
        singles = list(response.responses)
        if len(singles) == 1:
            found = [f"{e.oid.dotted_string}{'!' if e.critical else ''}" for e in response.single_extensions]
            words.append(f"single={','.join(found) or '-'}")
        words += ["| " + single(answer) for answer in singles]
    return " ".join(words)


def build(folder):
    issuer = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    leaf = x509.load_pem_x509_certificate((folder / "leaf.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    for line in (folder / "cases").read_text().splitlines():
        name, algorithm, revoked, reason, this_update, next_update, nonce = line.split()
        times = [datetime.datetime.strptime(t, "%Y-%m-%dT%H:%M:%SZ") if t != "-" else None
                 for t in (revoked, this_update, next_update)]
        flags = [flag for flag in x509.ReasonFlags if flag.value == reason]
        builder = ocsp.OCSPResponseBuilder().add_response(
            leaf, issuer, hashes.SHA1() if algorithm == "sha1" else hashes.SHA256(),
            ocsp.OCSPCertStatus.REVOKED if times[0] else ocsp.OCSPCertStatus.GOOD,
            times[1], times[2], times[0], flags[0] if flags else None,
        ).responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        if nonce != "-":
            builder = builder.add_extension(x509.OCSPNonce(bytes.fromhex(nonce)), False)
        response = builder.sign(key, hashes.SHA256())
        (folder / f"{name}.tbs").write_bytes(response.tbs_response_bytes)


def main():
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "read":
        for path in sorted(folder.glob("*.der")):
            print(describe(path))
    else:
        build(folder)


if __name__ == "__main__":
    main()
