"""Telling people, tried on the toy lifecycle."""
