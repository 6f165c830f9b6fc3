#!/bin/bash
# Takes one job of GitHub's and ends; without one in five minutes it ends, too: nobody else's is
# waited for. Runs as the user whom systemd makes for lsekernels-runner.service.
set -eu
cd "$STATE_DIRECTORY"
./run.sh --jitconfig "$(<"$CREDENTIALS_DIRECTORY/jitconfig")" &
runner=$!
for ((second = 0; second < ${PATIENCE:-300}; second++)); do
  if pgrep --uid "$(id -u)" --full Runner.Worker >/dev/null || ! kill -0 "$runner" 2>/dev/null; then
    wait "$runner"
    exit
  fi
  sleep 1
done
echo "no job came: the runner ends" >&2
exit 1 # systemd ends what is left of it
