"""What must come out, worked out anew from what stands in the raw topic.

Imports nothing from the code it judges, which import-linter holds: the standard library, and in `readings`
the bare clients of the stores. It knows the contract from its words, a second time, so that one mistake is
not made twice.
"""
