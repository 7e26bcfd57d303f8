"""strata run: what passes through, what is refused, what is reported."""

import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import unittest

from cli_case import LIBRARY, STRATA, CliCase, main


class PassThrough(CliCase):
    def test_exit_status(self):
        for status in (0, 1, 42, 255):
            self.assertEqual(self.strata("run", "--", "sh", "-c", f"exit {status}").returncode,
                             status)
        self.assert_nothing_left()

    def test_program_that_dies_by_a_signal(self):
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM):
            result = self.strata("run", "--", "sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(result.returncode, -number)
            self.assertIn(f"killed by {number.name}", result.stderr)
        self.assert_nothing_left()

    def test_no_core_of_the_command_itself(self):
        result = subprocess.run(
            ["sh", "-c", 'ulimit -c unlimited; cd "$1"; shift; "$@"', "sh", self.directory, STRATA,
             "run", "--quiet", "--stats", "/dev/null", "--", "sh", "-c", "ulimit -c 0; kill -6 $$"],
            env=self.variables(), capture_output=True, check=False)
        self.assertEqual(result.returncode, 128 + 6)
        self.assertEqual(list(self.directory.glob("core*")), [])

    def test_streams_belong_to_the_program(self):
        result = self.strata("run", "--", "sh", "-c", "cat; echo error >&2", input="text\n",
                             stdin=None)
        self.assertEqual(result.stdout, "text\n")
        self.assertTrue(result.stderr.startswith("error\n-- strata run: sh"), result.stderr)

    def test_closed_streams_stay_closed(self):
        for options in ([], ["--quiet"]):
            result = subprocess.run(
                ["sh", "-c", '"$@" <&-', "sh", STRATA, "run", *options, "--", "sh", "-c",
                 "test -e /proc/$$/fd/0"], env=self.variables(), capture_output=True, check=False)
            self.assertEqual(result.returncode, 1)

    def test_arguments_arrive_unchanged(self):
        words = ["-x", "--stats", "--", "", "a b", "*", "--help"]
        for mark in ([], ["--"]):
            result = self.strata("run", "--quiet", *mark, "printf", "<%s>", *words)
            self.assertEqual(result.stdout, "".join(f"<{word}>" for word in words))

    def test_options_after_the_program_are_its_own(self):
        result = self.strata("run", "--quiet", "echo", "--limit", "x")
        self.assertEqual(result.stdout, "--limit x\n")

    def test_pipes(self):
        line = f"yes | '{STRATA}' run --quiet -- head -n 3 | wc -l"
        result = subprocess.run(["sh", "-c", line], env=self.variables(), capture_output=True,
                                text=True, check=True)
        self.assertEqual(result.stdout.strip(), "3")

    def test_report_to_a_closed_pipe_changes_nothing(self):
        reading, writing = os.pipe()
        os.close(reading)
        result = subprocess.run([STRATA, "run", "--", "sh", "-c", "exit 7"], stderr=writing,
                                env=self.variables(), check=False)
        os.close(writing)
        self.assertEqual(result.returncode, 7)

    def test_preload_goes_in_front_of_others_and_reaches_children(self):
        show = ("run", "--quiet", "--", "sh", "-c", "sh -c 'echo $LD_PRELOAD'")
        self.assertEqual(self.strata(*show).stdout, f"{LIBRARY}\n")
        other = self.compile("other.so", "int other;", "-shared")
        self.assertEqual(self.strata(*show, env={"LD_PRELOAD": str(other)}).stdout,
                         f"{LIBRARY}:{other}\n")

    def test_environment_of_the_library(self):
        show = ("--", "sh", "-c", "echo $STRATA_COUNT,$STRATA_LIMIT,${STRATA_STATS_DIR:+set}")
        self.assertEqual(self.strata("run", *show).stdout, "1,,set\n")
        self.assertEqual(self.strata("run", "--limit", "2K", *show).stdout, "1,2048,set\n")
        self.assertEqual(self.strata("run", "--quiet", *show).stdout, ",,\n")
        self.assertEqual(self.strata("run", "--quiet", "--stats", "/dev/null", *show).stdout,
                         "1,,set\n")

    def test_library_beside_the_command(self):
        (self.directory / "bin").mkdir()
        (self.directory / "lib").mkdir()
        command = shutil.copy(STRATA, self.directory / "bin/strata")
        variables = self.variables()
        del variables["STRATA_LIBRARY"]
        show = [command, "run", "--quiet", "--", "sh", "-c", "echo $LD_PRELOAD"]
        result = subprocess.run(show, env=variables, capture_output=True, text=True, check=False)
        self.assert_one_line(result, 2, "libstrata.so is not in", "STRATA_LIBRARY")
        library = shutil.copy(LIBRARY, self.directory / "lib/libstrata.so")
        result = subprocess.run(show, env=variables, capture_output=True, text=True, check=False)
        self.assertEqual(result.stdout, f"{library}\n")


class Signals(CliCase):
    """Signals that the command is sent by others reach the program, once."""

    COUNTER = """
        #include <signal.h>
        #include <stdio.h>
        #include <unistd.h>
        static volatile sig_atomic_t seen;
        static void count(int number) { (void)number; ++seen; }
        int main(void) {
          for (int i = 0; i < 32; ++i) if (i != SIGALRM && i != SIGCHLD) signal(i, count);
          puts("ready");
          fflush(stdout);
          while (!seen) usleep(1000);
          usleep(200000);
          printf("%d\\n", (int)seen);
        }
    """

    def begin(self, *program, **options):
        process = subprocess.Popen([STRATA, "run", "--", *map(str, program)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=self.variables(), **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_signals_are_forwarded_once(self):
        counter = self.compile("counter", self.COUNTER)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT,
                       signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
            process = self.begin(counter)
            process.send_signal(number)
            self.assertEqual(process.stdout.readline(), "1\n", number.name)
            self.assertIn("exit status 0", process.stderr.read())
            self.assertEqual(process.wait(10), 0)
        self.assert_nothing_left()

    def test_terminate_ends_both(self):
        process = self.begin("sh", "-c", "echo ready; exec sleep 30")
        process.terminate()
        self.assertEqual(process.wait(10), -signal.SIGTERM)
        self.assert_nothing_left()

    def test_interrupt_from_a_terminal_arrives_once(self):
        counter = self.compile("counter", self.COUNTER)
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(STRATA, [STRATA, "run", "--", str(counter)], self.variables())
        text = b""
        while b"ready" not in text:
            text += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        try:
            while b"strata run" not in text:
                text += os.read(terminal, 1000)
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)
        self.assertRegex(text, rb"\^C1\r\n")

    def test_stops_and_continues_with_the_program(self):
        process = self.begin("sh", "-c", "echo ready; kill -TSTP $$; echo again",
                             start_new_session=False, process_group=0)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        os.killpg(process.pid, signal.SIGCONT)
        self.assertEqual(process.stdout.readline(), "again\n")
        self.assertEqual(process.wait(10), 0)


class Refusals(CliCase):
    """What cannot be run with a preloaded library is refused before it starts."""

    def test_usage(self):
        self.assert_one_line(self.strata("run"), 2, "no program given")
        self.assert_one_line(self.strata("run", "--"), 2, "no program given")
        self.assert_one_line(self.strata("run", "--nonsense", "--", "true"), 2, "--nonsense")
        self.assert_one_line(self.strata("run", "--limit", "much", "true"), 2, "much")
        self.assert_one_line(self.strata("run", "--stats"), 2, "--stats")

    def test_not_found(self):
        self.assert_one_line(self.strata("run", "--", "no-such-program"), 127, "not found")
        self.assert_one_line(self.strata("run", "--", "/no/such/program"), 127, "not found")
        self.assert_one_line(self.strata("run", "--", ""), 127, "not found")

    def test_not_executable(self):
        plain = self.make("plain", "#!/bin/sh\n", 0o644)
        self.assert_one_line(self.strata("run", plain), 126, "not executable")
        self.assert_one_line(self.strata("run", self.directory), 126, "directory")

    def test_static(self):
        for options in (["-static"], ["-static-pie", "-fPIE"]):
            program = self.compile("static", "int main(void) { return 0; }", *options)
            self.assert_one_line(self.strata("run", program), 126, "statically linked")

    def test_other_machine(self):
        foreign = self.directory / "foreign"
        image = bytearray(pathlib.Path(STRATA).read_bytes())
        image[18:20] = (243).to_bytes(2, "little")  # e_machine: RISC-V
        foreign.write_bytes(image)
        foreign.chmod(0o755)
        self.assert_one_line(self.strata("run", foreign), 126, "64-bit riscv")

    def test_scripts_follow_their_interpreter(self):
        good = self.make("good", "#!/bin/sh\necho script\n")
        self.assertEqual(self.strata("run", good).stdout, "script\n")
        static = self.compile("static", "int main(void) { return 0; }", "-static")
        bad = self.make("bad", f"#!{static}\n")
        self.assert_one_line(self.strata("run", bad), 126, str(static), "statically linked")
        lost = self.make("lost", "#!/no/such/interpreter\n")
        self.assert_one_line(self.strata("run", lost), 126, "/no/such/interpreter", "not found")
        text = self.make("text", "echo no first line\n")
        self.assert_one_line(self.strata("run", text), 126, "neither")

    @unittest.skipUnless(os.getuid() == 0, "needs root to give a file to somebody else")
    def test_gained_privileges(self):
        for name, mode, user, group in (("user", 0o4755, 12345, 0), ("group", 0o2755, 0, 12345)):
            program = pathlib.Path(shutil.copy("/bin/true", self.directory / name))
            os.chown(program, user, group)
            program.chmod(mode)
            self.assert_one_line(self.strata("run", program), 126, "setuid")

    @unittest.skipUnless(os.getuid() == 0, "needs root to become somebody who may not read")
    def test_not_readable(self):
        program = pathlib.Path(shutil.copy("/bin/true", self.directory / "secret"))
        program.chmod(0o711)
        copy = shutil.copy(STRATA, self.directory / "strata")
        library = shutil.copy(LIBRARY, self.directory / "library.so")
        result = subprocess.run([copy, "run", program], capture_output=True, text=True,
                                env=self.variables(STRATA_LIBRARY=library), check=False,
                                user=65534, group=65534, extra_groups=[])
        self.assert_one_line(result, 126, "cannot be read")

    def test_library(self):
        result = self.strata("run", "true", env={"STRATA_LIBRARY": "/no/such/library.so"})
        self.assert_one_line(result, 2, "/no/such/library.so", "No such file")
        text = self.make("text.so", "text")
        result = self.strata("run", "true", env={"STRATA_LIBRARY": str(text)})
        self.assert_one_line(result, 2, "not a shared library")

    def test_statistics_file_that_cannot_be_written(self):
        mark = self.directory / "started"
        for path in ("/no/such/directory/file.json", self.directory):
            self.assert_one_line(self.strata("run", "--stats", path, "--", "touch", mark), 2,
                                 "cannot write")
        self.assertFalse(mark.exists())

    def test_verbs(self):
        self.assert_one_line(self.strata("nonsense"), 2, "unknown verb nonsense")
        self.assert_one_line(self.strata(), 2, "no verb given")
        self.assertRegex(self.strata("--version").stdout, r"^strata \d+\.\d+\.\d+\n$")
        for arguments in (["help"], ["run", "--help"], ["compare", "--help"], ["help", "run"]):
            result = self.strata(*arguments)
            self.assertEqual(result.returncode, 0)
            self.assertIn("Examples:", result.stdout)


class Report(CliCase):
    """Known figures, from figures_library.c, arrive in the reports."""

    def test_text(self):
        report = self.strata("run", "--", "true").stderr
        for pattern in (r"strata run: true, exit status 0",
                        r"allocations +1\.2 M \(1\.2 M/s\)",
                        r"live +10\.0 MiB in 567 blocks, 30\.0 MiB at the peak",
                        r"given back +64\.0 MiB to the system, in 12 calls",
                        r"failures +3 allocations were refused",
                        r"retained +4\.0 MiB +##",
                        r"otherwise +2\.2 MiB",  # 20 MiB resident minus all the rest
                        r"up to +16 B +1\.0 M +####",
                        r"up to +64 B +235 k +##",
                        r" 16 B +1\.0 M +1\.0 M +500 +0 +75%"):
            self.assertRegex(report, pattern)
        self.assertNotIn("child processes", report)
        self.assertNotIn("snapshot", report)

    def test_resources_of_the_program(self):
        self.assertNotIn("own resources", self.strata("run", "--", "true").stderr)
        file = self.directory / "figures.json"
        report = self.strata("run", "--stats", file, "--", "true",
                             env={"FIGURES_RESOURCES": "1"}).stderr
        for pattern in (r"the program's own resources",
                        r"sessions +object_pool<sessio +1 +64\.0 KiB +256 +128 KiB +96\.0 KiB\n"
                        r"  frames +bump +ended +1000 B +- +2\.0 KiB +1\.5 KiB\n"
                        r"  and 3 more"):
            self.assertRegex(report, pattern)
        (process,) = json.loads(file.read_text())["processes"]
        self.assertEqual(process["unlisted_resources"], 3)
        self.assertEqual(process["resources"][0],
                         {"name": "frames", "kind": "bump", "instances": 0, "made": 7,
                          "live_bytes": 1000, "live_blocks": None, "held_bytes": 2048,
                          "peak_live_bytes": 1500})

    def test_plain_when_piped(self):
        report = self.strata("run", "--", "true", env={"LC_ALL": "C.UTF-8"}).stderr
        self.assertTrue(report.isascii())
        self.assertNotIn("\033", report)
        self.assertLessEqual(max(map(len, report.splitlines())), 100)

    def terminal_report(self, **env):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(STRATA, [STRATA, "run", "--", "true"],
                      self.variables(LC_ALL="C.UTF-8", TERM="xterm", **env))
        report = b""
        try:
            while chunk := os.read(terminal, 65536):
                report += chunk
        except OSError:
            pass  # the other side closed
        os.close(terminal)
        os.waitpid(pid, 0)
        return report.decode()

    def test_bars_and_colour_on_a_terminal(self):
        report = self.terminal_report(COLUMNS="100")
        self.assertIn("█", report)
        self.assertIn("\033[", report)
        heading = re.sub(r"\033\[\d*m", "", report.splitlines()[0])
        self.assertEqual(len(heading), 100)
        report = self.terminal_report(NO_COLOR="1")
        self.assertIn("█", report)
        self.assertNotIn("\033[", report)

    def test_snapshot_before_the_end(self):
        report = self.strata("run", "--", "sleep", "0.2", env={"FIGURES_FINAL": "0"}).stderr
        age = int(re.search(r"as of the last snapshot, (\d+) ms before the end", report)[1])
        self.assertGreaterEqual(age, 190)
        self.assertLess(age, 30000)

    def test_without_figures(self):
        report = self.strata("run", "--", "true", env={"FIGURES_NONE": "1"}).stderr
        self.assertRegex(report, r"No figures: the program did not load libstrata\.so")
        report = self.strata("run", "--", "true", env={"FIGURES_VERSION": "99"}).stderr
        self.assertIn("of another version", report)

    def test_child_processes(self):
        report = self.strata("run", "--", "sh", "-c",
                             "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do env true; done; :").stderr
        self.assertIn("child processes: 12", report)
        self.assertEqual(len(re.findall(r"\d  true +1\.2 M +30\.0 MiB +48\.0 MiB", report)), 10)
        self.assertIn("and 2 more", report)
        self.assertRegex(report, r"all  sum; highest peaks +16\.0 M +30\.0 MiB +48\.0 MiB")

    def test_quiet(self):
        file = self.directory / "figures.json"
        result = self.strata("run", "--quiet", "--stats", file, "--", "echo", "text")
        self.assertEqual((result.stdout, result.stderr), ("text\n", ""))
        self.assertTrue(file.exists())

    def test_json(self):
        file = self.directory / "figures.json"
        result = self.strata("run", "--stats", file, "--limit", "1M", "--",
                             "sh", "-c", "env true; exit 3")
        self.assertEqual(result.returncode, 3)
        figures = json.loads(file.read_text())
        self.assertEqual(figures["schema"], "strata-run-1")
        self.assertEqual(figures["program"], ["sh", "-c", "env true; exit 3"])
        self.assertEqual(figures["end"]["status"], 3)
        self.assertIsNone(figures["end"]["signal"])
        self.assertEqual(figures["totals"]["allocations"], 2 * 1234567)
        self.assertEqual(len(figures["processes"]), 2)
        parent, child = sorted(figures["processes"], key=lambda process: not process["main"])
        self.assertEqual(parent["pid"], figures["pid"])
        self.assertEqual(child["parent_pid"], parent["pid"])
        self.assertEqual(pathlib.Path(child["program"]).name, "true")
        self.assertTrue(parent["final"] and parent["counted"])
        self.assertEqual(parent["limit_bytes"], 1 << 20)
        self.assertEqual(parent["failures"], 3)
        self.assertEqual(parent["histogram"], [{"up_to_bytes": 16, "allocations": 1000000},
                                               {"up_to_bytes": 64, "allocations": 234567}])
        self.assertEqual(parent["classes"][1]["size"], 64)
        self.assertEqual(sorted(self.directory.glob("figures*")), [file])  # nothing half-written

    def test_json_behind_the_output_of_the_program(self):
        output = self.directory / "output"
        with output.open("w") as stream:
            self.strata("run", "--quiet", "--stats", "/dev/stdout", "--", "echo", "text",
                        capture_output=False, stdout=stream)
        first, rest = output.read_text().split("\n", 1)
        self.assertEqual(first, "text")
        self.assertEqual(json.loads(rest)["schema"], "strata-run-1")

    def test_json_of_a_killed_program_with_an_odd_name(self):
        file = self.directory / "figures.json"
        script = self.make("odd", "#!/bin/sh\nkill -9 $$\n")
        result = self.strata("run", "--quiet", "--stats", file, "--", script, b"\xff\xfe".decode(
            errors="surrogateescape"))
        self.assertEqual(result.returncode, -9)
        figures = json.loads(file.read_text())
        self.assertEqual(figures["end"]["signal"], 9)
        self.assertIsNone(figures["end"]["status"])


if __name__ == "__main__":
    main()
