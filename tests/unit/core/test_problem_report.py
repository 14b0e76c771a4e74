"""A report that can be shown to others."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from motiongpt_blender.core.problem_report import LAST_LINES, problem_report, without_paths


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('File "/Users/anna/clients/secret/a.py", line 3', 'File ".../a.py", line 3'),
        (r"C:\Users\Anna B\clients\x.blend is gone", ".../x.blend is gone"),
        ("D:/jobs/rigs/y.blend: no", ".../y.blend: no"),
        (r"No such file: 'C:\\Users\\Anna\\x.blend'", "No such file: '.../x.blend'"),
        (r"\\server\anna\clients\x.blend is gone", ".../x.blend is gone"),
        ("see file:///Users/anna/clients/x.log", "see file://.../x.log"),
        ("/tmp/motiongpt-ab/poses.npz (2)", ".../poses.npz (2)"),
        (
            "1/2 of the bytes, 3 m/s, https://example.org",
            "1/2 of the bytes, 3 m/s, https://example.org",
        ),
        ("/addon/core/a.py", "<add-on>/core/a.py"),
        ("/addon/env/lib/torch/b.py", "<environment>/lib/torch/b.py"),
    ],
)
def test_no_personal_path_is_left(text, shown):
    folders = {"add-on": PurePosixPath("/addon"), "environment": PurePosixPath("/addon/env")}
    assert without_paths(text, folders) == shown


def test_folders_of_windows_keep_their_names():
    folders = {"home": PureWindowsPath(r"C:\Users\Anna")}
    assert "Anna" not in without_paths(r"C:\Users\Anna\AppData\x.log", folders)


def test_facts_and_the_last_lines():
    lines = [f"line {k}" for k in range(100)]
    text = problem_report({"Blender": "5.2.2", "Device": "cpu"}, lines, {"home": Path("/Users/a")})
    asked = "What I did: \nWhat happened: \n"
    begins = f"MotionGPT for Blender\n\n{asked}\nBlender: 5.2.2\nDevice: cpu\n\n"
    assert text.startswith(begins)
    assert text.endswith("line 99\n") and text.count("line ") == LAST_LINES
