"""The code of the README and of docs/ runs, their commands, files and links exist, and their tables are complete."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import numbarnn as nr
from numbarnn.recipes import RECIPES

ROOT = Path(__file__).parents[1]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))}
README, CELLS = TEXTS["README.md"], TEXTS["docs/cells.md"]


def blocks(language, text):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


SHELL = blocks("sh", README)
PYTHON = {f"{name}, block {i}": code for name in TEXTS for i, code in enumerate(blocks("python", TEXTS[name]))}


@pytest.mark.parametrize("name", sorted(PYTHON))
def test_python_block_runs(name, tmp_path, monkeypatch, capsys):
    for package in ("torch", "jax"):
        if f"import {package}\n" in PYTHON[name]:
            pytest.importorskip(package, reason=f"needs the package {package} (pip install {package})")
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON[name], name, "exec"), {})


def test_readme_is_short_and_starts_with_a_short_library_example():
    examples = blocks("python", README)
    assert len(README.split()) <= 1500
    assert len(examples) == 3 and len(examples[0].splitlines()) <= 17


def test_docs_keep_their_examples():
    assert {name.partition(",")[0] for name in PYTHON} >= {"docs/cells.md", "docs/models.md", "docs/bptt.md"}


def test_the_two_commands_stand_near_the_top_complete_in_one_line_each():
    train, test = SHELL[:2]
    for command, end in ((train, "-m numbarnn train\n"), (test, "-m pytest\n")):
        assert command.startswith("python3 -m venv ") and "pip install" in command
        assert command.endswith(end) and command.count("\n") == 1
        assert README[: README.index(command)].count("\n") < 25


def test_ci_runs_the_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    called = [line.split('"')[1] for line in script.splitlines() if line.startswith("readme ")]
    assert called == ["-m numbarnn train", "-m pytest"]
    pattern = re.search(r'grep -m1 -e "(.*?)" README', script)[1]
    for end, command in zip(called, SHELL, strict=False):
        found = re.search(pattern.replace("$1", end).replace("\\$", "$"), README, re.MULTILINE)
        assert found and found[0] + "\n" == command
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"]).returncode == 0


def test_table_names_every_cell_with_its_options():
    rows = {row.split("`")[1]: row for row in CELLS.splitlines() if row.startswith("| `")}
    of_all = {field.name for field in dataclasses.fields(nr.Cell)}  # units and initializer, which the text names
    as_before = ("BidirectionalGridLSTMCell",)  # the row refers to the one before
    for name, cell in (nr.cells.CELLS | nr.cells.COMPOSITE_CELLS).items():
        if cell.__module__.startswith("numbarnn."):  # others may come from other tests
            options = [field.name for field in dataclasses.fields(cell) if field.init and field.name not in of_all]
            assert name in rows and (name in as_before or all(f"`{option}`" in rows[name] for option in options)), name
    assert all(f"`{name}`" in CELLS for name in (*nr.wrappers.WRAPPERS, *of_all))


def test_table_names_every_recipe():
    rows = re.findall(r"^\| `([\w-]+)` \|", TEXTS["docs/recipes.md"], re.MULTILINE)
    assert rows[: len(RECIPES)] == list(RECIPES) and f"the {len(RECIPES)} recipes" in README


def test_commands_they_mention_exist():
    mentioned = {module for text in TEXTS.values() for module in re.findall(r"python -m ([\w.]+)", text)}
    for module in sorted(mentioned - {"venv", "pytest", "helpers.cubins"}):
        shown = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True)
        assert shown.returncode == 0 and "usage" in shown.stdout, module


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_links_and_files_exist(name):
    """Relative links with their headings, and files of the checkout that are named in code."""
    folder = (ROOT / name).parent
    for link in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        path, _, heading = link.partition("#")
        if path.startswith(("https:", "http:")):
            continue
        target = (folder / path).resolve() if path else ROOT / name
        assert target.exists(), link
        titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if heading else []
        assert not heading or heading in [re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles], link
    tops = "|".join(("numbarnn", "validation", "tests", "benchmarks", "docs", r"\.ci"))
    for path in re.findall(rf"`((?:{tops})/[\w./-]*)`", TEXTS[name]):
        assert (ROOT / path).exists() or "NAME" in path, path
