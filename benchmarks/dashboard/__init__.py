"""The performance site: a page of ours in front of asv's plots, which works without a network."""
