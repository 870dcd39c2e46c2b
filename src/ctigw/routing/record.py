"""Decorator of the values that pass through the engine: inputs, facts and notices.

Knows one thing: such a value never changes once it is made. mypy holds us to that; at run time the check is left out,
because building a frozen class costs four times as much (performance.md, what things cost) and a task builds eight.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attrs import frozen as record
else:
    from attrs import define as record

__all__ = ["record"]
