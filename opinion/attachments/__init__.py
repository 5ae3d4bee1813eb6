"""Photos and files of a case: recognised by content, cleaned, kept apart from every served path."""
