"""One person's twin, from connectome to choices and BOLD, and the training of many."""
