"""Looking through a reply, before it is given or published, for whom it must not name.

What is found is a code, a sentence's number and a masked excerpt: details in clear never leave this package.
"""
