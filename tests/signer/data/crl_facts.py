# What the Python package `cryptography` reads in a CRL, one fact a line: crl_facts.py CA.pem CRL.der
import sys

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

ca = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read())
crl = x509.load_der_x509_crl(open(sys.argv[2], "rb").read())


def utc(holder, name):
    time = getattr(holder, name + "_utc", None) or getattr(holder, name)  # older versions have the latter alone
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


print("signature", crl.is_signature_valid(ca.public_key()))
print("algorithm", crl.signature_algorithm_oid.dotted_string)
print("issuer", crl.issuer == ca.subject, crl.issuer.public_bytes() == ca.subject.public_bytes())
print("this", utc(crl, "last_update"))
print("next", utc(crl, "next_update"))
for extension in crl.extensions:
    value = extension.value
    if extension.oid == ExtensionOID.CRL_NUMBER:
        text = f"{value.crl_number:X}"
    elif extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
        text = f"{value.crl_number:X}"
    elif extension.oid == ExtensionOID.AUTHORITY_KEY_IDENTIFIER:
        text = value.key_identifier.hex()
    elif extension.oid == ExtensionOID.ISSUING_DISTRIBUTION_POINT:
        text = " ".join(name.value for name in value.full_name)
        assert not value.indirect_crl and not value.only_contains_attribute_certs
    elif extension.oid == ExtensionOID.FRESHEST_CRL:
        text = " ".join(name.value for point in value for name in point.full_name)
    else:
        text = value.public_bytes().hex()
    print("extension", extension.oid.dotted_string, "critical" if extension.critical else "-", text)
entries = []
for entry in crl:
    reason = invalidity = "-"
    for extension in entry.extensions:
        assert not extension.critical
        if extension.oid == x509.CRLEntryExtensionOID.CRL_REASON:
            reason = extension.value.reason.value
        elif extension.oid == x509.CRLEntryExtensionOID.INVALIDITY_DATE:
            invalidity = utc(extension.value, "invalidity_date")
    serial = f"{entry.serial_number:X}"
    serial = "0" * (len(serial) % 2) + serial  # whole octets, as index.txt has them
    entries.append(f"entry {serial} {utc(entry, 'revocation_date')} {reason} {invalidity}")
print("\n".join(sorted(entries)))
