"""What every simulated vendor is built from."""

from __future__ import annotations

from dataclasses import dataclass, field

from calling_pipeline.simulator.faults import Faults
from calling_pipeline.simulator.world import World


@dataclass
class Simulation:
    """What a simulated vendor is built from."""

    world: World
    faults: Faults = field(default_factory=Faults)
