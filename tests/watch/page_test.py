#!/usr/bin/env python3
"""The status page in headless Chromium, drawing what the real code makes of a made ledger.

    page_test.py PAGE.html PAGE_STATES [--keep FOLDER]

PAGE_STATES is the program of page_states.cc. With --keep, screenshots are left in FOLDER, to be looked at.
Skipped, with the reason printed, where there is no Chromium (exit code 77).
"""
import html
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
CHROMIUM_TIME = 120  # seconds for one start of it, at most

# Runs beside the page in an outer document: measures the page once it is drawn, and leaves JSON behind.
PROBE = """<!doctype html><meta charset=utf-8><iframe id=f style="border:0;width:%(width)dpx;height:900px" src="%(page)s"></iframe>
<script>
const light = c => { const v = c / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
function contrast(w, element) {
    let under = element, back = null;
    while (under && !back) { const c = rgb(w.getComputedStyle(under).backgroundColor); if (c.length < 4 || c[3] > 0) back = c; under = under.parentElement; }
    const a = luminance(rgb(w.getComputedStyle(element).color)), b = luminance(back ?? [255, 255, 255]);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
function measure() {
    const w = f.contentWindow, d = w.document, count = s => d.querySelectorAll(s).length;
    let worst = [99, ""];
    for (const e of d.querySelectorAll("body *")) {
        if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.offsetParent) continue;
        const c = contrast(w, e);
        if (c < worst[0]) worst = [c, e.tagName + "." + e.className + ": " + e.textContent.slice(0, 40)];
    }
    const pre = document.createElement("pre");
    pre.id = "measured";
    pre.textContent = JSON.stringify({title: d.title, text: d.body.innerText, verdict: d.getElementById("verdict").className,
        issuers: count("details.issuer"), methods: count(".method"), bars: count("svg.bars:not(.day24) rect"), images: count("img"),
        runways: count("svg.runway polyline"), outages: count(".outages tbody tr"), unnamed: count("svg[role=img]:not([aria-label])"),
        wide: d.documentElement.scrollWidth - d.documentElement.clientWidth, contrast: worst, lost: !d.getElementById("lost").hidden,
        dark: w.matchMedia("(prefers-color-scheme: dark)").matches,
        outer: performance.getEntriesByType("resource").map(e => e.name).concat(w.performance.getEntriesByType("resource").map(e => e.name))});
    document.body.append(pre);
}
setTimeout(measure, 3000);
</script>"""


