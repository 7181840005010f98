"""The servers that are measured, each pinned to one core, and the programs that ask them."""
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

from store import Failed, configuration, is_ready, run

SERVER_CORE, LOAD_CORE = 0, 1
FILES = 65_536


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def pinned(core, priority):
    """Runs in the child before its program does. core None: any."""
    def prepare():
        if core is not None:
            os.sched_setaffinity(0, {core})
        if priority:
            os.nice(-priority)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(FILES, hard), max(FILES, hard)))
        except (ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return prepare


class Server:
    """One process, on the server's core unless said otherwise; ended with the `with` block."""

    def __init__(self, command, port, log, priority, cwd=None, environment=None, core=SERVER_CORE):
        self.port, self.log = port, log
        with open(log, "w") as out:
            self.child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=cwd,
                                          env={**os.environ, **(environment or {})}, preexec_fn=pinned(core, priority))
        self.pid = self.child.pid

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def wait_until(self, ready, seconds=60, pause=0.05):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                raise Failed(f"{self.log}: " + pathlib.Path(self.log).read_text()[-800:])
            if ready():
                return self
            time.sleep(pause)
        raise Failed(f"{self.log}: not ready after {seconds} s")

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def resident_octets(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failed("no VmRSS")

    def stop(self, patience=3):
        """After so many seconds it is killed."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Servers:
    """Starts servers, and ends all of them at the end."""

    def __init__(self, tools, work, priority):
        self.tools, self.work, self.priority = tools, work, priority
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.started:
            server.stop()

    def start(self, name, command, port, cwd=None, environment=None, core=SERVER_CORE):
        server = Server(command, port, self.work / f"{name}.log", self.priority, cwd, environment, core)
        self.started.append(server)
        return server

    def front(self, store, with_crl=False, environment=None):
        port, metrics = free_port(), free_port()
        file = store.folder / ("front-crl.toml" if with_crl else "front.toml")
        file.write_text(configuration(store.folder, f"127.0.0.1:{port}", f"127.0.0.1:{metrics}", with_crl,
                                      "data/front-crl" if with_crl else "data/front"))
        server = self.start("front", [store.programs / "eightbells-front", "--config", file], port, environment=environment)
        return server.wait_until(lambda: is_ready(f"127.0.0.1:{metrics}"), 300)

    def floor(self, octets):
        port = free_port()
        return self.start("floor", [self.tools / "bench_floor", "--listen", f"127.0.0.1:{port}", "--octets", octets],
                          port).wait_until(lambda: True)

    def nginx(self, body, crl=None):
        """One process; /answer is a file with `body`, /constant the same number of octets from its configuration."""
        port = free_port()
        folder = self.work / "nginx"
        (folder / "root").mkdir(parents=True, exist_ok=True)
        (folder / "root/answer").write_bytes(body)
        if crl:
            (folder / "root/bench.crl").unlink(missing_ok=True)
            os.link(crl, folder / "root/bench.crl")
        (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log warn;
worker_rlimit_nofile {FILES};
events {{ worker_connections 16384; use epoll; }}
http {{
  access_log off; server_tokens off; keepalive_timeout 3600s; keepalive_requests 1000000000;
  sendfile on; open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
  default_type application/ocsp-response; types {{ }}
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root root;
    location = /constant {{ return 200 "{'x' * len(body)}"; }}
  }}
}}
""")
        return self.start("nginx", ["nginx", "-p", folder, "-c", folder / "nginx.conf"], port, folder)

    def openssl_ocsp(self, store, positions, serial_of):
        port = free_port()
        index = self.work / "index.txt"
        index.write_text("".join(f"V\t490101000000Z\t\t{serial_of(i).hex().upper()}\tunknown\t/CN={i}\n" for i in positions))
        server = self.start("openssl", ["openssl", "ocsp", "-port", port, "-index", index, "-CA", store.ca / "issuer.pem", "-rsigner",
                                        store.ca / "signer.pem", "-rkey", store.ca / "signer.key", "-ndays", "1", "-ignore_err"], port)
        return server

    # --- asking

    def client(self, name, *arguments, **options):
        return subprocess.Popen([str(self.tools / name), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=pinned(LOAD_CORE, self.priority), **options)

    def finish(self, client, seconds=120):
        out, wrong = client.communicate(timeout=seconds)
        if client.returncode != 0:
            raise Failed(wrong.strip())
        return json.loads(out)

    def load(self, server, requests, seconds, *options):
        return self.finish(self.client("bench_load", "--target", server.address, "--requests", requests, "--server", server.pid,
                                       "--seconds", seconds, "--warm-up", min(0.5, seconds / 4), *options), seconds + 60)

    def download(self, server, seconds, *options):
        return self.client("bench_download", "--target", server.address, "--path", "/bench.crl", "--server", server.pid, "--seconds",
                           seconds, *options)


def check_answers(store, server, positions, serial_of):
    """Asks about a few serials like a relying party, over GET and POST: `openssl ocsp` verifies what comes. Returns one answer."""
    folder = store.folder
    for position in positions:
        said = run("openssl", "ocsp", "-issuer", store.ca / "issuer.pem", "-serial", "0x" + serial_of(position).hex(), "-url",
                   f"http://{server.address}/ocsp", "-CAfile", store.ca / "issuer.pem", "-no_nonce", stderr=None)
        if b": good" not in said:
            raise Failed(f"{serial_of(position).hex()}: {said.decode(errors='replace')}")
    return folder
