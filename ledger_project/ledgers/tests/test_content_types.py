"""The ids of content types differ between databases, and Django's cache of them knows it."""

import pytest
from django.contrib.contenttypes.models import ContentType

from ledger_project.ledgers.pool import using
from ledger_project.ledgers.tests.conftest import A, B

NAME = ("elsewhere", "thing")


@pytest.fixture
def ids(ledgers):
    """The ids of one content type in both ledgers, where they differ."""
    numbers = {A: 100_001, B: 100_002}
    for host, number in numbers.items():
        with using(ledgers[host]):
            ContentType.objects.create(pk=number, app_label=NAME[0], model=NAME[1])
    yield numbers
    for host in numbers:
        with using(ledgers[host]):
            ContentType.objects.filter(app_label=NAME[0]).delete()
    ContentType.objects.clear_cache()


def test_a_cached_content_type_is_that_of_the_ledger(ledgers, ids):
    found = []
    for host in (A, B, A, B):
        with using(ledgers[host]):
            found.append(ContentType.objects.get_by_natural_key(*NAME).pk)

    assert found == [ids[A], ids[B], ids[A], ids[B]]
    with using(ledgers[A]), pytest.raises(ContentType.DoesNotExist):
        ContentType.objects.get_for_id(ids[B])
