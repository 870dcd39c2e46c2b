"""What operators see: metrics, health and log lines.

Knows names and labels that dashboards rely on (design 6, decisions G2, G3); must not know sessions, engine or sockets
of peers.
"""
