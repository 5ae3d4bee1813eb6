"""Whole stories, told like the rules of practice."""
