"""The commands of ``python -m ext_models``, one module a command; ``lab`` has the experiments.

Each module has ``add_arguments``, which declares the command's options, and ``run``. At its head
it imports what answers without torch; functions import the rest, so that ``--help`` answers at
once. Only these modules print to standard output, and only the result that the user asked for.
"""
