"""The water-sharing dispute, told as data and played through the API."""
