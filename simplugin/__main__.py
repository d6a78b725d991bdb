"""``python -m simplugin``."""

from simplugin.cli import main

main()
