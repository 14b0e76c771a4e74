"""Environments: made, kept, mended, and refused in one sentence each."""

import shutil
import sys
from pathlib import Path

import pytest

from motiongpt_blender.backend.setup import install_errors, installer, torch_source
from motiongpt_blender.backend.setup.asking import ask
from motiongpt_blender.backend.setup.environment_folder import State
from motiongpt_blender.backend.setup.install_errors import InstallError
from motiongpt_blender.backend.setup.installer import Environment
from motiongpt_blender.backend.setup.pins import Pins
from motiongpt_blender.backend.setup.places import STAMP
from tests.support.wheels import make_wheel

posix = pytest.mark.skipif(sys.platform == "win32", reason="uses executables made of shell lines")


def pins(**groups):
    sizes = dict.fromkeys(groups, 1)
    return Pins({name: tuple(lines) for name, lines in groups.items()}, sizes, {})


@pytest.fixture
def environment(template, tmp_path):
    folder = tmp_path / ".venv"
    shutil.copytree(template, folder, symlinks=True)
    return Environment(folder)


@pytest.fixture
def quick_venv(template, monkeypatch):
    """Making an environment anew costs a copy."""

    def create(self, say):
        shutil.copytree(template, self.folder, symlinks=True)

    monkeypatch.setattr(Environment, "create", create)


def ensure(environment, wanted, groups):
    lines = []
    changed = environment.ensure(wanted, groups, lines.append)
    return changed, "\n".join(lines)


def test_installs_once_and_then_starts_at_once(environment, wheels):
    make_wheel(wheels, "tiny", "1.0")
    changed, output = ensure(environment, pins(small=["tiny==1.0"]), ["small"])
    assert changed
    assert output.index("To download: about 1 MB") < output.index("Installing small")
    assert ensure(environment, pins(small=["tiny==1.0"]), ["small"]) == (False, "")


def test_what_is_installed_is_compiled_and_what_does_not_compile_is_let_be(environment, wheels):
    make_wheel(wheels, "tiny", "1.0", "WHOLE = 1\n")
    make_wheel(wheels, "broken", "1.0", "def\n")
    ensure(environment, pins(small=["tiny==1.0", "broken==1.0"]), ["small"])
    compiled = {path.name.split(".")[0] for path in environment.folder.rglob("*.pyc")}
    assert "tiny" in compiled and "broken" not in compiled


def test_changed_pin_is_installed(environment, wheels):
    make_wheel(wheels, "tiny", "1.0")
    make_wheel(wheels, "tiny", "2.0")
    ensure(environment, pins(small=["tiny==1.0"]), ["small"])
    changed, _ = ensure(environment, pins(small=["tiny==2.0"]), ["small"])
    assert changed
    assert environment.probe(["tiny==2.0"])["missing"] == []


