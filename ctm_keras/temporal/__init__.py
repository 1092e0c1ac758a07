"""Temporal methods: one file each, with its layers and the recipe that says where they stand."""
