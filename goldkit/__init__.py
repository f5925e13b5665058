"""Tools around Gold: sample data, an oracle of its own mind, and the comparison of the two."""
