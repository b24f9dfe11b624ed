"""The ledger: one append-only chain of hashes over case histories, evidence and grants."""

from citybrain.ledger.anchor import Anchor, head, lost_anchors
from citybrain.ledger.chain import Break, Verification, append, verify

__all__ = ["Anchor", "Break", "Verification", "append", "head", "lost_anchors", "verify"]
