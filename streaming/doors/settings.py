"""By which names the Airflow UI may be asked for."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class DoorSettings(Settings):
    """The doors of the Airflow UI."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_AIRFLOW_", frozen=True)

    hosts: str = Field(
        "",
        description="Further host names, separated by commas, under which the Airflow UI answers "
        "(*.example.org: all below it); loopback names and the address that it listens on always do",
    )
