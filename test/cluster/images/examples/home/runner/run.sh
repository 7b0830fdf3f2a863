#!/bin/sh
# Stands in for GitHub's runner: one job, which builds an image.
exec docker build .
