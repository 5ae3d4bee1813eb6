"""Pages about notices: the inbox, how a person wants to be told, and what went wrong."""
