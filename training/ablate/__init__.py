"""`ctm ablate`: the papers' ablation tables on your own data."""
