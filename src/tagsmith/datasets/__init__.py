"""One module per original format; every one of them yields the same tables."""
