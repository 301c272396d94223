"""A text classifier whose module fails at import, on purpose."""

raise RuntimeError("this plugin is broken on purpose;\nits message has two lines")
