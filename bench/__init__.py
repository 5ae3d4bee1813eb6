"""Figures: the product beside peers and beside the raw database, interleaved in one run on one machine.

`python -m bench` makes its own throw-away databases, prints a table for each subject and touches nothing else.
"""
