#!/usr/bin/env python3
"""Holds the source tree to its own rules. Prints file:line and the rule for everything that breaks one.

    check.py [--build FOLDER] [--format] [SOURCE_FOLDER]

Rules: a module includes only what its USES line in responder/CMakeLists.txt allows; the front reaches neither keys, ledger nor
signer; every source is built and every header used; names, lengths and header guards; tests name only rows that exist.
--build also asks the build's compile_commands.json which sources are built; --format also asks clang-format 14.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

MODULE_LINE = re.compile(r"^eightbells_module\((\w+)\s+(\S+?)(?:\s+USES\s+([\w\s]+))?\)", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
PRIVATE_MODULES = {"keys", "ledger", "pair", "signer"}  # a front must not contain them (H-12)
CODE_FOLDERS = ("responder", "cache", "tests", "bench")
FILE_LINES = 450  # about 400 is the aim; tests, being tables, may be longer
TEST_FILE_LINES = 650
FUNCTION_LINES = 75  # about 70 is the aim
EMPTY_WORDS = {"manager", "helper", "helpers", "util", "utils", "data", "info", "process", "misc", "common"}
ROW_ID = re.compile(r"(?<![A-Za-z0-9-])([A-H]-[0-9]{2})(?![0-9A-Za-z-])")


class Tree:
    """The files of the source tree that rules are about, and its modules as the architecture file names them."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.modules = {}  # name -> (folder, used modules)
        self.order = []
        text = (self.root / "responder/CMakeLists.txt").read_text()
        for name, folder, used in MODULE_LINE.findall(text):
            folder = folder.replace("${HERE}", "responder").replace("${PROJECT_SOURCE_DIR}/", "")
            self.modules[name] = (folder, set(used.split()))
            self.order.append(name)

    def code(self, *suffixes):
        for folder in CODE_FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in suffixes and "corpus" not in path.parts:
                    yield path

    def name(self, path):
        return str(path.relative_to(self.root))

    def module_of(self, name):
        for module, (folder, _) in self.modules.items():
            if name.startswith(folder + "/"):
                return module
        return None

    def reached(self, module):
        """All modules that `module` uses, directly or not."""
        seen, waiting = set(), [module]
        while waiting:
            for used in self.modules.get(waiting.pop(), ("", set()))[1] - seen:
                seen.add(used)
                waiting.append(used)
        return seen


def numbered(path):
    return enumerate(path.read_text(errors="replace").splitlines(), 1)


def check_modules(tree):
    if not tree.modules:
        yield "responder/CMakeLists.txt:1: no eightbells_module lines were found"
    for position, name in enumerate(tree.order):
        folder, used = tree.modules[name]
        for other in sorted(used):
            if other not in tree.order[:position]:
                yield f"responder/CMakeLists.txt: {name} uses {other}, which does not stand above it"
        if not (tree.root / folder / "files.cmake").is_file():
            yield f"{folder}/files.cmake: is missing; every module lists its files there"
    for module in sorted(tree.reached("front") & PRIVATE_MODULES):
        yield f"responder/CMakeLists.txt: front reaches {module}; a front holds no status key (H-12)"


def check_includes(tree):
    for path in tree.code(".cc", ".h"):
        name = tree.name(path)
        module = tree.module_of(name)
        allowed = None if module is None else tree.modules[module][1] | {module}
        for number, line in numbered(path):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match.group(1)
            if not (tree.root / included).is_file():
                yield f'{name}:{number}: "{included}" is no file of this tree; write its path from the top'
                continue
            other = tree.module_of(included)
            if module is not None and other is None:
                yield f'{name}:{number}: module {module} includes "{included}", which is no module\'s'
            elif allowed is not None and other not in allowed:
                yield f'{name}:{number}: module {module} must not use {other} (responder/CMakeLists.txt)'


def check_front_program(tree):
    """No source of the front's program includes what a front must not contain, nor is it linked to it."""
    for path in tree.code(".cc", ".h"):
        name = tree.name(path)
        if not re.match(r"responder/programs/front\w*\.(cc|h)$", name):
            continue
        for number, line in numbered(path):
            match = INCLUDE.match(line)
            if match and tree.module_of(match.group(1)) in PRIVATE_MODULES:
                yield f'{name}:{number}: the front\'s program includes "{match.group(1)}" (H-12)'
    programs = tree.root / "responder/programs/CMakeLists.txt"
    if programs.is_file():
        for call in re.findall(r"\(\s*eightbells-front\b[^)]*\)", programs.read_text()):
            for module in sorted(PRIVATE_MODULES):
                if re.search(rf"\b(eightbells_)?{module}\b", call.replace(f"{module}.cc", "")):
                    yield f"responder/programs/CMakeLists.txt: eightbells-front is linked to {module} (H-12)"


def check_sources_listed(tree):
    for folder, _ in tree.modules.values():
        listing = tree.root / folder / "files.cmake"
        match = re.search(r"set\(SOURCES([^)]*)\)", listing.read_text() if listing.is_file() else "")
        listed = set(match.group(1).split()) if match else set()
        present = {str(p.relative_to(tree.root / folder)) for p in (tree.root / folder).rglob("*.cc")}
        for name in sorted(present - listed):
            yield f"{folder}/{name}: is not listed in {folder}/files.cmake"
        for name in sorted(listed - present):
            yield f"{folder}/files.cmake: lists {name}, which is not there"
    top = (tree.root / "tests/CMakeLists.txt").read_text()
    for listing in sorted((tree.root / "tests").glob("*/CMakeLists.txt")):
        if not re.search(rf"\b{listing.parent.name}\b", top):
            yield f"{tree.name(listing)}: its folder is not added in tests/CMakeLists.txt"


