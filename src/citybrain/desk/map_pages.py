"""Pages with a map: MapLibre makes its worker out of the script that the page has loaded, as a blob."""

from csp.constants import SELF
from csp.decorators import csp_update

draws_a_map = csp_update({"worker-src": [SELF, "blob:"]})
