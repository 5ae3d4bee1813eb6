"""A made-up county with made-up messages, for a first look at the desk. Nothing here is real."""
