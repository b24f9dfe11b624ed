"""The register of devices: cameras and sensors of all departments, with their health and silence."""
