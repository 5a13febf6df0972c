"""How soon erasures that were asked for must be carried out."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class PersonSettings(Settings):
    """Erasures that were asked for on Airflow's page; `./vitrine person erase --pending` carries them out."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_PERSON_", frozen=True)

    overdue_hours: int = Field(
        24, ge=1, description="Hours after which the DAG person fails if an erasure is still open"
    )
