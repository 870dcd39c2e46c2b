"""The routing engine: inputs and time in, facts and notices out.

Knows media routing domains, agents, tasks, queues and scripts; must not know bytes, messages, sessions' insides,
files, Trio or a clock.
Rules: semantics 1 to 6, decisions C to E.
"""
