"""A picture of a rig in motion, drawn with Pillow from its evaluated bones.

The rig's bones are solid, left warm and right cool; the motion that it was given lies over
them as a thin dark line. Needs no renderer.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

from motiongpt_blender.core.body.rotations import Array, about_y, normalise, rotate
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_description import RigDescription
from motiongpt_blender.demo.pictures import FAINT, PAPER, TEXT, font
from tests.support.rigs.measures import Played

#: Pictures in a row, width and height of one, pixels; drawn this much larger.
COUNT: Final = 6
CELL: Final = (190, 300)
FINE: Final = 3
#: Metres from top to bottom of a picture, and how much of it is under the floor.
TALL: Final = 1.95
UNDER: Final = 0.20
#: Radians by which the camera stands to the figure's left.
VIEW: Final = 0.62
WARM: Final = (214, 118, 66)
COOL: Final = (70, 130, 180)
MIDDLE: Final = (120, 128, 140)


def portrait(rig: RigDescription, played: Played, drawn: list[str], joints: Array) -> Image.Image:
    """Six moments of a motion on a rig.

    Args:
        rig: the rig.
        played: what it showed.
        drawn: names of the bones in ``played.bones``.
        joints: (T, 22, 3) the motion that it was given.
    """
    sheet = Image.new("RGB", (COUNT * CELL[0], CELL[1] + 34), PAPER)
    body = {c.body: c.part for c in rig.controls}
    order = [body[name] for name in drawn]
    beside = played.heads[Part.PELVIS][0] / rig.scale - joints[0, 0]
    away = rig.scale * beside * np.array([1.0, 0.0, 1.0])  # a rig need not rest at its origin
    solids = _with_feet(rig, played, _solids(played.bones - away, order), order)
    for k, frame in enumerate(np.linspace(4, len(joints) - 5, COUNT).round().astype(int)):
        cell = _cell(rig, solids[frame], order, joints[frame])
        sheet.paste(cell, (k * CELL[0], 30))
    draw = ImageDraw.Draw(sheet)
    draw.text((14, 18), rig.label, TEXT, font(17), anchor="lm")
    note = f"{len(drawn)} bones drawn; thin line: the motion"
    draw.text((sheet.width - 14, 18), note, FAINT, font(13), anchor="rm")
    return sheet.quantize(96, dither=Image.Dither.NONE)


def _solids(bones: Array, parts: list[Part]) -> Array:
    """Bones (T, B, 2, 3) that end where the next part begins, wherever their own tails are."""
    out = bones.copy()
    for b, part in enumerate(parts):
        after = [k for k, p in enumerate(parts) if p is part and k > b]
        names = {
            "pelvis": ("spine", "chest"), "spine": ("chest",), "chest": ("neck", "head"),
            "neck": ("head",), "collar": ("upper_arm",), "upper_arm": ("forearm",),
            "forearm": ("hand",), "thigh": ("shin",), "shin": ("foot",), "foot": ("toe",),
        }.get(part.base, ())  # fmt: skip
        wanted = [Part(f"{n}_{part.side}" if part.side else n) for n in names]
        after += [parts.index(p) for p in wanted if p in parts]
        if after:
            out[:, b, 1] = out[:, after[0], 0]
        elif part.base in ("hand", "toe") and (carrier := _before(parts, part)) is not None:
            along = normalise(out[:, b, 0] - out[:, carrier, 0])
            out[:, b, 1] = (
                out[:, b, 0]
                + 0.4
                * np.linalg.norm(bones[:, b, 1] - bones[:, b, 0], axis=-1, keepdims=True)
                * along
            )
    return out


def _with_feet(rig: RigDescription, played: Played, bones: Array, parts: list[Part]) -> Array:
    """The same, feet without toes as long as they are taken to be: importers make up tails."""
    out = bones.copy()
    for side in "LR":
        foot = Part(f"foot_{side.lower()}")
        if foot in parts and Part(f"toe_{side.lower()}") not in parts:
            step = rig.points[Joint[f"{side}_FOOT"]] - rig.points[Joint[f"{side}_ANKLE"]]
            turn = played.turns[foot]
            along = rotate(turn, np.broadcast_to(step, (len(turn), 3)))
            out[:, parts.index(foot), 1] = out[:, parts.index(foot), 0] + along
    return out


def _before(parts: list[Part], part: Part) -> int | None:
    carrier = Part(f"{'forearm' if part.base == 'hand' else 'foot'}_{part.side}")
    return parts.index(carrier) if carrier in parts else None


def _cell(rig: RigDescription, bones: Array, parts: list[Part], joints: Array) -> Image.Image:
    picture = Image.new("RGB", (CELL[0] * FINE, CELL[1] * FINE), PAPER)
    draw = ImageDraw.Draw(picture, "RGBA")
    centre = joints[0] * [1.0, 0.0, 1.0]
    floor = CELL[1] * (1 - UNDER / TALL) * FINE
    draw.rectangle((0, floor, picture.width, picture.height), (236, 239, 243, 255))
    _shadow(draw, joints, centre)
    ends, depth = _seen(bones / rig.scale, centre)
    for b in np.argsort(depth.mean(-1)):
        colour = {"l": WARM, "r": COOL}.get(parts[b].side, MIDDLE)
        _bone(draw, ends[b, 0], ends[b, 1], _shade(colour, float(depth[b].mean())))
    line, _ = _seen(joints, centre)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            points = [tuple(line[parent]), tuple(line[joint])]
            draw.line(points, (24, 30, 40, 210), round(0.9 * FINE))
    return picture.resize(CELL, Image.Resampling.LANCZOS)


def _seen(points: Array, centre: Array) -> tuple[Array, Array]:
    """Pixels (..., 2) of points (..., 3) in metres, and how near (...,) they are."""
    turned = rotate(about_y(np.array(-VIEW)), points - centre)
    scale = CELL[1] * FINE / TALL
    x = CELL[0] * FINE / 2 + scale * turned[..., 0]
    y = CELL[1] * FINE - scale * (turned[..., 1] + UNDER - 0.10 * turned[..., 2])
    return np.stack([x, y], axis=-1), turned[..., 2]


def _shadow(draw: Any, joints: Array, centre: Array) -> None:
    for joint in (0, 7, 8, 10, 11):
        spot, _ = _seen(joints[joint] * np.array([1.0, 0.0, 1.0]), centre)
        wide = (15.0 if joint else 26.0) * FINE
        box = (spot[0] - wide, spot[1] - 0.28 * wide, spot[0] + wide, spot[1] + 0.28 * wide)
        draw.ellipse(box, (30, 40, 60, 26))


def _bone(draw: Any, head: Array, tail: Array, colour: tuple[int, ...]) -> None:
    """A bone as Blender draws it: widest near its head, pointed at its tail."""
    along = tail - head
    length = float(np.linalg.norm(along))
    if length < 2:
        return
    side = np.array([-along[1], along[0]]) / length
    wide = min(max(0.13 * length, 2.0 * FINE), 7.0 * FINE)
    neck = head + 0.16 * along
    for sign, light in ((1, 1.0), (-1, 0.82)):
        points = [tuple(head), tuple(neck + sign * wide * side), tuple(tail)]
        draw.polygon(points, tuple(round(c * light) for c in colour))
    r = 2.2 * FINE
    draw.ellipse((head[0] - r, head[1] - r, head[0] + r, head[1] + r), colour)


def _shade(colour: tuple[int, ...], near: float) -> tuple[int, ...]:
    """Paler the farther away."""
    far = float(np.clip(0.25 - 0.6 * near, 0.0, 0.55))
    return tuple(round(c + far * (p - c)) for c, p in zip(colour, PAPER, strict=True))
