#!/usr/bin/env python3
"""Asks as fast as it can, until SIGTERM: always with another nonce, or always for another serial.

    flood.py --at HOST:PORT --issuer PEM --certificate PEM --with nonces|serials [--threads N]

Says "flooding" after its first 100 requests, and prints how many it sent.
"""
import argparse
import http.client
import os
import signal
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp


def requests(issuer, certificate, kind):
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    if kind == "nonces":
        while True:
            nonce = x509.OCSPNonce(os.urandom(16))
            yield builder.add_extension(nonce, False).build().public_bytes(serialization.Encoding.DER)
    der = builder.build().public_bytes(serialization.Encoding.DER)
    serial = certificate.serial_number.to_bytes((certificate.serial_number.bit_length() + 8) // 8, "big")
    assert der.count(serial) == 1
    while True:
        yield der.replace(serial, bytes([0x11]) + os.urandom(len(serial) - 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--with", dest="kind", choices=["nonces", "serials"], required=True)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    with open(options.issuer, "rb") as pem:
        issuer = x509.load_pem_x509_certificate(pem.read())
    with open(options.certificate, "rb") as pem:
        certificate = x509.load_pem_x509_certificate(pem.read())
    ended = threading.Event()
    sent = []
    counting = threading.Lock()

    def ask():
        connection = http.client.HTTPConnection(options.at, timeout=60)
        for der in requests(issuer, certificate, options.kind):
            if ended.is_set():
                break
            connection.request("POST", "/", der, {"Content-Type": "application/ocsp-request"})
            connection.getresponse().read()
            with counting:
                sent.append(1)
                if len(sent) == 100:
                    print("flooding", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    threads = [threading.Thread(target=ask) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    ended.wait()
    for thread in threads:
        thread.join()
    print(len(sent))


if __name__ == "__main__":
    main()
