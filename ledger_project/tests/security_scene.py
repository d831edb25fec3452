"""The people and the requests of the security matrix."""

from datetime import timedelta

from django.contrib.auth.models import Group, User
from rest_framework_simplejwt.tokens import RefreshToken

from api.scopes import Scope
from events.webhooks import services as webhooks
from events.webhooks.models import Delivery
from ledger_project.service_keys import services as service_keys
from ledger_project.service_keys.models import ServiceKey
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_order

ACCOUNT, TRANSFER = "accounts/<id:account_id>", "transfers/<id:transfer_id>"


class Scene:
    """The owner's objects for paths and bodies, and a client for each persona."""

    def __init__(self, alice, bob, newcomer, make_user, client_for, funded_account) -> None:
        self.owner, self.client_for, self.clients = alice, client_for, {}
        self.people = {
            "anonymous": None,
            "owner": alice,
            "other": bob,
            "newcomer": newcomer,
            "superuser": make_user(is_staff=True, is_superuser=True),
            "deactivated": alice,
        }
        groups = {"support": "Support", "approver": "Approvers", "operator": "Operations"}
        for persona, group in groups.items():
            self.people[persona] = make_user(is_staff=True)
            self.people[persona].groups.add(Group.objects.get(name=group))
        self.source = funded_account(alice, balance=100)
        self.dest = funded_account(alice, balance=100)
        self.empty = funded_account(alice)

    def client(self, persona):
        if persona not in self.clients:
            self.clients[persona] = self.client_for(self.people[persona])
        if persona == "deactivated":
            # After the token was issued.
            User.objects.filter(pk=self.owner.pk).update(is_active=False)
        return self.clients[persona]

    def order(self) -> dict:
        return {"source_account_id": self.source.pk, "dest_account_id": self.dest.pk, "amount": 5}

    def request(self, route, method, persona) -> tuple[str, dict]:
        """Return a path and a valid body."""
        user = self.people[persona]
        name = user.username if user else "nobody"
        bodies = {
            "auth/token": {"username": name, "password": "a password"},
            "auth/token/refresh": {"refresh": str(RefreshToken.for_user(user)) if user else "no"},
            "auth/logout": {"refresh": str(RefreshToken.for_user(user)) if user else "no"},
            "accounts": {"owner_name": "new"},
            ACCOUNT: {"owner_name": "renamed"},
            f"{ACCOUNT}/deposit": {"amount": 5},
            f"{ACCOUNT}/withdraw": {"amount": 5},
            "transfers": self.order(),
            "transfers/batch": {"transfers": [self.order()]},
            "approvals/<id:approval_id>/decline": {"reason": "no"},
            "webhooks": {"url": "https://8.8.8.8/"},
            "webhooks/<id:webhook_id>/replay": {"after": None},
            "service-keys": {"name": "new", "scopes": ["accounts:read"]},
        }
        account = self.empty if route.endswith("/close") else self.source
        path = route.replace("<id:account_id>", str(account.pk))
        if "<id:transfer_id>" in path:
            path = path.replace("<id:transfer_id>", str(self.transfer(route).pk))
        if "<id:approval_id>" in path:
            path = path.replace("<id:approval_id>", str(self.approval().pk))
        if "<id:client_id>" in path:
            path = path.replace("<id:client_id>", str(self.service_key().pk))
        if "<id:webhook_id>" in path:
            delivery = self.delivery()
            path = path.replace("<id:webhook_id>", str(delivery.endpoint_id))
            path = path.replace("<id:delivery_id>", str(delivery.pk))
        if "<path:key>" in path:
            self.client("owner").post("/accounts", {"owner_name": "keyed"}, key="its-key")
            path = path.replace("<path:key>", "its-key")
        return f"/{path}", bodies.get(route, {})

    def transfer(self, route):
        order = services.Order(source_id=self.source.pk, dest_id=self.dest.pk, amount=5)
        if route.endswith(("/capture", "/void")):
            return services.hold(order=order, expires_in=timedelta(days=1), actor=self.owner)
        return services.transfer(order=order, actor=self.owner)

    def approval(self) -> Approval:
        order = services.Order(source_id=self.source.pk, dest_id=self.dest.pk, amount=5)
        return ask_for_order(order=order, actor=self.owner)

    def delivery(self) -> Delivery:
        wanted = {"events": [], "account_ids": [], "description": ""}
        endpoint, _ = webhooks.register(owner=self.owner, url="https://8.8.8.8/", **wanted)
        return webhooks.test(webhook_id=endpoint.pk, actor=self.owner)

    def service_key(self) -> ServiceKey:
        scopes = [Scope.ACCOUNTS_READ]
        return service_keys.create(owner=self.owner, name="backend", scopes=scopes)[0]
