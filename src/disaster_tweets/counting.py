"""Counts with their nouns, for messages."""


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """Return "1 row", "0 rows" or "1,234 rows".

    Args:
        number: The count.
        noun: The noun for one.
        nouns: The noun for several; ``noun`` with an s if None.
    """
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
