"""
A transfer as many tutorials write it, with FastAPI and SQLAlchemy: read, check, write.

It keeps the key and the response in the same transaction, but locks nothing: simultaneous transfers
of one account overwrite each other's balances. Nobody is authenticated. ``python -m`` prepares its
database and prints JSON: the ids of its accounts and an empty token.
"""

import json
import os
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import JSON, BigInteger, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ACCOUNTS = 1_000
DEPOSIT = 10_000_000_00

# FastAPI runs up to 40 requests at a time in each process. Each gets a connection.
engine = create_engine(
    os.environ["PEER_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"), pool_size=40
)
app = FastAPI()


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger, dict[str, Any]: JSON}


class Account(Base):
    __tablename__ = "account"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    balance: Mapped[int]


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), index=True)
    amount: Mapped[int]
    memo: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


class Key(Base):
    __tablename__ = "key"
    id: Mapped[str] = mapped_column(primary_key=True)
    response: Mapped[dict[str, Any]]


class Order(BaseModel):
    source_account_id: UUID
    dest_account_id: UUID
    amount: int
    memo: str | None = None


@app.post("/transfers")
def transfer(order: Order, idempotency_key: Annotated[str, Header()]) -> dict[str, Any]:
    with Session(engine) as session:
        if stored := session.get(Key, idempotency_key):
            return stored.response
        source = session.get(Account, order.source_account_id)
        dest = session.get(Account, order.dest_account_id)
        if source is None or dest is None:
            raise HTTPException(404)
        if source.balance < order.amount:
            raise HTTPException(409, "Insufficient funds")
        source.balance -= order.amount
        dest.balance += order.amount
        session.add(Entry(account_id=source.id, amount=-order.amount, memo=order.memo))
        session.add(Entry(account_id=dest.id, amount=order.amount, memo=order.memo))
        response = {
            "source": {"id": str(source.id), "balance": source.balance},
            "dest": {"id": str(dest.id), "balance": dest.balance},
        }
        session.add(Key(id=idempotency_key, response=response))
        session.commit()
    return response


@app.get("/readyz")
def ready() -> str:
    return "ok"


def prepare() -> dict[str, object]:
    """Create the tables and the accounts."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        accounts = [Account(balance=DEPOSIT) for _ in range(ACCOUNTS)]
        session.add_all(accounts)
        session.flush()
        ids = [str(account.id) for account in accounts]
        session.add_all(
            Entry(account_id=account.id, amount=DEPOSIT, memo=None) for account in accounts
        )
        session.commit()
    return {"accounts": ids, "token": "-"}


if __name__ == "__main__":
    print(json.dumps(prepare()))
