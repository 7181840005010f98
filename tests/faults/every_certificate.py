#!/usr/bin/env python3
"""Asks for every certificate of an index.txt under both CertID hashes, in any order, and judges each answer with Python's cryptography.

    every_certificate.py --at HOST:PORT --issuer PEM --index FILE [--every N] [--processes N] [--connections N]

Several requests are always under way on each connection. Who is told to try later does so, TRIES times at most. Prints one
JSON object: asked, again (how often after tryLater), wrong, and the first that was wrong.
"""
import argparse
import datetime
import hashlib
import json
import multiprocessing
import random
import selectors
import socket
from collections import Counter, deque

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

UNDER_WAY = 16  # on each connection
TRIES = 5


def tlv(tag, content):
    size = len(content)
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + head + content


SHA1 = tlv(0x30, bytes.fromhex("06052b0e03021a0500"))
SHA256 = tlv(0x30, bytes.fromhex("06096086480165030402010500"))


class Asker:
    def __init__(self, issuer):
        self.issuer = issuer
        name = issuer.subject.public_bytes()
        key = issuer.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.ids = {"sha1": SHA1 + tlv(4, hashlib.sha1(name).digest()) + tlv(4, hashlib.sha1(key).digest()),
                    "sha256": SHA256 + tlv(4, hashlib.sha256(name).digest()) + tlv(4, hashlib.sha256(key).digest())}
        self.signers = {}

    def request(self, serial, algorithm):
        number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
        der = tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, self.ids[algorithm] + tlv(2, number))))))
        return (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n" % len(der)) + der

    def signer_of(self, answer):
        signer = answer.certificates[0]
        der = signer.public_bytes(serialization.Encoding.DER)
        if der not in self.signers:
            self.issuer.public_key().verify(signer.signature, signer.tbs_certificate_bytes, ec.ECDSA(signer.signature_hash_algorithm))
            self.signers[der] = signer.public_key()
        return self.signers[der]

    def fault(self, body, serial, algorithm, status):
        try:
            answer = ocsp.load_der_ocsp_response(body)
            if answer.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
                return answer.response_status.name
            if answer.serial_number != serial or answer.hash_algorithm.name != algorithm:
                return "of another certificate"
            if answer.certificate_status.name.lower() != status:
                return f"{answer.certificate_status.name}, not {status}"
            now = datetime.datetime.utcnow()
            if not answer.this_update <= now + datetime.timedelta(minutes=5) or not now < answer.next_update:
                return "not valid now"
            self.signer_of(answer).verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(answer.signature_hash_algorithm))
            return ""
        except Exception as error:  # whatever a stranger's library stumbles over is a wrong answer
            return f"{type(error).__name__}: {error}"


def body_in(received):
    """One whole HTTP answer at the front of `received`: its status, body and length; None: not all of it is there."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    at = head.index(b"content-length:") + 15
    size = int(head[at:].split(b"\r\n", 1)[0])
    if len(received) < end + 4 + size:
        return None
    return int(head.split(b" ", 2)[1]), bytes(received[end + 4:end + 4 + size]), end + 4 + size


def ask_all(address, issuer_file, questions, connections, results):
    with open(issuer_file, "rb") as pem:
        asker = Asker(x509.load_pem_x509_certificate(pem.read()))
    host, port = address.rsplit(":", 1)
    selector = selectors.DefaultSelector()
    waiting = deque(questions)
    tries = Counter()
    open_connections = 0
    asked = wrong = 0
    first = ""
    for _ in range(connections):
        one = socket.create_connection((host, int(port)), timeout=30)
        selector.register(one, selectors.EVENT_READ, (bytearray(), deque()))
        open_connections += 1
    def refill(one, under_way):
        batch = b""
        while len(under_way) < UNDER_WAY and waiting:
            question = waiting.popleft()
            batch += asker.request(question[0], question[1])
            under_way.append(question)
        if batch:
            one.sendall(batch)
    for key in list(selector.get_map().values()):
        refill(key.fileobj, key.data[1])
    while open_connections:
        events = selector.select(30)
        if not events:
            wrong, first = wrong + 1, first or "no answer for 30 seconds"
            break
        for key, _ in events:
            received, under_way = key.data
            more = key.fileobj.recv(1 << 16)
            received += more
            while under_way and (whole := body_in(received)):
                status, body, size = whole
                del received[:size]
                question = under_way.popleft()
                serial, algorithm, expected = question
                fault = asker.fault(body, serial, algorithm, expected) if status == 200 else f"HTTP status {status}"
                if fault == "TRY_LATER" and tries[question] < TRIES:
                    tries[question] += 1
                    waiting.append(question)
                    continue
                asked += 1
                if fault:
                    wrong, first = wrong + 1, first or f"{serial:x} ({algorithm}): {fault}"
            if under_way and not more:
                wrong, first = wrong + len(under_way), first or "the connection was closed"
                under_way.clear()
            refill(key.fileobj, under_way)
            if not under_way:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                open_connections -= 1
    results.put((asked, wrong, first, sum(tries.values())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--index", required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    questions = []
    with open(options.index, encoding="ascii") as index:
        for number, line in enumerate(index):
            fields = line.split("\t")
            if number % options.every == 0:
                status = "revoked" if fields[0] == "R" else "good"
                questions += [(int(fields[3], 16), algorithm, status) for algorithm in ("sha1", "sha256")]
    random.Random(4).shuffle(questions)
    results = multiprocessing.Queue()
    parts = [multiprocessing.Process(target=ask_all, args=(options.at, options.issuer, questions[i::options.processes],
                                                          options.connections, results))
             for i in range(options.processes)]
    for part in parts:
        part.start()
    told = [results.get() for _ in parts]
    for part in parts:
        part.join()
    print(json.dumps({"asked": sum(one[0] for one in told), "again": sum(one[3] for one in told),
                      "wrong": sum(one[1] for one in told),
                      "first": next((one[2] for one in told if one[2]), "")}))


if __name__ == "__main__":
    main()
