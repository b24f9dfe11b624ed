"""The accounts of the demo city: named by post, with generated passwords."""

from pathlib import Path

from pydantic import Field

from citybrain.catalogue.content_file import ContentModel, load_content

DEMO_ACCOUNTS_FILE = Path(__file__).with_name("demo_accounts.yml")


class DemoAccount(ContentModel):
    """One account: `organisation` is an organisation's code, or `<kind>:first` for a kind's first one."""

    username: str = Field(pattern=r"^[a-z][a-z0-9_]{2,29}$")
    display_name: str
    roles: list[str] = Field(min_length=1)
    organisation: str
    warden: str = Field(default="", max_length=64, description="code of a warden of the register")


class DemoAccounts(ContentModel):
    accounts: list[DemoAccount]


def load_demo_accounts() -> list[DemoAccount]:
    """Every account, in the file's order. Raises ContentError."""
    return load_content(DEMO_ACCOUNTS_FILE, DemoAccounts).accounts


def password_secret(username: str) -> str:
    """The name of the secret that holds an account's password."""
    return f"desk_{username}"
