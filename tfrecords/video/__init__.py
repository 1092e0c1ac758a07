"""A video file to frames: decoding, time stamps, and whether the file is whole."""
