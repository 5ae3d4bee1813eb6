"""The product speaks of itself alone, in small files with names that say what is in them."""

import re

from tests.architecture.project_files import project_files, sources, texts

# Written with one-letter classes so that this file does not match itself.
UNWELCOME = {
    "a path of somebody's machine": r"(?<![\w.])/(wor[k]|roo[t]|hom[e]/\w+)/|\.\./share[d]",
    "unfinished work": r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b",
    "a note on authorship": r"(?i)co-authored-b[y]|\b(written|made|generated) (by|with) (?!Django)[a-z]* ?(a[i]|assistan[t]|mode[l])\b",
    "a ticket number": r"(?i)\bissu[e]s? *#? ?\d+",
    "the address of a package index": r"(?i)pypi\.or[g]|pythonhoste[d]|registry\.npmj[s]|extra-index-ur[l]",
}
VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "helper.py", "services.py", "misc.py", "common.py"}
MOST_LINES = 350  # "about 300": a file that grows past this does more than one thing


def test_files_speak_of_the_product_alone():
    found = [
        f"{path}:{number}: {what}: {line.strip()[:80]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in UNWELCOME.items()
        if re.search(pattern, line)
    ]
    assert found == []


def test_no_file_has_a_vague_name():
    assert [path for path in project_files() if path.name in VAGUE_NAMES] == []


def test_source_files_stay_small():
    sizes = {str(path): text.count("\n") for path, text in sources()}
    assert sizes, "no source file found: the test looks in the wrong place"
    assert {path: lines for path, lines in sizes.items() if lines > MOST_LINES} == {}
