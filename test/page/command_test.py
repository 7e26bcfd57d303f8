"""`strata report --html` and `strata serve`: what they write, what they answer, what they refuse."""

import gzip
import base64
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "record"))
from record_case import STRATA, RecordCase, main  # noqa: E402

QUICK = """
#include <stdlib.h>
static void* kept[10];
static void keep(void) { for (int i = 0; i < 10; ++i) kept[i] = malloc(100); }
int main(void) { keep(); return 0; }
"""

# What came before: less of one function, and a function that has gone. Calls stand in the same lines.
BEFORE = """
#include <stdlib.h>
static void* kept[10]; static void gone(void) { kept[9] = malloc(7000); }
static void keep(void) { for (int i = 0; i < 4; ++i) kept[i] = malloc(100); }
int main(void) { keep(); gone(); return 0; }
"""

FIGURES = ["peak", "end", "total", "count", "temporary"]


def document_of(page):
    """The recording that is in a page."""
    found = re.search(r'<script type="application/json" id="report"([^>]*)>(.*?)</script>', page, re.DOTALL)
    text = found[2]
    return json.loads(gzip.decompress(base64.b64decode(text)) if "gzip" in found[1] else text)


class Page(RecordCase):
    def setUp(self):
        super().setUp()
        self.file = self.record(self.program(QUICK))
        self.page = self.directory / "page.html"

    def make_page(self, *options, **more):
        return self.strata("report", self.file, "--html", self.page, *options, **more)

    def test_has_the_report(self):
        done = self.make_page()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        document = document_of(self.page.read_text(encoding="utf-8"))
        report = self.report(self.file)
        self.assertEqual(document["summary"], report["summary"])
        self.assertEqual(document["sites"], report["sites"])
        frames = document["frames"]
        stacks = [[frames[call] for call in stack["calls"]] for stack in document["stacks"]]
        self.assertEqual(stacks, [stack["calls"] for stack in report["stacks"]])

    def test_asks_nobody(self):
        self.make_page()
        page = self.page.read_text(encoding="utf-8")
        self.assertIn("default-src 'none'", page)
        self.assertNotRegex(page, r'(src|href)="(?!data:)')

    def test_steps_add_up(self):
        report = self.report(self.file)
        for stack in report["stacks"]:
            steps = stack["steps"]
            self.assertEqual(sum(step[1] for step in steps), stack["total"]["blocks"])
            self.assertEqual(sum(step[2] - step[4] for step in steps), stack["at_end"]["bytes"])
            self.assertEqual(sum(step[5] for step in steps), stack["temporary_blocks"])

    def test_sums_have_steps(self):
        report = self.report(self.record(self.program(QUICK), options=("--every", "--max-size", "1")))
        self.assertTrue(report["is_rolled_up"])
        keep = next(one for one in report["stacks"] if one["calls"][0]["function"] == "keep")
        self.assertEqual(sum(step[2] for step in keep["steps"]), 1000)

    def make_other(self):
        kept = self.file.read_bytes()
        other = self.record(self.program(BEFORE)).rename(self.directory / "other.strata")
        self.file.write_bytes(kept)
        return other

    def test_of_two_recordings(self):
        other = self.make_other()
        self.assertEqual(self.make_page("--diff", other).returncode, 0)
        document = document_of(self.page.read_text(encoding="utf-8"))
        self.assertEqual(document["schema"], "strata-page-diff-1")
        self.assertEqual(document["this"]["summary"], self.report(self.file)["summary"])
        self.assertEqual(document["other"]["summary"], self.report(other)["summary"])
        frames = document["frames"]
        functions = {frames[stack["site"]]["function"]: stack for stack in document["stacks"]}
        self.assertEqual((functions["keep"]["other"][2:4], functions["keep"]["this"][2:4]), ([400, 4], [1000, 10]))
        self.assertEqual((functions["gone"]["other"][1], functions["gone"]["this"][1]), (7000, 0))
        self.assertEqual(frames[functions["gone"]["calls"][0]]["function"], "gone")

    def test_of_two_recordings_says_what_the_difference_says(self):
        other = self.make_other()
        self.make_page("--diff", other)
        document = document_of(self.page.read_text(encoding="utf-8"))
        for number, figure in enumerate(FIGURES):
            done = self.strata("report", self.file, "--json", "--diff", other, "--at", figure)
            expected = sorted((json.dumps(stack["calls"]), stack["this"], stack["other"])
                              for stack in json.loads(done.stdout)["stacks"])  # fmt: skip
            found = sorted((json.dumps([document["frames"][call] for call in stack["calls"]]),
                            stack["this"][number], stack["other"][number])
                           for stack in document["stacks"])  # fmt: skip
            self.assertEqual(found, expected)

    def test_refusals_of_two_recordings(self):
        self.assert_one_line(self.make_page("--diff", "/no/such/file"), 2, "/no/such/file")
        self.assert_one_line(self.make_page("--diff", STRATA), 2, "is no recording")
        self.assert_one_line(self.make_page("--diff", self.file, "--process", "99"), 2, "has no process 99")
        self.assert_one_line(self.make_page("--diff", self.file, "--json"), 2, "excludes")
        nowhere = {"STRATA_PAGE": str(self.file)}
        self.assert_one_line(self.make_page("--diff", self.file, env=nowhere), 2, "is not the page")
        self.assertFalse(self.page.exists())

    def test_refusals(self):
        nowhere = {"STRATA_PAGE": "/no/such/page.html"}
        self.assert_one_line(self.make_page(env=nowhere), 2, "/no/such/page.html")
        self.assert_one_line(self.make_page(env={"STRATA_PAGE": str(self.file)}), 2, "is not the page")
        self.assert_one_line(self.make_page("--process", "99"), 2, "has no process 99")
        self.assert_one_line(self.make_page("--json"), 2, "excludes")
        self.assert_one_line(self.make_page("--at", "end"), 2, "excludes")
        done = self.strata("report", self.file, "--html", "/no/such/folder/page.html")
        self.assert_one_line(done, 2, "cannot write /no/such/folder/page.html")
        self.assert_one_line(self.strata("report", STRATA, "--html", self.page), 2, "is no recording")
        self.assertEqual([path.name for path in self.directory.glob("page.html*")], [])

    def test_a_page_that_was_there_stays_when_there_is_none(self):
        self.page.write_text("before")
        self.assert_one_line(self.strata("report", STRATA, "--html", self.page), 2, "is no recording")
        self.assertEqual(self.page.read_text(), "before")


