"""The demo: a water-sharing dispute, as data, played through the API."""
