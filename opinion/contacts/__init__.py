"""Who wrote a message: sealed at rest, masked on every page, opened only with a reason that is in the log."""
