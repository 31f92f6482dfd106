"""Installing the server into a cluster, taking it away again, and saying what is wrong with it. Commands are for `xds/cli/`."""