def check_sources_built(tree, build):
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    built = {str(pathlib.Path(command["directory"], command["file"]).resolve()) for command in commands}
    for path in tree.code(".cc"):
        if str(path) not in built:
            yield f"{tree.name(path)}: is built by no CMakeLists.txt"


def check_headers_used(tree):
    included = {match.group(1) for path in tree.code(".cc", ".h") for _, line in numbered(path)
                if (match := INCLUDE.match(line))}
    for path in tree.code(".h"):
        if tree.name(path) not in included:
            yield f"{tree.name(path)}: is included by nothing"


def check_guards(tree):
    for path in tree.code(".h"):
        guard = "EIGHTBELLS_" + re.sub(r"[^A-Z0-9]", "_", tree.name(path).upper())
        lines = path.read_text().splitlines()
        if lines[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
            yield f"{tree.name(path)}:1: begins with #ifndef {guard} and #define {guard}"


def check_names(tree):
    for path in tree.code(".cc", ".h"):
        for word in set(re.split(r"[_.\-]", path.stem.lower())) & EMPTY_WORDS:
            yield f'{tree.name(path)}: "{word}" in a name says nothing; say what it is'


def check_lengths(tree):
    for path in tree.code(".cc", ".h"):
        lines = path.read_text(errors="replace").splitlines()
        bound = TEST_FILE_LINES if tree.name(path).startswith("tests/") else FILE_LINES
        if len(lines) > bound:
            yield f"{tree.name(path)}: has {len(lines)} lines, more than {bound}: more than one idea"
        yield from check_functions(tree.name(path), lines)


def check_functions(name, lines):
    """Formatted code closes a function's brace in the column in which the function begins."""
    opened = None  # (line number, indent) of the outermost function that is open
    for number, line in enumerate(lines, 1):
        indent = len(line) - len(line.lstrip())
        if opened is None:
            # The end of a parameter list with a body behind it; its beginning may lie some lines above.
            if re.search(r"\)( const)?( noexcept)?( override| final)?( ->.*)?( : .*)? \{$", line) and \
                    not re.match(r"\s*(if|for|while|switch|else|namespace|\}|//)", line):
                begin = number - 1
                while begin > 0 and lines[begin - 1].strip() and not re.search(r"[;{}]$|^\s*(public|private|protected):|^\s*//|^#",
                                                                            lines[begin - 1]):
                    begin -= 1
                first = lines[begin]
                opened = (begin + 1, len(first) - len(first.lstrip()))
        elif indent == opened[1] and re.match(r"\s*\}", line):
            if number - opened[0] + 1 > FUNCTION_LINES:
                yield f"{name}:{opened[0]}: a function of {number - opened[0] + 1} lines, more than {FUNCTION_LINES}"
            opened = None


def check_words(tree):
    for path in tree.code(".cc", ".h", ".py", ".sh", ".cmake"):
        if tree.name(path).startswith("tests/structure/"):
            continue
        for number, line in numbered(path):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield f"{tree.name(path)}:{number}: an unfinished note; do it or write an issue"
            if re.search(r"\busing namespace std;", line):
                yield f"{tree.name(path)}:{number}: using namespace std"


def check_rows(tree):
    rows = set(re.findall(r"^([A-H]-[0-9]{2}) ", (tree.root / "tests/requirements.txt").read_text(), re.M))
    for path in tree.code(".cc", ".h", ".py", ".sh"):
        if tree.name(path).startswith("tests/structure/"):
            continue
        for number, line in numbered(path):
            for row in ROW_ID.findall(line):
                if row not in rows:
                    yield f"{tree.name(path)}:{number}: {row} is no row of tests/requirements.txt"


def check_format(tree):
    for tool in ("clang-format-14", "clang-format"):
        if shutil.which(tool) and " 14." in subprocess.run([tool, "--version"], capture_output=True, text=True).stdout:
            break
    else:
        print("clang-format 14 is not here: the format was not looked at", file=sys.stderr)
        return
    files = [str(path) for path in tree.code(".cc", ".h")]
    ran = subprocess.run([tool, "--dry-run", "--style=file", *files], capture_output=True, text=True, cwd=tree.root)
    named = sorted({line.split(":")[0] for line in ran.stderr.splitlines() if "-Wclang-format-violations" in line})
    for name in named:
        yield f"{tree.name(pathlib.Path(name))}: is not formatted; run {tool} -i on it"
    if ran.returncode != 0 and not named:
        yield f"{tool} failed: {ran.stderr.strip()[:300]}"


CHECKS = (check_modules, check_includes, check_front_program, check_sources_listed, check_headers_used, check_guards,
          check_names, check_lengths, check_words, check_rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--build", help="a build folder with compile_commands.json")
    parser.add_argument("--format", action="store_true", help="also the format, and nothing else")
    arguments = parser.parse_args()
    tree = Tree(arguments.source)
    faults = []
    if arguments.format:
        faults += check_format(tree)
    else:
        for check in CHECKS:
            faults += check(tree)
        if arguments.build:
            faults += check_sources_built(tree, arguments.build)
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
