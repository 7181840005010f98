#!/usr/bin/env python3
"""Prints what Python's `cryptography` finds in a DER CRL: SERIAL TIME REASON INVALIDITY, one entry a line."""
import sys
import warnings

from cryptography import x509

warnings.simplefilter("ignore")  # later versions prefer the methods that Debian 12's lacks


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def found(entry, kind):
    try:
        return entry.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


with open(sys.argv[1], "rb") as file:
    crl = x509.load_der_x509_crl(file.read())
for entry in crl:
    digits = f"{entry.serial_number:X}"
    reason = found(entry, x509.CRLReason)
    invalidity = found(entry, x509.InvalidityDate)
    unspecified = reason is None or reason.reason is x509.ReasonFlags.unspecified
    print("0" * (len(digits) % 2) + digits, text(entry.revocation_date), "-" if unspecified else reason.reason.value,
          text(invalidity.invalidity_date) if invalidity else "-")
