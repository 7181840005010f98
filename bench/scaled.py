"""What bench/scale measures: a CA with its index.txt, a Redis of its own, a signer, and fronts."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.request

from asking import say
from servers import free_port
from store import Failed, is_ready, make_ca, run, serial_of

ORDERLY = 300  # seconds in which a signer or front must end: a front writes down first what it holds
HASHES = 2  # SHA-1 and SHA-256 CertIDs: what is stored is counted for each


class Redis:
    """A redis-server on a Unix socket in `folder`, nothing on disk."""

    def __init__(self, servers, folder, name):
        self.path = folder / f"{name}.sock"
        self.path.unlink(missing_ok=True)
        self.server = servers.start(name, ["redis-server", "--port", 0, "--unixsocket", self.path, "--save", "", "--appendonly", "no",
                                           "--maxmemory-policy", "noeviction", "--dir", folder], 0, core=None)
        self.server.wait_until(lambda: self.path.exists() and b"PONG" in self.cli("ping"))

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-s", str(self.path), *map(str, words)], capture_output=True).stdout

    def info(self, section, field):
        for line in self.cli("info", section).decode().splitlines():
            if line.startswith(field + ":"):
                return int(line.split(":")[1])
        raise Failed(f"Redis does not say {field}")

    def used_memory(self):
        return self.info("memory", "used_memory")

    def settled_memory(self):
        """When nothing is written any more."""
        before, since = self.used_memory(), time.monotonic()
        while time.monotonic() - since < 3:
            time.sleep(0.25)
            now = self.used_memory()
            if abs(now - before) > 65_536:  # the clients' buffers come and go
                before, since = now, time.monotonic()
        return before

    def keys(self):
        return self.cli("--raw", "keys", "eightbells:*").split()

    def copy(self, keys, pieces=500):
        """Seconds for merely copying these values out, pipelined; and how many octets came."""
        batches = [b"".join(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key) for key in keys[at:at + pieces])
                   for at in range(0, len(keys), pieces)]
        end = b"$3\r\nend\r\n"
        kept = []
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self.path))
            begun = time.monotonic()
            for ahead, batch in enumerate(batches):
                one.sendall(batch if ahead + 1 < len(batches) else batch + b"*2\r\n$4\r\nECHO\r\n" + end)
                if ahead == 0:
                    continue
                self.receive(one, kept, False)
            while not (kept and kept[-1].endswith(end)):
                self.receive(one, kept, True)
            return time.monotonic() - begun, sum(map(len, kept))

    @staticmethod
    def receive(one, kept, wait):
        """What is there."""
        try:
            while True:
                got = one.recv(1 << 20, 0 if wait else socket.MSG_DONTWAIT)
                if not got:
                    raise Failed("Redis closed the connection")
                kept.append(got)
                wait = False
        except BlockingIOError:
            pass


class Control:
    """The signer's control socket, on which events come in."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    @staticmethod
    def line(serial, reason="superseded"):
        return json.dumps({"do": "event", "issuer": "bench", "action": "revoke", "serial": serial.hex(), "reason": reason}).encode() + b"\n"

    def acknowledged(self):
        answer = json.loads(self.file.readline())
        if not answer.get("ok"):
            raise Failed(f"an event was refused: {answer}")

    def revoke(self, serial):
        self.socket.sendall(self.line(serial))
        self.acknowledged()


