"""A small lifecycle to measure on: a step clock that stops and starts, beside one that runs through."""
