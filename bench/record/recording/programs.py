"""The programs of bench/malloc that allocate much, each in its own way; for some seconds."""
import functools
import sys

from jobs.job import Program
from jobs.programs import clang, script, sqlite

# Where a shim would choose the interpreter at each start, that takes longer than to record it.
PYTHON = sys.executable

PROGRAMS = [
    Program("sqlite", "SQL on a million rows in memory", "sqlite3",
            functools.partial(sqlite, full=1000000)),
    Program("python", "records, text and JSON in CPython", PYTHON,
            script(PYTHON, "work.py", full=40)),
    Program("python-malloc", "the same without CPython's own pools", PYTHON,
            script(PYTHON, "work.py", full=40), {"PYTHONMALLOC": "malloc"}),
    Program("lua", "tables, closures and text in Lua", "lua5.4",
            script("lua5.4", "work.lua", full=120)),
    Program("ruby", "objects, hashes and text in Ruby", "ruby", script("ruby", "work.rb", full=24)),
    Program("clang", "checking a unit full of templates", "clang-14",
            functools.partial(clang, full=48)),
]
