"""Small models under two sets of names: the arrays as one framework calls them, what another one expects, and the
maths of both, written apart from each other and from the rule sets that lead from the one to the other."""