class Page(unittest.TestCase):
    page = states = keep = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.answers = {}
        with open(cls.page, encoding="utf-8") as file:
            cls.source = file.read()
        for state, audience in (("good", "operators"), ("out", "operators"), ("quiet", "operators"), ("out", "relying_parties")):
            place = os.path.join(cls.folder.name, state + audience)
            made = subprocess.run([cls.states, state, audience, place], check=True, capture_output=True, text=True, timeout=300)
            cls.answers[f"/{state}-{audience}.json"] = made.stdout

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kind, body = "text/html; charset=utf-8", None
                path, _, width = self.path.partition("?")
                if path.startswith("/probe/"):
                    body = PROBE % {"width": int(width), "page": path[len("/probe"):]}
                elif path.endswith(".json"):
                    kind, body = "application/json", cls.answers.get(path)
                else:
                    body = cls.source
                self.send_response(200 if body is not None else 500)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write((body or "no").encode())

            def log_message(self, *_):
                pass

        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        cls.url = f"http://127.0.0.1:{cls.server.server_port}"
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        cls.folder.cleanup()

    def browse(self, path, *options, size="1400,1000"):
        profile = tempfile.mkdtemp(dir=self.folder.name)
        return subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
             f"--user-data-dir={profile}", "--virtual-time-budget=9000", f"--window-size={size}", *options, self.url + path],
            check=True, capture_output=True, text=True, timeout=CHROMIUM_TIME).stdout

    def look(self, name, width=1280, dark=False):
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        if self.keep:
            picture = os.path.join(self.keep, f"{name}-{width}{'-dark' if dark else ''}.png")
            self.browse(f"/{name}", scheme, f"--screenshot={picture}", size=f"{width},{1500 if width > 600 else 3000}")
        dom = self.browse(f"/probe/{name}?{width}", scheme, "--dump-dom", size=f"{max(width, 500) + 40},1000")
        found = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.S)
        self.assertIsNotNone(found, "the page was not measured")
        seen = json.loads(html.unescape(found[1]))
        self.assertEqual(seen["dark"], dark)
        self.assertEqual([name for name in seen["outer"] if not name.startswith(self.url)], [], "something from elsewhere was loaded")
        self.assertLessEqual(seen["wide"], 0, f"{width} pixels are too narrow for it")
        self.assertEqual(seen["unnamed"], 0, "a picture without words")
        self.assertGreaterEqual(seen["contrast"][0], 4.5, seen["contrast"][1])  # WCAG 2.2, 1.4.3
        return seen

    def test_in_reach_it_says_so_and_draws_every_day_of_every_way(self):
        seen = self.look("good-operators")
        self.assertEqual(seen["verdict"], "verdict up")
        self.assertTrue(seen["title"].startswith("In reach"), seen["title"])
        self.assertEqual((seen["issuers"], seen["methods"], seen["runways"]), (2, 8, 2))
        self.assertEqual(seen["bars"], 8 * 90 + 2)  # every day of every way, and two days with an outage
        self.assertEqual(seen["outages"], 2)
        for text in ("3 h 12 min", "2 min", "20261122", "last revocation seen after: 2 s", "Ledger:"):
            self.assertIn(text, seen["text"])
        self.assertFalse(seen["lost"])

    def test_out_of_reach_it_says_where_why_and_what_is_left_of_four_hours(self):
        seen = self.look("out-operators", dark=True)
        self.assertEqual(seen["verdict"], "verdict out")
        self.assertTrue(seen["title"].startswith("OUT OF REACH"), seen["title"])
        self.assertIn("partly out of reach", seen["text"])
        self.assertIn("for 1 h 12 min; 2 h 48 min of the four hours left", seen["text"])
        self.assertIn("nothing came within 10 s", seen["text"])
        self.assertIn("not over", seen["text"])

    def test_relying_parties_see_the_same_without_addresses_and_probes_words(self):
        seen = self.look("out-relying_parties", width=390)
        self.assertIn("partly out of reach", seen["text"])
        for private in ("192.0.2.1", "nothing came within", "Ledger:"):
            self.assertNotIn(private, seen["text"])

    def test_it_can_be_read_on_a_small_phone_and_on_a_wall(self):
        for width in (320, 3840):
            self.assertEqual(self.look("out-operators", width=width)["issuers"], 2)

    def test_when_nobody_looks_it_says_so_and_not_in_reach(self):
        seen = self.look("quiet-operators")
        self.assertEqual(seen["verdict"], "verdict unobserved")
        self.assertIn("Nobody is looking", seen["text"])

    def test_without_word_from_the_watch_it_shows_no_old_verdict(self):
        seen = self.look("absent")
        self.assertEqual(seen["verdict"], "verdict unobserved")
        self.assertTrue(seen["lost"])
        self.assertIn("No word from the watch", seen["title"])

    def test_an_issuers_name_is_text_and_nothing_else(self):
        seen = self.look("good-operators")
        self.assertEqual(seen["images"], 0)
        self.assertIn("onerror=", seen["text"])
        self.assertNotIn("broken", seen["title"])

    def test_it_names_no_other_place(self):
        self.assertEqual(set(re.findall(r"https?://[^\"' ]+", self.source)), {"http://www.w3.org/2000/svg"})


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--keep" in arguments:
        at = arguments.index("--keep")
        Page.keep = arguments[at + 1]
        del arguments[at:at + 2]
    Page.page, Page.states = arguments
    if BROWSER is None:
        print("skipped: this machine has no Chromium (package chromium)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
