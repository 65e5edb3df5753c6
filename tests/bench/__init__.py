"""Speed beside a bare Flask route on the same server: ``make bench``, or ``python -m tests.bench --help``.

All traffic stays on the loopback, and its amount and time are bounded. See docs/performance.md.
"""
