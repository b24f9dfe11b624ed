"""How passwords are kept: Argon2id with the figures of OWASP's password storage cheat sheet."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """19 MiB and 25 ms a sign-in. Django's own figures take 100 MiB, which some forty people who sign in
    within a second at eight o'clock would not all be given.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1
