"""The Trio layer: streams, TLS, deadlines, bounded outboxes.

Knows how bytes come and go; must not know what messages mean or how tasks are routed. Rules: engineering F, decisions
A8, G1.
"""
