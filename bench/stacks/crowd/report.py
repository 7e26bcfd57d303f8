"""The table, results.json and the picture."""
import dataclasses

from harness import figures, pictures, report, table
from harness.contenders import Contender

SCHEMA = "strata-bench-stacks-1"
GB = 1e9

# Key in the JSON: the column's head, and how a figure is written.
MEASURES = {
    "create_ns": ("create", "{:.0f}".format),
    "again_ns": ("again", "{:.0f}".format),
    "few_ns": ("few", "{:.1f}".format),
    "ring_ns": ("ring", "{:.0f}".format),
    "random_ns": ("random", "{:.0f}".format),
    "end_ns": ("end", "{:.0f}".format),
    "resident_bytes": ("resident", "{:.0f}".format),
    "table_bytes": ("tables", "{:.0f}".format),
    "total_bytes": ("total", lambda value: f"{value / GB:.2f} GB"),
    "mappings": ("mappings", "{:.0f}".format),
    "fibers": ("fibers", "{:.0f}".format),
}
DRAWN = {
    "create_ns": "create", "again_ns": "create again", "few_ns": "switch of 64",
    "ring_ns": "switch, ring", "random_ns": "switch, random", "end_ns": "end",
    "resident_bytes": "resident",
}


def comparable(results: dict) -> list:
    """Peers that made as many fibers as they should."""
    return [name for name, runs in results.items() if not Contender(name, "").ours
            and runs and not any(one.failure or one.note for one in runs)]


def cell(measured, write) -> str:
    """The median, and how far the runs are apart."""
    if measured is None:
        return "fail"
    least, middle, most = measured
    apart = (most - least) / 2 / middle * 100 if middle else 0
    return write(middle) + (f" ±{apart:.0f}%" if apart >= 0.5 else "")


def lines_of(results: dict) -> list:
    lines = [["ns, bytes", *(head for head, _ in MEASURES.values()), ""]]
    for name, runs in results.items():
        cells = [cell(figures.spread(runs, key), write) for key, (_, write) in MEASURES.items()]
        note = runs[-1].note if runs else ""
        lines.append([name, *cells, note])
    return lines


def show(results: dict):
    print(table.aligned(lines_of(results)))


def rows_of(results: dict) -> dict:
    peers = comparable(results)
    return {key: figures.row_of(DRAWN.get(key, key), results, key, peers) for key in MEASURES}


def write(chosen, fibers: int, results: dict, overflow: str):
    rows = rows_of(results)
    content = {
        "schema": SCHEMA,
        "machine": report.machine(),
        "runs": chosen.runs, "small": chosen.small,
        "fibers": fibers, "stack_bytes": chosen.stack * 1024,
        "measures": {key: {"best_peer": row.best_peer, "contenders": {
            name: {"ratio": row.ratio(name)} | (figures.spread_json(values) or {})
            for name, values in row.values.items()}} for key, row in rows.items()},
        "lives": {name: [dataclasses.asdict(one) for one in runs]
                  for name, runs in results.items()},
        "overflow": overflow,
    }
    report.write(chosen.out, content)
    picture = pictures.bars([rows[key] for key in DRAWN], list(results), f"{fibers} fibers")
    (chosen.out / "stacks.svg").write_text(picture)
