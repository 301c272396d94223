"""Tables of texts: open, detect, read and write them, whatever file they come in.

Nothing here knows a command-line option, a route or a form. What goes wrong is a `TableError`
with fields; the command, the page and `evaluate` each say in their own words what to do next.
"""