class Asker:
    """One connection to a front, asked for one certificate's status at a time."""

    def __init__(self, front, post):
        self.post, self.asked = post, 0
        host, port = front.address.split(":")
        self.socket = socket.create_connection((host, int(port)), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def is_revoked(self, template, serial):
        self.asked += 1
        self.socket.sendall(self.post(template[:-16] + serial))
        answer = b""
        while True:
            got = self.socket.recv(65_536)
            if not got:
                raise Failed(f"a front closed a connection after {self.asked} questions")
            answer += got
            head = answer.find(b"\r\n\r\n")
            if head >= 0:
                length = int(answer[:head].lower().split(b"content-length:")[1].split(b"\r\n")[0])
                if len(answer) >= head + 4 + length:
                    break
        at = answer.find(serial, head)  # the certStatus stands behind the CertID, whose end the serial is
        if at < 0:
            raise Failed(f"a front has no answer for {serial.hex()}: {answer[:200]}")
        return answer[at + 16] != 0x80


class Scaled:
    def __init__(self, servers, folder, certificates, programs):
        self.servers, self.folder, self.certificates, self.programs = servers, folder, certificates, programs
        self.ca, self.index = folder / "bench-ca", folder / "index.txt"
        self.templates = []
        self.signer_metrics = free_port()

    def make(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.ca / "signer.pem").exists():
            shutil.rmtree(self.ca, ignore_errors=True)
            make_ca(self.ca, "Bench CA")
        if not self.index.exists():
            say(f"writing index.txt with {self.certificates:,} lines")
            with self.index.with_suffix(".new").open("w") as out:
                for i in range(self.certificates):
                    out.write(f"V\t490101000000Z\t\t{serial_of(i).hex().upper()}\tunknown\t/CN=holder {i}\n")
            self.index.with_suffix(".new").rename(self.index)
        for spelling in ([], ["-sha256"]):
            request = self.folder / "request.der"
            run("openssl", "ocsp", *spelling, "-issuer", self.ca / "issuer.pem", "-serial", "0x" + serial_of(0).hex(), "-no_nonce", "-reqout",
                request)
            self.templates.append(request.read_bytes())
            assert self.templates[-1].endswith(serial_of(0))
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.redis = Redis(self.servers, self.folder, "redis")
        self.spare = Redis(self.servers, self.folder, "spare")

    def change_one_line(self):
        """Another index.txt, in which one more certificate is revoked."""
        changed = self.folder / "changed.txt"
        at, line = self.certificates // 2, None
        with self.index.open("rb") as source, changed.open("wb") as out:
            for number, line in enumerate(source):
                if number == at:
                    line = line.replace(b"V\t490101000000Z\t\t", b"R\t490101000000Z\t" + time.strftime("%y%m%d%H%M%SZ", time.gmtime()).encode() + b"\t")
                out.write(line)
        return changed

    def configuration(self, name, redis, listen=0, metrics=0, data="data/front", self_check=True):
        file = self.folder / f"{name}.toml"
        file.write_text(f"""data = "data"
log_level = "info"
[store]
kind = "redis"
[store.redis]
unix_socket = "{redis.path}"
[signer]
metrics = "127.0.0.1:{self.signer_metrics}"
clock_check = "steps"
self_check = {"true" if self_check else "false"}
[front]
data = "{data}"
listen = ["127.0.0.1:{listen}"]
metrics = "127.0.0.1:{metrics}"
workers = 1
live_socket = ""
[[issuer]]
name = "bench"
certificate = "bench-ca/issuer.pem"
signer_certificate = "bench-ca/signer.pem"
signer_key = "bench-ca/signer.key"
scheme = "private"
""")
        return file

    # --- the signer

    def signer(self, self_check=True):
        file = self.configuration("signer", self.redis, self_check=self_check)
        server = self.servers.start("signer", [self.programs / "eightbells-signer", "--config", file], 0, core=None)
        return server.wait_until(lambda: self.status() is not None, 600)

    def eightbells(self, *words):
        return run(self.programs / "eightbells", "--config", self.folder / "signer.toml", *words)

    def status(self):
        try:
            return json.loads(self.eightbells("status"))[0]
        except (Failed, IndexError):  # its socket, or its first round, is not there yet
            return None

    def wait_for(self, signer, enough, seconds=7200):
        def done():
            status = self.status() or {}
            if "fault" in status:
                raise Failed(f"the signer says: {status['fault']}")
            return bool(status) and enough(status)
        signer.wait_until(done, seconds, 0.25)

    def is_published(self, status):
        return status["certificates"] >= self.certificates and status["complete"] and not status["unpublished"]

    def signatures(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.signer_metrics}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("eightbells_signer_signatures_total{") and 'made"' in line)

    # --- fronts

    def front(self, name, core, redis=None, wait=True):
        """With how long it took to be ready."""
        port, metrics = free_port(), free_port()
        file = self.configuration(name, redis or self.redis, port, metrics, f"data/{name}")
        begun = time.monotonic()
        server = self.servers.start(name, [self.programs / "eightbells-front", "--config", file], port, core=core)
        if wait:
            server.wait_until(lambda: is_ready(f"127.0.0.1:{metrics}"), 600, 0.005)
        return server, time.monotonic() - begun

    def forget(self, name):
        shutil.rmtree(self.folder / "data" / name, ignore_errors=True)

    def page_file(self, name):
        return self.folder / "data" / name / "pages.db"

    def has_kept(self, name):
        """Whether a front's page file has all that it answers from: its head comes last."""
        with sqlite3.connect(f"file:{self.page_file(name)}?mode=ro", uri=True) as file:
            return file.execute("SELECT count(*) FROM blob WHERE name LIKE '%:head'").fetchone()[0] != 0

    def read_and_hash(self, name):
        """Seconds for reading a front's page file and hashing it, and its octets. The front has ended; nothing is left in the
        log beside the file."""
        file = sqlite3.connect(self.page_file(name), isolation_level=None)
        if file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0:
            raise Failed(f"{self.page_file(name)}: its log could not be brought in")
        file.close()
        begun = time.monotonic()
        octets, digest = 0, hashlib.sha256()
        with self.page_file(name).open("rb", buffering=0) as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
                octets += len(piece)
        return time.monotonic() - begun, octets

    def some(self, count, seed):
        return [serial_of(i) for i in random.Random(seed).sample(range(self.certificates), count)]


def cpu_seconds(server):
    fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_octets(server):
    for line in pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise Failed("no VmHWM")
