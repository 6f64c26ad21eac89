"""What Accord does, shown on the databases that it runs on."""
