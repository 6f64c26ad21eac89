"""Earlier items opened to those who came late, by those whom they protect."""
