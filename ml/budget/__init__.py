"""The privacy ledger: the privacy budget of each privacy block and the charges to it."""
