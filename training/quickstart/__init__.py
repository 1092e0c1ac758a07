"""`ctm quickstart`: the whole workflow on generated videos."""
