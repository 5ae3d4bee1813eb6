"""The same work on other people's libraries: rows in the same tables, under the same connection."""
