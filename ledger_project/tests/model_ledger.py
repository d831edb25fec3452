"""
A model of the ledger in dicts and lists, written from the API's contract.

It doesn't use the ledger's code. Each operation returns the status and the code of its response,
and changes the state only if it succeeds.
"""

from datetime import timedelta

from ledger_project.tests.model_books import ModelBooks

CREATED, OK = (201, None), (200, None)
# The errors after which expired holds are released and the operation is tried again.
GIVE_WAY = ("insufficient_funds", "account_not_empty")


class Refused(Exception):
    """An operation was refused, with the status and the code of the response."""

    def __init__(self, status, code):
        self.answer = (status, code)


class ModelLedger(ModelBooks):
    """
    The operations of the ledger and their rules.

    ``accounts`` are by id. ``transfers`` are in the order of their creation, and are identified by
    their index, ``place``. ``resolved_at`` is when a transfer was captured, voided, released or
    reversed. None stands for the EXTERNAL account. ``unseen`` collects the errors about accounts
    that the ``caller`` can't see.
    """

    def attempt(self, verb, *args) -> tuple[int, str | None]:
        """Run an operation completely or not at all. The first of ``args`` is the caller."""
        before = self._snapshot()
        self.caller, self.unseen = args[0], []
        try:
            response = verb(*args)
            if self.unseen:
                raise min(self.unseen, key=lambda each: each.answer)
            return response
        except Refused as refusal:
            self.accounts, self.transfers, self.cash = before
            return refusal.answer

    def _snapshot(self) -> tuple[dict, list, dict]:
        # Two levels deep, because operations change nothing below.
        accounts = {
            account_id: {**account, "statement": [*account["statement"]]}
            for account_id, account in self.accounts.items()
        }
        return accounts, [{**each} for each in self.transfers], {**self.cash}

    # ── Accounts ─────────────────────────────────────────────────────────────────────────────────

    def open(self, account_id, owner, name, currency):
        self.accounts[account_id] = {
            "owner": owner,
            "owner_name": name,
            "currency": currency,
            "status": "OPEN",
            "balance": 0,
            "held": 0,
            "statement": [],
        }

    def rename(self, actor, account_id, name):
        self._own(actor, account_id)["owner_name"] = name
        return OK

    def close(self, actor, account_id):
        account = self._own(actor, account_id)
        if account["status"] == "FROZEN":
            raise Refused(409, "account_frozen")
        if account["status"] == "OPEN":
            self._with_releases([account_id], lambda: self._require_empty(account_id))
        self.accounts[account_id]["status"] = "CLOSED"
        return OK

    def _require_empty(self, account_id) -> None:
        if self.accounts[account_id]["balance"] or self.accounts[account_id]["held"]:
            raise Refused(409, "account_not_empty")

    def set_status(self, actor, account_id, status):
        self._own(actor, account_id)
        if actor != "staff":
            raise Refused(403, "permission_denied")
        if self.accounts[account_id]["status"] == "CLOSED":
            raise Refused(409, "account_closed")
        self.accounts[account_id]["status"] = status
        return OK

    # ── Movements ────────────────────────────────────────────────────────────────────────────────

    def deposit(self, actor, account_id, amount):
        self._own(actor, account_id)
        self._move("DEPOSIT", None, account_id, amount)
        return OK

    def withdraw(self, actor, account_id, amount):
        self._own(actor, account_id)
        self._with_releases(
            [account_id], lambda: self._move("WITHDRAWAL", account_id, None, amount)
        )
        return OK

    def batch(self, actor, orders):
        for source, _, _ in orders:
            self._own(actor, source)
        payers = [source for source, _, _ in orders]
        self._with_releases(payers, lambda: [self._move("TRANSFER", *each) for each in orders])
        return CREATED

    def transfer(self, actor, source, dest, amount):
        return self.batch(actor, [(source, dest, amount)])

    def hold(self, actor, source, dest, amount, seconds):
        self._own(actor, source)
        self._with_releases([source], lambda: self._reserve(source, dest, amount, seconds))
        return CREATED

    def capture(self, actor, place, amount):
        held = self._visible(actor, place)
        if actor != "staff" and not self._owns(actor, held["dest"]):
            raise Refused(403, "permission_denied")
        amount = held["amount"] if amount is None else amount
        self._resolve(held, amount, "CAPTURED")
        self._move("CAPTURE", held["source"], held["dest"], amount)
        return CREATED

    def void(self, actor, place):
        held = self._visible(actor, place)
        self._resolve(held, held["amount"], "VOIDED")
        self._record("VOID", held["source"], held["dest"], held["amount"])
        return CREATED

    def reverse(self, actor, place):
        original = self._visible(actor, place)
        source, dest, amount = original["source"], original["dest"], original["amount"]
        if actor != "staff" and not self._owns(actor, dest):
            raise Refused(403, "permission_denied")
        if original["kind"] in ("HOLD", "VOID", "REVERSAL"):
            raise Refused(409, "not_reversible")
        if original["resolved_at"]:
            raise Refused(409, "already_reversed")
        by_staff = actor == "staff"
        self._with_releases(
            [dest], lambda: self._move("REVERSAL", dest, source, amount, thaw=by_staff)
        )
        self.transfers[place]["resolved_at"] = self.now
        return CREATED

    # ── Questions ────────────────────────────────────────────────────────────────────────────────

    def look(self, actor, place):
        self._visible(actor, place)
        return OK

    # ── The rules ────────────────────────────────────────────────────────────────────────────────

    def _own(self, actor, account_id) -> dict:
        if not self._owns(actor, account_id):
            raise Refused(404, "account_not_found")
        return self.accounts[account_id]

    def _visible(self, actor, place) -> dict:
        transfer = self.transfers[place]
        if not any(self._owns(actor, transfer[side]) for side in ("source", "dest")):
            raise Refused(404, "transfer_not_found")
        return transfer

    def _refuse(self, parties, status, code) -> None:
        """Refuse now, or after all other checks if the caller can't see the accounts."""
        if all(self._owns(self.caller, each) for each in parties):
            raise Refused(status, code)
        if code != "currency_mismatch":
            status, code = 409, "destination_unavailable"
        self.unseen.append(Refused(status, code))

    def _spend(self, account_id, amount) -> None:
        if self.accounts[account_id]["balance"] - self.accounts[account_id]["held"] < amount:
            raise Refused(409, "insufficient_funds")

    def _check(self, source, dest, thaw) -> None:
        if source == dest:
            raise Refused(400, "same_account")
        parties = [each for each in (source, dest) if each is not None]
        for account_id in parties:
            status = self.accounts[account_id]["status"]
            if status == "CLOSED":
                self._refuse([account_id], 409, "account_closed")
            elif status == "FROZEN" and not thaw:
                self._refuse([account_id], 409, "account_frozen")
        if len({self.accounts[each]["currency"] for each in parties}) > 1:
            self._refuse(parties, 400, "currency_mismatch")

    def _move(self, kind, source, dest, amount, thaw=False) -> None:
        self._check(source, dest, thaw)
        if source is not None:
            self._spend(source, amount)
        transfer = self._record(kind, source, dest, amount)
        self._enter(source, "DEBIT", -amount, transfer)
        self._enter(dest, "CREDIT", amount, transfer)

    def _enter(self, account_id, side, change, transfer) -> None:
        if account_id is None:
            known = transfer["dest"] or transfer["source"]
            self.cash[self.accounts[known]["currency"]] -= change
            return
        account = self.accounts[account_id]
        account["balance"] += change
        past = account["statement"]
        past.append(
            {
                "ts": max([self.now, *(each["ts"] for each in past[-1:])]),
                "type": side,
                "amount": abs(change),
                "balance": account["balance"],
                "sequence": len(past) + 1,
                "transfer": transfer["place"],
                "kind": transfer["kind"],
                "counterparty": transfer["dest" if side == "DEBIT" else "source"],
            }
        )

    def _reserve(self, source, dest, amount, seconds) -> None:
        self._check(source, dest, thaw=False)
        self._spend(source, amount)
        self.accounts[source]["held"] += amount
        expires_at = self.now + timedelta(seconds=seconds)
        self._record("HOLD", source, dest, amount)["expires_at"] = expires_at

    def _resolve(self, held, amount, how) -> None:
        if held["kind"] != "HOLD":
            raise Refused(409, "not_a_hold")
        done_at = held["resolved_at"]
        if done_at and done_at < held["expires_at"]:
            raise Refused(409, "hold_already_resolved")
        if done_at or held["expires_at"] <= self.now:
            raise Refused(409, "hold_expired")
        if amount > held["amount"]:
            raise Refused(409, "capture_exceeds_hold")
        self._release(held, how)

    def _release(self, held, how) -> None:
        self.accounts[held["source"]]["held"] -= held["amount"]
        held |= {"resolved_at": self.now, "resolved_by": how}

    def _with_releases(self, payers, move) -> None:
        """Run an operation, and release expired holds if it fails because of them."""
        before = self._snapshot()
        try:
            move()
        except Refused as refusal:
            self.accounts, self.transfers, self.cash = before
            self.unseen = []
            expired = [each for each in self.transfers if self._gives_way(each, payers)]
            if refusal.answer[1] not in GIVE_WAY or not expired:
                raise
            for held in expired:
                self._release(held, "EXPIRED")
                self._record("VOID", held["source"], held["dest"], held["amount"])
            move()

    def _gives_way(self, transfer, payers) -> bool:
        unresolved_hold = transfer["kind"] == "HOLD" and not transfer["resolved_at"]
        return (
            unresolved_hold and transfer["source"] in payers and transfer["expires_at"] <= self.now
        )

    def _record(self, kind, source, dest, amount) -> dict:
        transfer = {
            "place": len(self.transfers),
            "kind": kind,
            "source": source,
            "dest": dest,
            "amount": amount,
            "created_at": self.now,
            "expires_at": None,
            "resolved_at": None,
        }
        self.transfers.append(transfer)
        return transfer
