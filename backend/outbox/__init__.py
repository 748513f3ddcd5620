"""Text messages and mail. They are stored with the change that causes them, sent later, and retried if a provider is down."""
