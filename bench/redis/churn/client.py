"""As much of Redis's protocol as it takes to ask a server about itself."""
import pathlib
import socket


class Client:
    def __init__(self, path: pathlib.Path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")

    def ask(self, *words: str) -> str:
        parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
        self._socket.sendall(f"*{len(words)}\r\n{''.join(parts)}".encode())
        line = self._answers.readline().decode().rstrip()
        if not line.startswith("$"):
            return line
        text = self._answers.read(int(line[1:]) + 2).decode()
        return text[:-2]

    def info(self) -> dict:
        """All that INFO says, by field."""
        lines = self.ask("INFO", "all").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def close(self):
        self._answers.close()
        self._socket.close()


def answers(path: pathlib.Path) -> bool:
    try:
        client = Client(path)
    except OSError:
        return False
    try:
        return client.ask("PING") == "+PONG"
    finally:
        client.close()
