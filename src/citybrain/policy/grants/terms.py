"""How the item version of a list is paid: its stages, who bears what, and the rule later stages wait for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import connection
from pydantic import TypeAdapter

from citybrain.policy.item_file import Payer, Shares, Stage
from citybrain.policy.parts import Part, parts_of
from citybrain.policy.publishing import stored_rule
from citybrain.policy.rule import Rule

_DEFINITION = "SELECT definition FROM policy.item_version WHERE item_version_id = %s"
_STAGES = TypeAdapter(list[Stage])
_SHARES: TypeAdapter[dict[Payer, Decimal]] = TypeAdapter(Shares)


@dataclass(frozen=True)
class Terms:
    """No stages: paid at once. No shares: the city pays."""

    stages: tuple[Stage, ...]
    shares: Mapping[Payer, Decimal]
    definition: dict[str, Any]

    @property
    def described(self) -> bool:
        """Whether the version was published with the whole of its rule."""
        return "version" in self.definition

    @cached_property
    def rule(self) -> Rule:
        """As published; looked up only when a later stage waits for criteria of it."""
        return stored_rule(self.definition)

    def parts(self, amount: Decimal) -> list[Part]:
        return parts_of(amount, self.stages, self.shares)

    def first_parts(self, amount: Decimal) -> list[Part]:
        """What goes out with the grant."""
        return [part for part in self.parts(amount) if part.number == 1]


def terms_of(item_version_id: int) -> Terms:
    with connection.cursor() as cursor:
        cursor.execute(_DEFINITION, [item_version_id])
        definition = json.loads(cursor.fetchone()[0])
    version = definition.get("version", {})
    return Terms(
        tuple(_STAGES.validate_python(version.get("pay", []))),
        _SHARES.validate_python(version.get("share", {})),
        definition,
    )
