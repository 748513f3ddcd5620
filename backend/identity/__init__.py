"""From a token to the caller: access tokens, API tokens, tickets, and the guards of views."""
