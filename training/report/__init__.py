"""`ctm report`: one HTML file that compares runs."""
