"""A Kubernetes of real programs on this machine, without containers and without root: etcd, API server, controllers."""
