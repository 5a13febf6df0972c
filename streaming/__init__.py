"""The stream: from a raw click session to the stores, one package per stage, in the order of the data."""
