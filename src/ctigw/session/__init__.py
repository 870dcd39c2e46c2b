"""Sessions: what may be said to a peer and when, in both protocols, without sockets and without a clock.

Knows opening, keeping and ending of sessions and dialogues; must not know sockets, time, routing or configuration
files. Times are steady UTC seconds that the driver hands in. Rules: mr-wire (g), cti-notes, decisions A, C and D.
"""
