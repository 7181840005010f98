"""Makes what the servers answer from: a CA, certificates on record, a store of really signed answers, and a CRL of 100 MB.

Everything is kept in a folder and used again by the next run, as long as its answers are valid.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import time
import urllib.request

ROTATING = 10_000
CRL_ENTRIES = 1_340_000  # of 75 octets: serial, date, reason, invalidity date
VALID_DAYS = 300         # answers are not made anew while a store is kept; the longest that a configuration may say is 366
NOT_AFTER = "2049-01-01T00:00:00Z"


class Failed(Exception):
    pass


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    if done.returncode != 0:
        raise Failed(f"{command[0]} failed: {(done.stderr or done.stdout).decode(errors='replace').strip()[-800:]}")
    return done.stdout


def serial_of(position, kind="certificate"):
    """A serial number as CAs make them: 16 octets, random, positive. Always the same for a position."""
    return b"\x4e" + hashlib.sha256(f"{kind} {position}".encode()).digest()[:15]


# --- DER, as far as it is needed here

def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def der_content(octets, at):
    """Where the content of the element at `at` begins and ends."""
    size, begin = octets[at + 1], at + 2
    if size & 0x80:
        length = size & 0x7F
        size, begin = int.from_bytes(octets[begin:begin + length], "big"), begin + length
    return begin, begin + size


def subject_of(certificate):
    """The Name of the subject in a certificate, as it stands there."""
    at, _ = der_content(certificate, 0)
    at, _ = der_content(certificate, at)
    if certificate[at] == 0xA0:
        _, at = der_content(certificate, at)
    for _ in range(4):  # serial number, algorithm, issuer, validity
        _, at = der_content(certificate, at)
    return certificate[at:der_content(certificate, at)[1]]


# --- the CA

CA_CONFIGURATION = """
[req]
distinguished_name = dn
[dn]
[issuer]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def make_ca(folder, name):
    """A CA and its delegated OCSP signer, P-256."""
    folder.mkdir(parents=True)
    (folder / "ca.cnf").write_text(CA_CONFIGURATION)
    here = {"cwd": folder}
    for key in ("issuer.key", "signer.key"):
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key, **here)
    run("openssl", "req", "-new", "-x509", "-key", "issuer.key", "-subj", f"/C=NL/O=Eightbells measurement/CN={name}", "-days", "7300",
        "-sha256", "-config", "ca.cnf", "-extensions", "issuer", "-out", "issuer.pem", **here)
    run("openssl", "req", "-new", "-key", "signer.key", "-subj", f"/C=NL/O=Eightbells measurement/CN={name} OCSP signer", "-config",
        "ca.cnf", "-out", "signer.csr", **here)
    run("openssl", "x509", "-req", "-in", "signer.csr", "-CA", "issuer.pem", "-CAkey", "issuer.key", "-set_serial",
        "0x4e" + os.urandom(15).hex(), "-days", "3650", "-sha256", "-extfile", "ca.cnf", "-extensions", "signer", "-out", "signer.pem",
        **here)


def utc(moment, form="%y%m%d%H%M%SZ"):
    return time.strftime(form, time.gmtime(moment)).encode()


def make_crl(ca, file, entries):
    """A complete CRL with a real signature. Each entry has a reason and an invalidity date."""
    now = int(time.time())
    issuer = run("openssl", "x509", "-in", ca / "issuer.pem", "-outform", "DER")
    text = run("openssl", "x509", "-in", ca / "issuer.pem", "-noout", "-ext", "subjectKeyIdentifier").decode().split("\n")[1]
    key_hash = bytes.fromhex(text.strip().replace(":", ""))
    algorithm = der(0x30, bytes.fromhex("06082a8648ce3d040302"))  # ecdsa-with-SHA256
    tail = (der(0x17, utc(now - 86_400)) +
            der(0x30, der(0x30, bytes.fromhex("0603551d15"), der(0x04, bytes.fromhex("0a0104"))),  # superseded
                der(0x30, bytes.fromhex("0603551d18"), der(0x04, der(0x18, utc(now - 90_000, "%Y%m%d%H%M%SZ"))))))
    entry_head = bytes([0x30, 2 + 16 + len(tail), 0x02, 16])
    listed = b"".join(entry_head + serial_of(i, "revoked") + tail for i in range(entries))
    extensions = der(0xA0, der(0x30,
                               der(0x30, bytes.fromhex("0603551d23"), der(0x04, der(0x30, der(0x80, key_hash)))),
                               der(0x30, bytes.fromhex("0603551d14"), der(0x04, der(0x02, now.to_bytes(4, "big"))))))
    body = der(0x30, bytes.fromhex("020101"), algorithm, subject_of(issuer), der(0x17, utc(now - 60)),
               der(0x17, utc(now + VALID_DAYS * 86_400)), der(0x30, listed), extensions)
    unsigned = file.with_suffix(".tbs")
    unsigned.write_bytes(body)
    signature = run("openssl", "dgst", "-sha256", "-sign", ca / "issuer.key", unsigned)
    unsigned.unlink()
    file.write_bytes(der(0x30, body, algorithm, der(0x03, b"\x00", signature)))


# --- the store

