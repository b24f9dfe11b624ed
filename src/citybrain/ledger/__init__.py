"""The ledger: one append-only chain of hashes over case histories, evidence and grants."""

from citybrain.ledger.chain import Break, Verification, append, verify

__all__ = ["Break", "Verification", "append", "verify"]
