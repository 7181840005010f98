#!/usr/bin/env python3
"""Runs a program on a terminal of its own until it has said something, and tells what a person saw.

    terminal.py --columns N --until TEXT --folder FOLDER PROGRAM [ARGUMENT ...]

Prints one JSON object: lines (what scrolled by, as it stood when it did), shown (each state of the last line), last
(what stood there at the end), raw (every byte that was neither printable nor a carriage return, newline or ESC [ K),
code (its exit code).
"""
import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


class Screen:
    """A terminal's last line, as far as the programs use one."""

    def __init__(self, columns):
        self.columns = columns
        self.line = []
        self.at = 0
        self.lines = []
        self.shown = []
        self.raw = ""
        self.pending = ""

    def take(self, text):
        self.pending += text
        while self.pending:
            if self.pending.startswith("\033"):
                if len(self.pending) < 3:
                    return
                if self.pending.startswith("\033[K"):
                    del self.line[self.at:]
                else:
                    self.raw += self.pending[:3]
                self.pending = self.pending[3:]
                continue
            c, self.pending = self.pending[0], self.pending[1:]
            if c in "\r\n":  # what is read at once may be several states
                self.shown.append("".join(self.line))
            if c == "\n":
                self.lines.append("".join(self.line))
                self.line, self.at = [], 0
            elif c == "\r":
                self.at = 0
            elif c.isprintable():
                self.line[self.at:self.at + 1] = [c]
                self.at += 1
            else:
                self.raw += c
        self.shown.append("".join(self.line))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--until", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(options.folder)
        os.environ["TERM"] = "xterm"
        fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, options.columns, 0, 0))
        os.execv(options.words[0], options.words)
    screen = Screen(options.columns)
    stop_at = None
    give_up_at = time.monotonic() + 240
    while time.monotonic() < give_up_at:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                text = os.read(terminal, 1 << 16).decode("utf-8", "replace")
            except OSError:  # the last program on it has ended
                break
            screen.take(text.replace("\r\n", "\n"))
        if stop_at is None and any(options.until in line for line in screen.lines):
            stop_at = time.monotonic() + 1
        if stop_at is not None and time.monotonic() > stop_at:
            os.kill(pid, signal.SIGTERM)
            stop_at = float("inf")
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    json.dump({"lines": screen.lines, "shown": screen.shown, "last": "".join(screen.line), "raw": screen.raw,
               "code": os.waitstatus_to_exitcode(status)}, sys.stdout)


if __name__ == "__main__":
    main()
