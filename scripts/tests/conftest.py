"""Loads the Python programs of scripts/, which have no suffix, as modules."""

import importlib.machinery
import importlib.util

import pytest


def load(project_dir, name):
    folder = project_dir / "scripts"
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(folder / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr("sys.dont_write_bytecode", True)
        loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ledger(project_dir):
    return load(project_dir, "ledger")


@pytest.fixture(scope="session")
def check_source(project_dir):
    return load(project_dir, "check-source")


@pytest.fixture(scope="session")
def coverage(project_dir):
    return load(project_dir, "coverage")


@pytest.fixture(scope="session")
def registry(ledger, project_dir):
    """The rules of the project's registry."""
    return ledger.read_rules(project_dir)
