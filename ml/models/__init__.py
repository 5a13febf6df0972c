"""Who will buy: three private models, the ceiling without privacy, and the Laplace baseline, behind one
interface."""
