"""Approvals: levels are data, the way through them is one flow of `viewflow.workflow`.

`rules` reads the document that says which levels apply, `people` finds who sits in them, `flow` is the way, `book` keeps
the rows of locked cases and is where the door comes in, `moving` has what transitions may use. An approval begins,
goes on and ends only with a move of its case, so its lock is the case row.
"""
