"""
Run the example of the README against the running service, and check every response.

Run it with `make demo` or `python -m tools.demo`. The service must run on 127.0.0.1:$PORT (8000)
and use the database in LEDGER_DATABASE_URL or .env. The demo creates two users with random
passwords through manage.py. They and their accounts remain, because a ledger deletes nothing.
"""

import sys
import time
import uuid

from tools.demo_callers import (
    PORT,
    URL,
    Person,
    Program,
    Unexpected,
    make_people,
    request,
    require,
    say,
    shorten,
)

# How long an event may take to arrive, in seconds. It takes less than one.
PATIENCE = 60


def main() -> None:
    """Run the example once."""
    require(PORT.isascii() and PORT.isdigit(), f"PORT is not a number: {PORT}")
    answer = request("GET", "/readyz", None, {})
    if answer.status != 200:
        raise Unexpected(f"the service at {URL} is not ready: {answer.body['detail']}")
    ada, ben = make_people("Ada", "Ben")

    say("Each opens an account, and Ada deposits 100.00.")
    source = ada.post("/accounts", {"owner_name": "Ada"}, expect=201).body["id"]
    dest = ben.post("/accounts", {"owner_name": "Ben"}, expect=201).body["id"]
    answer = ada.post(
        f"/accounts/{source}/deposit", {"amount": 100_00, "memo": "Savings"}, expect=200
    )
    require(answer.body["balance"] == 100_00, "the deposit is not in the balance")

    transfer = send_once_and_again(ada, source, dest)
    refuse_an_overdraft(ada, source, dest)
    hold_and_capture(ada, ben, source, dest)

    say("Ben returns the first 25.00 with a reversal, because nothing is ever edited or deleted.")
    answer = ben.post(f"/transfers/{transfer}/reverse", {"memo": "Sent too much"}, expect=201)
    require(answer.body["reverses_id"] == transfer, "the reversal names another transfer")
    print_statement(ada, source)
    use_a_service_key(ada, source)
    follow_events(ada, ben, source, dest)


def send_once_and_again(ada: Person, source: str, dest: str) -> str:
    """Post a transfer, retry it with the same key, and return its id."""
    say("Ada sends Ben 25.00, loses the response, and sends the same request again.")
    order = {"source_account_id": source, "dest_account_id": dest, "amount": 25_00, "memo": "Lunch"}
    key = str(uuid.uuid4())
    first = ada.post("/transfers", order, expect=201, key=key)
    again = ada.post("/transfers", order, expect=201, key=key)
    require(
        "idempotent-replayed" not in first.headers
        and again.headers.get("idempotent-replayed") == "true",
        "the retry was not marked as a replay",
    )
    require(again.content == first.content, "the retry got another response")
    balance = ada.get(f"/accounts/{source}").body["balance"]
    require(balance == 75_00, f"the transfer was posted twice: the balance is {balance}")
    print(f"  The same {len(first.content)} bytes, and the money moved once.")
    return first.body["id"]


def refuse_an_overdraft(ada: Person, source: str, dest: str) -> None:
    """Try to send more than the account has."""
    say("Ada tries to send 500.00, which she doesn't have.")
    order = {"source_account_id": source, "dest_account_id": dest, "amount": 500_00}
    refusal = ada.post("/transfers", order, expect=409).body
    require(
        (refusal["code"], refusal["shortfall"]) == ("insufficient_funds", 425_00),
        f"the error is another one: {refusal}",
    )
    print(shorten(f"  {refusal['detail']}"))


def hold_and_capture(ada: Person, ben: Person, source: str, dest: str) -> None:
    """Hold 40.00, and capture 30.00 of it."""
    say("Ada places a hold of 40.00 for Ben, who captures 30.00. The rest is released.")
    order = {"source_account_id": source, "dest_account_id": dest, "amount": 40_00, "hold": True}
    held = ada.post("/transfers", order | {"memo": "Bike hire"}, expect=201).body
    require(
        (held["source"]["balance"], held["source"]["available"]) == (75_00, 35_00),
        "the hold did not reserve the money",
    )
    captured = ben.post(f"/transfers/{held['id']}/capture", {"amount": 30_00}, expect=201).body
    require(captured["dest"]["balance"] == 55_00, "the capture is not in Ben's balance")
    account = ada.get(f"/accounts/{source}").body
    require(
        (account["balance"], account["held"], account["available"]) == (45_00, 0, 45_00),
        "the rest of the hold was not released",
    )


def print_statement(ada: Person, source: str) -> None:
    """Print Ada's statement, oldest line first, and check each balance."""
    say("Ada's statement, in minor units.")
    lines = ada.get(f"/accounts/{source}/statement").body["items"][::-1]
    print(f"\n  {'#':>3}  {'time':<19}  {'memo':<14}{'debit':>10}{'credit':>10}{'balance':>10}")
    balance = 0
    for line in lines:
        debit = line["amount"] if line["type"] == "DEBIT" else 0
        credit = line["amount"] - debit
        balance += credit - debit
        require(balance == line["balance"], "a balance in the statement is wrong")
        print(
            f"  {line['sequence']:>3}  {line['ts'][:19]}  {line['ref'] or '':<14}"
            f"{debit:>10,}{credit:>10,}{balance:>10,}"
        )
    require((len(lines), balance) == (4, 70_00), "the statement doesn't show what happened")


def use_a_service_key(ada: Person, source: str) -> None:
    """Let a program read Ada's account until she revokes its key."""
    say("Ada gives her bookkeeping program a service key that may read, and nothing else.")
    key = ada.post("/service-keys", {"name": "Books", "scopes": ["accounts:read"]}, expect=201).body
    program = Program("Program", key)
    program.get(f"/accounts/{source}")
    refusal = program.post(f"/accounts/{source}/withdraw", {"amount": 1}, expect=403).body
    require(refusal["scope"] == "cash:write", "the error is another one")
    say("She revokes the key. The program's token ends at once.")
    ada.post(f"/service-keys/{key['client_id']}/revoke", {}, expect=200)
    program.send("GET", f"/accounts/{source}", None, expect=401)


def follow_events(ada: Person, ben: Person, source: str, dest: str) -> None:
    """Read what has happened to Ada's account, and wait for what happens next."""
    say("Ada follows the events of her account, oldest first, and keeps the cursor.")
    feed = f"/events?account_id={source}"
    page = ada.get(feed).body
    print(f"  {', '.join(event['type'] for event in page['items'])}")
    say("Ben pays her 1.00. The event arrives at her next request.")
    order = {"source_account_id": dest, "dest_account_id": source, "amount": 1_00}
    transfer = ben.post("/transfers", order, expect=201).body["id"]
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page = ada.get(f"{feed}&wait=10&after={page['next_cursor']}").body
        for event in page["items"]:
            print(shorten(f"  {event['type']} {event['data']['id']}"))
            if event["data"]["id"] == transfer:
                return
    raise Unexpected(f"the event of the transfer didn't arrive within {PATIENCE} seconds")


if __name__ == "__main__":
    try:
        main()
    except Unexpected as error:
        sys.exit(f"\nThe demo stopped: {error}")
    except KeyError as error:
        sys.exit(f"\nThe demo stopped: a response lacks {error}")
    print("\nAll responses were as expected.")
