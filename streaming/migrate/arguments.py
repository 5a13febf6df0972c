"""Arguments of `./vitrine migrate`. Standard library only: they are read before any environment exists."""

DETAILS = """\
For use once after an update from a release whose stores have ids among the other fields: sessions in MongoDB
get pseudonyms, and ids, name and e-mail address move into one object; the documents of single sessions in
Elasticsearch are made anew from them, without ids and city. The stages may run meanwhile, and `store` must:
it has ten minutes to store what is in the log. It may be stopped and called again at any point, and changes
nothing where all is done. The privacy ledger stays as it is.

The gate rebuilds its claims by itself. What is left to do then:

  ./vitrine resummarise            documents of the sessions in the log, with what only Flink knows
  ./vitrine distinct … --recount   distinct users of days that are no longer in the log
  the DAGs extract_sessions and similar_users, which make their files and documents anew

Kafka must run too. Exits 2 if log or MongoDB have pseudonyms of another key than the one that is set.

Exit code 1 if MongoDB has sessions that no stage wrote; they are left as they are.

Whom the erasure list, or the log, says to be erased, and an older backup has brought back, is erased again.

With --json: {"sessions", "unreadable", "documents", "erased_again": records removed}."""
