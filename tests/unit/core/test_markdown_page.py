"""The manual as a page: what our files use of Markdown, and nothing that is not there."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.request import url2pathname

import pytest

from motiongpt_blender.core.markdown_page import anchor, page
from tests.support.imports import ROOT

MANUAL = ROOT / "docs" / "animators.md"


def body(markdown, folder=ROOT):
    return re.search(r"<body>\n(.*)\n</body>", page(markdown, folder), re.S)[1]


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("# A & B", '<h1 id="a--b">A &amp; B</h1>'),
        ("two\nlines", "<p>two lines</p>"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("## Head\ntext", '<h2 id="head">Head</h2>\n<p>text</p>'),
        ("*soft* **hard `*x*`** `a<b`", "<p><em>soft</em> <strong>hard <code>*x*</code></strong>"
         " <code>a&lt;b</code></p>"),
        ("- one\n  more\n- two", "<ul><li>one more</li><li>two</li></ul>"),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>"),
        ("| a | b |\n|---|---|\n| 1 | *2* |",
         "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><em>2</em></td></tr></table>"),
        ("```\na < b\n\n# c\n```", "<pre>a &lt; b\n\n# c</pre>"),
        ("[here](#2-write) [there](https://x.org/?a&b)",
         '<p><a href="#2-write">here</a> <a href="https://x.org/?a&amp;b">there</a></p>'),
        ("[gone](nothing.md)", "<p>gone</p>"),
        ("2 * 3 * 4 < 5 <script>", "<p>2 * 3 * 4 &lt; 5 &lt;script&gt;</p>"),
    ],
)  # fmt: skip
def test_markdown_becomes_html(markdown, shown):
    assert body(markdown) == shown


def test_what_lies_beside_the_file_is_linked_where_it_is(tmp_path):
    folder = tmp_path / "ein Ordner ü"
    folder.mkdir()
    (folder / "other.md").write_text("")
    made = body("[other](other.md) ![a <b>](images/x.png)", folder)
    assert f'<a href="{(folder / "other.md").as_uri()}">other</a>' in made
    assert f'<img src="{(folder / "images" / "x.png").as_uri()}" alt="a &lt;b&gt;">' in made


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.pictures, self.text = [], set(), [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in ("img", "meta"):
            self.open.append(tag)
        self.ids.add(found.get("id"))
        self.links += [found["href"]] if "href" in found else []
        self.pictures += [found["src"]] if "src" in found else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "code", "pre"):
            self.text.append(data)


def test_the_manual_is_whole_and_every_link_of_it_leads_somewhere():
    reader = Reader()
    made = page(MANUAL.read_text("utf-8"), MANUAL.parent)
    assert "<title>For animators</title>" in made
    reader.feed(made)
    assert not reader.open
    inside = [link[1:] for link in reader.links if link.startswith("#")]
    assert len(inside) > 15 and set(inside) <= reader.ids
    assert len(reader.pictures) > 10
    for address in reader.pictures:
        assert Path(url2pathname(address.removeprefix("file://"))).is_file(), address
    text = "".join(reader.text)
    assert not re.search(r"\*\*|\]\(|^#|\|---", text, re.M), "Markdown that was not understood"


def test_headings_are_named_as_links_name_them():
    assert anchor("2. Write the prompt") == "2-write-the-prompt"
    assert anchor("Ghosts, trails, marks on the timeline") == "ghosts-trails-marks-on-the-timeline"
