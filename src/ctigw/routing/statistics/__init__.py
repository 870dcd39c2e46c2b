"""What agents and queues have done so far, counted (semantics 4 and 10): part of the engine's state.

`numbers` are the counters, `ledgers` the running accounts that hold them, `book` all ledgers together, `accounting` how
each fact changes them, `views` what is read out of them. Nothing here decides anything, and nothing here changes but
while a fact is applied, so that the facts alone give the same numbers (decisions F1).
"""
