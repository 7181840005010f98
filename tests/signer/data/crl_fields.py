# The fields of a CRL octet by octet, one a line, read by nothing but X.690's lengths: crl_fields.py CRL.der
import sys

SEQUENCE, INTEGER, OID, UTC_TIME, GENERALIZED_TIME, EXTENSIONS = 0x30, 0x02, 0x06, 0x17, 0x18, 0xA0


def elements(octets):
    """Tag, content and whole of each element that follow one another in `octets`."""
    found = []
    while octets:
        length, begin = octets[1], 2
        if length & 0x80:
            begin = 2 + (length & 0x7F)
            length = int.from_bytes(octets[2:begin], "big")
        assert len(octets) >= begin + length
        found.append((octets[0], octets[begin:begin + length], octets[:begin + length]))
        octets = octets[begin + length:]
    return found


def dotted(oid):
    parts, value = [oid[0] // 40, oid[0] % 40], 0
    for octet in oid[1:]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            parts.append(value)
            value = 0
    return ".".join(map(str, parts))


def extensions(prefix, sequence):
    listed = elements(sequence)
    print(f"{prefix}extensions {len(listed)}")
    for _, content, whole in listed:
        print(f"{prefix}extension {dotted(elements(content)[0][1])} {whole.hex()}")


((tag, outer, whole),) = elements(open(sys.argv[1], "rb").read())
assert tag == SEQUENCE
tbs, algorithm, signature = elements(outer)
print("signatureAlgorithm", algorithm[2].hex())
print("signatureValue begins", signature[2][:1].hex(), "unused bits", signature[1][0])
fields = elements(tbs[1])
if fields[0][0] == INTEGER:
    print("version", fields.pop(0)[2].hex())
for name in ("signature", "issuer", "thisUpdate"):
    print(name, fields.pop(0)[2].hex())
if fields and fields[0][0] in (UTC_TIME, GENERALIZED_TIME):
    print("nextUpdate", fields.pop(0)[2].hex())
entries = elements(fields.pop(0)[1]) if fields and fields[0][0] == SEQUENCE else None
print("revokedCertificates", "absent" if entries is None else len(entries))
for _, content, _ in entries or []:
    serial, date, *rest = elements(content)
    number = f"{int.from_bytes(serial[1], 'big'):X}"
    entry = f"entry {'0' * (len(number) % 2)}{number} "
    print(f"{entry}userCertificate {serial[2].hex()}")
    print(f"{entry}revocationDate {date[2].hex()}")
    if rest:
        extensions(entry, rest.pop(0)[1])
    else:
        print(f"{entry}extensions absent")
    assert not rest
if fields and fields[0][0] == EXTENSIONS:
    extensions("", elements(fields.pop(0)[1])[0][1])
assert not fields
