"""The parts of the peer emulator (tools/pg_emulator.py): it shares no code with ctigw and must never import it."""
