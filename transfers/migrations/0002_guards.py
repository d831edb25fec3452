"""Install the guards; see ``transfers.guards``."""

from django.db import migrations

from transfers import guards


def install(apps, schema_editor):
    guards.install(schema_editor.connection)


def drop(apps, schema_editor):
    guards.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_initial"), ("accounts", "0001_initial")]

    operations = [migrations.RunPython(install, drop)]
