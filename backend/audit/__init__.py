"""The audit trail: who changed what about accounts and rooms."""
