"""The process: sources, streams, clocks, tasks, command line and admin API. All I/O lives here, and no translation."""
