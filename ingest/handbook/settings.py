"""The parameters of the process, with the values of the Fraud Detection Handbook (Le Borgne et al., chapter 3)."""

from typing import Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

BOOK_CUSTOMERS: Final = 5_000
BOOK_TERMINALS: Final = 10_000


class HandbookSettings(BaseModel):
    """A population of customers and terminals and the frauds it suffers; the same settings give the same events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: NonNegativeInt = Field(default=0, description="Seed of everything random.")
    customers: PositiveInt = Field(default=1_000, description="Customers, one card each; 5,000 in the book.")
    terminals: PositiveInt = Field(default=2_000, description="Terminals; 10,000 in the book.")
    radius: PositiveFloat = Field(
        default=5.0, description="How far customers go to a terminal, on a plane of 100 x 100."
    )
    max_transactions_per_day: PositiveFloat = Field(
        default=4.0, description="A customer's mean transactions per day are uniform between 0 and this."
    )
    label_delay_days: PositiveInt = Field(
        default=7, description="After how many days the verdict on a transaction is known."
    )
    compromised_terminals_per_day: NonNegativeFloat = Field(
        default=2.0, description="Terminals newly compromised each day, for 28 days (scenario 2)."
    )
    compromised_customers_per_day: NonNegativeFloat = Field(
        default=3.0, description="Customers newly compromised each day, for 14 days (scenario 3)."
    )
    scale_frauds: bool = Field(
        default=True,
        description="Scale both with the population, relative to the book's, so that the share of frauds stays.",
    )

    @property
    def terminals_hit(self) -> float:
        """Mean number of terminals newly compromised a day."""
        share = self.terminals / BOOK_TERMINALS if self.scale_frauds else 1.0
        return self.compromised_terminals_per_day * share

    @property
    def customers_hit(self) -> float:
        """Mean number of customers newly compromised a day."""
        share = self.customers / BOOK_CUSTOMERS if self.scale_frauds else 1.0
        return self.compromised_customers_per_day * share

    @property
    def transactions_per_day(self) -> float:
        """About how many transactions a day brings."""
        return self.customers * self.max_transactions_per_day / 2
