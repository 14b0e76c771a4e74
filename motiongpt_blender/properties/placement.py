"""Where a take is, and where Keep puts it."""

from __future__ import annotations

from enum import StrEnum


class Placement(StrEnum):
    """Where a take is."""

    LIST = "LIST"
    SHOWN = "SHOWN"
    NLA = "NLA"
    ACTION = "ACTION"
    LAYER = "LAYER"


PLACEMENTS = (
    (Placement.LIST.value, "In the List", "Kept in the list only"),
    (Placement.SHOWN.value, "On Show", "On the rig for a look"),
    (Placement.NLA.value, "NLA", "On an NLA track"),
    (Placement.ACTION.value, "Active Action", ""),
    (Placement.LAYER.value, "Additive Layer", ""),
)

DESTINATIONS = (
    (Placement.NLA.value, "NLA Track", "Keep puts the take on an NLA track of its own", "NLA", 0),
    (
        Placement.ACTION.value,
        "Active Action",
        "Keep puts the take's keys into the active action. Keys of yours that lie there are "
        "replaced only after a question",
        "ACTION",
        1,
    ),
    (
        Placement.LAYER.value,
        "Additive Layer",
        "Keep puts the take on an NLA track that adds to the animation below; its influence "
        "blends between both",
        "SELECT_EXTEND",
        2,
    ),
)
