"""`songkey page`: one local web page that shows the keys of the songs dropped on it."""
