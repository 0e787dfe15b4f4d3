"""A page and an interface on a registered ensemble, for anybody who can reach them."""
