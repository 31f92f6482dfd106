"""The rules of this package: each asks the view, calls a pure function beside this folder, and yields rows. No decisions here."""