class Served(RecordCase):
    def setUp(self):
        super().setUp()
        self.file = self.record(self.program(QUICK))
        self.server = subprocess.Popen([STRATA, "serve", *self.options(), self.file], env=self.variables(), text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self.addCleanup(self.end)
        self.address = self.server.stdout.readline().strip()
        self.assertRegex(self.address, r"^http://127\.0\.0\.1:\d+/$")
        self.port = int(self.address.rsplit(":", 1)[1].strip("/"))

    def options(self):
        return ()

    def end(self):
        self.server.kill()
        self.server.communicate()

    def get(self, path, host=None, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


class Serve(Served):
    def test_the_page(self):
        with urllib.request.urlopen(self.address, timeout=20) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
            self.assertEqual(answer.headers["Cache-Control"], "no-store")
            document = document_of(answer.read().decode())
        self.assertEqual(document["summary"], self.report(self.file)["summary"])
        self.assertEqual(self.get("/?process=1", f"localhost:{self.port}")[0], 200)

    def test_refusals(self):
        self.assertEqual(self.get("/", "example.org")[0], 403)
        self.assertEqual(self.get("/", f"example.org:{self.port}")[0], 403)
        self.assertEqual(self.get("/../etc/passwd")[0], 404)
        self.assertEqual(self.get("/", method="POST")[0], 404)
        self.assertEqual(self.get("/?process=many")[0], 400)
        status, text = self.get("/?process=99")
        self.assertEqual((status, text), (500, "--process: the recording has no process 99\n"))

    def test_listens_for_this_machine_alone(self):
        listening = pathlib.Path(f"/proc/{self.server.pid}/net/tcp").read_text(encoding="ascii")
        port = f"{self.port:04X}"
        self.assertEqual(re.findall(rf"(\w+):{port} \w+:0000 0A", listening), ["0100007F"])
        with socket.socket(socket.AF_INET6) as other:
            self.assertNotEqual(other.connect_ex(("::1", self.port)), 0)

    def test_what_was_recorded_since(self):
        self.assertEqual(document_of(self.get("/")[1])["summary"]["total"]["bytes"], self.total())
        self.record(self.program(QUICK.replace("malloc(100)", "malloc(300)")))
        self.assertEqual(document_of(self.get("/")[1])["summary"]["total"]["bytes"], self.total())

    def total(self):
        return self.report(self.file)["summary"]["total"]["bytes"]

    def test_ends_by_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                if self.server.poll() is not None:
                    self.setUp()
                self.server.send_signal(number)
                self.assertEqual(self.server.wait(timeout=20), 0)
                self.assertEqual(self.server.communicate(), ("", ""))

    def test_a_port_that_is_taken(self):
        done = self.strata("serve", "--port", self.port, self.file)
        self.assert_one_line(done, 2, f"cannot listen at port {self.port}")

    def test_wrong_usage(self):
        self.assert_one_line(self.strata("serve", STRATA), 2, "is no recording")
        self.assert_one_line(self.strata("serve", "--port", "99999", self.file), 2, "--port")

    def test_without_its_library(self):
        alone = self.directory / "bin" / "strata"
        alone.parent.mkdir()
        shutil.copy(STRATA, alone)
        page = pathlib.Path(STRATA).parent.parent / "share" / "strata" / "page.html"
        done = subprocess.run([alone, "serve", self.file], env=self.variables(STRATA_PAGE=str(page)),
                              text=True, capture_output=True, check=False)  # fmt: skip
        self.assert_one_line(done, 2, f"libstrata_serve.so is not in {self.directory}/lib")


class ServeTwo(Served):
    def options(self):
        self.other = self.directory / "other.strata"
        self.other.write_bytes(self.file.read_bytes())
        return ("--diff", self.other)

    def sums(self):
        document = document_of(self.get("/")[1])
        return [document[one]["summary"]["total"]["bytes"] for one in ("this", "other")]

    def test_follows_either_file(self):
        here = self.report(self.file)["summary"]["total"]["bytes"]
        self.assertEqual(self.sums(), [here, here])
        self.record(self.program(QUICK.replace("malloc(100)", "malloc(300)"))).rename(self.other)
        self.record(self.program(QUICK))
        self.assertEqual(self.sums(), [here, here + 2000])

    def test_refusals(self):
        self.assertEqual(self.get("/?process=99")[1], "--process: the recording has no process 99\n")
        self.assert_one_line(self.strata("serve", "--diff", STRATA, self.file), 2, "is no recording")


if __name__ == "__main__":
    main()
