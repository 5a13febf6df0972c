"""Where people live: real towns, each with one postcode and its share of the people."""

from typing import NamedTuple


class Town(NamedTuple):
    """The home town of a simulated person."""

    country: str
    state: str
    city: str
    zip_code: str


_TABLE = """
United States  | 0.34 | New York, New York, 10001; California, Los Angeles, 90001; Illinois, Chicago, 60601;
                        Texas, Houston, 77001; Washington, Seattle, 98101; Texas, Austin, 78701;
                        Florida, Miami, 33101; California, San Diego, 92101; Oregon, Portland, 97201
Germany        | 0.20 | Berlin, Berlin, 10115; Bavaria, Munich, 80331; Hamburg, Hamburg, 20095;
                        Hesse, Frankfurt, 60311; Saxony, Leipzig, 04103; Bavaria, Nuremberg, 90402
United Kingdom | 0.16 | England, London, EC1A; England, Leeds, LS1; Scotland, Glasgow, G1;
                        England, Bristol, BS1; Wales, Cardiff, CF10
France         | 0.12 | Île-de-France, Paris, 75001; Occitanie, Toulouse, 31000; Grand Est, Strasbourg, 67000;
                        Brittany, Rennes, 35000
Canada         | 0.10 | Ontario, Toronto, M5H; Quebec, Montreal, H2Y; Alberta, Calgary, T2P
Spain          | 0.08 | Madrid, Madrid, 28001; Catalonia, Barcelona, 08001; Andalusia, Seville, 41001
"""
"""Country | share of the people | state, city, postcode; ... with the largest town first."""


def places() -> tuple[list[Town], list[float]]:
    """Returns all towns, and the share of people from each; the shares sum to 1."""
    found: list[Town] = []
    shares: list[float] = []
    for line in _TABLE.replace(";\n", ";").strip().splitlines():
        country, share, towns = (part.strip() for part in line.split("|"))
        rows = [[part.strip() for part in town.split(",")] for town in towns.split(";")]
        weights = [1 / (rank + 1.5) for rank in range(len(rows))]
        for (state, city, zip_code), weight in zip(rows, weights, strict=True):
            found.append(Town(country, state, city, zip_code))
            shares.append(float(share) * weight / sum(weights))
    return found, shares
