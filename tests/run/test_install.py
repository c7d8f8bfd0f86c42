"""Installing, with a real pip in a real environment: what it says becomes a sentence."""

import hashlib
import re
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from portal.run import install

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import subprocess

def prepare_metadata_for_build_wheel(folder, settings=None):
    build_wheel(folder)

def build_wheel(folder, settings=None, metadata=None):
    subprocess.run(["cc", "-c", "module.c"], check=True)
"""


def test_no_command_is_taken_for_a_file_of_its_name():
    makefile = (Path(install.__file__).parents[2] / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)
    assert set(phony.split()) == set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.M))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment whose Python and pip are those of the tests: nothing here ends up installed."""
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    for name, run in (("python", sys.executable), ("pip", f"{sys.executable} -m pip")):
        (programs / name).write_text(f'#!/bin/sh\nexec {run} "$@"\n')
        (programs / name).chmod(0o755)
    return programs.parent


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source distribution that includes a header nobody has; pip finds it here and looks nowhere else."""
    source = tmp_path / "needs-header-1.0"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "backend.py").write_text(BACKEND)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: needs-header\nVersion: 1.0\n")
    (source / "module.c").write_text("#include <libfoo/no-such.h>\n")
    packed = tmp_path / "needs-header-1.0.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(source, source.name)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return packed


def required(folder: Path, name: str, digest: str) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{name} --hash=sha256:{digest}\n")
    return requirements


@pytest.mark.skipif(not shutil.which("cc"), reason="without a C compiler no header can be missed")
def test_a_missing_header_is_named(environment, package, tmp_path):
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    said = install.install(environment, required(tmp_path, "needs-header==1.0", digest))
    assert "A C header is missing; install the -dev package that has it." in said
    assert "libfoo/no-such.h" in said


def test_a_package_that_is_not_the_pinned_one_is_refused(environment, package, tmp_path):
    said = install.install(environment, required(tmp_path, "needs-header==1.0", "0" * 64))
    assert said.startswith("A downloaded package differs from the pinned one; it was not installed.")


def test_a_version_nobody_has_is_named(environment, package, tmp_path):
    said = install.install(environment, required(tmp_path, "needs-header==2.0", "0" * 64))
    assert said.startswith("The package index lacks a pinned version for this Python and machine.")
    assert "needs-header==2.0" in said


def test_without_a_network_the_question_is_asked(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    said = install.install(environment, required(tmp_path, "no-such-package==1.0", "0" * 64))
    assert said.startswith("The package index cannot be reached: is there a network")


def test_what_pip_says_otherwise_is_shown(environment, tmp_path):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("--no-such-option\n")
    assert "no such option: --no-such-option" in install.install(environment, requirements)


def test_nothing_is_installed_twice(environment, tmp_path, capsys):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing\n")
    assert install.main(str(environment), str(requirements)) == 0
    assert "Installing 0 packages" in capsys.readouterr().out
    assert install.main(str(environment), str(requirements)) == 0
    assert capsys.readouterr().out == ""
