#!/usr/bin/env python3
"""Looks into the front's program for what a front must not contain: check_front_binary.py FRONT SIGNER

A rule about includes and link lines can be got round; the symbols of the finished program cannot. The signer's program is asked
for the same, so that a change of names does not make this pass for nothing.
"""
import subprocess
import sys

PRIVATE = ("eightbells::keys::", "eightbells::ledger::", "eightbells::signer::")


def symbols(program):
    listing = subprocess.run(["nm", "-C", program], capture_output=True, text=True, check=True).stdout
    # "0000000000012345 T name", or without an address for what is undefined.
    return [line[17:].split(" ", 1)[-1] for line in listing.splitlines()]


def main():
    front, signer = (symbols(program) for program in sys.argv[1:3])
    faults = []
    for prefix in PRIVATE:
        found = [symbol for symbol in front if prefix in symbol]
        if found:
            faults.append(f"{sys.argv[1]} contains {len(found)} symbols of {prefix}, for example {found[0]}")
        if not any(prefix in symbol for symbol in signer):
            faults.append(f"{sys.argv[2]} shows no symbol of {prefix}: this check sees nothing")
    print("\n".join(faults) or f"{sys.argv[1]}: no symbol of {', '.join(PRIVATE)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
