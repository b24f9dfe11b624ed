"""The phone's pages: my tasks, one task, a report, and who I am. They work without scripts."""
