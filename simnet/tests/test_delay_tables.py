"""The committed tables of delay distributions are what their script makes."""

import subprocess
import sys


def test_tables_are_what_the_script_makes(project_dir):
    script = project_dir / "simnet" / "tables" / "make_delay_tables.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
