"""The whole of threed on one machine: servers from wheels, and the supervisor that keeps them running."""