def test_removed_package_is_mended(environment, wheels):
    make_wheel(wheels, "tiny", "1.0")
    wanted = pins(small=["tiny==1.0", "absent==1; python_version < '3'"])
    ensure(environment, wanted, ["small"])
    for path in environment.folder.rglob("tiny*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert ensure(environment, wanted, ["small"])[0]


@posix
def test_broken_environment_is_moved_aside_and_made_anew(environment, quick_venv):
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3")
    _, output = ensure(environment, pins(), [])
    assert "is broken" in output
    assert "moved to .venv.old" in output
    assert environment.state() is State.OURS


def test_foreign_folder_is_moved_aside_untouched(tmp_path, quick_venv):
    environment = Environment(tmp_path / ".venv")
    environment.folder.mkdir()
    (environment.folder / "precious").write_text("kept")
    _, output = ensure(environment, pins(), [])
    assert "was not made, or not finished, by this project" in output
    assert (tmp_path / ".venv.old" / "precious").read_text() == "kept"


def test_a_folder_moved_aside_comes_back_when_none_can_be_made(tmp_path, monkeypatch):
    folder = tmp_path / ".venv"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")

    def fail(self, say):
        raise InstallError("no venv module")

    monkeypatch.setattr(Environment, "create", fail)
    with pytest.raises(InstallError, match="no venv module"):
        ensure(Environment(folder), pins(), [])
    assert (folder / "mine.txt").read_text() == "mine"
    assert not (tmp_path / ".venv.old").exists()


def test_the_log_outlives_an_environment_that_was_not_made(tmp_path):
    environment = Environment(tmp_path / ".venv", Path(sys.executable))
    with pytest.raises(InstallError):
        ensure(Environment(environment.folder, tmp_path / "no python"), pins(), [])
    script = tmp_path / "python3.11"
    script.write_text("#!/bin/sh\n[ $1 = -c ] && echo 3.11.0 && exit; echo oops >&2; exit 1\n")
    script.chmod(0o755)
    with pytest.raises(InstallError, match="failed"):
        ensure(Environment(environment.folder, script), pins(), [])
    assert "oops" in environment.log.read_text() and not environment.folder.exists()


def test_a_folder_too_deep_for_windows_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    environment = Environment(tmp_path / "x" / "environment")
    monkeypatch.setattr(installer, "room_in", lambda folder: installer.LONGEST_NAME - 5)
    with pytest.raises(InstallError, match=r"is 5 characters too long.*choose a shorter folder"):
        ensure(environment, pins(), [])
    assert not environment.folder.parent.exists()


def test_what_pip_writes_is_text_whatever_it_writes(tmp_path):
    say = r"import sys; sys.stdout.buffer.write(b'Gr\xf6\xdfe'); print('Größe')"
    done = ask([sys.executable, "-c", say])
    assert "Größe" in done.stdout and "\ufffd" in done.stdout


@pytest.mark.parametrize("how", ["stopped", "killed"])
@pytest.mark.parametrize("foreign", [False, True])
def test_any_number_of_interruptions_is_mended_by_the_next_run(
    tmp_path, monkeypatch, template, how, foreign
):
    environment = Environment(tmp_path / ".venv")
    if foreign:
        environment.folder.mkdir()
        (environment.folder / "precious").write_text("kept")
    run, calls = installer.subprocess.run, []

    def interrupted(command, **options):
        if "venv" not in command:
            return run(command, **options)
        calls.append(command)
        (environment.folder / "bin").mkdir()
        if len(calls) <= 3 and how == "killed":
            # a killed process runs no handler: what it left is as it is
            monkeypatch.setattr(
                Environment, "create_or_restore", lambda self, *_: self.create(*_[1:])
            )
        if len(calls) <= 3:
            raise KeyboardInterrupt
        shutil.rmtree(environment.folder)
        shutil.copytree(template, environment.folder, symlinks=True)
        return run([sys.executable, "-c", ""], **options)

    monkeypatch.setattr(installer.subprocess, "run", interrupted)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            ensure(environment, pins(), [])
    ensure(environment, pins(), [])
    assert environment.state() is State.OURS
    if foreign:
        assert (tmp_path / ".venv.old" / "precious").read_text() == "kept"


@pytest.mark.parametrize(
    "text",
    ['{"python": "3", "groups": null}', '{"python": 3, "groups": {}}', "[" * 100_000, "\xff"],
)
def test_a_stamp_that_cannot_be_read_is_none(environment, text):
    (environment.folder / STAMP).write_text(text, "latin-1")
    assert environment.state() is State.FOREIGN


def test_the_maker_of_environments_is_outside_of_any():
    base = Environment(Path("anywhere")).base
    assert not (base.parent.parent / "pyvenv.cfg").exists()


def test_two_foreign_folders_are_left_to_the_person(tmp_path):
    for name in (".venv", ".venv.old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("kept", "utf-8")
    with pytest.raises(InstallError, match=r"delete one of the two"):
        Environment(tmp_path / ".venv").ensure(pins(), [])
    assert (tmp_path / ".venv").is_dir()


def test_two_pythons_swap_places(environment, wheels):
    other = environment.folder.with_name(".venv.old")
    shutil.copytree(environment.folder, other, symlinks=True)
    stamp = environment.folder / STAMP
    stamp.write_text(stamp.read_text().replace('"python": "3', '"python": "9'))
    _, output = ensure(environment, pins(), [])
    assert "is back" in output
    assert environment.state() is State.OURS


@posix
@pytest.mark.parametrize(
    "words",
    ["No module named venv", "The ... ensurepip is not available", "No module named ensurepip"],
)
def test_no_venv_module(tmp_path, words):
    base = tmp_path / "python3.11"
    base.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && echo 3.11.7 && exit\necho "{words}" >&2\nexit 1\n'
    )
    base.chmod(0o755)
    with pytest.raises(InstallError, match="has no working venv module") as error:
        Environment(tmp_path / ".venv", base).ensure(pins(), [])
    assert not (tmp_path / ".venv").exists()
    if shutil.which("apt-get"):
        assert "python3.11-venv" in str(error.value)


def test_no_network(environment, wheels, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(InstallError, match=r"Small could not be downloaded .*no network"):
        ensure(environment, pins(small=["tiny==1.0"]), ["small"])
    log = environment.log.read_text()
    assert "tiny" in log


@pytest.mark.parametrize(
    "line",
    [
        "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify "
        "failed: self-signed certificate in certificate chain'))': /simple/tiny/",
        "error: client error (Connect): invalid peer certificate: UnknownIssuer",
    ],
)
def test_a_certificate_that_is_not_trusted_is_no_missing_build(line):
    text = f"WARNING: {line}\nERROR: No matching distribution found for tiny==1.0"
    sentence = install_errors.explain(text, "PyTorch", Path("/x/.venv"), Path("python"))
    assert "does not trust the certificate" in sentence and "global.cert" in sentence
    assert sentence.count(". ") == 0


def test_proxy_and_certificates_of_pip_hold_for_uv():
    pip = {"proxy": "http://proxy.studio:3128", "cert": "/etc/studio.pem"}
    assert torch_source.uv_variables(pip) == {
        "HTTPS_PROXY": "http://proxy.studio:3128",
        "HTTP_PROXY": "http://proxy.studio:3128",
        "SSL_CERT_FILE": "/etc/studio.pem",
    }
    assert torch_source.uv_options(pip) == [], "an index of their own is another matter"


def test_missing_build_names_the_package(environment, wheels):
    with pytest.raises(InstallError, match=r"No build of tiny==1\.0 for this Python"):
        ensure(environment, pins(small=["tiny==1.0"]), ["small"])


def test_full_disk_is_told_before_the_download(environment, wheels, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=3 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InstallError, match=r"has 3 MB free and this needs about 4 MB"):
        ensure(environment, pins(small=["tiny==1.0"]), ["small"])


@pytest.mark.parametrize(
    ("tool", "start"),
    [("apt-get", "apt-get install -y libx11-6"), ("dnf", "dnf install -y libX11")],
)
def test_missing_system_library(environment, wheels, monkeypatch, tool, start):
    words = "libX11.so.6: cannot open shared object file: No such file or directory"
    make_wheel(wheels, "bpy", "5.0.1", f"raise ImportError({words!r})")
    monkeypatch.setattr(install_errors.shutil, "which", lambda name: name == tool or None)
    wanted = pins(blender=["bpy==5.0.1"])
    with pytest.raises(InstallError) as error:
        ensure(environment, wanted, ["blender"])
    assert "libX11.so.6" in str(error.value)
    assert start in str(error.value)
    assert "blender" not in environment.stamp()["groups"]  # the next run looks again


# --- PyTorch ----------------------------------------------------------------------------


@pytest.fixture
def linux_without_gpu(monkeypatch):
    monkeypatch.setattr(torch_source.sys, "platform", "linux")
    monkeypatch.setattr(torch_source, "has_gpu", lambda: False)


def test_torch_wheel_at_hand_comes_through_pip(template, wheels, linux_without_gpu):
    make_wheel(wheels, "torch", "2.13.0+cpu")
    make_wheel(wheels, "torch", "2.13.0")  # what an index holds for Linux: a build for GPUs
    source = torch_source.choose(Environment(template).python, ["torch==2.13.0"])
    assert source.on_disk
    [command] = source.commands(Environment(template).python)
    assert command[-2:] == ["install", "torch==2.13.0+cpu"]


def test_a_gpu_build_is_never_taken_without_a_gpu(template, wheels, linux_without_gpu):
    make_wheel(wheels, "torch", "2.13.0")
    python = Environment(template).python
    source = torch_source.choose(python, ["torch==2.13.0"])
    install_uv, install = source.commands(python)
    assert install_uv[-1] == torch_source.UV
    assert install[install.index("--torch-backend") + 1] == "cpu"
    assert "--no-index" in install
    assert source.secret(python)["UV_FIND_LINKS"] == str(wheels)


def test_a_gpu_asks_uv(template, wheels, monkeypatch):
    monkeypatch.setattr(torch_source.sys, "platform", "linux")
    monkeypatch.setattr(torch_source, "has_gpu", lambda: True)
    python = Environment(template).python
    source = torch_source.choose(python, ["torch==2.13.0"])
    assert source.gpu
    assert "auto" in source.commands(python)[1]


def test_macos_takes_the_plain_wheel(template, monkeypatch):
    monkeypatch.setattr(torch_source.sys, "platform", "darwin")
    source = torch_source.choose(Environment(template).python, ["torch==2.13.0"])
    assert source.installer is torch_source.Installer.PIP
    assert source.lines == ("torch==2.13.0",)


def test_pip_settings_are_handed_on_to_uv():
    pip = {
        "index-url": "file:///a",
        "extra-index-url": "file:///b file:///c",
        "find-links": "/d",
        "trusted-host": "e",
    }
    assert torch_source.uv_variables(pip) == {
        "UV_DEFAULT_INDEX": "file:///a",
        "UV_INDEX": "file:///b file:///c",
        "UV_FIND_LINKS": "/d",
        "UV_INSECURE_HOST": "e",
    }
    strategy = ["--index-strategy", "unsafe-best-match"]
    assert torch_source.uv_options(pip) == strategy
    assert torch_source.uv_options({"no-index": "1"}) == ["--no-index", *strategy]
    assert torch_source.uv_options({}) == [] and torch_source.uv_variables({}) == {}


def test_no_command_and_no_log_names_a_password(environment, monkeypatch):
    address = "https://me:secret@index.example/simple"
    monkeypatch.setattr(torch_source, "pip_settings", lambda _: {"index-url": address})
    source = torch_source.TorchSource(torch_source.Installer.UV, ("torch==1",), "")
    commands = source.commands(environment.python)
    assert "secret" not in str(commands)
    assert source.secret(environment.python) == {"UV_DEFAULT_INDEX": address}
    code = f"import os, sys; sys.exit('error: {address} ' + os.environ['UV_DEFAULT_INDEX'])"
    with pytest.raises(InstallError) as caught:
        environment._call(
            [sys.executable, "-c", code.replace("secret", "sec' 'ret")],
            "PyTorch",
            lambda _: None,
            {"UV_DEFAULT_INDEX": address},
        )
    log = environment.log.read_text()
    assert "https://***@index.example" in log and "secret" not in log + str(caught.value)
    assert str(environment.log) in str(caught.value)


def test_torch_is_installed_before_what_would_pull_it():
    assert installer._torch_first(["backend", "torch", "blender"])[0] == "torch"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_cannot_be_written_stops_nothing(environment, wheels):
    make_wheel(wheels, "tiny", "1.0")
    environment.log.symlink_to("/dev/full")
    assert ensure(environment, pins(small=["tiny==1.0"]), ["small"])[0]


@posix
def test_any_error_of_the_disk_is_one_sentence(environment, monkeypatch):
    def full(self, groups):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Environment, "write", full)
    with pytest.raises(InstallError, match="is full: make room there"):
        ensure(environment, pins(small=["tiny==1.0"]), ["small"])
