"""What each operation can return, as declared at its view, before ``default`` stands for some."""

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from api.problems import MEDIA_TYPE


def _declared() -> dict[str, dict[int, set[str]]]:
    *hooks, share = settings.SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"]
    assert share == "ledger_project.openapi.sharing.share"
    with patched_settings({"POSTPROCESSING_HOOKS": hooks}):
        document = SchemaGenerator().get_schema(public=True)
    return {
        f"{method.upper()} {path}": {
            int(status): set(response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", ()))
            for status, response in operation["responses"].items()
        }
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


# By operation and status: the codes of the errors, or none for a successful response.
DECLARED = _declared()
