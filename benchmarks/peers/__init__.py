"""
Other ways to keep a ledger, for comparison.

The services run in an environment of their own, with only ``requirements.txt`` of this folder.
"""
