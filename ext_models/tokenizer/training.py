"""Training of the tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ext_models.datasets.layouts import Example, mirrored
from ext_models.motion import features
from ext_models.motion.floor_metrics import TOES
from ext_models.packs import PackError
from ext_models.training.settings import TrainerSettings
from ext_models.training.trainer import MeanLoss, Trainer, TrainingData
from motiongpt_blender.core.body.motion import MODEL_FPS, resample

from .networks import PatchDecoder, PatchEncoder, TokenizerConfig
from .vqvae import VQVAE

Array = NDArray[np.float32]

#: Joints above the pelvis, and their channels of positions, rotations and velocities.
_ABOVE = np.array([3, 6, 9, *range(12, 22)])
_UPPER = np.concatenate(
    [
        (first + size * (_ABOVE[:, None] - skipped) + np.arange(size)).ravel()
        for first, size, skipped in ((4, 3, 1), (67, 6, 1), (193, 3, 0))
    ]
)
_UPPER_HEIGHTS = 4 + 3 * (_ABOVE - 1) + 1

#: Channels of the toes' places on the floor.
_TOES = [4 + 3 * (toe - 1) + axis for toe in TOES for axis in (0, 2)]
#: Metres that a standing toe moves in a frame at most, the weight of the others, and the metres
#: that count as much as a deviation of a position.
STANDING_STEP, MOVING_TOES, TOE_STEP = 0.01, 0.2, 0.01

#: Batches that the validation measures.
HELD_OUT_BATCHES = 4
#: Ends of the kinds of channels: turning, moving, height, positions, rotations, velocities.
KINDS = (1, 3, 4, 67, 193, 259)


@dataclass(frozen=True)
class TokenizerTraining(TrainerSettings):
    """Settings of a tokenizer's training.

    Attributes:
        window: frames of a window.
        static_pose_share: share of windows that hold one pose, so that single poses have codes.
        body_mix_share: share of windows with the upper body of another window, which augments
            few clips to many poses.
        speeds: factors of playback speed at which each clip is seen.
        root: weight of the root's channels, beside 1 for the joints' positions.
        details: weight of rotations, velocities and contacts, which no joint is decoded from.
        drift: weight of the root's accumulated heading and place.
        smooth: weight of the joints' accelerations.
        toes: weight of the standing toes' speed in the world.
        quantize_dropout: share of steps that use only the first few levels, which makes these
            levels a usable, coarser code.
        favoured_levels: so many levels are used by half of the steps with fewer levels, because
            a language model is to write about as many; 0 favours none.
    """

    minutes: float = 20.0
    batch: int = 48
    learning_rate: float = 4e-4
    beta2: float = 0.99
    weight_decay: float = 0.01
    window: int = 64
    static_pose_share: float = 0.12
    body_mix_share: float = 0.3
    speeds: tuple[float, ...] = (1.0,)
    root: float = 0.5
    details: float = 0.1
    drift: float = 0.1
    smooth: float = 0.5
    toes: float = 0.0
    quantize_dropout: float = 0.3
    favoured_levels: int = 0


def _at_speed(example: Example, speed: float) -> Array:
    joints = resample(example.joints, MODEL_FPS, MODEL_FPS / speed)
    return features.from_joints(joints, uniform=False, ground=False)


def train_tokenizer(
    config: TokenizerConfig,
    settings: TokenizerTraining,
    examples: Sequence[Example],
    run: Path,
    *,
    seed: int,
    device: str = "cpu",
    codes_of: VQVAE | None = None,
) -> VQVAE:
    """Train on the ``train`` split, mirrored too; resumes from ``run`` when it was stopped.

    Args:
        config: sizes.
        settings: budget, data and loss.
        examples: clips of all splits.
        run: folder of the checkpoint.
        seed: of everything random.
        device: as PyTorch names it.
        codes_of: a tokenizer whose codes stay as they are, for a language model that
            writes them: only a decoder is trained.
    """
    torch.manual_seed(seed)
    if settings.favoured_levels > config.levels:
        raise PackError(
            f"the recipe's favoured_levels is {settings.favoured_levels}, and its tokenizer has "
            f"{config.levels} levels: write at most {config.levels}."
        )
    train = [e for e in examples if e.split == "train"]
    if not train:
        raise PackError(
            "the data has no clip in its split 'train' for the tokenizer to learn from: add some, "
            "or share the clips out anew with prepare-data --split."
        )
    train = [*train, *map(mirrored, train)]
    data = [_at_speed(e, speed) for e in train for speed in settings.speeds]
    model = VQVAE(config)
    mean, std = statistics(data, settings.root, settings.details)
    model.mean.copy_(torch.from_numpy(mean))
    model.std.copy_(torch.from_numpy(std))
    windows = Windows(data, _held_poses(train), mean, std, settings)
    if codes_of is None:
        initialize(model, windows)
    else:
        windows = keep_codes(model, codes_of, windows)
    model.quantizer.quantize_dropout = settings.quantize_dropout
    model.quantizer.favoured_levels = settings.favoured_levels
    model = model.to(device)

    def loss(network: VQVAE, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, mask = (t.to(device) for t in batch)
        return reconstruction_loss(network, x, mask, settings)

    held_out = _held_out(examples, windows)
    validate = MeanLoss(held_out, loss) if held_out else None
    data = TrainingData(lambda _: windows.draw(), loss, validate)
    name = "tokenizer" if codes_of is None else "decoder"
    Trainer(name, model, data, settings, run).run()
    return model


def _held_out(examples: Sequence[Example], windows: Windows) -> list[tuple[Tensor, Tensor]]:
    """Batches of the ``val`` split, the same at every validation; the random state stays."""
    val = [e for e in examples if e.split == "val"]
    if not val:
        return []
    plain = replace(windows.settings, static_pose_share=0.0, body_mix_share=0.0)
    clips = [_at_speed(e, 1.0) for e in val]
    held_out = Windows(clips, windows.poses, windows.mean, windows.std, plain)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [held_out.draw() for _ in range(HELD_OUT_BATCHES)]


def reconstruction_loss(
    model: VQVAE, x: Tensor, mask: Tensor, settings: TokenizerTraining
) -> Tensor:
    """Loss of normalised windows x (B, T, C) where mask (B, T, 1) is 1."""
    y, _, commitment = model(x)
    weight = mask / mask.sum()
    error = (y - x) * mask
    tremble = (_robust(error.diff(dim=1)) * weight[:, 1:]).mean(-1).sum()
    shake = error[..., 3 : KINDS[3]].diff(n=2, dim=1)
    # Small errors of turning and moving add up: a frame's place is the sum of all before.
    place = error[..., :3].cumsum(1) * model.std[:3]
    loss = (
        (_robust(error) * weight).mean(-1).sum()
        + 0.5 * tremble
        + settings.smooth * (_robust(shake) * weight[:, 2:]).mean(-1).sum()
        + settings.drift * (_robust(place / 0.1) * weight).mean(-1).sum()
        + 0.02 * commitment
    )
    if settings.toes:
        loss = loss + settings.toes * _toe_error(model, x, y, mask)
    return loss


def _toe_error(model: VQVAE, x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    """Error of the standing toes' speed in the world, of normalised features x and y (B, T, C)."""
    real, made = (toe_steps(z * model.std + model.mean) for z in (x, y))
    standing = real.norm(dim=-1, keepdim=True) < STANDING_STEP
    weight = (standing + MOVING_TOES) * mask[:, 1:, None]
    return (_robust((made - real) / TOE_STEP) * weight).sum() / weight.sum() / 2


