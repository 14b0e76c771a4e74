"""Contact sheet, strips and moving picture, put together from rendered frames with Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from ..core.pose_constraints.marked_pose import PoseRole
from .roles import COLOURS, NAMES

PAPER: Final = (247, 248, 250)
TEXT: Final = (28, 36, 48)
FAINT: Final = (112, 122, 136)
RAIL: Final = (214, 219, 226)
#: Pictures are drawn this much larger and then reduced, for smooth round corners.
_FINE: Final = 4


@dataclass(frozen=True)
class Shot:
    """One rendered frame.

    Attributes:
        path: the picture.
        seconds: its time in the motion.
        role: what the frame is marked as, if it is.
        note: a line about a marked frame.
    """

    path: Path
    seconds: float
    role: PoseRole | None = None
    note: str = ""


def font(size: int) -> Any:
    """Pillow's own typeface; its old bitmap one where Pillow was built without FreeType."""
    return ImageFont.load_default(size)


def contact_sheet(
    shots: Sequence[Shot], title: str, subtitle: str, columns: int, cell: int
) -> Image.Image:
    """Frames in time order under a title, the marked ones framed and labelled.

    Args:
        shots: in time order.
        title: the prompt.
        subtitle: a smaller line under it.
        columns: pictures in a row.
        cell: width of a picture in pixels.
    """
    pictures = [_fit(Image.open(s.path).convert("RGB"), cell) for s in shots]
    high, gap, margin, foot = pictures[0].height, cell // 14, cell // 7, 74
    rows = -(-len(shots) // columns)
    width = 2 * margin + columns * cell + (columns - 1) * gap
    header = 128
    sheet = Image.new("RGB", (width, header + rows * (high + foot) + margin // 2), PAPER)
    draw = ImageDraw.Draw(sheet)
    size = _size_that_fits(draw, title, 40, width - 2 * margin)
    draw.text((margin, 34), title, TEXT, font(size))
    draw.text((margin, 86), subtitle, FAINT, font(20))
    for k, (shot, picture) in enumerate(zip(shots, pictures, strict=True)):
        x = margin + (k % columns) * (cell + gap)
        y = header + (k // columns) * (high + foot)
        _place(sheet, picture, x, y, COLOURS[shot.role] if shot.role else None)
        _caption(draw, shot, x, y + high + 10, cell)
    return sheet


def _caption(draw: Any, shot: Shot, x: int, y: int, cell: int) -> None:
    draw.text((x + 2, y), f"{shot.seconds:.2f} s", TEXT if shot.role else FAINT, font(21))
    if shot.role:
        label = NAMES[shot.role].upper()
        wide = round(draw.textlength(label, font(16)))
        left = x + cell - wide - 18
        draw.rounded_rectangle((left, y - 1, x + cell, y + 25), 13, COLOURS[shot.role])
        draw.text((left + 9, y + 12), label, "white", font(16), anchor="lm")
    if shot.note:
        draw.text(
            (x + 2, y + 31), shot.note, FAINT, font(_size_that_fits(draw, shot.note, 16, cell))
        )


def strip(paths: Sequence[Path], title: str, note: str, cell: int) -> Image.Image:
    """Frames of one motion beside each other, without gaps, under a small title."""
    pictures = [_fit(Image.open(p).convert("RGB"), cell) for p in paths]
    high, margin, header = pictures[0].height, 24, 62
    width = 2 * margin + cell * len(pictures)
    sheet = Image.new("RGB", (width, header + high + margin // 2), PAPER)
    draw = ImageDraw.Draw(sheet)
    room = width - 2 * margin - draw.textlength(note, font(19)) - 30
    size = _size_that_fits(draw, title, 28, room)
    draw.text((margin, 32), title, TEXT, font(size), anchor="lm")
    draw.text((width - margin, 33), note, FAINT, font(19), anchor="rm")
    joined = Image.new("RGB", (cell * len(pictures), high))
    for k, picture in enumerate(pictures):
        joined.paste(picture, (k * cell, 0))
    _place(sheet, joined, margin, header, None)
    return sheet


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a PNG with a palette of its own: a third of the size, hardly a difference."""
    palette = picture.quantize(256, method=Image.Quantize.MEDIANCUT)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def stack(sheets: Sequence[Image.Image], width: int) -> Image.Image:
    """Sheets under one another at one width."""
    fitted = [_fit(sheet, width) for sheet in sheets]
    whole = Image.new("RGB", (width, sum(s.height for s in fitted) + 12), PAPER)
    y = 0
    for sheet in fitted:
        whole.paste(sheet, (0, y))
        y += sheet.height
    return whole


def moving_picture(
    path: Path, shots: Sequence[Shot], prompt: str, marks: Mapping[float, PoseRole], hold: float
) -> None:
    """A looping GIF with the prompt, a time line and a label at each marked pose.

    Args:
        path: where to write it.
        shots: in time order.
        prompt: shown above the time line.
        marks: seconds -> role of the marked poses.
        hold: seconds that marked poses stand still, so that they can be seen.
    """
    frames = [_with_time_line(s, prompt, shots[-1].seconds, marks) for s in shots]
    times = [s.seconds for s in shots]
    gaps = [b - a for a, b in pairwise(times)]
    gaps.append(gaps[-1] if gaps else 0.1)
    lasts = [1000 * (g + hold * (s.role is not None)) for g, s in zip(gaps, shots, strict=True)]
    palette = _common_palette(frames)
    reduced = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    # GIF counts in hundredths of a second; the error is carried on, so that time stays true.
    durations, owed = [], 0.0
    for last in lasts:
        owed += last
        durations.append(max(20, round(owed / 10) * 10))
        owed -= durations[-1]
    reduced[0].save(
        path, save_all=True, append_images=reduced[1:], duration=durations, loop=0, optimize=True
    )


def _common_palette(frames: Sequence[Image.Image]) -> Image.Image:
    """One palette for all frames, so that nothing flickers."""
    some = frames[:: max(1, len(frames) // 6)]
    width, high = some[0].size
    # The marks are small and would lose their colours to the large grey floor.
    rare = [*COLOURS.values(), (255, 255, 255)]
    mosaic = Image.new("RGB", (width, high * len(some) + 30 * len(rare)), "white")
    for k, frame in enumerate(some):
        mosaic.paste(frame, (0, k * high))
    for k, colour in enumerate(rare):
        mosaic.paste(colour, (0, high * len(some) + 30 * k, width, high * len(some) + 30 * k + 30))
    return mosaic.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _with_time_line(
    shot: Shot, prompt: str, last: float, marks: Mapping[float, PoseRole]
) -> Image.Image:
    picture = Image.open(shot.path).convert("RGB")
    width, high = picture.size
    draw = ImageDraw.Draw(picture)
    left, right, y = 26, width - 26, high - 24
    for k, line in enumerate(reversed(_lines(draw, prompt, right - left))):
        draw.text(((left + right) / 2, high - 46 - 19 * k), line, "white", font(15), anchor="mm")

    def at(seconds: float) -> float:
        return left + (right - left) * seconds / max(last, 1e-6)

    draw.line((left, y, right, y), (150, 166, 184), 3)
    draw.line((left, y, at(shot.seconds), y), "white", 3)
    for seconds, role in marks.items():
        _dot(picture, at(seconds), y, 7, COLOURS[role], ring="white")
    _dot(picture, at(shot.seconds), y, 5, (255, 255, 255), ring=TEXT)
    if shot.role:
        label = f"{NAMES[shot.role].upper()}  {shot.seconds:.1f} s"
        wide = round(draw.textlength(label, font(15)))
        draw.rounded_rectangle((right - wide - 18, 20, right + 6, 48), 14, COLOURS[shot.role])
        draw.text((right - 6, 34), label, "white", font(15), anchor="rm")
    return picture


def _lines(draw: Any, text: str, width: float, most: int = 3) -> list[str]:
    """The text in lines of that width at most; what does not fit ends in dots."""
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font(15)) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} ..."]


def _dot(picture: Image.Image, x: float, y: float, r: int, colour: Any, ring: Any) -> None:
    """A round dot with a rim, smooth at its edge."""
    size = 2 * r + 6
    big = Image.new("RGBA", (size * _FINE, size * _FINE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(big)
    middle = size * _FINE / 2
    for radius, fill in ((r + 2, ring), (r, colour)):
        reach = radius * _FINE
        draw.ellipse((middle - reach, middle - reach, middle + reach, middle + reach), fill)
    small = big.resize((size, size), Image.Resampling.LANCZOS)
    picture.paste(small, (round(x - size / 2), round(y - size / 2)), small)


def _place(sheet: Image.Image, picture: Image.Image, x: int, y: int, border: Any) -> None:
    """Paste with round corners, and with a coloured frame around it if there is one."""
    if border:
        reach = 5
        frame = Image.new("RGB", (picture.width + 2 * reach, picture.height + 2 * reach), border)
        sheet.paste(frame, (x - reach, y - reach), _round_mask(frame.size, 17))
    sheet.paste(picture, (x, y), _round_mask(picture.size, 12))


def _round_mask(size: tuple[int, int], radius: int) -> Image.Image:
    big = Image.new("L", (size[0] * _FINE, size[1] * _FINE), 0)
    corners = (0, 0, big.width - 1, big.height - 1)
    ImageDraw.Draw(big).rounded_rectangle(corners, radius * _FINE, 255)
    return big.resize(size, Image.Resampling.LANCZOS)


def _fit(picture: Image.Image, width: int) -> Image.Image:
    height = round(picture.height * width / picture.width)
    if picture.size == (width, height):
        return picture
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _size_that_fits(draw: Any, text: str, size: int, width: float) -> int:
    while size > 9 and draw.textlength(text, font(size)) > width:
        size -= 1
    return size
