"""Which files belong to the project, for the scripts that read all of them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def project_files(root):
    """The project's files, sorted: what git tracks or would take; without git, all but builds."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-c", "-o", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        paths = {root / name for name in listed.split("\0") if name}
    except (OSError, subprocess.CalledProcessError):
        paths = {path for path in root.rglob("*") if not is_build_folder(path.relative_to(root))}
    return sorted(path for path in paths if path.is_file())


def is_build_folder(relative):
    """Whether a path lies in a folder that a build or a run left behind."""
    return relative.parts[0].startswith((".git", "build", "sipc-report"))
