"""Laws of who may import whom, read from the syntax trees of all our files."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GROUND = {"songkey", "settings", "storage"}
MAY_IMPORT = {  # of ours, beside itself
    "songkey": set(),
    "settings": {"songkey"},
    "storage": {"songkey"},
    "pipeline": GROUND,
    "model": GROUND,
    "synthesis": GROUND,
    "songs": GROUND | {"synthesis"},
    "shards": GROUND | {"songs", "pipeline"},
    "evaluation": GROUND | {"pipeline", "model"},
    "training": GROUND | {"pipeline", "model", "evaluation"},
    "study": GROUND | {"evaluation", "model", "shards", "songs", "training"},
}
PACKAGES = (*MAY_IMPORT, "benchmarks")
PREPARATION = {"shards", "songs", "synthesis"}
WITHOUT_PREPARATION = ("train", "eval", "predict", "study.__main__")


def module_of(path: Path) -> str:
    """'pipeline/cqt.py' -> 'pipeline.cqt', 'shards/__init__.py' -> 'shards'."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_of(path): path
    for path in [*ROOT.glob("*.py"), *(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))]
}
TREES = {module: ast.parse(path.read_text("utf-8")) for module, path in FILES.items()}


def imported_by(module: str) -> set[str]:
    """The modules of ours that `module` imports anywhere in its text."""
    names = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {member if member in FILES else node.module for member in members}
    return names & FILES.keys()


def reached_from(module: str) -> set[str]:
    """All modules of ours that importing `module` loads."""
    reached, waiting = set(), [module]
    while waiting:
        new = imported_by(waiting.pop()) - reached
        reached |= new
        waiting += new
    return reached


def test_the_walk_sees_every_file_and_the_imports_known_to_be_there():
    assert {"train", "shards.pack", "pipeline.cqt", "model.keynet"} <= FILES.keys()
    assert {"evaluation.answers", "model.checkpoint", "pipeline.stream"} <= imported_by(
        "training.loop"
    )
    assert {"songs.folder", "songs.synthetic"} <= imported_by("shards.wanted")


@pytest.mark.parametrize("importer", MAY_IMPORT)
def test_each_part_imports_only_what_it_may(importer):
    for module in FILES:
        if module.split(".")[0] == importer:
            parts = {name.split(".")[0] for name in imported_by(module)} - {importer}
            assert parts <= MAY_IMPORT[importer], module


@pytest.mark.parametrize("program", WITHOUT_PREPARATION)
def test_training_evaluation_and_prediction_never_load_preparation(program):
    assert not [name for name in reached_from(program) if name.split(".")[0] in PREPARATION]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_folder_imports_a_program_of_the_root(package):
    programs = {path.stem for path in ROOT.glob("*.py")}
    for module in FILES:
        if module.split(".")[0] == package:
            assert not imported_by(module) & programs, module


def test_only_the_three_programs_stand_at_the_top():
    assert {path.name for path in ROOT.glob("*.py")} == {"train.py", "eval.py", "predict.py"}


def test_no_file_name_occurs_twice():
    """Said of the house: benchmarks are named after what they measure."""
    names = Counter(
        path.name
        for module, path in FILES.items()
        if not module.startswith("benchmarks") and not path.name.startswith("__")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_no_folder_holds_more_than_a_quarter_of_the_lines():
    lines: Counter[str] = Counter()
    for module, path in FILES.items():
        lines[module.split(".")[0]] += len(path.read_text("utf-8").splitlines())
    (largest, count), *_ = lines.most_common()
    assert count <= lines.total() / 4, largest


def test_imports_are_absolute():
    for module, tree in TREES.items():
        relative = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
        assert not relative, module


def test_one_file_alone_loads_onnxruntime():
    """Which keeps it from reporting; what is imported for types alone is not loaded."""
    loading = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and "onnxruntime" in {one.name for one in node.names}
    }
    assert {one for one in loading if not one.startswith("benchmarks.")} == {"songkey.runtime"}


def test_there_are_no_cycles():
    list(TopologicalSorter({module: imported_by(module) for module in FILES}).static_order())


def test_nothing_runs_on_import():
    """At a file's top: definitions, constants, imports, and at the end what makes it a program."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    allowed = (ast.Import, ast.ImportFrom, *functions, ast.ClassDef, ast.Assign, ast.AnnAssign)
    for module, tree in TREES.items():
        if module.startswith("benchmarks."):
            continue  # they set their number of threads before numpy is loaded
        docstring, *statements = tree.body[: -1 if _is_program(module) else None]
        assert ast.get_docstring(tree) and isinstance(docstring, ast.Expr), module
        statements = [one for one in statements if not _is_for_types_alone(one)]
        assert all(isinstance(statement, allowed) for statement in statements), module


def _is_for_types_alone(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"


def _is_program(module: str) -> bool:
    last = TREES[module].body[-1]
    return isinstance(last, ast.If) and "__main__" in ast.unparse(last.test)
