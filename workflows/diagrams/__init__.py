"""A lifecycle as a picture: server-side SVG, no script, no style, fit for the strictest content policy."""

from workflows.diagrams.drawing import svg

__all__ = ["svg"]
