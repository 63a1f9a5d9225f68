# SPDX-License-Identifier: Apache-2.0
"""Durable sets: beside the least that durability costs (pwrite, fdatasync) and SQLite (WAL, synchronous=FULL)."""
import pathlib
import sqlite3
import tempfile
import time

import measure
from measure import Figure

SETS = 1500
LOOPS = 2000


def sqlite_us(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    db.execute("create table if not exists asset (uid integer primary key, data blob)")
    start = time.monotonic()
    for i in range(SETS):
        db.execute("insert or replace into asset values (?, ?)", (i % 50 + 1, bytes([i & 255]) * 100))
    took = time.monotonic() - start
    db.close()
    return took * 1e6 / SETS


def run():
    ours = measure.program("bench_store_ops")
    sets, floors, rows, mounts = [], [], [], []
    with tempfile.TemporaryDirectory(dir=measure.BUILD) as scratch:  # the disk, not a memory file system
        where = pathlib.Path(scratch)
        for i in range(3):
            measure.progress(f"store: durable sets, turn {i + 1} of 3")
            floors.append(measure.key_values(measure.call(
                [ours, "floor", str(where / "floor"), str(SETS)]))["us_per_set"])
            sets.append(measure.key_values(measure.call(
                [ours, "set", str(where / "store"), str(SETS)]))["us_per_set"])
            rows.append(sqlite_us(where / f"rows{i}.db"))
            mounts.append(measure.key_values(measure.call(
                [ours, "mount", str(where / "store")]))["ms_per_mount"])
    per_set = measure.middle(sets)
    yield Figure("store", "durable set of 100 B, beside the floor", per_set, "us", "pwrite + fdatasync",
                 measure.middle(floors), values=sets, peer_values=floors)
    yield Figure("store", "durable set of 100 B, beside SQLite", per_set, "us", "SQLite WAL FULL",
                 measure.middle(rows), values=sets, peer_values=rows,
                 note="SQLite through Python's module, about 5 us of its time")
    yield Figure("store", "mount of a 1 MiB store", measure.middle(mounts), "ms", values=mounts)
    for verb in ("set", "get"):
        values = [measure.instructions([ours, "memory", str(LOOPS)], f"{verb}_once") / LOOPS for _ in range(3)]
        yield Figure("store", f"{verb} of 100 B, no device", measure.middle(values), "instructions", values=values,
                     note="checksums by a 64-byte table; a set includes its share of collections")
