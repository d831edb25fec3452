from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("transfers", "0003_find_transfers_by_kind_and_expiry")]

    # Ascending in both columns, so that a row comparison says where to begin: see
    # `accounts.composed.newest_of_each`.
    operations = [
        operation
        for name, column in [
            ("transfer_by_source", "source"),
            ("transfer_by_dest", "dest"),
            ("transfer_by_kind", "kind"),
        ]
        for operation in (
            migrations.RemoveIndex("transfer", name),
            migrations.AddIndex("transfer", models.Index(fields=[column, "id"], name=name)),
        )
    ]
