"""Rules about the code itself: import direction, words, sizes, pins."""
