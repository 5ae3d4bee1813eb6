"""Supervision and statistics: what the log and the clocks say about how units handle their cases.

`spans` and `deriving` turn a case's history into rows, `keeping` stores them and their sums as events are handed on,
`board` and `months` read them, `drill` is the one definition of what a number counts and which cases are behind it.
The subject is always the unit, never a citizen.
"""
