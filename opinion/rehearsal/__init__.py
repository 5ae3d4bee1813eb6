"""Last year's work under another policy: real times through the real engine, in a database thrown away after."""
