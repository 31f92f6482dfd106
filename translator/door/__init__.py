"""Objects are checked and defaulted by their CRD, as an API server would do it, and then decoded."""

from translator.door.door import Admission, Door

__all__ = ["Admission", "Door"]
