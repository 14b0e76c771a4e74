"""The model's own process: tokens, instructions, language model, packs.

Runs beside Blender, never inside it, and never imports bpy. From the add-on it
takes only ``motiongpt_blender.wire`` and ``motiongpt_blender.core``. torch,
transformers and peft are imported when first needed, so that ``--help`` and the
handshake answer at once.
"""

__version__ = "0.1.0"
