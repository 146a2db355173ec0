"""The goals of the house, each over the whole package."""

import re
from collections import Counter

import pytest

from calling_pipeline_tests.house.measures import (
    LONG_SQL,
    LONGEST_FILE,
    LONGEST_FUNCTION,
    arrows,
    import_cycles,
    import_graph,
    may_hold_sql,
    measure,
    repeats,
)
from calling_pipeline_tests.house.source import ROOT, Source, sources

pytestmark = pytest.mark.xdist_group("house")  # what is parsed once is looked at by all
FILES = sources()
PYTHON = [file for file in FILES if file.path.suffix == ".py"]
MOST_INNER_IMPORTS = 20
MOST_ARROWS = {"call_batches": 25, "telephony": 27}
_MEASURED = re.compile(r"\d ms\b")


def test_no_statement_of_four_lines_or_more_is_a_python_string():
    found = Counter(file.name for file in PYTHON for string in file.sql_strings if string.lines >= LONG_SQL)
    assert found == Counter()


def test_sql_is_only_in_stores_planning_and_the_database_package():
    found = {file.name: len(file.sql_lines) for file in PYTHON if not may_hold_sql(file.name)}
    assert Counter(found) == Counter()


def test_few_imports_are_inside_functions():
    assert sum(len(file.inner_imports) for file in PYTHON) <= MOST_INNER_IMPORTS


def test_an_import_inside_a_function_names_the_milliseconds_it_saves():
    found = Counter(file.name for file in PYTHON for line in file.inner_imports if not _says_why(file, line))
    assert found == Counter()


def test_no_file_is_longer_than_350_lines():
    assert Counter(file.name for file in FILES if len(file.lines) > LONGEST_FILE) == Counter()


def test_no_function_is_longer_than_50_lines():
    kept = (file for file in FILES if not file.is_frozen)
    found = Counter(file.name for file in kept for function in file.functions if function.lines > LONGEST_FUNCTION)
    assert found == Counter()


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return import_graph()


def test_there_is_no_import_cycle(graph):
    assert import_cycles(graph) == []


@pytest.mark.parametrize(("room", "most"), MOST_ARROWS.items())
def test_few_imports_are_between_the_folders_of_a_room(graph, room, most):
    assert arrows(graph, room)[1] <= most


def test_every_sql_file_says_what_it_promises():
    assert [file.name for file in FILES if file.path.suffix == ".sql" and not file.text.startswith("-- ")] == []


def test_the_measures_recognise_what_they_count(tmp_path):
    package = tmp_path / "calling_pipeline"
    package.mkdir()
    (package / "__init__.py").write_text('"""."""\n')
    repeated = "\n".join(f"    value_{number} = {number}" for number in range(6))
    (package / "a.py").write_text(
        '"""."""\nimport sqlalchemy as sa\nQUERY = """\n    SELECT 1\n    FROM t\n    WHERE x\n    ORDER BY y\n"""\n'
        f"def f():\n    import calling_pipeline.b\n{repeated}\n    return sa.text('now()')\n"
    )
    (package / "b.py").write_text(f'"""."""\nimport calling_pipeline.a\ndef g():\n{repeated}\n')
    (package / "c.sql").write_text("-- Adds.\nCREATE FUNCTION add() RETURNS int AS $$\nSELECT 1;\n$$ LANGUAGE sql;\n")
    by_name = {file.name.rsplit("/", 1)[-1]: file for file in sources(tmp_path)}
    assert [string.lines for string in by_name["a.py"].sql_strings] == [4]
    assert by_name["a.py"].sql_lines == [3, 17]
    assert len(by_name["a.py"].inner_imports) == 1
    assert [(function.name, function.lines) for function in by_name["c.sql"].functions] == [("add", 3)]
    assert [repeat.lines for repeat in repeats(by_name[name] for name in ("a.py", "b.py"))] == [6]


def test_a_cycle_is_found_and_named():
    assert import_cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) != []
    assert import_cycles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize(("name", "allowed"), [
    ("calling_pipeline/telephony/pool/store.py", True),
    ("calling_pipeline/call_batches/planning/planner.py", True),
    ("calling_pipeline/database/locks.py", True),
    ("calling_pipeline/telephony/pool/monitoring.py", False),
])  # fmt: skip
def test_stores_planning_and_database_may_hold_sql(name, allowed):
    assert may_hold_sql(name) is allowed


def test_docs_keep_the_same_measures():
    table = (ROOT / "docs/measures.md").read_text(encoding="utf-8")
    assert [name for name in measure() if f"| {name} |" not in table] == []


def _says_why(file: Source, line: int) -> bool:
    """The reason stands on the line of the import or in the comment above it."""
    reason = [file.lines[line - 1]]
    for above in reversed(file.lines[: line - 1]):
        if not above.lstrip().startswith(("#", "from ", "import ")):
            break
        reason.append(above)
    return any(_MEASURED.search(text) for text in reason)
