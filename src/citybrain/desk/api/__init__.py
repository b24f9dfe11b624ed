"""The JSON API for systems of departments, under `/api/v1/`: cases, their media, webhooks."""
