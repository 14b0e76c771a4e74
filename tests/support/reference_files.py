"""Small files in the reference system's formats, and its arithmetic once more, key by key.

The arithmetic here is written from the formats, with the names of the files, so that it
shares nothing with the importers but the tensors.
"""

import struct

import torch
from torch.nn import functional

CHANNELS, WIDTH, CODES, CODE_WIDTH = 263, 12, 10, 7


def vqvae_tensors(channels=CHANNELS, depth=2, halvings=2):
    """Tensors of a VQ-VAE by the authors' names."""
    torch.manual_seed(1)
    made = {"vqvae.quantizer.codebook": torch.randn(CODES, CODE_WIDTH)}

    def conv(name, out, inside, taps):
        made[f"{name}.weight"] = torch.randn(out, inside, taps) / (inside * taps) ** 0.5
        made[f"{name}.bias"] = torch.randn(out) / 4

    def blocks(stem):
        for i in range(depth):
            conv(f"{stem}.model.{i}.conv1", WIDTH, WIDTH, 3)
            conv(f"{stem}.model.{i}.conv2", WIDTH, WIDTH, 1)

    encoder, decoder, end = "vqvae.encoder.model", "vqvae.decoder.model", 2 + halvings
    conv(f"{encoder}.0", WIDTH, channels, 3)
    conv(f"{decoder}.0", WIDTH, CODE_WIDTH, 3)
    for i in range(2, end):
        conv(f"{encoder}.{i}.0", WIDTH, WIDTH, 4)
        blocks(f"{encoder}.{i}.1")
        blocks(f"{decoder}.{i}.0")
        conv(f"{decoder}.{i}.2", WIDTH, WIDTH, 3)
    conv(f"{encoder}.{end}", CODE_WIDTH, WIDTH, 3)
    conv(f"{decoder}.{end}", WIDTH, WIDTH, 3)
    conv(f"{decoder}.{end + 2}", channels, WIDTH, 3)
    return made


def _blocks(t, stem, x, depth):
    for i in range(depth):
        d = 3 ** (depth - 1 - i)
        name = f"{stem}.model.{i}"
        y = functional.conv1d(
            x.relu(), t[f"{name}.conv1.weight"], t[f"{name}.conv1.bias"], padding=d, dilation=d
        )
        x = x + functional.conv1d(y.relu(), t[f"{name}.conv2.weight"], t[f"{name}.conv2.bias"])
    return x


def encode(t, x, depth=2, halvings=2):
    """Codes (B, S) of features (B, T, C)."""
    stem, end = "vqvae.encoder.model", 2 + halvings
    x = functional.conv1d(x.mT, t[f"{stem}.0.weight"], t[f"{stem}.0.bias"], padding=1).relu()
    for i in range(2, end):
        x = functional.conv1d(
            x, t[f"{stem}.{i}.0.weight"], t[f"{stem}.{i}.0.bias"], stride=2, padding=1
        )
        x = _blocks(t, f"{stem}.{i}.1", x, depth)
    x = functional.conv1d(x, t[f"{stem}.{end}.weight"], t[f"{stem}.{end}.bias"], padding=1)
    return torch.cdist(x.mT, t["vqvae.quantizer.codebook"]).argmin(-1)


def decode(t, codes, depth=2, halvings=2):
    """Features (B, T, C) of codes (B, S)."""
    stem, end = "vqvae.decoder.model", 2 + halvings
    x = t["vqvae.quantizer.codebook"][codes].mT
    x = functional.conv1d(x, t[f"{stem}.0.weight"], t[f"{stem}.0.bias"], padding=1).relu()
    for i in range(2, end):
        x = _blocks(t, f"{stem}.{i}.0", x, depth).repeat_interleave(2, -1)
        x = functional.conv1d(x, t[f"{stem}.{i}.2.weight"], t[f"{stem}.{i}.2.bias"], padding=1)
    x = functional.conv1d(x, t[f"{stem}.{end}.weight"], t[f"{stem}.{end}.bias"], padding=1).relu()
    return functional.conv1d(
        x, t[f"{stem}.{end + 2}.weight"], t[f"{stem}.{end + 2}.bias"], padding=1
    ).mT


