"""Where staff find approvals: the list, the searches, and the pages that they concern."""

import pytest
from django.urls import reverse

from accounts.admin import search
from accounts.tests.admin_pages import action_of, column, confirm, page_of, queries_of, table
from transfers.approvals.models import Approval
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]

LIST = reverse("admin:approvals_approval_changelist")


def test_the_list_shows_what_waits_and_finds_it_by_its_accounts(second, ask, source):
    ask("DEPOSIT")
    asked = ask("WITHDRAWAL")

    shown = second.get(LIST, {"status__exact": "PENDING", "q": str(source.pk)})

    names = ("asked_for", "status_shown", "amount_shown", "requested_by", "decided_by")
    assert list(zip(*(column(shown, name) for name in names), strict=True)) == [
        (f"Withdrawal {asked.pk}", "Pending", "10.00 USD", "staff", "\N{EN DASH}"),
    ]
    assert column(shown, "parties_shown") == ["alice → External USD"]


def test_the_list_takes_as_many_queries_for_three_as_for_one(second, ask):
    ask()
    one = queries_of(second, LIST)
    ask("REVERSAL")
    ask("OVERDRAFT_LIMIT")

    assert queries_of(second, LIST) == one


def found(browser, text: str) -> list:
    return [row.pk for row in browser.get(LIST, {"q": text}).context["cl"].result_list]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("staff", ["OVERDRAFT_LIMIT", "REVERSAL", "WITHDRAWAL"]),
        ("checker", ["REVERSAL"]),
        ("twice", ["REVERSAL"]),
        ("salary", ["OVERDRAFT_LIMIT"]),
        ("20.00", ["WITHDRAWAL"]),
        ("$20", ["WITHDRAWAL"]),
        ("10 usd", ["OVERDRAFT_LIMIT", "REVERSAL"]),
        ("BOB", ["REVERSAL"]),
        ("alice correction", ["WITHDRAWAL"]),
        ("alice checker salary", []),
        ("{source}", ["OVERDRAFT_LIMIT", "REVERSAL", "WITHDRAWAL"]),
        ("{source_end}", ["OVERDRAFT_LIMIT", "REVERSAL", "WITHDRAWAL"]),
        ("{reversal}", ["REVERSAL"]),
        ("{made}", ["REVERSAL"]),
        ("{reversed}", ["REVERSAL"]),
        ("nobody", []),
    ],
)
def test_approvals_are_found_by_what_people_know_of_them(second, ask, source, text, kinds):
    ask("WITHDRAWAL", amount=2_000)
    reversal = ask("REVERSAL")
    confirm(second, action_of(reversal, "approve"))
    ask("OVERDRAFT_LIMIT")
    ids = {
        "source": source.pk,
        "source_end": f"…{source.pk.hex[-6:]}",
        "reversal": reversal.pk,
        "made": Approval.objects.get(pk=reversal.pk).transfer_id,
        "reversed": reversal.reverses_id,
    }

    shown = second.get(LIST, {"q": text.format(**ids)}).context["cl"].result_list

    assert [each.kind for each in shown] == kinds


def test_the_search_of_all_tables_finds_approvals(second, ask):
    asked = ask()

    html = second.get("/admin/find/", {"q": "correction"}).text

    assert f'href="{page_of(asked)}"' in html
    assert "Pending · requested by staff at" in html


def test_a_search_reads_only_the_newest_approvals_and_says_so(second, ask, source, monkeypatch):
    old, new = ask(), ask()
    monkeypatch.setattr(search, "NEWEST", 1)

    for text in ("correction", str(source.pk)):
        response = second.get(LIST, {"q": text})
        assert [row.pk for row in response.context["cl"].result_list] == [new.pk]
        assert "Only the newest 1 approvals were searched." in response.text
    assert found(second, str(old.pk)) == [old.pk]


def test_the_page_of_an_account_shows_what_waits_and_links_to_it(second, ask, source, dest):
    asked = [ask("OVERDRAFT_LIMIT"), ask("DEPOSIT"), ask()]
    decided = ask("WITHDRAWAL")
    confirm(second, action_of(decided, "decline"), reason="Not agreed")

    shown = {each: second.get(page_of(each)) for each in (source, dest)}

    names = {each: [row[0] for row in table(shown[each], "approvals")] for each in (source, dest)}
    assert names == {
        source: ["Transfer of 10.00 USD", "Overdraft limit of 10.00 USD"],
        dest: ["Transfer of 10.00 USD", "Deposit of 10.00 USD"],
    }
    assert f'href="{page_of(asked[2])}"' in shown[source].text
    assert f'href="{LIST}?q={source.pk}"' in shown[source].text
    assert f'href="{page_of(source)}"' in second.get(page_of(asked[2])).text


def test_an_account_without_approvals_has_no_list_of_them(second, source):
    assert 'id="approvals"' not in second.get(page_of(source)).text


def test_the_page_of_an_account_says_if_not_all_that_waits_was_searched(
    second, ask, source, dest, monkeypatch
):
    ask("WITHDRAWAL")
    monkeypatch.setattr("transfers.admin.waiting.MOST_SEARCHED", 1)
    whole = second.get(page_of(source)).text
    ask("DEPOSIT")

    cut = second.get(page_of(source)).text

    text = "Only the newest 1 approvals that wait were searched."
    assert [text in each for each in (whole, cut)] == [False, True]


def test_the_page_of_an_account_takes_as_many_queries_for_three_approvals(second, ask, source):
    ask()
    one = queries_of(second, page_of(source))
    ask("REVERSAL")
    ask("OVERDRAFT_LIMIT")

    assert queries_of(second, page_of(source)) == one


def test_the_page_of_a_transfer_links_to_its_approval(second, ask):
    asked = ask()
    confirm(second, action_of(asked, "approve"))
    transfer = Transfer.objects.latest("pk")

    shown = second.get(reverse("admin:transfers_transfer_change", args=[transfer.pk]))

    assert f'href="{page_of(asked)}"' in shown.content.decode()


def test_the_home_page_shows_what_waits_until_it_is_decided(second, ask):
    asked = ask()

    waiting = second.get("/admin/").content.decode()
    confirm(second, action_of(asked, "approve"))
    decided = second.get("/admin/").content.decode()

    assert f'href="{page_of(asked)}"' in waiting
    assert "Pending approvals" not in decided
