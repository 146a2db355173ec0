"""What to do about each kind of alert, in Chinese and English; `pages` leads to `docs/runbooks/`, the one source."""
