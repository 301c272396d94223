"""Make a copy of this repository for another text classifier; see ../make_it_yours.py."""
