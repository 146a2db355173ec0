"""Print the figures of the house: `python -m calling_pipeline_tests.house.measures [--json] [--root FOLDER]`.

`docs/measures.md` keeps them before and after the house was rebuilt; `test_measures.py` holds the goals.
"""

from __future__ import annotations

import argparse
import graphlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median, quantiles

import grimp

from calling_pipeline_tests.house.source import PACKAGE, ROOT, Source, sources

LONG_FILE, LONGEST_FILE, LONGEST_FUNCTION, LONG_SQL, RUN = 300, 350, 50, 4, 6
ROOMS_WITH_ARROWS = ("call_batches", "telephony")


@dataclass(frozen=True)
class Repeat:
    """The same lines of code in two places."""

    first: str
    second: str
    lines: int


def may_hold_sql(name: str) -> bool:
    """Whether a file may hold SQL: a store (older trees wrote `store_…`), the planning and the database package.

    The definitions of tables, `tables.py`, hold the conditions of their constraints.
    """
    path = Path(name)
    is_store = path.name.startswith("store") or path.name in {"tables.py", "planning.py"}
    return is_store or bool({"planning", "database"} & set(path.parts[:-1]))


def import_graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Module → the modules of the package that it imports, imports inside functions included."""
    sys.path.insert(0, str(root))
    try:
        graph = grimp.build_graph(PACKAGE, cache_dir=None)
    finally:
        sys.path.remove(str(root))
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def import_cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """One import cycle after the other, each broken at its last import before the next is looked for."""
    left = {module: set(imported) for module, imported in graph.items()}
    cycles = []
    while True:
        try:
            graphlib.TopologicalSorter(left).prepare()
        except graphlib.CycleError as error:
            cycle: list[str] = error.args[1]
            cycles.append(cycle)
            for imported, importer in pairwise(cycle):
                left[importer].discard(imported)
                break
        else:
            return cycles


def arrows(graph: dict[str, set[str]], room: str) -> tuple[int, int]:
    """Imports inside a room: between its files, and between its folders (a file beside them counts as one)."""
    prefix = f"{PACKAGE}.{room}."
    files = {
        (importer.removeprefix(prefix), imported.removeprefix(prefix))
        for importer, imports in graph.items()
        for imported in imports
        if importer.startswith(prefix) and imported.startswith(prefix)
    }
    folders = {(importer.split(".")[0], imported.split(".")[0]) for importer, imported in files}
    return len(files), sum(importer != imported for importer, imported in folders)


def repeats(files: Iterable[Source]) -> list[Repeat]:
    """Pairs of places with the same run of at least six lines of code.

    Docstrings, comments, imports, blank lines and lines of brackets alone do not count.
    """
    code = {file.name: _code_lines(file) for file in files}
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, lines in code.items():
        for start in range(len(lines) - RUN + 1):
            places[tuple(text for _, text in lines[start : start + RUN])].append((name, start))
    matches = {pair for found in places.values() for pair in combinations(found, 2)}
    found = []
    for (first, at), (second, there) in sorted(matches):
        if ((first, at - 1), (second, there - 1)) in matches:
            continue  # the run began earlier
        length = RUN
        while ((first, at + length - RUN + 1), (second, there + length - RUN + 1)) in matches:
            length += 1
        found.append(Repeat(f"{first}:{code[first][at][0]}", f"{second}:{code[second][there][0]}", length))
    return found


def measure(root: Path = ROOT) -> dict[str, float]:
    """Every figure under the name that `docs/measures.md` gives it."""
    files = sources(root)
    python = [file for file in files if file.path.suffix == ".py"]
    functions = [function.lines for file in python for function in file.functions]
    sql_files = [file for file in files if file.path.suffix == ".sql" and not file.is_frozen]
    in_sql = [function.lines for file in sql_files for function in file.functions]
    strings = [(file.name, string) for file in python for string in file.sql_strings]
    graph = import_graph(root)
    figures: dict[str, float] = {
        "Python files": len(python),
        "Python lines": sum(len(file.lines) for file in python),
        "SQL files": len(files) - len(python),
        "SQL lines": sum(len(file.lines) for file in files) - sum(len(file.lines) for file in python),
        "functions": len(functions),
        "function lines, median": median(functions),
        "function lines, p90": quantiles(functions, n=10)[-1],
        "function lines, max": max(functions),
        "functions over 50 lines, Python": sum(lines > LONGEST_FUNCTION for lines in functions),
        "functions over 50 lines, SQL": sum(lines > LONGEST_FUNCTION for lines in in_sql),
        "files over 300 lines": sum(len(file.lines) > LONG_FILE for file in files),
        "files over 350 lines": sum(len(file.lines) > LONGEST_FILE for file in files),
        "SQL strings in Python": len(strings),
        "SQL strings of four lines or more in Python": sum(string.lines >= LONG_SQL for _, string in strings),
        "SQL strings outside stores, planning and database": sum(not may_hold_sql(name) for name, _ in strings),
        "imports inside functions": sum(len(file.inner_imports) for file in python),
        "import cycles": len(import_cycles(graph)),
        "pairs of repeated runs of six lines": len(repeats(python)),
    }
    for room in ROOMS_WITH_ARROWS:
        figures[f"arrows between files of {room}"], figures[f"arrows between folders of {room}"] = arrows(graph, room)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="The figures of the house")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to measure")
    given = parser.parse_args(arguments)
    figures = measure(given.root.resolve())
    if given.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<52} {value:>8,g}" if value < LONGEST_FILE else f"{name:<52} {value:>8,.0f}")


def _code_lines(file: Source) -> list[tuple[int, str]]:
    """(line number, text) of the lines that say what is done."""
    silent: set[int] = set()
    for node in file.docstrings.values():
        silent |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for line in file.import_lines:
        silent.add(line)
    return [
        (number, line.strip())
        for number, line in enumerate(file.lines, 1)
        if number not in silent and line.strip("()[]{}, \t") and not line.lstrip().startswith("#")
    ]


if __name__ == "__main__":
    main()
