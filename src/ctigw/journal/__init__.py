"""The journal: every input of the engine with the facts decided from it, kept so that a state can be rebuilt.

Knows inputs, facts and state of `ctigw.routing` as values; must not know sessions, messages or who is told what. Rules:
decisions F1 to F4, design 3, engineering H.
"""
