"""Settings of the lists of words."""

import json
from functools import cache
from typing import Annotated

import msgspec
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
    one log need the same lists. They apply to sessions that come after a change; `./vitrine resummarise`
    makes the dashboards' documents of earlier ones anew, too."""

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
    systems: _Table = Field(
        {},
        alias="VITRINE_WORDS_SYSTEMS",
        description=f"Operating systems besides the usual ones, for the dashboards: {_FORM}",
    )
    browsers: _Table = Field(
        {},
        alias="VITRINE_WORDS_BROWSERS",
        description=f"Browsers besides the usual ones, for the dashboards: {_FORM}",
    )
    genders: _Table = Field(
        {},
        alias="VITRINE_WORDS_GENDERS",
        description=f"Genders besides female, male and diverse, for the dashboards: {_FORM}",
    )
    payments: _Table = Field(
        {},
        alias="VITRINE_WORDS_PAYMENTS",
        description=f"Payment methods besides the usual ones, for the dashboards: {_FORM}",
    )

    @field_validator(*Further.__struct_fields__)
    @classmethod
    def _few(cls, table: _Table) -> _Table:
        if sum(1 + len(others) for others in table.values()) > _MOST:
            raise ValueError(f"at most {_MOST} words: each makes counters or rows")
        return table

    @property
    def words(self) -> Words:
        """The lists, built-in and further ones."""
        return _words(json.dumps(msgspec.to_builtins(self.further)))

    @property
    def further(self) -> Further:
        """The words beside the built-in lists."""
        return Further(**{field: getattr(self, field) for field in Further.__struct_fields__})


@cache
def _words(tables: str) -> Words:
    return Words(Further(**json.loads(tables)))
