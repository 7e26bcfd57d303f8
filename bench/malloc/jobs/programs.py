"""Programs of Debian, each on an input that is made here and is the same in every run."""
import pathlib
import random

from jobs.job import Program

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "programs"


def rounds(small: bool, full: int) -> str:
    return "1" if small else str(full)


def script(*command: str, full: int):
    """A script of programs/ that takes the number of its rounds."""
    def make_command(_folder: pathlib.Path, small: bool) -> list:
        return [*command[:-1], str(SCRIPTS / command[-1]), rounds(small, full)]
    return make_command


def sqlite(folder: pathlib.Path, small: bool, full: int = 250000) -> list:
    """Orders of customers: indexes, joins, groups, text, and deletes, in memory."""
    rows = 3000 if small else full
    (folder / "orders.sql").write_text(f"""
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer INTEGER, day INTEGER, cents INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO orders SELECT i, i * 48271 % 9973, i * 16807 % 365, i * 69621 % 99901,
    printf('%.*c', 5 + i % 60, 'x') || i FROM n;
CREATE INDEX by_customer ON orders (customer, day);
CREATE INDEX by_note ON orders (note);
SELECT customer, count(*), sum(cents) FROM orders GROUP BY customer ORDER BY 3 DESC LIMIT 5;
SELECT a.day, count(*) FROM orders a JOIN orders b ON a.customer = b.customer AND a.day = b.day
    GROUP BY a.day ORDER BY 2 DESC LIMIT 5;
SELECT max(length(days)) FROM (SELECT group_concat(day) AS days FROM orders GROUP BY customer);
SELECT json_array_length(json_group_array(json_object('id', id, 'note', note))) FROM orders;
UPDATE orders SET note = upper(note) || cents WHERE id % 3 = 1;
DELETE FROM orders WHERE id % 3 = 0;
SELECT count(*), sum(length(note)) FROM orders;
""")
    return ["sqlite3", ":memory:", ".read orders.sql"]


def z3(folder: pathlib.Path, small: bool) -> list:
    """Scheduling: jobs of several steps, machines that do one at a time, everything in time."""
    jobs, machines = (3, 3) if small else (12, 5)
    draw = random.Random(7)
    lines = ["(set-logic QF_IDL)"]
    steps: dict = {machine: [] for machine in range(machines)}
    horizon = 0
    for job in range(jobs):
        before = None
        for machine in draw.sample(range(machines), machines):
            name, length = f"start_{job}_{machine}", draw.randint(1, 20)
            horizon += length
            lines.append(f"(declare-const {name} Int)")
            earliest = f"(>= (- {name} {before[0]}) {before[1]})" if before else f"(>= {name} 0)"
            lines.append(f"(assert {earliest})")
            steps[machine].append((name, length))
            before = (name, length)
        lines.append(f"(assert (<= {before[0]} {horizon_of(small) - before[1]}))")
    for on_machine in steps.values():
        for i, (first, first_length) in enumerate(on_machine):
            for second, second_length in on_machine[:i]:
                lines.append(f"(assert (or (>= (- {first} {second}) {second_length}) "
                             f"(>= (- {second} {first}) {first_length})))")
    (folder / "jobs.smt2").write_text("\n".join([*lines, "(check-sat)", ""]))
    return ["z3", "-smt2", "jobs.smt2"]


def horizon_of(small: bool) -> int:
    return 100 if small else 150


def clang(_folder: pathlib.Path, small: bool, full: int = 4) -> list:
    """Without code generation, which takes most of the time and allocates little."""
    return ["clang-14", "-x", "c++", "-std=c++20", "-fsyntax-only",
            f"-DKINDS={1 if small else full}", str(SCRIPTS / "unit.cpp")]


PROGRAMS = [
    Program("sqlite", "SQL on 250,000 rows in memory", "sqlite3", sqlite),
    Program("python", "records, text and JSON in CPython", "python3",
            script("python3", "work.py", full=8)),
    Program("python-malloc", "the same without CPython's own pools", "python3",
            script("python3", "work.py", full=8), {"PYTHONMALLOC": "malloc"}),
    Program("lua", "tables, closures and text in Lua", "lua5.4",
            script("lua5.4", "work.lua", full=20)),
    Program("ruby", "objects, hashes and text in Ruby", "ruby", script("ruby", "work.rb", full=6)),
    Program("node", "buffers, text and JSON in Node.js", "node", script("node", "work.js", full=8)),
    Program("z3", "a scheduling problem for the solver Z3", "z3", z3),
    Program("clang", "checking a unit full of templates", "clang-14", clang),
]
