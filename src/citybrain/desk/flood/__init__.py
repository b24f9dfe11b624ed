"""Places that flood: what their gauges say, whose they are, and which teams and pumps stand near."""
