"""Scripts for developers and continuous integration; nothing the product imports."""
