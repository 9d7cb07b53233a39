"""The interpreters a benchmark runs on, each with a venv of its own that holds the tools.

An interpreter lies on this machine, or in another root file system (a Debian chroot with a newer
Python), in which this repository is at the same place.
"""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PYPERFORMANCE = "pyperformance==1.14.0"  # its programs are the work: pinned, to stay comparable
PACKAGES = ("memray", "numpy")
BUILD_TOOLS = ("pip", "meson", "meson-python", "ninja")

CHROOT = str(REPOSITORY / "scripts" / "chroot")


class Interpreter:
    """`path` is the interpreter as seen in `root` (None: this machine)."""

    def __init__(self, path, root=None):
        self.path = path
        self.root = root
        if root and os.geteuid():
            raise SystemExit(f"bench: an interpreter in {root} needs root, or leave it out: --no-forky")
        self.version = self._ask("import sys; print('%d.%d' % sys.version_info[:2])")
        where = Path(path).resolve() if not root else Path(path)
        suffix = "" if str(where).startswith("/usr/bin/") or root else "-" + where.parts[-3]
        self.venv = REPOSITORY / "build" / f"bench-venv-{self.version}{suffix}"
        self.label = self.version + suffix + (" (chroot)" if root else "")
        self.python = str(self.venv / "bin" / "python")
        self.barrow = str(self.venv / "bin" / "barrow")

    def wrap(self, command):
        """`command` as it is to be started from here."""
        if not self.root:
            return list(command)
        return [CHROOT, "run", str(self.root), *command]

    def run(self, command, **options):
        return subprocess.run(self.wrap(command), text=True, **options)

    def _ask(self, code, python=None):
        done = self.run([python or self.path, "-c", code], stdout=subprocess.PIPE)
        if done.returncode:
            raise SystemExit(f"bench: cannot run {python or self.path} in {self.root or '/'}")
        return done.stdout.strip()

    # ---- setting up ---------------------------------------------------------------------

    def _pip(self, *arguments, log=sys.stderr):
        path = f"PATH={self.venv / 'bin'}:/usr/local/bin:/usr/bin:/bin"  # for the build tools
        command = ["env", path, self.python, "-m", "pip", "-qq", "--disable-pip-version-check"]
        return self.run([*command, *arguments], stdout=log, stderr=log).returncode == 0

    def _has(self, module):
        code = f"import importlib.util as u; print(u.find_spec({module!r}) is not None)"
        return self._ask(code, self.python) == "True"

    def set_up(self, barrow=True):
        """Makes the venv and installs what it lacks; a package that won't install is left out."""
        make = [self.path, "-m", "venv", str(self.venv)]
        if not Path(self.python).is_symlink() and self.run(make).returncode:
            raise SystemExit(f"bench: cannot make a venv with {self.path} (is venv installed?)")
        if not self._has("pyperformance"):
            self._pip("install", PYPERFORMANCE)
        for package in PACKAGES:
            if not self._has(package):
                self._pip("install", "--only-binary", ":all:", package)
        if barrow:
            self._install_barrow()

    def _install_barrow(self):
        """Installs this repository's barrow unless the venv's is newer than every source."""
        stamp = self.venv / "barrow-installed"
        sources = [REPOSITORY / name for name in ("meson.build", "pyproject.toml")]
        for folder in ("src", "barrow"):
            sources += [path for path in (REPOSITORY / folder).rglob("*") if path.is_file()]
        newest = max(
            (path.stat().st_mtime for path in sources if path.exists() and path.suffix != ".pyc"),
            default=0.0,
        )
        if stamp.exists() and stamp.stat().st_mtime > newest and Path(self.barrow).exists():
            return
        print(f"building barrow for {self.label} in {self.venv}", file=sys.stderr)
        if not self._has("mesonpy"):
            self._pip("install", "--upgrade", *BUILD_TOOLS)
        # As make builds it; in a directory that stays, so that only what changed is compiled.
        build = ["--no-build-isolation", f"-Cbuild-dir={self.venv}.meson", "-Csetup-args=-Ddebug=true"]
        path = Path(f"{self.venv}.log")
        with open(path, "w") as log:
            done = self._pip("install", "--force-reinstall", "--no-deps", *build, str(REPOSITORY), log=log)
        if not done:
            raise SystemExit(f"bench: barrow does not build for {self.label}: see {path}")
        stamp.touch()

    def versions(self):
        """What is installed: {"python": build, "barrow": version or None, ...}."""
        code = (
            "import importlib.metadata as m, sys\n"
            "def version(name):\n"
            "    try: return m.version(name)\n"
            "    except m.PackageNotFoundError: return ''\n"
            "print(sys.version.replace(chr(10), ' '))\n"
            "for name in ('barrow', 'memray', 'numpy', 'pyperformance'): print(version(name))"
        )
        python, *rest = (self._ask(code, self.python) + "\n" * 4).split("\n")[:5]
        names = ("barrow", "memray", "numpy", "pyperformance")
        found = dict(zip(names, (text or None for text in rest), strict=True))
        if not Path(self.barrow).exists():
            found["barrow"] = None  # a package without its executable records nothing
        return {"python": python, **found}


def default_interpreters(paths, forky):
    """Those named by `paths`, or Debian's own; and 3.14 in the chroot `forky`, if one is given."""
    found = [Interpreter(path) for path in paths]
    if not paths and Path("/usr/bin/python3.11").exists():
        found.append(Interpreter("/usr/bin/python3.11"))
    if forky:
        root = Path(forky)
        if not (root / "usr/bin/python3.14").exists():
            subprocess.run([CHROOT, "setup", str(root)], stdout=sys.stderr, check=True)
        found.append(Interpreter("/usr/bin/python3.14", root.resolve()))
    return found
