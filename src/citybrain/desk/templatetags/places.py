"""Places as people say them."""

from django import template

from citybrain.catalogue import load_areas

register = template.Library()


@register.filter
def county(code: str) -> str:
    """The county's name; the code itself when the city has no such county."""
    try:
        return load_areas().county(code).zh
    except KeyError:
        return code
