"""`ctm ablate`: the papers' tables on one's own data."""
