"""`ctm report`: runs side by side in one HTML file that opens from disk."""
