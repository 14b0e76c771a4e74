"""Draws the icons: ``python -m tests.support.draw_icons``. Needs Pillow; they are committed.

A walking figure of round strokes stands for the motion; the three marks of the pose
list share one diamond on a time line, at its left end, in its middle, at its right
end. Drawn eight times too large, then reduced.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from motiongpt_blender.core.overlays.colours import ROLE_COLOURS
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole

SIZE, SCALE = 64, 8
WHITE = (232, 232, 232, 255)
BLUE = (92, 178, 255, 255)
FAINT = (232, 232, 232, 110)

Point = tuple[float, float]
Colour = tuple[int, int, int, int]


def of_role(role: PoseRole) -> Colour:
    """A role's colour, as the ghosts have it."""
    red, green, blue = (round(255 * part) for part in ROLE_COLOURS[role])
    return red, green, blue, 255


GREEN, AMBER, RED = of_role(PoseRole.START), of_role(PoseRole.KEY), of_role(PoseRole.END)

#: Limbs of the walker (hip, knee, ankle, toe; shoulder, elbow, hand), in icon pixels.
HEAD: Point = (37, 11)
TRUNK = [(34.5, 22.5), (31, 37)]
FRONT_LEG = [(31, 37), (40, 45), (40, 57), (45.5, 57)]
BACK_LEG = [(31, 37), (27.5, 47), (17, 54)]
FRONT_ARM = [(34.5, 22.5), (41, 31), (49, 32)]
BACK_ARM = [(34.5, 22.5), (25, 28), (22, 36.5)]


class Canvas:
    """A transparent square whose unit is one pixel of the finished icon."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def dot(self, at: Point, radius: float, colour: Colour) -> None:
        """A filled circle."""
        (x, y), r = at, radius
        box = [v * SCALE for v in (x - r, y - r, x + r, y + r)]
        self._draw.ellipse(box, fill=colour)

    def stroke(self, points: list[Point], width: float, colour: Colour) -> None:
        """A line with round ends and corners."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * SCALE))
        for point in points:
            self.dot(point, width / 2, colour)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=colour)

    def cut(self, other: Canvas, grow: float) -> None:
        """Erase what lies under ``other``, ``grow`` pixels wider, so that shapes stay apart."""
        mask = other.image.getchannel("A").point(lambda a: 255 * (a > 0))
        wide = Image.new("L", mask.size, 0)
        step = round(grow * SCALE)
        for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7),
                       (0.7, -0.7), (-0.7, -0.7)):  # fmt: skip
            wide.paste(255, (round(dx * step), round(dy * step)), mask)
        self.image.paste((0, 0, 0, 0), (0, 0), wide)

    def finished(self) -> Image.Image:
        """The icon, SIZE pixels square."""
        # Reduced with premultiplied alpha, or the edges would darken.
        return (
            self.image.convert("RGBa")
            .resize((SIZE, SIZE), Image.Resampling.LANCZOS)
            .convert("RGBA")
        )


def walker(canvas: Canvas, near: Colour, far: Colour) -> None:
    """The walking figure: far limbs first, so that the near ones lie over them."""
    for limb in (BACK_ARM, BACK_LEG):
        canvas.stroke(limb, 5.5, far)
    for limb in (TRUNK, FRONT_LEG, FRONT_ARM):
        canvas.stroke(limb, 6.5, near)
    canvas.dot(HEAD, 6.5, near)


def motiongpt() -> Canvas:
    """The walker with two strokes of speed behind it."""
    canvas = Canvas()
    walker(canvas, WHITE, BLUE)
    for (x, y), length in (((8, 16), 13), ((4, 26), 12)):
        canvas.stroke([(x, y), (x + length, y)], 4.5, BLUE)
    return canvas


def pose(at: float, colour: Colour, bar: float | None) -> Canvas:
    """A pose diamond at ``at`` on a time line; ``bar``: where the line stops at a wall."""
    canvas, mark = Canvas(), Canvas()
    left, right = (4 if at >= SIZE / 2 else at), (60 if at <= SIZE / 2 else at)
    canvas.stroke([(left, 32), (right, 32)], 6, FAINT)
    if bar is not None:
        canvas.stroke([(bar, 12), (bar, 52)], 7, colour)
    r = 16
    corners = [(at, 32 - r), (at + r, 32), (at, 32 + r), (at - r, 32)]
    mark.polygon(corners, colour)
    mark.stroke([*corners, corners[0]], 4, colour)
    canvas.cut(mark, 3)
    canvas.image.alpha_composite(mark.image)
    return canvas


def generate() -> Canvas:
    """A large and a small spark: something new comes into being."""
    canvas = Canvas()
    spark(canvas, (26, 36), 25, AMBER)
    spark(canvas, (50, 14), 12, WHITE)
    return canvas


def spark(canvas: Canvas, centre: Point, radius: float, colour: Colour) -> None:
    """A star of four points with hollow sides (an astroid, a little fatter)."""
    outline: list[Point] = []
    for (ax, ay), (bx, by) in (((0, -1), (1, 0)), ((1, 0), (0, 1)), ((0, 1), (-1, 0)),
                               ((-1, 0), (0, -1))):  # fmt: skip
        cx, cy = 0.16 * (ax + bx), 0.16 * (ay + by)  # Bezier handle near the centre
        for i in range(24):
            t = i / 24
            x = (1 - t) ** 2 * ax + 2 * t * (1 - t) * cx + t * t * bx
            y = (1 - t) ** 2 * ay + 2 * t * (1 - t) * cy + t * t * by
            outline.append((centre[0] + radius * x, centre[1] + radius * y))
    canvas.polygon(outline, colour)
    canvas.stroke([*outline, outline[0]], 2.5, colour)


def main() -> None:
    """Write every icon beside this script."""
    icons = {
        "motiongpt": motiongpt(),
        "start": pose(31, GREEN, 6),
        "key": pose(32, AMBER, None),
        "end": pose(33, RED, 58),
        "generate": generate(),
    }
    for name, canvas in icons.items():
        canvas.finished().save(Path(__file__).parents[2] / "icons" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
