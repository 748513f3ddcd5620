"""The HTML pages and their static files. They load nothing from other servers."""
