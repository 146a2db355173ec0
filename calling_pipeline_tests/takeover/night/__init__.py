"""A night's takeover rehearsed from end to end: `make rehearsal` (root, mmdebstrap, a Debian mirror and PyPI).

Two bare Debian roots: the old centre's MariaDB, and this product as `docs/deployment.md` installs it with systemd, each unit
a process of its own. Then `docs/takeover.md` step by step, in a network of its own in which nothing can leave the machine.
"""
