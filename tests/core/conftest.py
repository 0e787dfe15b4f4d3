"""How thoroughly properties are tried."""

from hypothesis import settings

# A shared machine may stall for a second; that says nothing about a property.
settings.register_profile("core", deadline=None, max_examples=50)
settings.load_profile("core")
