"""Adapters, one module per host. Importing one costs nothing but the standard library."""
