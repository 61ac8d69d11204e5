"""The real servers that any test may ask for by name."""

pytest_plugins = ["tests.servers.postgres", "tests.servers.rabbitmq", "tests.servers.s3", "tests.stack"]
