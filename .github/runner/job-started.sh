#!/bin/bash
# Which jobs a self-hosted runner takes; the runner executes this before each, and drops the job if
# it fails. A pull request can write any job into its own workflow files, but not this file's copy
# on the machine, nor what GitHub says of the event.
set -eu

refuse() {
  echo "::error::This machine does not take the job: $1"
  exit 1
}

[ "$(id -u)" -ne 0 ] || refuse "its runner must not be root"
[ "$GITHUB_REPOSITORY" = "$BENCHMARK_REPOSITORY" ] || refuse "it works for $BENCHMARK_REPOSITORY alone"
case "$BENCHMARK_JOBS $GITHUB_EVENT_NAME" in
  "labelled pull_request")
    python3 -I - "$GITHUB_EVENT_PATH" <<'PYTHON' ||
import json, sys
event = json.load(open(sys.argv[1], encoding="utf-8"))
sys.exit(event["action"] != "labeled" or event["label"]["name"] != "benchmark")
PYTHON
      refuse "a maintainer's label, benchmark, must start it"
    # What holds the job to the labelled commit, and to one whose tests have passed, is written in
    # .github; so the pull request must have the workflows of main.
    commits=$(python3 -I - "$GITHUB_EVENT_PATH" <<'PYTHON'
import json, sys
change = json.load(open(sys.argv[1], encoding="utf-8"))["pull_request"]
print(change["base"]["sha"], change["head"]["sha"])
PYTHON
    )
    read -r base head <<<"$commits"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    git init --quiet --bare "$scratch"
    git -C "$scratch" fetch --quiet --depth 1 \
      "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "$base" "$head" ||
      refuse "it cannot fetch $head"
    git -C "$scratch" diff --quiet "$base" "$head" -- .github ||
      refuse ".github is not that of main: merge main, and change .github in a pull request of its own"
    ;;
  "nightly schedule" | "nightly workflow_dispatch")
    [ "$GITHUB_REF" = refs/heads/main ] || refuse "it measures main alone"
    ;;
  *)
    refuse "its runner takes $BENCHMARK_JOBS jobs, and this is one of $GITHUB_EVENT_NAME"
    ;;
esac
