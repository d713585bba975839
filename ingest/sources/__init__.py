"""Files as sources: each format streams its rows, and hands over what is broken instead of stopping."""
