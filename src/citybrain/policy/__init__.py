"""Policies as data: items read from `policies/`, compiled to SQL, matched, explained and replayed."""

from citybrain.policy.library import Policy, load_policies, policy_faults

__all__ = ["Policy", "load_policies", "policy_faults"]
