"""Where songs come from: each data set or folder gives its Songs with their keys."""
