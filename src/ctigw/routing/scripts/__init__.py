"""Scripts of call types: what their steps are, how they are compiled, how they are carried out for a task.

Compilation (`compilation`, `step_reader`, `loops`) knows the configuration and no task; carrying out (`run` and beside
it) knows tasks and never sees a script as it was written. `steps` is what both know.
"""