def configuration(folder, listen, metrics, with_crl, front_data="data/front"):
    text = f"""data = "data"
log_level = "warning"
[store]
kind = "directory"
[signer]
metrics = "127.0.0.1:0"
# Every signature is checked before it is published, unless a store is made only to measure what sends it.
self_check = false
[front]
data = "{front_data}"
listen = ["{listen}"]
metrics = "{metrics}"
workers = 1
live_socket = ""
"""
    for name in ("bench", "crl") if with_crl else ("bench",):
        text += f"""[[issuer]]
name = "{name}"
certificate = "{name}-ca/issuer.pem"
signer_certificate = "{name}-ca/signer.pem"
signer_key = "{name}-ca/signer.key"
scheme = "private"
sha1 = {"true" if name == "bench" else "false"}
validity = "{VALID_DAYS}d"
refresh = "{VALID_DAYS - 1}d"
"""
        text += 'crl = "crl-ca/crl.der"\ncrl_path = "/bench.crl"\n' if name == "crl" else 'crl_path = "/none.crl"\n'
    return text


class Store:
    """A folder with a CA (and a second one that has the CRL), and what their signer published."""

    def __init__(self, folder, certificates, programs):
        self.folder, self.certificates, self.programs = folder, certificates, programs
        self.ca = folder / "bench-ca"
        self.crl = folder / "crl-ca/crl.der"

    def state(self):
        try:
            return json.loads((self.folder / "made.json").read_text())
        except (OSError, ValueError):
            return {}

    def is_usable(self):
        made = self.state().get("at", 0)
        return time.time() - made < (VALID_DAYS - 30) * 86_400

    def make(self, say):
        if not self.is_usable():
            run("rm", "-rf", self.folder)
            say(f"signing {self.certificates:,} certificates for SHA-1 and SHA-256 CertIDs; the store is kept for the next run")
            make_ca(self.ca, "Bench CA")
            listed = self.folder / "certificates.csv"
            with listed.open("w") as out:
                out.write("serial,not_after\n")
                for i in range(self.certificates):
                    out.write(f"{serial_of(i).hex()},{NOT_AFTER}\n")
            took = self.sign(False, lambda: self.eightbells("import", "csv", listed, "--issuer", "bench"), say)
            (self.folder / "made.json").write_text(json.dumps({"at": int(time.time()), "signing_seconds": round(took)}))
        run("openssl", "ocsp", "-issuer", self.ca / "issuer.pem", "-serial", "0x" + serial_of(0).hex(), "-no_nonce", "-reqout",
            self.folder / "request.der")

    def make_crl(self, say):
        if self.state().get("crl"):
            return
        say(f"making a CRL of {CRL_ENTRIES:,} entries and signing their answers; kept for the next run")
        if not (self.folder / "crl-ca/signer.pem").exists():
            make_ca(self.folder / "crl-ca", "Bench CRL CA")
        make_crl(self.folder / "crl-ca", self.crl, CRL_ENTRIES)
        self.sign(True, lambda: None, say)
        (self.folder / "made.json").write_text(json.dumps({**self.state(), "crl": self.crl.stat().st_size}))

    def eightbells(self, *arguments):
        return run(self.programs / "eightbells", "--config", self.folder / "signer.toml", *arguments)

    def sign(self, with_crl, feed, say):
        """Runs the signer until everything that it was fed is published. Seconds."""
        (self.folder / "signer.toml").write_text(configuration(self.folder, "127.0.0.1:0", "127.0.0.1:0", with_crl))
        begun = time.monotonic()
        with (self.folder / "signer.log").open("w") as log:
            signer = subprocess.Popen([self.programs / "eightbells-signer", "--config", self.folder / "signer.toml"], stdout=log, stderr=log)
        try:
            self.wait_for(signer, lambda status: True)
            feed()
            wanted = {"bench": self.certificates, **({"crl": CRL_ENTRIES} if with_crl else {})}
            self.wait_for(signer, lambda status: self.published(status, wanted))
        finally:
            signer.terminate()
            signer.wait(60)
        say(f"  done in {time.monotonic() - begun:.0f} s")
        return time.monotonic() - begun

    def wait_for(self, signer, enough):
        deadline = time.monotonic() + 3600
        while time.monotonic() < deadline:
            log = (self.folder / "signer.log").read_text()
            if signer.poll() is not None or " refused" in log:
                raise Failed("the signer says: " + log[-800:])
            try:
                status = json.loads(self.eightbells("status"))
            except Failed:
                status = None  # its socket is not there yet
            if status is not None and enough(status):
                return
            time.sleep(0.5)
        raise Failed("the signer is not done after an hour")

    @staticmethod
    def published(status, wanted):
        """Whether every wanted certificate of every issuer named has its answers in the store."""
        found = {one["name"]: one for one in status}
        for name, certificates in wanted.items():
            one = found.get(name, {})
            if "fault" in one:
                raise Failed(f"the signer says: {one['fault']}")
            if one.get("certificates", 0) < certificates or not one["complete"] or one["pages_due"] or one["unpublished"]:
                return False
        return True

    # --- requests

    def request(self, position):
        """The OCSP request for one certificate: the serial is the last thing in it."""
        template = (self.folder / "request.der").read_bytes()
        assert template.endswith(serial_of(0))
        return template[:-16] + serial_of(position)

    def rotating(self):
        """Evenly taken from all certificates; their places in the store are random anyway."""
        step = max(1, self.certificates // ROTATING)
        return [i * step for i in range(min(ROTATING, self.certificates))]


def is_ready(address):
    try:
        with urllib.request.urlopen(f"http://{address}/ready", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def open_store(build, certificates):
    return Store(pathlib.Path(build).resolve().parent / f"bench-store-{certificates}", certificates, pathlib.Path(build).resolve() / "bin")
