"""The command line: parses, calls one service, renders one frozen view."""
