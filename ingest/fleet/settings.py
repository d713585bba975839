"""The parameters of a simulated fleet."""

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat


class FleetSettings(BaseModel):
    """Machines and what befalls them; the same settings and start give the same readings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: NonNegativeInt = Field(default=0, description="Seed of everything random.")
    machines: int = Field(
        default=100, ge=1, le=1_000_000, description="Machines: half pumps, 3 in 10 motors, 2 in 10 turbines."
    )
    every_s: float = Field(
        default=60.0, ge=0.1, le=3_600, description="Mean time between two readings of a machine, in seconds."
    )
    faults_per_machine_day: NonNegativeFloat = Field(
        default=0.2, description="Machine faults that begin, per machine and day of healthy life."
    )
    fault_hours: PositiveFloat = Field(
        default=8.0,
        description="Mean time from a fault's onset to the failure at usual load, in hours; a half more or less.",
    )
    sensor_faults_per_machine_day: NonNegativeFloat = Field(
        default=0.2, description="Faults of sensors and clocks that begin, per machine and day."
    )
    sensor_fault_hours: PositiveFloat = Field(
        default=3.0, description="How long a sensor's or clock's fault lasts on average, in hours."
    )
    gaps_per_machine_day: NonNegativeFloat = Field(
        default=0.5, description="Times per machine and day at which 2 to 20 readings in a row get lost."
    )
    duplicates: float = Field(default=0.001, ge=0, le=1, description="Share of the readings sent twice.")

    @property
    def readings_per_hour(self) -> float:
        """About how many readings an hour brings; gaps make it a little less, duplicates a little more."""
        return self.machines * 3_600 / self.every_s
