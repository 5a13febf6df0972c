"""Settings of the lists of words."""

import json
from functools import cache
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings
from streaming.words.lists import Further, Words

_Word = Annotated[str, Field(min_length=1, max_length=128)]
_Table = dict[_Word, list[_Word]]
_MOST = 1_000
_FORM = "a JSON object, each word with a list of others that mean the same"


class WordSettings(Settings):
    """Words that are counted by name besides the built-in ones; all others count as `other`. All services of
    one log need the same lists; they apply to sessions that are counted after a change."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_WORDS_", frozen=True, populate_by_name=True)

    countries: _Table = Field(
        {},
        alias="VITRINE_WORDS_COUNTRIES",
        description=f"Countries besides those of ISO 3166 and their usual names: {_FORM}",
    )
    devices: _Table = Field(
        {},
        alias="VITRINE_WORDS_DEVICES",
        description=f"Types of device besides desktop, mobile, tablet, tv, console and wearable: {_FORM}",
    )
    referrers: _Table = Field(
        {},
        alias="VITRINE_WORDS_REFERRERS",
        description="Referrers besides the common channels, search engines, social media, mail and shops: "
        f"{_FORM}; a domain stands for the hosts and addresses in it",
    )

    @field_validator("countries", "devices", "referrers")
    @classmethod
    def _few(cls, table: _Table) -> _Table:
        if sum(1 + len(others) for others in table.values()) > _MOST:
            raise ValueError(f"at most {_MOST} words: each makes counters in Redis")
        return table

    @property
    def words(self) -> Words:
        """The lists, built-in and further ones."""
        return _words(json.dumps([self.countries, self.devices, self.referrers]))


@cache
def _words(tables: str) -> Words:
    countries, devices, referrers = json.loads(tables)
    return Words(Further(countries=countries, devices=devices, referrers=referrers))
