"""Everything kept about one person: given out, or erased with a certificate."""
