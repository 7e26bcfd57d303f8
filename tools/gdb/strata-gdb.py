"""The entry of Strata's commands for gdb; docs/gdb.md tells what they do.

    (gdb) source tools/gdb/strata-gdb.py

gdb also loads this file by itself when a link to it, named libstrata.so-gdb.py, stands beside
libstrata.so. All that is defined is in the package strata_gdb, in the folder where this file really
lies: scripts that gdb sources share one set of names.
"""

import os
import sys


def load():
    """Imports the package without leaving compiled files in its folder."""
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    # __file__ is another's when a script of gdb's sources this one.
    sys.path.insert(0, os.path.dirname(os.path.realpath(load.__code__.co_filename)))
    try:
        import strata_gdb.commands

        strata_gdb.commands.register()
    finally:
        sys.path.pop(0)
        sys.dont_write_bytecode = written


load()
