"""What a lab does, from a folder to a report: the functions that experiments and `dtb` share."""
