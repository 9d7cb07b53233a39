"""Installs what BARROW_COMPAT names; imported by barrow.pth while the interpreter starts."""

from barrow.compat import install_from_environment

install_from_environment()
