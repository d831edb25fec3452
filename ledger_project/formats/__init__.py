"""Formats of dates and times in the admin, found by Django's FORMAT_MODULE_PATH."""
