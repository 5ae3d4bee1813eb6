"""Pages as a person meets them: Debian's Chromium over a live server."""
