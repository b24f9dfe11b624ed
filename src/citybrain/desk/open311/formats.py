"""One answer in the two formats of the standard. The element names of lists are the standard's own."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from django.http import HttpResponse, JsonResponse

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
# The element of one entry, by the element of its list.
_ENTRY = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "notes": "note",
    "media": "url",
}
_TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}


def answer(form: str, root: str, content: Value, status: int = 200) -> HttpResponse:
    """`content` under the element `root` in XML, bare in JSON; `form` is `xml` or `json`."""
    if form == "json":
        return JsonResponse(
            content,
            safe=False,
            status=status,
            content_type=_TYPES["json"],
            json_dumps_params={"ensure_ascii": False},
        )
    body = ElementTree.tostring(_element(root, content), encoding="utf-8", xml_declaration=True)
    return HttpResponse(body, status=status, content_type=_TYPES["xml"])


def _element(name: str, content: Value) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(content, Mapping):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, Sequence) and not isinstance(content, str):
        element.extend(_element(_ENTRY[name], value) for value in content)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = _printable(str(content))
    return element


def _printable(text: str) -> str:
    """Without the control characters that XML 1.0 cannot carry."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")
