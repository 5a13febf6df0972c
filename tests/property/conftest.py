"""Properties are about results, not about the speed of the machine that finds them."""

from hypothesis import settings

settings.register_profile("vitrine", deadline=None)
settings.load_profile("vitrine")
