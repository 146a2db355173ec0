"""Dagster's view of the rooms: assets, checks, schedules and sensors, one folder per room.

Dagster warned once per asset, in every process that it starts, of features it calls beta. Those that we use are named here:
the version is pinned, and tests hold what they do. Any other warning is shown.
"""

import warnings

import dagster as dg

from calling_pipeline.defs.instance.pace import set_pace

_BETA_IN_USE = (
    r".*(backfill_policy|[Cc]ode_?[Rr]eference|AnchorBasedFilePathMapping|`owners` of initializer `SensorDefinition)"
)
warnings.filterwarnings("ignore", message=_BETA_IN_USE, category=dg.BetaWarning)

set_pace()  # before the freshness policies are made
