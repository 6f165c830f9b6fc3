#!/bin/bash
# Throws away all that a job has left; root runs it before and after each. systemd has ended the
# job's processes by then, and lends their user to nobody who could find a file of theirs.
set -eu
# The slash: systemd makes it a link. No link inside is followed, and no other disk entered.
find "${STATE_DIRECTORY:?}/" -xdev -mindepth 1 -delete
