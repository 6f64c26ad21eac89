"""An assumed case, played under a rule set: from parties and dated acts to its timeline."""
