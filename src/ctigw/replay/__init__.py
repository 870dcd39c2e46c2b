"""Recorded conversations: byte streams out of TCP segments, messages out of streams, and a client half to play again.

Knows segments, frames and what may differ between two runs of the same conversation. Must not know files, sockets or
clocks: captures are read and conversations are played in `ctigw.cli`. Rules: design 5 (decode, replay), issue 3.
"""
