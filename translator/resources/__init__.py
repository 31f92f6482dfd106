"""What users write, kind by kind, decoded into immutable values. No rule about any of it lives here."""