def toe_steps(x: Tensor) -> Tensor:
    """How far both toes move on the floor from frame to frame, of features (B, T, C).

    Returns:
        (B, T - 1, 2, 2) metres to the left and ahead, seen from the later frame's heading.
    """
    toes = x[..., _TOES].unflatten(-1, (2, 2))
    turn = 2 * x[:, :-1, None, 0]
    left, ahead = toes[:, :-1].unbind(-1)
    before = torch.stack(
        [left * turn.cos() + ahead * turn.sin(), ahead * turn.cos() - left * turn.sin()], -1
    )
    return x[:, :-1, None, 1:3] + toes[:, 1:] - before


def _robust(error: Tensor) -> Tensor:
    return functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.3)


def statistics(data: Sequence[Array], root: float, details: float) -> tuple[Array, Array]:
    """Mean and scale (C,) of features: one deviation a kind of channel, over its weight.

    As published, channels of one kind share their mean deviation. What counts more is
    scaled up, so that analysis, codes and loss all see it larger.
    """
    stacked = np.concatenate(data)
    mean, std = stacked.mean(0), stacked.std(0)
    for k, group in enumerate(np.split(np.arange(stacked.shape[1]), KINDS)):
        weight = root if k < 3 else 1.0 if k == 3 else details
        std[group] = max(float(std[group].mean()), 1e-4) / weight
    return mean.astype(np.float32), std.astype(np.float32)


@torch.no_grad()
def initialize(model: VQVAE, windows: Windows, batches: int = 150) -> None:
    """Initialise with the principal components of a step's frames, and k-means of their codes.

    The refinements begin as the identity, so that this is already a working tokenizer.
    Convolutions have no such beginning; theirs is random.
    """
    encoder, decoder = model.encoder, model.decoder
    if not isinstance(encoder, PatchEncoder) or not isinstance(decoder, PatchDecoder):
        return
    stride = model.config.stride
    drawn = torch.cat([windows.draw()[0] for _ in range(batches)])
    steps = drawn.reshape(-1, stride * drawn.shape[-1])
    mean = steps.mean(0)
    values, vectors = torch.linalg.eigh((steps - mean).T @ (steps - mean) / len(steps))
    components = vectors[:, -model.config.code_width :].flip(1)
    size = values[-model.config.code_width :].mean().sqrt()
    encoder.project.weight.copy_(components.T / size)
    encoder.project.bias.copy_(-(mean @ components) / size)
    z = (steps - mean) @ components / size
    model.quantizer.kmeans_init(z)
    initialize_decoder(decoder, z.unflatten(0, (len(drawn), -1)), drawn)


