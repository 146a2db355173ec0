"""Whether a role of a deployment lives and can work, for probes of containers, systemd and people."""
