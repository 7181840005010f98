#!/usr/bin/python3
"""Makes ../corpus/request and ../corpus/response: requests and answers as other implementations spell them.

OpenSSL, GnuTLS, Java and Python's cryptography make them, for certificates of a throwaway CA with fixed dates;
three more are spelled here by hand.
Run it by hand when a peer is to be added; the files are kept, so that the tests need neither the peers nor this
script. Keys and nonces are new in each run: a second run gives other bytes of the same shapes.
"""
import datetime
import pathlib
import shutil
import subprocess
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = pathlib.Path(__file__).resolve().parent
REQUESTS = HERE.parent / "corpus" / "request"
RESPONSES = HERE.parent / "corpus" / "response"
BEGIN = datetime.datetime(2026, 1, 1)
END = datetime.datetime(2046, 1, 1)
SERIALS = [0x01, 0x7F, 0x80, 0xFF00, 0x7EDCBA98765432100123456789ABCDEF01234567]


def certificate(name, serial, key, issuer_name, issuer_key, extensions=()):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(issuer_name).public_key(key.public_key())
        .serial_number(serial).not_valid_before(BEGIN).not_valid_after(END)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(path, *things):
    path.write_bytes(b"".join(things))


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stdout.decode()}")


class Ca:
    def __init__(self, folder):
        self.folder = folder
        self.key = rsa.generate_private_key(65537, 2048)
        self.certificate = certificate(
            name("Corpus CA"), 1000, self.key, name("Corpus CA"), self.key,
            [(x509.BasicConstraints(True, None), True)])
        self.signer_key = ec.generate_private_key(ec.SECP256R1())
        self.signer = certificate(
            name("Corpus OCSP"), 1001, self.signer_key, self.certificate.subject, self.key,
            [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False), (x509.OCSPNoCheck(), False)])
        holder = ec.generate_private_key(ec.SECP256R1())
        self.leaves = [certificate(name(f"leaf {s:x}"), s, holder, self.certificate.subject, self.key) for s in SERIALS]
        encoding = serialization.Encoding.PEM
        plain = (encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem(folder / "ca.pem", self.certificate.public_bytes(encoding))
        pem(folder / "signer.pem", self.signer.public_bytes(encoding))
        pem(folder / "signer.key", self.signer_key.private_bytes(*plain))
        for i, leaf in enumerate(self.leaves):
            pem(folder / f"leaf{i}.pem", leaf.public_bytes(encoding))
        index = ""
        for i, serial in enumerate(SERIALS):
            revoked = "260301000000Z,keyCompromise" if i == 1 else ""
            digits = f"{serial:X}"
            digits = digits.zfill(len(digits) + len(digits) % 2)
            index += f"{'R' if revoked else 'V'}\t460101000000Z\t{revoked}\t{digits}\tunknown\t/CN=leaf {serial:x}\n"
        (folder / "index.txt").write_text(index)


def openssl_requests(ca):
    one = ("openssl", "ocsp", "-issuer", "ca.pem", "-cert", "leaf0.pem")
    several = ("openssl", "ocsp", "-issuer", "ca.pem") + tuple(
        word for i in range(len(SERIALS)) for word in ("-cert", f"leaf{i}.pem"))
    signed = ("-signer", "signer.pem", "-signkey", "signer.key")
    for file, command in {
        "openssl-sha1": (*one, "-no_nonce"),
        "openssl-sha1-nonce": one,
        "openssl-sha256": ("openssl", "ocsp", "-issuer", "ca.pem", "-sha256", "-cert", "leaf4.pem", "-no_nonce"),
        "openssl-sha512": ("openssl", "ocsp", "-issuer", "ca.pem", "-sha512", "-cert", "leaf4.pem", "-no_nonce"),
        "openssl-md5": ("openssl", "ocsp", "-issuer", "ca.pem", "-md5", "-cert", "leaf4.pem", "-no_nonce"),
        "openssl-several": (*several, "-no_nonce"),
        "openssl-both-hashes": (*one, "-sha256", "-cert", "leaf0.pem", "-no_nonce"),
        "openssl-signed": (*one, *signed),
        "openssl-signed-no-certs": (*one, *signed, "-no_certs"),
    }.items():
        run(*command, "-reqout", REQUESTS / f"{file}.der", cwd=ca.folder)


def gnutls_requests(ca):
    run("ocsptool", "--generate-request", "--load-issuer", "ca.pem", "--load-cert", "leaf4.pem",
        "--outder", "--outfile", REQUESTS / "gnutls.der", cwd=ca.folder)


# The classes are Java's own and not public, hence the reflection; they are what its PKIXRevocationChecker sends.
JAVA = """
import java.io.*; import java.lang.reflect.*; import java.nio.file.*; import java.security.cert.*; import java.util.*;
import sun.security.provider.certpath.CertId;
public class Requests {
    static X509Certificate load(String path) throws Exception {
        try (InputStream in = new FileInputStream(path)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }
    static void write(String file, List<CertId> ids, List<java.security.cert.Extension> extensions) throws Exception {
        Constructor<?> make = Class.forName("sun.security.provider.certpath.OCSPRequest")
            .getDeclaredConstructor(List.class, List.class);
        make.setAccessible(true);
        Object request = make.newInstance(ids, extensions);
        Method encode = request.getClass().getDeclaredMethod("encodeBytes");
        encode.setAccessible(true);
        Files.write(Path.of(file), (byte[]) encode.invoke(request));
    }
    public static void main(String[] to) throws Exception {
        X509Certificate ca = load("ca.pem");
        List<CertId> ids = new ArrayList<>();
        for (int i = 0; i < 3; ++i)
            ids.add(new CertId(ca, new sun.security.x509.SerialNumber(load("leaf" + i + ".pem").getSerialNumber())));
        Constructor<?> make = Class.forName("sun.security.provider.certpath.OCSPNonceExtension")
            .getDeclaredConstructor(int.class);
        make.setAccessible(true);
        write(to[0] + "/java.der", ids.subList(0, 1), List.of());
        write(to[0] + "/java-nonce.der", ids.subList(2, 3), List.of((java.security.cert.Extension) make.newInstance(32)));
        write(to[0] + "/java-several.der", ids, List.of());
    }
}
"""


def java_requests(ca):
    (ca.folder / "Requests.java").write_text(JAVA)
    exports = [word for package in ("sun.security.provider.certpath", "sun.security.x509")
               for word in ("--add-exports", f"java.base/{package}=ALL-UNNAMED")]
    exports += ["--add-opens", "java.base/sun.security.provider.certpath=ALL-UNNAMED"]
    run("java", *exports, "Requests.java", REQUESTS, cwd=ca.folder)


def python_requests(ca):
    def request(leaf, algorithm, *extensions):
        builder = ocsp.OCSPRequestBuilder().add_certificate(ca.leaves[leaf], ca.certificate, algorithm)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.build().public_bytes(serialization.Encoding.DER)

    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"anything")
    for file, octets in {
        "python-sha1": request(0, hashes.SHA1()),
        "python-sha256": request(4, hashes.SHA256()),
        "python-sha384": request(4, hashes.SHA384()),
        "python-nonce-1": request(1, hashes.SHA256(), (x509.OCSPNonce(b"n"), False)),
        "python-nonce-32-critical": request(2, hashes.SHA1(), (x509.OCSPNonce(bytes(range(32))), True)),
        "python-nonce-128": request(3, hashes.SHA256(), (x509.OCSPNonce(bytes(range(128))), False)),
        "python-unknown-extension": request(3, hashes.SHA256(), (unknown, False), (x509.OCSPNonce(b"0123456789abcdef"), False)),
    }.items():
        (REQUESTS / f"{file}.der").write_bytes(octets)


