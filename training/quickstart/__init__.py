"""`ctm quickstart`: videos that are drawn, and the whole way from them to a served model."""
