"""The load of the job `python`. Usage: python3 work.py ROUNDS"""
import json
import re
import sys


class Record:
    def __init__(self, number: int):
        self.number = number
        self.name = f"name-{number * 7919 % 100003}"
        self.tags = [f"tag{number % step}" for step in (3, 5, 7, 11)]


def work(seed: int) -> int:
    records = [Record(seed * 1000 + i) for i in range(15000)]
    by_name: dict = {}
    for record in records:
        by_name.setdefault(record.name, []).append(record)
    text = json.dumps([vars(record) for record in records])
    again = json.loads(text)
    words = re.findall(r"[a-z]+\d+", text)
    counts: dict = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    lines = ["".join(sorted(set(str(item)))) for item in again[::10]]
    return len("\n".join(sorted(lines))) + sum(counts.values()) + len(by_name)


if __name__ == "__main__":
    print([work(seed) for seed in range(int(sys.argv[1]))])
