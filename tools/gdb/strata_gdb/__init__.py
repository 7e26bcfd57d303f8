"""Strata's heap as gdb sees it, in a live process or in a core dump.

    inferior    memory and debug information of the process
    ground      regions, chunks, page map and marks     of src/ground
    blocks      spans, large blocks, caches             of src/alloc
    figures     how they are written
    commands    `strata heap`, `block`, `spans`, `find-live`

Each imports only from those above it. Nothing here calls a function of the process or writes to it.
"""
