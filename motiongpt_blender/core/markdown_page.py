"""The manual as a page for a browser: what our Markdown files use of Markdown, as HTML.

Standard library only. Headings, paragraphs, lists, tables, code, pictures, links, bold and italic
text; whatever else is text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_STYLE: Final = """
body { max-width: 46em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif;
  color: #222; background: #fff; }
img { max-width: 100%; }
table { border-collapse: collapse; }
td, th { border: 1px solid #bbb; padding: .3em .6em; text-align: left; vertical-align: top; }
code { font-family: monospace; background: #eee; }
pre { background: #eee; padding: .6em; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #222; } code, pre { background: #333; } a { color: #8bf; }
}
"""
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>
<body>
{body}
</body></html>
"""
_HEADING: Final = re.compile(r"(#{1,6}) (.*)")
_ITEM: Final = re.compile(r"(?:[-*]|\d+\.) (.*)")
_RULE: Final = re.compile(r"\|[\s|:-]+\|")
_SPAN: Final = re.compile(
    r"`(?P<code>[^`]+)`|!\[(?P<alt>[^\]]*)\]\((?P<picture>[^)\s]+)\)"
    r"|\[(?P<label>[^\]]+)\]\((?P<link>[^)\s]+)\)"
    r"|\*\*(?P<bold>\S.*?)\*\*|\*(?P<italic>[^*\s](?:[^*]*[^*\s])?)\*"
)


def page(markdown: str, folder: Path) -> str:
    """A whole page.

    Args:
        markdown: the text; its first heading is the page's title.
        folder: of the Markdown file: pictures are shown from there, a link to a file that is not
            there stays plain text.
    """
    headings = filter(None, map(_HEADING.match, markdown.splitlines()))
    title = next((found[2] for found in headings), "")
    body = "\n".join(_block(lines, folder) for lines in _blocks(markdown))
    return _PAGE.format(title=html.escape(title), style=_STYLE, body=body)


def anchor(heading: str) -> str:
    """How a link names a heading."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s", "-", kept.strip())


def _blocks(markdown: str) -> Iterator[list[str]]:
    """Lines that belong together, a list for each block."""
    block: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            block.append(line)
            continue
        alone = not fenced and _HEADING.match(line) is not None
        if block and not fenced and (alone or not line.strip()):
            yield block
            block = []
        if alone:
            yield [line]
        elif fenced or line.strip():
            block.append(line)
    if block:
        yield block


def _block(lines: list[str], folder: Path) -> str:
    first = lines[0]
    if first.startswith("```"):
        code = "\n".join(line for line in lines if not line.startswith("```"))
        return f"<pre>{html.escape(code)}</pre>"
    if found := _HEADING.match(first):
        level, text = len(found[1]), found[2]
        return f'<h{level} id="{anchor(text)}">{_inline(text, folder)}</h{level}>'
    if first.startswith("|"):
        return _table(lines, folder)
    if _ITEM.match(first):
        return _list(lines, folder)
    return f"<p>{_inline(' '.join(lines), folder)}</p>"


def _table(lines: list[str], folder: Path) -> str:
    told = [line.strip() for line in lines if not _RULE.fullmatch(line.strip())]
    rows = [line.strip("|").split("|") for line in told]
    made = [
        "".join(f"<{tag}>{_inline(cell.strip(), folder)}</{tag}>" for cell in row)
        for tag, row in zip(["th", *["td"] * len(rows)], rows, strict=False)
    ]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in made)}</table>"


def _list(lines: list[str], folder: Path) -> str:
    items: list[str] = []
    for line in lines:
        if found := _ITEM.match(line):
            items.append(found[1])
        else:
            items[-1] += f" {line.strip()}"
    tag = "ol" if lines[0][0].isdigit() else "ul"
    return f"<{tag}>{''.join(f'<li>{_inline(item, folder)}</li>' for item in items)}</{tag}>"


def _inline(text: str, folder: Path) -> str:
    """The text of a block, with what stands out in it."""
    parts: list[str] = []
    done = 0
    for found in _SPAN.finditer(text):
        parts += [html.escape(text[done : found.start()]), _span(found, folder)]
        done = found.end()
    return "".join([*parts, html.escape(text[done:])])


def _span(found: re.Match[str], folder: Path) -> str:
    if code := found["code"]:
        return f"<code>{html.escape(code)}</code>"
    if picture := found["picture"]:
        address = (folder / picture).absolute().as_uri()
        return f'<img src="{address}" alt="{html.escape(found["alt"])}">'
    if bold := found["bold"]:
        return f"<strong>{_inline(bold, folder)}</strong>"
    if italic := found["italic"]:
        return f"<em>{_inline(italic, folder)}</em>"
    label = _inline(found["label"], folder)
    address = _address(found["link"], folder)
    return f'<a href="{html.escape(address)}">{label}</a>' if address else label


def _address(link: str, folder: Path) -> str:
    """Where a link leads; "" where that is not on this computer."""
    if link.startswith(("#", "https://")):
        return link
    path = folder / link.partition("#")[0]
    return path.absolute().as_uri() if path.is_file() else ""