@torch.no_grad()
def initialize_decoder(decoder: PatchDecoder, z: Tensor, drawn: Tensor) -> None:
    """Initialise with the linear map that best predicts a patch's frames from its step's code.

    Args:
        decoder: begins at that map; its refinement is the identity.
        z: (N, T / stride, code width) codes of the windows.
        drawn: (N, T, C) normalised windows.
    """
    stride, lap = decoder.stride, decoder.lap
    # The steps at both ends have no whole patch.
    patches = drawn[:, stride - lap :].unfold(1, stride + 2 * lap, stride).movedim(-1, 2)
    z, patches = z[:, 1:-1].flatten(0, 1), patches[:, : z.shape[1] - 2]
    known = torch.cat([z, torch.ones(len(z), 1)], 1)
    square = known.T @ known + 1e-4 * len(z) * torch.eye(known.shape[1])
    product = known.T @ patches.flatten(0, 1).flatten(1)
    solved = torch.linalg.solve(square, product)
    decoder.project.weight.copy_(solved[:-1].T)
    decoder.project.bias.copy_(solved[-1])


@torch.no_grad()
def keep_codes(model: VQVAE, codes_of: VQVAE, windows: Windows) -> Windows:
    """Copy the encoder, codes and statistics of another tokenizer into ``model``, and freeze them.

    The decoder begins at the other's where the two are alike, else at what the codes tell of the
    windows, which are returned with the other's statistics.

    Raises:
        PackError: when the two have encoders of other sizes.
    """
    windows = Windows(
        windows.data,
        windows.poses,
        codes_of.mean.cpu().numpy(),
        codes_of.std.cpu().numpy(),
        windows.settings,
    )
    alike = model.config == codes_of.config
    parts = ("encoder.", "quantizer.", "mean", "std", *(["decoder."] if alike else []))
    kept = {k: v for k, v in codes_of.state_dict().items() if k.startswith(parts)}
    try:
        model.load_state_dict({**model.state_dict(), **kept})
    except RuntimeError as error:
        raise PackError(
            "the tokenizer whose codes are to be kept has other sizes than the recipe's "
            f"({str(error).splitlines()[-1].strip()})."
        ) from None
    model.encoder.requires_grad_(False)
    model.quantizer.requires_grad_(False)
    model.quantizer.codebook_updates = False
    if isinstance(model.decoder, PatchDecoder) and not alike:
        drawn = torch.cat([windows.draw()[0] for _ in range(60)])
        model.eval()  # while training, a quantiser may leave the finer levels out
        codes = torch.cat([model.encode_normalised(part) for part in drawn.split(256)])
        initialize_decoder(model.decoder, model.quantizer.look_up(codes).movedim(-1, 1), drawn)
    return windows


class Windows:
    """Random windows of motion, some of them a single pose held still."""

    def __init__(
        self,
        data: Sequence[Array],
        poses: Array,
        mean: Array,
        std: Array,
        settings: TokenizerTraining,
    ) -> None:
        self.data = data
        self.poses = poses
        self.mean, self.std = mean, std
        self.settings = settings
        lengths = np.array([len(d) for d in data], dtype=np.float64)
        self.weights = torch.from_numpy(lengths / lengths.sum())

    def draw(self) -> tuple[Tensor, Tensor]:
        """A batch: windows (B, T, C) and masks (B, T, 1)."""
        batch, size = self.settings.batch, self.settings.window
        x = np.zeros((batch, size, self.poses.shape[1]), dtype=np.float32)
        mask = np.ones((batch, size, 1), dtype=np.float32)
        clips = torch.multinomial(self.weights, batch, replacement=True).tolist()
        static = (torch.rand(batch) < self.settings.static_pose_share).tolist()
        for row in range(batch):
            if static[row]:
                x[row] = self.poses[int(torch.randint(len(self.poses), ()))]
                continue
            clip = self.data[clips[row]]
            first = int(torch.randint(max(1, len(clip) - size + 1), ()))
            piece = clip[first : first + size]
            x[row, : len(piece)] = piece
            x[row, len(piece) :] = piece[-1]
            mask[row, len(piece) :] = 0
        mixed = (torch.rand(batch) < self.settings.body_mix_share).numpy()
        x[mixed] = with_upper_body(x[mixed], np.roll(x, 1, axis=0)[mixed])
        return torch.from_numpy((x - self.mean) / self.std), torch.from_numpy(mask)


def with_upper_body(x: Array, other: Array) -> Array:
    """Windows (B, T, 263) whose upper bodies are those of other windows (B, T, 263)."""
    mixed = x.copy()
    mixed[..., _UPPER] = other[..., _UPPER]
    # Heights are over the floor: an upper body rises and sinks with its new pelvis.
    mixed[..., _UPPER_HEIGHTS] += x[..., 3:4] - other[..., 3:4]
    return mixed


def _held_poses(examples: Sequence[Example]) -> Array:
    return features.from_poses(np.concatenate([e.joints[::4] for e in examples]))
