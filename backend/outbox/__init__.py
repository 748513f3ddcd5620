"""Texts and mails: written with what they tell of, sent later, tried again while a provider is down."""
