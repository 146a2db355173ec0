"""Every published day counted by agent, hour, province and dialling task; kept permanently."""
