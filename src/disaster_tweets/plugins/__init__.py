"""Adapters, one module per host; importing one loads only the standard library."""
