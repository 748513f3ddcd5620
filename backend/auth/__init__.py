"""Who is calling: accounts, sessions and the tokens that open them."""
