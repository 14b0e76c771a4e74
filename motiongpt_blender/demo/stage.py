"""Where the figure is filmed: floor, light, a camera that goes along, render settings."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, Final, cast

import bpy
import numpy as np
from mathutils import Vector

from ..core.body.rotations import Array
from ..core.body.smoothing import gaussian_smooth
from .shading import floor_material, world

#: Share of the picture's height that a standing figure takes, and where its middle is.
FIGURE_SHARE: Final = 0.64
FIGURE_HEIGHT: Final = 1.98
AIM_HEIGHT: Final = 0.93
LENS: Final = 62.0
SENSOR: Final = 24.0
#: Seconds over which the camera's way is smoothed.
CAMERA_LAG: Final = 0.5


@dataclass(frozen=True)
class Look:
    """How pictures are taken.

    Attributes:
        width: pixels.
        height: pixels.
        samples: light paths a pixel, before the noise is taken out.
        angle: degrees from straight ahead of the figure to the camera, to its left.
        rise: metres that the camera is above the point it looks at.
    """

    width: int = 320
    height: int = 400
    samples: int = 5
    angle: float = 52.0
    rise: float = 0.95


def camera_distance(share: float = FIGURE_SHARE) -> float:
    """Metres at which a standing figure takes that share of the picture's height."""
    return FIGURE_HEIGHT / share * LENS / SENSOR


def set_stage(look: Look) -> bpy.types.Object:
    """Floor, lights, world, camera; returns the camera."""
    scene = bpy.context.scene
    away = camera_distance()
    _floor(away)
    scene.world = world(strength=0.75)
    _sun("Key light", energy=3.0, size=9.0, pitch=48.0, turn=-8.0, colour=(1.0, 0.93, 0.84))
    _sun("Rim light", energy=1.9, size=14.0, pitch=60.0, turn=168.0, colour=(0.72, 0.85, 1.0))
    optics = bpy.data.cameras.new("Camera")
    optics.lens, optics.sensor_fit, optics.sensor_height = LENS, "VERTICAL", SENSOR
    camera = bpy.data.objects.new("Camera", optics)
    bpy.context.collection.objects.link(camera)
    scene.camera = camera
    _render_settings(scene, look)
    return camera


def _floor(away: float) -> None:
    mesh = bpy.data.meshes.new("Floor")
    r = 120.0
    mesh.from_pydata([(-r, -r, 0), (r, -r, 0), (r, r, 0), (-r, r, 0)], [], [(0, 1, 2, 3)])
    mesh.materials.append(floor_material(near=away + 0.6, far=away + 9.0))
    bpy.context.collection.objects.link(bpy.data.objects.new("Floor", mesh))


def _sun(
    name: str,
    energy: float,
    size: float,
    pitch: float,
    turn: float,
    colour: tuple[float, float, float],
) -> None:
    """A sun ``pitch`` degrees off the zenith; at turn 0 it stands in front of the figure."""
    light = cast("bpy.types.SunLight", bpy.data.lights.new(name, "SUN"))
    light.energy, light.angle, light.color = energy, math.radians(size), colour
    sun = bpy.data.objects.new(name, light)
    sun.rotation_euler = (math.radians(pitch), 0.0, math.radians(turn))
    bpy.context.collection.objects.link(sun)


def _render_settings(scene: Any, look: Look) -> None:
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = look.width, look.height
    render.resolution_percentage = 100
    render.use_persistent_data = True
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.threads_mode, render.threads = "FIXED", max(os.cpu_count() or 1, 1)
    cycles.device, cycles.samples = "CPU", look.samples
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = True
    cycles.denoiser, cycles.denoising_prefilter = "OPENIMAGEDENOISE", "FAST"
    cycles.denoising_quality = "FAST"  # looks the same here and halves the time of a picture
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 1, 1
    cycles.min_transparent_bounces = cycles.transparent_max_bounces = 10
    cycles.caustics_reflective = cycles.caustics_refractive = False
    scene.view_settings.view_transform = "Standard"


def _smooth(path: Array, sigma: float) -> Array:
    """A path (T, 2) smoothed along time; it keeps its speed at both ends."""
    before, after = 2 * path[0] - path[:0:-1], 2 * path[-1] - path[-2::-1]
    smooth = gaussian_smooth(np.concatenate([before, path, after]), sigma)
    return smooth[len(before) : len(before) + len(path)]


def follow(camera: bpy.types.Object, path: Array, frames: range, fps: float, look: Look) -> None:
    """Keys that let the camera go along with the figure, which faces -y at first.

    Args:
        camera: the camera.
        path: (T, 2) the figure's place on the floor at each of ``frames``.
        frames: the scene's frames.
        fps: their number a second.
        look: where the camera stands.
    """
    camera.animation_data_clear()
    smooth = _smooth(path, CAMERA_LAG * fps)
    angle = math.radians(look.angle)
    away = camera_distance()
    level = math.sqrt(max(away**2 - look.rise**2, 0.0))
    offset = Vector((level * math.sin(angle), -level * math.cos(angle), look.rise))
    camera.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
    for frame, (x, y) in zip(frames, smooth, strict=True):
        camera.location = Vector((x, y, AIM_HEIGHT)) + offset
        camera.keyframe_insert("location", frame=frame)
