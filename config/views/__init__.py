"""Pages about the machinery itself."""
