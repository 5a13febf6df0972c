"""What several folders of tests share: sessions, a Redis of their own, small data to learn from."""