def python_responses(ca):
    now = datetime.datetime(2026, 11, 22, 6, 0, 0)

    def response(file, leaf, algorithm, status, *, certs=True, key=None, signer=None, revoked=None, reason=None,
                 nonce=None, signing_hash=hashes.SHA256()):
        signer = signer or ca.signer
        builder = ocsp.OCSPResponseBuilder().add_response(
            ca.leaves[leaf], ca.certificate, algorithm, status, now, now + datetime.timedelta(days=1), revoked, reason
        ).responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        if certs:
            builder = builder.certificates([signer])
        if nonce:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
        built = builder.sign(key or ca.signer_key, signing_hash)
        (RESPONSES / f"{file}.der").write_bytes(built.public_bytes(serialization.Encoding.DER))

    good, revoked = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
    response("python-good-sha1", 0, hashes.SHA1(), good)
    response("python-good-sha256-nonce", 4, hashes.SHA256(), good, nonce=b"0123456789abcdef")
    response("python-revoked", 2, hashes.SHA256(), revoked, revoked=BEGIN)
    response("python-hold", 2, hashes.SHA1(), revoked, revoked=BEGIN, reason=x509.ReasonFlags.certificate_hold)
    response("python-unknown", 3, hashes.SHA256(), ocsp.OCSPCertStatus.UNKNOWN)
    response("python-rsa-no-certs", 4, hashes.SHA256(), good, certs=False, key=ca.key, signer=ca.certificate)
    for status in (ocsp.OCSPResponseStatus.MALFORMED_REQUEST, ocsp.OCSPResponseStatus.TRY_LATER,
                   ocsp.OCSPResponseStatus.UNAUTHORIZED, ocsp.OCSPResponseStatus.INTERNAL_ERROR):
        built = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
        (RESPONSES / f"python-{status.name.lower().replace('_', '-')}.der").write_bytes(
            built.public_bytes(serialization.Encoding.DER))


