"""The page of --html: whole in one file, true to the results, and without an error in a browser."""

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from validation import __main__ as program
from validation import suite
from validation.compare import Result
from validation.report import figures, page, plots, record
from validation.selection import Selection

VOID = {"meta", "circle", "rect", "path", "polyline"}


class Page(HTMLParser):
    """The tags that are open, the anchors, the links and the words of code."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.commands, self.sources = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []
        self.sources += [named[name] for name in ("src", "srcset", "xlink:href") if name in named]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "code":
            self.commands.append(data)


@pytest.fixture(scope="module")
def results():
    chosen = Selection(quick=True, cells=("MGUCell", "dynamic_rnn"), devices=("numpy",))
    return suite.run(replace(chosen, checks=("cells", "references", "truncation", "unrolling")))


def written(results, path):
    one = record.of(results, [], ["--quick", "--cell", "MGUCell"], 1.0, True)
    record.write(path, one)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def html(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    mutants = {"mutants": [MUTANT], "equivalent": [], "caught": 1, "missed": 0}
    mutants |= record.circumstances(["--mutate"], 2.0)
    page.write(folder / "page.html", [written(results, folder / "results.json"), mutants])
    return folder / "page.html"


MUTANT = {
    "mutant": {"name": "mgu", "area": "gates", "file": "cells/mgu.py", "old": "a < b", "new": "a > b", "arguments": ""},
    "caught": True,
    "by": {"check": "cells", "cell": "MGUCell", "quantity": "d_bias", "gate": "f", "against": "autograd", "shape": {}},
    "failed": 3,
    "seconds": 4.0,
}


def test_the_page_is_whole_and_needs_nothing_else(html):
    text = html.read_text()
    found = Page(text)
    assert not found.open and not found.sources and not re.search(r"https?://|@import|url\(", text)
    assert text.count("<script>") == 1 and len(text) < 300_000


def test_each_link_leads_somewhere(html):
    found = Page(html.read_text())
    assert len(found.links) > 20 and {link[1:] for link in found.links} <= set(found.ids)
    assert max(Counter(found.ids).values()) == 1


def test_the_page_says_what_was_found(html, results):
    text = html.read_text()
    assert f"✓ All {len(results):,} comparisons passed. 1 of 1 planted errors were found." in text
    assert "a &lt; b" in text and "cells: MGUCell, d_bias of f against autograd" in text


def test_each_command_repeats_what_stands_beside_it(html, capsys):
    found = [
        words.split()[3:] for words in Page(html.read_text()).commands if "--check" in words and "FILE" not in words
    ]
    of_checks = {words[words.index("--check") + 1]: words for words in found}
    assert of_checks.keys() == {"cells", "references", "truncation", "unrolling"} and len(found) > 10
    for words in found:
        program.parser_of_arguments().parse_args(words)
    for words in of_checks.values():
        assert program.main(words) == 0
        assert re.search(r"\n[1-9]\d* passed, 0 failed", capsys.readouterr().out)


def failing():
    return Result("MGUCell", {}, "float64", "numpy", {"T": 1}, "autograd", "d_bias", "f", 2.0, 1.0, 7, "cells")


def test_failures_come_first_and_are_counted(results, tmp_path):
    wrong = [replace(failing(), quantity=f"q{i}", error=2.0 + i) for i in range(60)]
    text = page.page([written([*results, *wrong, replace(failing(), error=np.inf)], tmp_path / "results.json")])
    assert f"✗ 61 of {len(results) + 61:,} comparisons FAILED." in text and "... and 11 more" in text
    assert text.index("What failed") < text.index("Cells and options") and 'class="bad"' in text


def test_axes_hold_their_values_and_have_few_ticks():
    for values in ([3e-17, 2e-3], [1e-16], [0.5, 1e5]):
        axis = plots.around("error", values, 10)
        assert axis.low <= min(values) and max(values) <= axis.high and 1 <= len(axis.ticks) <= 7
        assert all(0 <= axis.place(value) <= 1 for value in values)


def test_what_json_wrote_makes_the_same_page(results, tmp_path, capsys):
    written(results, tmp_path / "results.json")
    target = tmp_path / "page.html"
    assert program.main(["--from", str(tmp_path / "results.json"), "--html", str(target)]) == 0
    assert target.read_text() == page.page([json.loads((tmp_path / "results.json").read_text())])
    with pytest.raises(SystemExit):
        program.main(["--from", str(tmp_path / "results.json")])
    assert "--html" in capsys.readouterr().err


@pytest.mark.parametrize("width", [1400, 390])
def test_a_browser_shows_it_without_an_error(html, tmp_path, width):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium")
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={tmp_path}", f"--window-size={width},2000", "--dump-dom", f"file://{html}#MGUCell"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert "CONSOLE" not in shown.stderr, shown.stderr
    assert "comparisons passed" in shown.stdout and '<details id="MGUCell" open=""' in shown.stdout


def of_length(program, dtype, quantity, steps, check="long"):
    shape = {"T": steps}
    return replace(
        failing(), program=program, dtype=dtype, quantity=quantity, gate=None, shape=shape, check=check, error=1e-7
    )


def test_errors_over_the_length_stand_beside_those_of_other_libraries_on_the_same_quantities():
    found = [of_length("PyTorch", "float32", "outputs", 1), of_length("numbarnn", "float32", "outputs", 1)]
    inner = [of_length("numbarnn", "float32", "gates", 1), of_length("numbarnn", "float32", "outputs", 20, "hard")]
    drawn = figures.against_steps([(found + inner, False)])
    assert drawn.count("<figure>") == 1 and "MGUCell, float32, values" in drawn
    assert drawn.index("numbarnn") < drawn.index("PyTorch") and drawn.count("<circle") == 2  # a point and its key


def test_each_line_of_a_plot_has_a_pen_of_its_own():
    assert len({plots._pen(i) for i in range(36)}) == 36
