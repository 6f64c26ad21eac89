"""Earlier items that those whom they protect open to later participants."""
