"""A port of a laptop as the fork of a Service: bootstraps of the two Envoys between which a tunnel lies. Experimental upstream."""
