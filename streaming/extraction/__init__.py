"""Valid sessions from MongoDB to Parquet files, each session in exactly one of them."""
