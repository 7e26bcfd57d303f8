"""One day of one server: the driver keeps it busy, the runner looks at it at each line that the
driver prints, and a while longer when it rests."""
import dataclasses
import statistics
import subprocess
import time

from harness.launched import Launched, clean_environment, wait_until
from harness.workspace import Workspace

from churn import statistics_file
from churn.client import Client, answers
from churn.servers import Server

START_SECONDS = 30
REST_STEP_SECONDS = 0.5


@dataclasses.dataclass
class Sample:
    hour: float
    seconds: float
    used_bytes: int
    resident_bytes: int

    @property
    def ratio(self) -> float:
        return self.resident_bytes / self.used_bytes


@dataclasses.dataclass
class Figures:
    """What one day took; `failure` is empty when it went well."""

    failure: str = ""
    samples: list = dataclasses.field(default_factory=list)
    rest: list = dataclasses.field(default_factory=list)
    operations: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    latency_us: list = dataclasses.field(default_factory=list)  # median, 99 %, 99.9 %, most
    moved_blocks: int = 0  # by active defragmentation
    parts: dict = dataclasses.field(default_factory=dict)  # Strata's own statistics, resting

    def measures(self) -> dict:
        ratios = [one.ratio for one in self.samples]
        residents = [one.resident_bytes for one in self.samples]
        return {
            "ratio_end": ratios[-1],
            "ratio_median": statistics.median(ratios),
            "ratio_most": max(ratios),
            "ratio_rest": self.rest[-1].ratio,
            "resident_median_bytes": statistics.median(residents),
            "resident_most_bytes": max(residents),
            "resident_rest_bytes": self.rest[-1].resident_bytes,
            "used_rest_bytes": self.rest[-1].used_bytes,
            "operations_per_second": self.operations / self.wall_seconds,
            "cpu_seconds": self.cpu_seconds,
            "latency_median_us": self.latency_us[0],
            "latency_99_us": self.latency_us[1],
            "latency_999_us": self.latency_us[2],
            "moved_blocks": self.moved_blocks,
        }


def sample(client: Client, hour: float, seconds: float) -> Sample:
    told = client.info()
    return Sample(hour, round(seconds, 3), int(told["used_memory"]), int(told["used_memory_rss"]))


def cpu_seconds(told: dict) -> float:
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


class Day:
    def __init__(self, chosen, workspace: Workspace):
        self.chosen = chosen
        self.workspace = workspace
        self.folder = workspace.folder_of("redis")
        self.socket = self.folder / "socket"

    def driver(self) -> list:
        return [str(self.chosen.build / "bench" / "redis" / "day"), str(self.socket),
                f"operations={self.chosen.operations * 1000}", f"live_mib={self.chosen.live}"]

    def command(self, server: Server) -> list:
        return [*server.command, "--port", "0", "--unixsocket", str(self.socket), "--save", "",
                "--appendonly", "no", "--logfile", "log"]

    def run(self, server: Server) -> Figures:
        self.socket.unlink(missing_ok=True)
        running = Launched(self.workspace, server, self.command(server),
                           statistics_file.environment(self.folder), self.folder)
        up = wait_until(lambda: answers(self.socket) or not running.running(), START_SECONDS)
        if not up or not running.running():
            running.kill()
            said = running.end().failure
            return Figures(failure=f"the server does not answer: {said}")
        figures = Figures()
        try:
            self._live_through(figures, running)
        except (OSError, ValueError, KeyError) as error:
            figures.failure = figures.failure or f"the server has gone: {error}"
        if not wait_until(lambda: not running.running(), START_SECONDS):
            running.kill()
        figures.failure = figures.failure or running.end().failure
        return figures

    def _live_through(self, figures: Figures, running: Launched):
        client = Client(self.socket)
        before = client.info()
        self._drive(figures, client)
        after = client.info()
        figures.cpu_seconds = cpu_seconds(after) - cpu_seconds(before)
        if not figures.failure:
            self._rest(figures, client)
        figures.moved_blocks = int(client.info().get("active_defrag_hits", 0))
        figures.parts = statistics_file.read(self.folder, running.pid)
        client.ask("SHUTDOWN", "NOSAVE")
        client.close()

    def _drive(self, figures: Figures, client: Client):
        with subprocess.Popen(self.driver(), env=clean_environment({}), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as driver:
            for line in driver.stdout:
                words = line.split()
                if words[0] == "latency":
                    figures.latency_us = [float(word) for word in words[1:]]
                    continue
                hour, figures.operations, figures.wall_seconds = (float(words[0]), int(words[1]),
                                                                  float(words[2]))
                figures.samples.append(sample(client, hour, figures.wall_seconds))
            complaint = driver.stderr.read().strip()
        if driver.returncode != 0:
            figures.failure = complaint or f"the driver ended with status {driver.returncode}"

    def _rest(self, figures: Figures, client: Client):
        begin = time.monotonic()
        while time.monotonic() - begin < self.chosen.rest:
            time.sleep(REST_STEP_SECONDS)
            seconds = figures.wall_seconds + time.monotonic() - begin
            figures.rest.append(sample(client, 24.0, seconds))

