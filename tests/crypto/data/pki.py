"""Certificates and CRLs, right and wrong, spelled octet by octet, so that every rule can be broken alone.

Only keys and raw signatures come from Python's `cryptography`; the DER is written here, independently of the
encoder under test. Works with cryptography 38 (Debian 12) and later.
"""
import datetime
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def seq(*parts):
    return tlv(0x30, *parts)


def integer(value):
    size = max(1, (value.bit_length() + 8) // 8)
    return tlv(0x02, value.to_bytes(size, "big", signed=True))


def enumerated(value):
    return tlv(0x0A, bytes([value]))


def octets(value):
    return tlv(0x04, value)


def bits(value, unused=0):
    return tlv(0x03, bytes([unused]), value)


def explicit(number, *parts):
    return tlv(0xA0 | number, *parts)


def oid(dotted):
    arcs = [int(arc) for arc in dotted.split(".")]
    out = b""
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        group = bytes([arc & 0x7F])
        while arc > 0x7F:
            arc >>= 7
            group = bytes([0x80 | (arc & 0x7F)]) + group
        out += group
    return tlv(0x06, out)


NULL = b"\x05\x00"
TRUE = b"\x01\x01\xff"


def when(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S" if " " in text else "%Y-%m-%d")


def generalized(text):
    return tlv(0x18, when(text).strftime("%Y%m%d%H%M%SZ").rjust(15, "0").encode())


def time(text):
    moment = when(text)
    return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode()) if moment.year < 2050 else generalized(text)


ATTRIBUTES = {"CN": "2.5.4.3", "C": "2.5.4.6", "O": "2.5.4.10", "OU": "2.5.4.11", "organizationIdentifier": "2.5.4.97"}
UTF8, PRINTABLE = 0x0C, 0x13


def name(*attributes):
    """Each attribute is (type, text) or (type, text, string tag)."""
    rdns = []
    for kind, text, *tag in attributes:
        tag = tag[0] if tag else (PRINTABLE if kind == "C" else UTF8)
        rdns.append(tlv(0x31, seq(oid(ATTRIBUTES[kind]), tlv(tag, text.encode()))))
    return seq(*rdns)


def extension(dotted, value, critical=False):
    return seq(oid(dotted), TRUE if critical else b"", octets(value))


HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
HASH_OIDS = {
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
SIGNATURE_OIDS = {
    "rsa-sha1": "1.2.840.113549.1.1.5",
    "rsa-sha256": "1.2.840.113549.1.1.11",
    "rsa-sha384": "1.2.840.113549.1.1.12",
    "rsa-sha512": "1.2.840.113549.1.1.13",
    "ecdsa-sha1": "1.2.840.10045.4.1",
    "ecdsa-sha256": "1.2.840.10045.4.3.2",
    "ecdsa-sha384": "1.2.840.10045.4.3.3",
    "ecdsa-sha512": "1.2.840.10045.4.3.4",
    "ed25519": "1.3.101.112",
}


def algorithm(kind):
    """The AlgorithmIdentifier; kind is "rsa-sha256", "pss-sha512", "ecdsa-sha384" or "ed25519"."""
    if kind.startswith("pss-"):
        digest = seq(oid(HASH_OIDS[kind[4:]]), NULL)
        salt = HASHES[kind[4:]].digest_size
        mask = seq(oid("1.2.840.113549.1.1.8"), digest)
        parameters = seq(explicit(0, digest), explicit(1, mask), explicit(2, integer(salt)))
        return seq(oid("1.2.840.113549.1.1.10"), parameters)
    return seq(oid(SIGNATURE_OIDS[kind]), NULL if kind.startswith("rsa-") else b"")


class Key:
    def __init__(self, private):
        self.private = private
        self.spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        at = self.spki.rindex(self.key_bits())
        self.identifier = hashlib.sha1(self.spki[at:]).digest()

    @staticmethod
    def rsa(size):
        return Key(rsa.generate_private_key(65537, size))

    @staticmethod
    def ec(curve):
        return Key(ec.generate_private_key(curve))

    @staticmethod
    def ed25519():
        return Key(ed25519.Ed25519PrivateKey.generate())

    def key_bits(self):
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        if isinstance(public, ec.EllipticCurvePublicKey):
            return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def usual(self):
        if isinstance(self.private, rsa.RSAPrivateKey):
            return "rsa-sha256"
        return "ed25519" if isinstance(self.private, ed25519.Ed25519PrivateKey) else "ecdsa-sha256"

    def sign(self, kind, message):
        if kind == "ed25519":
            return self.private.sign(message)
        scheme, digest = kind.split("-")
        digest = HASHES[digest]()
        if scheme == "ecdsa":
            return self.private.sign(message, ec.ECDSA(digest))
        if scheme == "rsa":
            return self.private.sign(message, padding.PKCS1v15(), digest)
        return self.private.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)

    def pkcs8(self):
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def signed(tbs, key, kind):
    return seq(tbs, algorithm(kind), bits(key.sign(kind, tbs)))


def certificate(issuer, issuer_key, subject, subject_key, *, serial=None, begin="2026-11-01", end="2026-12-31",
                extensions=(), kind=None, inner=None, spki=None, version=2):
    kind = kind or issuer_key.usual()
    serial = serial if serial is not None else integer(0x7A11C0DE0123456789ABCDEF00000001)
    return signed(
        seq(explicit(0, integer(version)) if version else b"", serial, algorithm(inner or kind), issuer,
            seq(time(begin), time(end)), subject, spki or subject_key.spki,
            explicit(3, seq(*extensions)) if extensions else b""), issuer_key, kind)


def key_identifier(key):
    return extension("2.5.29.14", octets(key.identifier))


def authority_key_identifier(key):
    return extension("2.5.29.35", seq(tlv(0x80, key.identifier)))


def key_usage(value, critical=True):
    return extension("2.5.29.15", value, critical)


DIGITAL_SIGNATURE = bytes.fromhex("03020780")
CA_USAGE = bytes.fromhex("03020106")          # keyCertSign, cRLSign
CA_USAGE_SIGNING = bytes.fromhex("03020186")  # and digitalSignature


def authority(subject, key, usage=CA_USAGE_SIGNING, more=(), **rest):
    """A self-signed CA certificate."""
    wanted = [extension("2.5.29.19", seq(TRUE), True), key_identifier(key)]
    if usage:
        wanted.append(key_usage(usage))
    rest = {"begin": "2020-01-01", "end": "2046-01-01", **rest}
    return certificate(subject, key, subject, key, extensions=wanted + list(more), **rest)


def pem(label, der):
    import base64
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
