"""Public names that are imported when they are asked for (PEP 562, https://peps.python.org/pep-0562/).

A command that reads a folder with the starter would otherwise wait for the code of servers and transformers too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["deferred"]


def deferred(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package whose names live in other modules: ``{module: names}``.

    ``dir`` lists them from now on, so that they are completed.
    """
    home = {name: module for module, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in home:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[package])
        found: object = getattr(import_module(home[name]), name)
        setattr(sys.modules[package], name, found)  # the next time Python finds it by itself
        return found

    setattr(sys.modules[package], "__dir__", lambda: sorted({*vars(sys.modules[package]), *home}))  # noqa: B010
    return get
