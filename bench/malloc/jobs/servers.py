"""Servers: the server runs under the contender, the client that drives it does not.

Wall time is the client's, processor time the server's, memory the server's peak."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

from harness.contenders import Contender
from harness.launched import Figures, Launched, clean_environment, wait_until
from harness.workspace import Workspace

from jobs.job import Job

START_SECONDS = 30


def succeeds(command: list) -> bool:
    return subprocess.run(command, env=clean_environment({}), stdin=subprocess.DEVNULL,
                          capture_output=True).returncode == 0


def status_bytes(pid: int, field: str) -> int:
    """A field of /proc/PID/status; 0 when the process has gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":")), 0)


class Server(Job):
    """Subclasses say how the server is started, known to be ready, driven, and ended."""

    kind = "server"
    tools: list = []

    def missing(self, workspace: Workspace) -> str:
        return next((tool for tool in self.tools if not shutil.which(tool)), "")

    def ready(self, workspace: Workspace) -> bool:
        raise NotImplementedError

    def client(self, workspace: Workspace) -> list:
        raise NotImplementedError

    def shut_down(self, workspace: Workspace, pid: int):
        raise NotImplementedError

    def peak_bytes(self, pid: int) -> int:
        """The most so far; asked often while the client runs."""
        return status_bytes(pid, "VmHWM")

    def run(self, workspace: Workspace, contender: Contender) -> Figures:
        server = Launched(workspace, contender, self.command(workspace), {},
                          workspace.folder_of(self.name))
        if not wait_until(lambda: self.ready(workspace) or not server.running(), START_SECONDS):
            server.kill()
            server.end()
            return Figures(failure="the server does not answer")
        wall_seconds, peak, fine = self._drive(workspace, server)
        self.shut_down(workspace, server.pid)
        if not wait_until(lambda: not server.running(), START_SECONDS):
            server.kill()
        figures = server.end()
        if not fine and not figures.failure:
            return Figures(failure="the client failed")
        return Figures(wall_seconds, figures.cpu_seconds, peak, figures.failure)

    def _drive(self, workspace: Workspace, server: Launched) -> tuple:
        begin = time.monotonic()
        client = subprocess.Popen(self.client(workspace), env=clean_environment({}),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        peak = 0
        try:
            while client.poll() is None and server.running():
                peak = max(peak, self.peak_bytes(server.pid))
                time.sleep(0.01)
            wall_seconds = time.monotonic() - begin
            peak = max(peak, self.peak_bytes(server.pid))
        finally:
            if client.poll() is None:
                client.kill()
        return wall_seconds, peak, client.wait() == 0


class Redis(Server):
    """Debian's redis-server is linked with libjemalloc.so, whose malloc a preloaded one precedes.
    Under `glibc`, where nothing is preloaded, it would be jemalloc's: libc itself is preloaded."""

    tools = ["redis-server", "redis-cli", "redis-benchmark"]

    def _socket(self, workspace: Workspace) -> str:
        return str(workspace.folder_of(self.name) / "socket")

    def command(self, workspace: Workspace) -> list:
        return ["redis-server", "--port", "0", "--unixsocket", self._socket(workspace), "--save",
                "", "--appendonly", "no", "--logfile", "log"]

    def ready(self, workspace: Workspace) -> bool:
        return succeeds(["redis-cli", "-s", self._socket(workspace), "ping"])

    def client(self, workspace: Workspace) -> list:
        requests = "2000" if workspace.small else "60000"
        return ["redis-benchmark", "-s", self._socket(workspace), "-q", "-n", requests, "-c", "20",
                "-P", "16", "-r", "100000", "-d", "300", "-t",
                "set,get,incr,lpush,rpop,sadd,hset,zadd,mset"]

    def shut_down(self, workspace: Workspace, pid: int):
        succeeds(["redis-cli", "-s", self._socket(workspace), "shutdown", "nosave"])

    def run(self, workspace: Workspace, contender: Contender) -> Figures:
        if not contender.library:
            contender = Contender(contender.name, "libc.so.6")
        return super().run(workspace, contender)


def postgres_folder() -> str:
    """Where Debian puts the programs that are not on the path; empty when there are none."""
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return str(versions[-1].parent) if versions else ""


class Postgres(Server):
    """One process a client; so memory is the sum of what all hold for themselves, without what
    they share. The server refuses to run as root, so root becomes postgres."""

    def missing(self, workspace: Workspace) -> str:
        return "" if postgres_folder() else "postgres"

    def _as_user(self, command: list) -> list:
        if os.getuid() != 0:
            return command
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups",
                "--pdeathsig", "KILL", *command]

    def _prepare(self, workspace: Workspace, folder: pathlib.Path):
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            workspace.folder.chmod(0o755)
        done = subprocess.run(
            self._as_user([f"{postgres_folder()}/initdb", "-D", "data", "-A", "trust", "-U",
                           "postgres", "-N", "--locale", "C.UTF-8"]),
            cwd=folder, env=clean_environment({}), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr}")

    def command(self, workspace: Workspace) -> list:
        folder = workspace.folder_of(self.name)
        if not (folder / "data").exists():
            self._prepare(workspace, folder)
        return self._as_user([f"{postgres_folder()}/postgres", "-D", "data", "-k", str(folder),
                              "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                              "autovacuum=off"])

    def ready(self, workspace: Workspace) -> bool:
        return succeeds([f"{postgres_folder()}/pg_isready", "-q", "-h",
                         str(workspace.folder_of(self.name))])

    def client(self, workspace: Workspace) -> list:
        """Fills the tables anew, so that each run finds the same, then reads and writes them."""
        scale, transactions = ("1", "50") if workspace.small else ("2", "800")
        pgbench = f"{postgres_folder()}/pgbench -h {workspace.folder_of(self.name)} -U postgres"
        return ["sh", "-ec", f"{pgbench} -i -q -s {scale} postgres; "
                f"{pgbench} -n -c 4 -j 2 -t {transactions} postgres; "
                f"{pgbench} -n -S -c 4 -j 2 -t {4 * int(transactions)} postgres"]

    def shut_down(self, workspace: Workspace, pid: int):
        os.kill(pid, signal.SIGINT)

    def peak_bytes(self, pid: int) -> int:
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return 0
        return sum(status_bytes(process, "RssAnon") for process in [pid, *map(int, children)])


SERVERS = [
    Redis("redis", "a key-value server under redis-benchmark"),
    Postgres("postgres", "a database server under pgbench"),
]
