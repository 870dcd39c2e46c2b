"""Task detail records on disk: one JSON line for each task that ended, in files that are rotated and kept for a while.

Must not know sessions, connections or the engine; histories come from `ctigw.routing.task_histories`.
"""
