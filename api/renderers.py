"""The JSON renderer."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework import renderers


class JSONRenderer(renderers.JSONRenderer):
    """Write the same JSON as DRF, with orjson, which writes a page five times as fast."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        try:
            return orjson.dumps(data)
        except orjson.JSONEncodeError:
            # orjson refuses integers beyond 64 bits, such as the sums of an audit.
            return super().render(data, accepted_media_type, renderer_context)
