"""Forks of Deployments as objects: plain values in, plain values out. Knows no API server and no Sandbox but by a row of ir."""
