"""The trained model: built by DVC, verified at load; described in manifest.json."""