def openssl_responses(ca):
    for file, request in {"openssl-several": "openssl-several", "openssl-nonce": "openssl-sha1-nonce",
                          "openssl-unknown": "python-sha384"}.items():
        run("openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "signer.pem", "-rkey", "signer.key",
            "-resp_key_id", "-ndays", "1", "-reqin", REQUESTS / f"{request}.der", "-respout",
            RESPONSES / f"{file}.der", cwd=ca.folder)


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x81, size]) if size < 0x100 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + content


def spelled_by_hand():
    """Every optional field at once, which no peer sends."""
    def oid(digits):
        return tlv(0x06, bytes.fromhex(digits))

    def extension(digits, value, *critical):
        return tlv(0x30, oid(digits), *critical, tlv(0x04, value))

    def time(text):
        return tlv(0x18, text.encode())

    algorithm = tlv(0x30, oid("608648016503040201"), tlv(0x05))
    cert_id = tlv(0x30, algorithm, tlv(0x04, b"\xa1" * 32), tlv(0x04, b"\xb2" * 32), tlv(0x02, b"\x12\x34"))
    locator = extension("2b0601050507300107", tlv(0x30), tlv(0x01, b"\xff"))
    nonce = extension("2b0601050507300102", tlv(0x04, b"0123456789abcdef"))
    unknown = extension("2b060104018d1f", b"anything", tlv(0x01, b"\x00"))
    preferred = extension("2b0601050507300108", tlv(0x30))
    signed_with = tlv(0x30, oid("2a8648ce3d040302"))
    signature = tlv(0xa0, tlv(0x30, signed_with, tlv(0x03, b"\0sig"), tlv(0xa0, tlv(0x30, tlv(0x30), tlv(0x30)))))
    tbs = tlv(0x30, tlv(0xa0, tlv(0x02, b"\0")), tlv(0xa1, tlv(0x82, b"a.b")),
              tlv(0x30, tlv(0x30, cert_id, tlv(0xa0, tlv(0x30, locator, unknown))), tlv(0x30, cert_id)),
              tlv(0xa2, tlv(0x30, nonce, unknown, preferred)))
    (REQUESTS / "spelled-every-field.der").write_bytes(tlv(0x30, tbs, signature))

    cutoff = extension("2b0601050507300106", time("20200101000000Z"))
    invalidity = extension("551d18", time("20251231235959Z"))
    cert_hash = extension("2b2408030d", tlv(0x30, algorithm, tlv(0x04, b"\xcc" * 32)))
    revoked = tlv(0xa1, time("20260101000000Z"), tlv(0xa0, tlv(0x0a, b"\x04")))
    single = tlv(0x30, cert_id, revoked, time("20261122064000Z"), tlv(0xa0, time("99991231235959Z")),
                 tlv(0xa1, tlv(0x30, cutoff, cert_hash, invalidity)))
    good = tlv(0x30, cert_id, tlv(0x80), time("20261122064000Z"), tlv(0xa0, time("20261123064000Z")))
    for file, singles, extensions in (("spelled-extensions", single, b""),
                                      ("spelled-live", good + single, tlv(0xa1, tlv(0x30, nonce)))):
        data = tlv(0x30, tlv(0xa2, tlv(0x04, b"\xc3" * 20)), time("20261122064001Z"), tlv(0x30, singles), extensions)
        basic = tlv(0x30, data, signed_with, tlv(0x03, b"\0sig"), tlv(0xa0, tlv(0x30, tlv(0x30, b"certificate"))))
        (RESPONSES / f"{file}.der").write_bytes(
            tlv(0x30, tlv(0x0a, b"\0"), tlv(0xa0, tlv(0x30, oid("2b0601050507300101"), tlv(0x04, basic)))))


def main():
    for folder in (REQUESTS, RESPONSES):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        ca = Ca(pathlib.Path(folder))
        openssl_requests(ca)
        gnutls_requests(ca)
        java_requests(ca)
        python_requests(ca)
        python_responses(ca)
        openssl_responses(ca)
    spelled_by_hand()


if __name__ == "__main__":
    main()
