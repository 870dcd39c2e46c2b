"""What `make bench` measures; the command line is tools/bench.py."""
