"""django-helpdesk as a peer, in a virtual environment and a database of its own: it must not meet the product's pins."""
