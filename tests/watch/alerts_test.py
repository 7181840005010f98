#!/usr/bin/env python3
"""The alert rules under the real promtool, and that no rule goes without its test.

    alerts_test.py SOURCE_FOLDER

Skipped, with the reason printed, where there is no promtool (exit code 77).
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

SOURCE = pathlib.Path(sys.argv.pop(1)).resolve()
RULES = SOURCE / "deploy/prometheus/eightbells.rules.yml"
TESTS = SOURCE / "tests/watch/alerts_test.yml"
PROMTOOL = shutil.which("promtool")


def promtool(*words):
    return subprocess.run([PROMTOOL, *map(str, words)], capture_output=True, text=True, timeout=120)


def minutes(text):
    hours, rest = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?", text).groups(default="0")
    return 60 * int(hours) + int(rest)


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        groups = yaml.safe_load(RULES.read_text())["groups"]
        cls.rules = {rule["alert"]: rule for group in groups for rule in group["rules"]}
        cls.tests = yaml.safe_load(TESTS.read_text())["tests"]

    def test_the_rules_and_the_scrape_configuration_are_valid(self):
        self.assertEqual(promtool("check", "rules", RULES).returncode, 0)
        done = promtool("check", "config", RULES.parent / "prometheus.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_fires_and_ends_as_its_test_says(self):
        done = promtool("test", "rules", TESTS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # Covers: G-02
    def test_no_alert_is_without_a_test_in_which_it_fires_and_then_ends(self):
        shown = set()
        for test in self.tests:
            fired = {}
            for one in test["alert_rule_test"]:
                if one["exp_alerts"]:
                    fired[one["alertname"]] = minutes(one["eval_time"])
                elif one["alertname"] in fired and minutes(one["eval_time"]) > fired[one["alertname"]]:
                    shown.add(one["alertname"])
        self.assertEqual(shown, set(self.rules))

    def test_every_test_fails_when_its_rule_never_fires(self):
        text = TESTS.read_text()
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / "rules.yml"
            wrong.write_text(re.sub(r"expr: '(.*)'", r"expr: '(\1) and on() vector(0) > 1'", RULES.read_text()))
            test = pathlib.Path(folder) / "tests.yml"
            test.write_text(re.sub(r"\.\./\.\./deploy/prometheus/eightbells\.rules\.yml", str(wrong), text))
            self.assertEqual(promtool("check", "rules", wrong).returncode, 0)
            done = promtool("test", "rules", test)
            self.assertNotEqual(done.returncode, 0)
            failed = {name for name in self.rules if f"alertname: {name}," in done.stdout + done.stderr}
            self.assertEqual(failed, set(self.rules))

    def test_every_alert_says_what_it_means_and_what_to_do(self):
        for name, rule in self.rules.items():
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"), name)
            for annotation in ("summary", "action"):
                self.assertTrue(rule["annotations"][annotation], name)

    # Covers: G-01, G-02
    def test_the_promised_thresholds_are_there(self):
        for count in (5, 20, 60, 120, 210):
            self.assertEqual(self.rules[f"StatusOutOfReach{count}Minutes"]["expr"],
                             f"eightbells_watch_outage_seconds >= {count * 60}")
        for hours in (8, 4):
            self.assertIn(f"< {hours * 3600}", self.rules[f"RunwayBelow{hours}Hours"]["expr"])
        for name in ("CrlAtHalfLife", "SignerCertificateEndsIn10Days", "WatchGone", "OcspAndCrlDisagree"):
            self.assertIn(name, self.rules)


if __name__ == "__main__":
    if PROMTOOL is None:
        print("skipped: there is no promtool (deploy/install-dependencies --tests)")
        sys.exit(77)
    unittest.main(verbosity=2)
