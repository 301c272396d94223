"""Makes this repository into that of another text classifier; see ../make_it_yours.py."""
