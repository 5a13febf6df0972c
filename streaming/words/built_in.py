"""The built-in lists of words: for each word the others that mean the same. Pure.

Countries are in countries.json (gather_countries.py). Words are compared without case, accents and the
difference between space, hyphen and underscore (spelling.py).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

Table = Mapping[str, Sequence[str]]
"""The words of a list; for each of them the other words that mean the same."""

DEVICES: Table = {
    "desktop": ["computer", "laptop", "notebook", "pc"],
    "mobile": ["cell phone", "mobile phone", "phone", "smartphone"],
    "tablet": ["ipad"],
    "tv": ["smart tv", "television"],
    "console": ["game console"],
    "wearable": ["smartwatch", "watch"],
}

CHANNELS: Table = {
    "Direct": ["(direct)", "(none)", "none", "typein"],
    "Email": ["e-mail", "mail", "newsletter"],
    "Affiliate": ["affiliates", "partner"],
    "Referral": [],
    "Ads": ["ad", "banner", "cpc", "display", "paid", "ppc"],
    "Organic": ["organic search", "search"],
    "Social": ["social media"],
    "SMS": ["text message"],
    "Push": ["notification"],
    "App": ["mobile app"],
    # Names too short to stand for every domain of that name.
    "X": ["twitter", "twitter.com", "t.co", "x.com"],
    "VK": ["vkontakte", "vk.com", "vk.ru"],
}
"""Referrers that are no sites, as shops name them."""

SITES: Table = {
    # Search.
    "Google": ["google ads", "adwords", "googleadservices", "googlesyndication"],
    "Bing": ["microsoft bing"],
    "DuckDuckGo": [],
    "Yahoo": [],
    "Baidu": [],
    "Yandex": ["ya.ru"],
    "Ecosia": [],
    "Qwant": [],
    "Startpage": [],
    "Brave": [],
    "Naver": [],
    "Seznam": [],
    # Assistants.
    "ChatGPT": ["openai"],
    "Perplexity": [],
    "Gemini": [],
    "Copilot": [],
    "Claude": ["anthropic"],
    # Social media and messengers.
    "Facebook": ["fb", "messenger", "meta"],
    "Instagram": ["ig"],
    "Pinterest": ["pin.it"],
    "TikTok": [],
    "YouTube": ["youtu.be"],
    "LinkedIn": ["lnkd.in"],
    "Reddit": ["redd.it"],
    "Snapchat": [],
    "WhatsApp": ["wa.me"],
    "Telegram": ["t.me"],
    "Threads": [],
    "Bluesky": ["bsky.app"],
    "Mastodon": [],
    "Tumblr": [],
    "WeChat": ["weixin"],
    "Quora": [],
    "Twitch": [],
    "Discord": [],
    # Mail in the browser.
    "Gmail": [],
    "Outlook": ["hotmail", "live.com"],
    # Marketplaces and comparison sites.
    "Amazon": ["amzn.to"],
    "eBay": [],
    "Etsy": [],
    "AliExpress": [],
    "Idealo": [],
    "Shopzilla": [],
    "Kelkoo": [],
    "Criteo": [],
    "Awin": [],
}
"""Referrers that are sites; each also stands for the domains of its name."""

SYSTEMS: Table = {
    "Windows": ["windows 7", "windows 8", "windows 10", "windows 11", "win"],
    "macOS": ["mac", "mac os", "mac os x", "os x"],
    "Linux": ["ubuntu", "debian", "fedora"],
    "Android": [],
    "iOS": ["iphone os"],
    "iPadOS": [],
    "ChromeOS": ["chrome os"],
    "HarmonyOS": [],
    "Tizen": [],
    "webOS": [],
    "tvOS": [],
    "PlayStation": [],
    "Xbox": [],
}

BROWSERS: Table = {
    "Chrome": ["google chrome", "chrome mobile", "chromium", "chrome webview"],
    "Safari": ["mobile safari"],
    "Firefox": ["firefox mobile", "mozilla firefox"],
    "Edge": ["microsoft edge"],
    "Samsung Internet": ["samsung browser"],
    "Opera": ["opera mobile", "opera mini"],
    "Brave": [],
    "Vivaldi": [],
    "DuckDuckGo": [],
    "UC Browser": [],
    "Yandex": ["yandex browser"],
    "Internet Explorer": ["ie"],
    "Facebook": ["facebook in app"],
    "Instagram": ["instagram in app"],
}

GENDERS: Table = {
    "female": ["f", "w", "woman"],
    "male": ["m", "man"],
    "diverse": ["d", "x", "nonbinary", "non-binary"],
}

PAYMENTS: Table = {
    "card": ["bank card"],
    "credit_card": ["visa", "mastercard", "amex", "american express"],
    "debit_card": [],
    "paypal": [],
    "apple_pay": [],
    "google_pay": [],
    "amazon_pay": [],
    "klarna": [],
    "afterpay": ["clearpay"],
    "bank_transfer": ["transfer", "wire", "sepa"],
    "direct_debit": [],
    "invoice": ["bill"],
    "instalments": ["installments", "financing"],
    "cash_on_delivery": ["cash", "cod"],
    "gift_card": ["voucher"],
    "ideal": [],
    "alipay": [],
    "wechat_pay": [],
    "crypto": ["bitcoin"],
}


@cache
def countries() -> Table:
    """Returns the countries of ISO 3166-1 by their English names."""
    table: dict[str, list[str]] = msgspec.json.decode(
        files(__package__).joinpath("countries.json").read_bytes(), type=dict[str, list[str]]
    )
    return table
