"""Requests that proxies answered, counted by rule: how proxies are told to send it, what it means, and what it adds up to."""
