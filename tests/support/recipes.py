"""A recipe in small, for the tests of several commands."""

RECIPE = """
[pack]
name = "tiny"
title = "Tiny"
licence = "none"
data = "mine"
quoted_captions = false
seed = 7
credits = []
[tokenizer]
form = "patches"
width = 16
code_width = 8
codes = 12
levels = 2
dilations = [1]
[tokenizer.training]
steps = 3
batch = 4
window = 16
[language]
levels = 2
max_frames = 44
speeds = [1.0]
offsets = [0]
[language.base]
hidden = 16
layers = 1
heads = 2
mlp = 16
text_tokens = 320
context = 128
[language.base.training]
batch = 2
[language.adapter]
rank = 2
[language.adapter.training]
batch = 2
"""
#: The same for the clips of a folder as HumanML3D is laid out.
HUMANML3D_RECIPE = RECIPE.replace('data = "mine"', 'data = "humanml3d"')
