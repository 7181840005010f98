"""Requests as they go over the wire, and how busy others keep the machine."""
import base64
import os
import pathlib
import struct
import sys
import time
import urllib.parse

HEADERS = "Host: ocsp.bench.example\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"


def say(text):
    print(text, file=sys.stderr, flush=True)


def get_request(path):
    return f"GET {path} HTTP/1.1\r\n{HEADERS}\r\n".encode()


def ocsp_get(der):
    return get_request("/ocsp/" + urllib.parse.quote(base64.b64encode(der).decode(), safe=""))


def ocsp_post(der):
    return (f"POST /ocsp HTTP/1.1\r\n{HEADERS}Content-Type: application/ocsp-request\r\nContent-Length: {len(der)}\r\n\r\n").encode() + der


def openssl_post(der):
    return ocsp_post(der).replace(b"HTTP/1.1", b"HTTP/1.0", 1)


def write_requests(file, requests):
    """[(request, what the answer's body must contain)]"""
    with open(file, "wb") as out:
        for request, expected in requests:
            out.write(struct.pack("<II", len(request), len(expected)) + request + expected)
    return file


# --- the machine

def busy_seconds():
    """CPU seconds used on all cores by everybody."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def children_seconds(servers):
    used = os.times().children_user + os.times().children_system + os.times().user + os.times().system
    for server in servers.started:
        try:
            fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            pass
    return used


class Noise:
    """How much of the machine others used meanwhile."""

    def __init__(self, servers):
        self.servers, self.begun = servers, time.monotonic()
        self.busy, self.own = busy_seconds(), children_seconds(servers)

    def share(self):
        passed = time.monotonic() - self.begun
        others = busy_seconds() - self.busy - (children_seconds(self.servers) - self.own)
        return max(0.0, others / passed / os.cpu_count())
