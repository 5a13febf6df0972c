"""Imports a file of sessions or shop events: sends it through the gate and counts the outcomes."""
