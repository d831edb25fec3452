"""How the admin writes dates and times; Django looks here for each language."""
