"""What a worker can do: one module per field of Job.spec, of the same name, with `run(claim) -> Outcome`."""

__all__ = ["derive", "frame", "ingest", "probe", "render"]
