"""The scripted server. It speaks the contract, and misbehaves on cue."""
