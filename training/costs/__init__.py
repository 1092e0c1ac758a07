"""Costs of models: parameters, multiply-adds, speed."""
