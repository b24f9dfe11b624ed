"""Grants: what matching proposed, what people decided on it, and the files that pay it.

Machines propose, people decide: only the functions of `making`, `review`, `notices` and `payment` write, each
in one transaction with the list's row held, each with one decision row and one entry of the ledger.
"""