def llama_tensors(width=32, layers=2, mlp=24, vocabulary=40):
    """A base in lit-llama's format."""
    torch.manual_seed(2)
    made = {
        "transformer.wte.weight": torch.randn(vocabulary, width),
        "lm_head.weight": torch.randn(vocabulary, width) / width**0.5,
        "transformer.ln_f.scale": 1 + torch.randn(width) / 8,
        "llama_proj.weight": torch.zeros(width, 3),
    }
    for i in range(layers):
        stem = f"transformer.h.{i}"
        made[f"{stem}.rms_1.scale"] = 1 + torch.randn(width) / 8
        made[f"{stem}.rms_2.scale"] = 1 + torch.randn(width) / 8
        made[f"{stem}.attn.c_attn.weight"] = torch.randn(3 * width, width) / width**0.5
        made[f"{stem}.attn.c_proj.weight"] = torch.randn(width, width) / width**0.5
        made[f"{stem}.mlp.c_fc1.weight"] = torch.randn(mlp, width) / width**0.5
        made[f"{stem}.mlp.c_fc2.weight"] = torch.randn(mlp, width) / width**0.5
        made[f"{stem}.mlp.c_proj.weight"] = torch.randn(width, mlp) / mlp**0.5
    return made


def lora_tensors(width=32, layers=2, rank=3):
    """A LoRA on queries and values in lit-llama's format."""
    torch.manual_seed(3)
    made = {}
    for i in range(layers):
        stem = f"transformer.h.{i}.attn.c_attn"
        made[f"{stem}.lora_A"] = torch.randn(2 * rank, width) / width**0.5
        made[f"{stem}.lora_B"] = torch.randn(2 * width, rank) / 4
    return made


def llama_logits(t, tokens, heads, lora=None, alpha=16):
    """Logits (B, N, V), with neighbouring channels turned together."""
    x = t["transformer.wte.weight"][tokens]
    layers = sum(key.endswith("rms_1.scale") for key in t)
    for i in range(layers):
        stem = f"transformer.h.{i}"
        fused = t[f"{stem}.attn.c_attn.weight"]
        if lora is not None:
            a = lora[f"{stem}.attn.c_attn.lora_A"].chunk(2)
            b = lora[f"{stem}.attn.c_attn.lora_B"].chunk(2)
            q, v = (alpha / len(down) * up @ down for up, down in zip(b, a, strict=True))
            fused = fused + torch.cat([q, torch.zeros_like(q), v])
        y = _norm(x, t[f"{stem}.rms_1.scale"]) @ fused.T
        x = x + _attend(y, heads) @ t[f"{stem}.attn.c_proj.weight"].T
        y = _norm(x, t[f"{stem}.rms_2.scale"])
        gate = functional.silu(y @ t[f"{stem}.mlp.c_fc1.weight"].T)
        x = x + (gate * (y @ t[f"{stem}.mlp.c_fc2.weight"].T)) @ t[f"{stem}.mlp.c_proj.weight"].T
    return _norm(x, t["transformer.ln_f.scale"]) @ t["lm_head.weight"].T


def _norm(x, scale):
    return x * (x.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt() * scale


def _attend(fused, heads):
    batch, steps, width = fused.shape[0], fused.shape[1], fused.shape[2] // 3
    q, k, v = (p.view(batch, steps, heads, -1).transpose(1, 2) for p in fused.split(width, -1))
    half = width // heads // 2
    angle = torch.arange(steps)[:, None] / 10000 ** (torch.arange(half) / half)
    turn = torch.polar(torch.ones_like(angle), angle)

    def turned(y):
        pairs = torch.view_as_complex(y.reshape(*y.shape[:-1], half, 2).contiguous())
        return torch.view_as_real(pairs * turn).flatten(-2)

    out = functional.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True)
    return out.transpose(1, 2).reshape(batch, steps, width)


def sentencepiece_model(pieces, model_type=2):
    """A ``tokenizer.model`` of (text, score, kind) pieces."""
    body = b""
    for text, score, kind in pieces:
        word = text.encode()
        piece = b"\x0a" + bytes([len(word)]) + word
        piece += b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind])
        body += b"\x0a" + bytes([len(piece)]) + piece
    return body + b"\x12\x02\x18" + bytes([model_type])


#: Enough pieces for a few words: start, end, letters, and what they grow into.
PIECES = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3)] + [
    (text, -float(i), 1)
    for i, text in enumerate(["he", "▁w", "▁wa", "lk", "▁walk", *"▁walkhe,0123456789"])
]


def sentence(raised):
    """The message, which must be one sentence of one line."""
    text = str(raised.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text
