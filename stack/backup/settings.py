"""Where backups are kept, how many, and with which passphrase they are encrypted."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class BackupSettings(Settings):
    """What `./vitrine backup` and `./vitrine restore` read. A backup holds personal data and keys."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_BACKUP_", frozen=True)

    dir: Path | None = Field(
        None,
        description="Folder of the backups, best on another disk or machine than the stores. Without this "
        "setting: `.vitrine/backups`",
    )
    keep: int = Field(
        7, ge=1, description="How many backups are kept, beside the largest if the newest is much smaller"
    )
    passphrase_file: Path | None = Field(
        None,
        description="File of the passphrase that encrypts backups: at least 16 characters, readable by its "
        "owner alone. Keep a copy elsewhere: nothing can be restored without it. Without this setting, "
        "backups are not encrypted",
    )
