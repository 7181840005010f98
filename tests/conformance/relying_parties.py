#!/usr/bin/env python3
"""Relying parties that never stop asking, and judge every answer with code that is not ours.

    relying_parties.py --at HOST:PORT [--at ...] --issuer PEM --certificate PEM=STATUS ... [--threads N]

Asks from the start until SIGTERM: GET and POST, SHA-1 and SHA-256, half of the threads over
connections that they keep, half over a new one each time, all addresses in turn. Says "asking" once the first answer
was right. Then prints one JSON object:

    sent      requests
    failed    no whole HTTP answer with status 200: refused, reset, cut off, timed out, another status
    wrong     another certificate, status or signer than expected
    expired   past its nextUpdate when it was asked for, or not valid yet
    first     what the first of these was

STATUS is what may be said: "good", "revoked", or "good>revoked": good at first, and never again two seconds (for an
address's workers to agree) after the first "revoked" came from there.

Nothing is tried again: a connection that ends under a request is a failure. But one that was kept, and that this process
left alone for longer than LAST_REQUEST, may have been ended meanwhile by a server that stops.
"""
import argparse
import base64
import datetime
import http.client
import json
import signal
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp

WORKERS_AGREE = 2.0
LAST_REQUEST = 1.0  # a server that stops leaves a kept connection two seconds for a last request
PATIENCE = 10  # of a request, seconds (E-28)
PAUSE = 0.002  # between two requests of one thread: hundreds a second in all, and room for the servers


class Question:
    def __init__(self, issuer, file, status, algorithm):
        with open(file, "rb") as pem:
            certificate = x509.load_pem_x509_certificate(pem.read())
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build()
        self.name = f"{file} ({algorithm.name})"
        self.serial = certificate.serial_number
        self.status = status.split(">")
        self.revoked_from = {}  # address: when the first "revoked" had come from there
        self.der = request.public_bytes(serialization.Encoding.DER)
        self.path = "/" + base64.b64encode(self.der).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def verify(public_key, signature, tbs, algorithm):
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, tbs, ec.ECDSA(algorithm))
    elif isinstance(public_key, rsa.RSAPublicKey):
        public_key.verify(signature, tbs, padding.PKCS1v15(), algorithm)
    else:
        raise ValueError("a key of another kind")


class Account:
    def __init__(self, issuer):
        self.issuer = issuer
        self.lock = threading.Lock()
        self.sent = self.failed = self.wrong = self.expired = 0
        self.first = ""
        self.judged = {}  # (question, body): (fault, status, begin and end of validity); most answers are asked for many times

    def count(self, kind, what):
        with self.lock:
            setattr(self, kind, getattr(self, kind) + 1)
            self.first = self.first or f"{kind}: {what}"

    def judge(self, question, body, address, asked, asked_steadily):
        known = self.judged.get((question.name, body))
        if known is None:
            known = self.examine(question, body)
            self.judged[(question.name, body)] = known
        fault, status, begin, end = known
        if fault:
            self.count("wrong", f"{question.name}: {fault}")
        elif asked > end or time.time() < begin - 300:
            self.count("expired", f"{question.name}: valid from {begin} to {end}, asked at {asked}")
        elif len(question.status) > 1:
            if status == "revoked":
                question.revoked_from.setdefault(address, time.monotonic())
            elif asked_steadily > question.revoked_from.get(address, asked_steadily) + WORKERS_AGREE:
                self.count("wrong", f"{question.name}: {address} said revoked, and now {status}")

    def examine(self, question, body):
        try:
            answer = ocsp.load_der_ocsp_response(body)
            if answer.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
                return (f"{answer.response_status.name}", "", 0, 0)
            if answer.serial_number != question.serial:
                return ("another serial", "", 0, 0)
            status = answer.certificate_status.name.lower()
            if status not in question.status:
                return (f"{status}, expected {question.status}", "", 0, 0)
            signer = answer.certificates[0] if answer.certificates else self.issuer
            if signer is not self.issuer:
                verify(self.issuer.public_key(), signer.signature, signer.tbs_certificate_bytes,
                       signer.signature_hash_algorithm)
            if answer.next_update > signer.not_valid_after:
                return ("valid for longer than the certificate that signed it", "", 0, 0)
            verify(signer.public_key(), answer.signature, answer.tbs_response_bytes, answer.signature_hash_algorithm)
            utc = datetime.timezone.utc
            return ("", status, answer.this_update.replace(tzinfo=utc).timestamp(),
                    answer.next_update.replace(tzinfo=utc).timestamp())
        except Exception as error:  # whatever a stranger's library stumbles over is a wrong answer
            return (f"{type(error).__name__}: {error}", "", 0, 0)


def ask(number, addresses, questions, account, ended, asking):
    kept = {}  # by address: a connection, and when its last answer had come
    turn = number
    while not ended.is_set():
        turn += 1
        address = addresses[turn % len(addresses)]
        question = questions[turn % len(questions)]
        keep = number % 2 == 0
        connection, answered = kept.pop(address, None) or (http.client.HTTPConnection(address, timeout=PATIENCE), None)
        with account.lock:
            account.sent += 1
        asked, asked_steadily = time.time(), time.monotonic()
        sent = None
        try:
            if turn // 2 % 2:
                connection.request("GET", question.path)
            else:
                connection.request("POST", "/", question.der, {"Content-Type": "application/ocsp-request"})
            sent = time.monotonic()
            reply = connection.getresponse()
            body = reply.read()
            closes = reply.will_close
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            left_alone = answered is not None and (sent or time.monotonic()) - answered > LAST_REQUEST
            if left_alone and isinstance(error, ConnectionError):
                with account.lock:
                    account.sent -= 1
            else:
                account.count("failed", f"{address}: {type(error).__name__}: {error}")
            continue
        answered = time.monotonic()
        if reply.status != 200:
            account.count("failed", f"{address}: HTTP status {reply.status}")
        else:
            account.judge(question, body, address, asked, asked_steadily)
            if not account.first:
                asking.set()
        if keep and not closes:
            kept[address] = (connection, answered)
        else:
            connection.close()
        time.sleep(PAUSE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--at", action="append", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--certificate", action="append", required=True)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    with open(options.issuer, "rb") as pem:
        issuer = x509.load_pem_x509_certificate(pem.read())
    questions = []
    for text in options.certificate:
        file, status = text.rsplit("=", 1)
        questions += [Question(issuer, file, status, algorithm)
                      for algorithm in (hashes.SHA1(), hashes.SHA256())]
    account = Account(issuer)
    ended = threading.Event()
    asking = threading.Event()
    threads = [threading.Thread(target=ask, args=(i, options.at, questions, account, ended, asking))
               for i in range(options.threads)]
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    for thread in threads:
        thread.start()
    asking.wait(30)
    print("asking", flush=True)
    ended.wait()
    for thread in threads:
        thread.join()
    print(json.dumps({"sent": account.sent, "failed": account.failed, "wrong": account.wrong,
                      "expired": account.expired, "first": account.first}))


if __name__ == "__main__":
    main()
