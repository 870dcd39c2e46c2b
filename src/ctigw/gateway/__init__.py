"""The gateway: sessions, engine and network put together.

Knows which message is which input and which event is which message, who gets an event, and in which order parts start
and stop; must not know how bytes look or how tasks are routed. Rules: design 3, decisions C to E, G.
"""
