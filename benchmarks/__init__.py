"""The speed figures of Mini Ledger, as ratios: ``python -m benchmarks``, or ``make bench``."""
