"""Configuration: what an operator may say, as frozen values, and how a file becomes them.

Knows units, ranges, defaults and files; must not know sockets, sessions or the engine. Rules: design 4, decisions G1.
"""
