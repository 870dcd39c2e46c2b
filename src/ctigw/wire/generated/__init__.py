"""What tools/generate_messages.py makes of protocol/*.toml. Nothing here is written by hand."""
