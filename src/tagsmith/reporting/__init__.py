"""Plots and the page: tables in, pictures and HTML out."""
