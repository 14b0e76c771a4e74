"""A windowed Blender: the figure grows while the model writes."""


def test_the_figure_grows(play):
    play("growing_figure.py")
