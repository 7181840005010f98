#!/usr/bin/env python3
"""Breaks each rule of check.py once, in a small tree of its own, and the coverage command likewise."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import check  # noqa: E402

MODULES = """
set(HERE ${CMAKE_CURRENT_SOURCE_DIR})
eightbells_module(base  ${HERE}/base)                                # bytes
eightbells_module(keys  ${HERE}/keys USES base)                      # keys
eightbells_module(cache ${PROJECT_SOURCE_DIR}/cache USES base)       # the stored form
eightbells_module(front ${HERE}/front USES base cache)               # answers
"""


def header(name, body=""):
    guard = "EIGHTBELLS_" + name.upper().replace("/", "_").replace(".", "_")
    return f"#ifndef {guard}\n#define {guard}\n{body}#endif\n"


class SmallTree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name).resolve()
        self.write("responder/CMakeLists.txt", MODULES)
        for folder, module in (("responder/base", "base"), ("responder/keys", "keys"), ("cache", "cache"),
                               ("responder/front", "front")):
            self.write(f"{folder}/files.cmake", f"set(SOURCES {module}.cc)\nset(LIBRARIES)\n")
            self.write(f"{folder}/{module}.h", header(f"{folder}/{module}.h"))
            self.write(f"{folder}/{module}.cc", f'#include "{folder}/{module}.h"\n')
        self.write("responder/programs/front.cc", '#include "responder/front/front.h"\n')
        self.write("responder/programs/CMakeLists.txt",
                   "eightbells_program(eightbells-front SOURCES front.cc MODULES front)\n"
                   "eightbells_program(eightbells-signer SOURCES signer.cc MODULES keys)\n")
        self.write("tests/CMakeLists.txt", "foreach(FOLDER base)\nendforeach()\n")
        self.write("tests/base/CMakeLists.txt", "eightbells_test(base SOURCES base_test.cc)\n")
        self.write("tests/base/base_test.cc", '// Covers: A-01\n#include "responder/base/base.h"\n')
        self.write("tests/requirements.txt", "# A\nA-01 one\nA-02 two\nB-01 three\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def faults(self):
        tree = check.Tree(self.root)
        return [fault for rule in check.CHECKS for fault in rule(tree)]

    def breaks(self, *parts):
        """Exactly one rule is broken, and its message has these parts."""
        faults = self.faults()
        self.assertEqual(len(faults), 1, faults)
        for part in parts:
            self.assertIn(part, faults[0])


class Rules(SmallTree):
    def test_a_tree_that_keeps_the_rules_has_no_faults(self):
        self.assertEqual(self.faults(), [])

    def test_an_include_that_the_architecture_does_not_allow(self):
        self.write("responder/front/front.cc", '#include "responder/front/front.h"\n#include "responder/keys/keys.h"\n')
        self.breaks("responder/front/front.cc:2:", "front must not use keys")

    def test_an_include_against_the_flow(self):
        self.write("responder/base/base.cc", '#include "responder/base/base.h"\n#include "cache/cache.h"\n')
        self.breaks("responder/base/base.cc:2:", "base must not use cache")

    def test_an_include_of_a_test_in_a_module(self):
        self.write("tests/base/x.h", header("tests/base/x.h"))
        self.write("responder/base/base.cc", '#include "responder/base/base.h"\n#include "tests/base/x.h"\n')
        self.breaks("responder/base/base.cc:2:", "no module's")

    def test_an_include_that_is_not_from_the_top(self):
        self.write("responder/base/base.cc", '#include "base.h"\n#include "responder/base/base.h"\n')
        self.breaks("responder/base/base.cc:1:", "from the top")

    def test_a_module_that_uses_one_below_it(self):
        self.write("responder/CMakeLists.txt", MODULES.replace("${HERE}/base)", "${HERE}/base USES cache)"))
        self.breaks("base uses cache, which does not stand above it")

    def test_a_front_that_reaches_keys_by_way_of_another_module(self):
        self.write("responder/CMakeLists.txt", MODULES.replace("/cache USES base", "/cache USES base keys"))
        self.breaks("front reaches keys", "H-12")

    def test_a_front_program_that_includes_the_signers_modules(self):
        self.write("responder/programs/front.cc", '#include "responder/keys/keys.h"\n#include "responder/front/front.h"\n')
        self.breaks("responder/programs/front.cc:1:", "H-12")

    def test_a_front_program_that_is_linked_to_keys(self):
        self.write("responder/programs/CMakeLists.txt",
                   "eightbells_program(eightbells-front SOURCES front.cc MODULES front keys)\n")
        self.breaks("eightbells-front is linked to keys")

    def test_a_source_that_no_files_cmake_lists(self):
        self.write("responder/base/lost.cc", "")
        self.breaks("responder/base/lost.cc", "not listed")

    def test_a_listed_source_that_is_not_there(self):
        self.write("responder/base/files.cmake", "set(SOURCES base.cc gone.cc)\n")
        self.breaks("lists gone.cc")

    def test_a_test_folder_that_is_not_added(self):
        self.write("tests/lost/CMakeLists.txt", "")
        self.breaks("tests/lost/CMakeLists.txt", "not added")

    def test_a_test_that_is_not_built(self):
        self.write("compile_commands.json", "[%s]" % ",".join(
            '{"directory": "%s", "file": "%s"}' % (self.root, name)
            for name in ("responder/base/base.cc", "responder/keys/keys.cc", "cache/cache.cc", "responder/front/front.cc",
                         "responder/programs/front.cc")))
        faults = list(check.check_sources_built(check.Tree(self.root), self.root))
        self.assertEqual(faults, ["tests/base/base_test.cc: is built by no CMakeLists.txt"])

    def test_a_header_that_nothing_includes(self):
        self.write("cache/lost.h", header("cache/lost.h"))
        self.breaks("cache/lost.h", "included by nothing")

    def test_a_guard_of_another_name(self):
        self.write("cache/cache.h", header("cache/cash.h"))
        self.breaks("cache/cache.h:1:", "EIGHTBELLS_CACHE_CACHE_H")

    def test_a_name_that_says_nothing(self):
        self.write("tests/base/test_utils.cc", "")
        self.breaks('"utils"')

    def test_a_file_beyond_the_bound(self):
        text = '#include "responder/base/base.h"\n' + "int a;\n" * (check.FILE_LINES - 1)
        self.write("responder/base/base.cc", text)
        self.assertEqual(self.faults(), [])
        self.write("responder/base/base.cc", text + "int b;\n")
        self.breaks("more than one idea")

    def test_a_function_beyond_the_bound(self):
        for head in ("int f() {", "Result<int> Type::f(int a,\n                    int b) const noexcept {",
                     "class C {\n  public:\n    void f() {"):
            for count, expected in ((check.FUNCTION_LINES - 1 - len(head.splitlines()), 0), (check.FUNCTION_LINES, 1)):
                indent = "    " if "class" in head else ""
                body = f"{indent}    if (a) {{\n" + f"{indent}        g();\n" * (count - 2) + f"{indent}    }}\n"
                tail = indent + "}\n" + ("};\n" if indent else "")
                self.write("responder/base/base.cc", '#include "responder/base/base.h"\n' + head + "\n" + body + tail)
                self.assertEqual(len(self.faults()), expected, (head, count, self.faults()))

    def test_an_unfinished_note(self):
        self.write("responder/base/base.cc", '#include "responder/base/base.h"\n// TO' 'DO\n')
        self.breaks("responder/base/base.cc:2:", "unfinished")

    def test_a_row_that_does_not_exist(self):
        self.write("tests/base/base_test.cc", '// Covers: A-01, A-77\n#include "responder/base/base.h"\n')
        self.breaks("tests/base/base_test.cc:1:", "A-77")


class Coverage(SmallTree):
    def run_command(self, *arguments):
        shutil.copy(HERE.parent / "coverage", self.root / "tests/coverage")
        ran = subprocess.run([sys.executable, self.root / "tests/coverage", *arguments], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def test_covered_rows_come_with_file_and_line(self):
        out = self.run_command()
        self.assertIn("Covered: 1 of 3", out)
        self.assertIn("A-01  one\n          tests/base/base_test.cc:1\n", out)
        self.assertIn("Uncovered: 2 of 3", out)
        self.assertIn("A-02  two", out)

    def test_one_group_alone(self):
        out = self.run_command("--group", "B")
        self.assertNotIn("A-01", out)
        self.assertIn("Uncovered: 1 of 1\n  B-01  three\n", out)

    def test_the_uncovered_alone(self):
        self.assertNotIn("A-01", self.run_command("--uncovered"))

    def test_ids_inside_other_words_do_not_count(self):
        self.write("tests/base/base_test.cc", '#include "responder/base/base.h"\n// SHA-01 A-012 B-01-x\n')
        self.assertIn("Covered: 0 of 3", self.run_command())


if __name__ == "__main__":
    unittest.main()
