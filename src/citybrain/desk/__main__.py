"""`python -m citybrain.desk <command>`: Django's management commands over the platform's settings."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.desk.settings")
    execute_from_command_line(["python -m citybrain.desk", *sys.argv[1:]])
