"""Writes countries.json anew: `uv run --with babel==2.19.0 python -m streaming.words.gather_countries`.

The source is Unicode CLDR, as Babel packages it (Unicode Licence V3): for each country of ISO 3166-1 its
English name, its codes of two and three letters, and its names in its own official languages. USUAL adds what
people write beside these.
"""

import json
from pathlib import Path

from babel import Locale, UnknownLocaleError  # type: ignore[import-not-found]
from babel.core import get_global  # type: ignore[import-not-found]
from babel.languages import get_official_languages  # type: ignore[import-not-found]

USUAL = {
    "AE": ["UAE", "Emirates"],
    "BA": ["Bosnia"],
    "CD": ["DR Congo", "Democratic Republic of the Congo", "Congo (DRC)"],
    "CG": ["Congo", "Republic of the Congo", "Congo (Republic)"],
    "CI": ["Ivory Coast"],
    "CN": ["People's Republic of China", "Mainland China"],
    "CZ": ["Czech Republic"],
    "GB": ["UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland"],
    "HK": ["Hong Kong"],
    "IR": ["Islamic Republic of Iran"],
    "KR": ["Korea", "Republic of Korea", "Korea, Republic of", "Korea (South)"],
    "KP": ["Democratic People's Republic of Korea", "Korea (North)"],
    "LA": ["Lao PDR"],
    "MK": ["Macedonia"],
    "MM": ["Burma"],
    "MO": ["Macau", "Macao"],
    "NL": ["Holland", "The Netherlands"],
    "PS": ["Palestine"],
    "RU": ["Russian Federation"],
    "SY": ["Syrian Arab Republic"],
    "SZ": ["Swaziland"],
    "TL": ["East Timor"],
    "TR": ["Turkey"],
    "TW": ["Taiwan, Province of China"],
    "TZ": ["United Republic of Tanzania"],
    "US": ["USA", "U.S.", "U.S.A.", "United States of America", "America"],
    "VA": ["Holy See"],
    "VN": ["Viet Nam"],
}
NAMED = {
    "HK": "Hong Kong",
    "MO": "Macao",
    "MM": "Myanmar",
    "PS": "Palestine",
    "CD": "DR Congo",
    "CG": "Congo",
}
"""Where CLDR's name says more than a place."""
NO_COUNTRIES = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
"""Codes that CLDR has beside those of ISO 3166-1. XK, Kosovo, stays."""


def countries() -> dict[str, list[str]]:
    """Returns the other words for each country, by its English name."""
    english: dict[str, str] = Locale("en").territories
    three_letters: dict[str, list[str]] = {}
    for was, now in sorted(get_global("territory_aliases").items()):
        if len(was) == 3 and was.isalpha() and len(now) == 1:
            three_letters.setdefault(now[0], []).append(was)
    found = {}
    for code in sorted(english):
        if len(code) != 2 or not code.isalpha() or code in NO_COUNTRIES:
            continue
        name = NAMED.get(code, english[code])
        codes = [code, *three_letters.get(code, ())]
        words = [*codes, english[code], *USUAL.get(code, ()), *_native(code)]
        found[name] = [word for word in dict.fromkeys(words) if word and word != name]
    return found


def _native(code: str) -> list[str]:
    names = []
    for language in get_official_languages(code, de_facto=True):
        try:
            names.append(Locale.parse(language).territories.get(code, ""))
        except (UnknownLocaleError, ValueError):
            continue
    return names


if __name__ == "__main__":
    text = json.dumps(countries(), ensure_ascii=False, indent=1, sort_keys=True)
    Path(__file__).with_name("countries.json").write_text(text + "\n")
