"""What people wrote, sealed; two functions are the only doors."""
