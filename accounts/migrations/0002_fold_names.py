from unicodedata import normalize

from django.db import migrations, models

import accounts.models


def fold(apps, schema_editor):
    # As `accounts.names.folded` does; what it may do later is for later migrations.
    account = apps.get_model("accounts", "Account")
    rows = account.objects.using(schema_editor.connection.alias).only("owner_name")
    for row in rows.iterator(chunk_size=2000):
        name = normalize("NFC", normalize("NFD", row.owner_name).casefold())
        account.objects.filter(pk=row.pk).update(owner_name_folded=name)


class Migration(migrations.Migration):

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            "account",
            "owner_name_folded",
            accounts.models.FoldedNameField(max_length=600, editable=False, default=""),
            preserve_default=False,
        ),
        migrations.RunPython(fold, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            "account", models.Index(fields=["owner_name_folded", "id"], name="account_by_name")
        ),
    ]
