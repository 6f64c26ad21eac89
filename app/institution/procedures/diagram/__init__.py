"""Draws a rule set as an SVG diagram: what to draw, in which words, where, and the SVG itself."""
