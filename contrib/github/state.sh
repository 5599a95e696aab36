#!/usr/bin/env bash
# Sets the status of every open pull request again. Approvals, holds and freezes arrive on branches fwgate/**, which carry no
# workflow file, so no event tells the pull request: a schedule does.
#
#   FWGATE_BASE   the protected branch   FWGATE_DEVICES   the folder of the devices   GH_TOKEN, FWGATE_TOKEN   the token
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
gh api --paginate "repos/$GITHUB_REPOSITORY/pulls?state=open&base=$FWGATE_BASE" --jq '.[] | "\(.number) \(.head.sha)"' |
    while read -r number head; do
        code=0
        {
            FWGATE_HEAD="$head" bash "$here/evidence.sh" &&
                (cd "$RUNNER_TEMP/fwgate/evidence" && fwgate check --merged \
                    --policy-ref "refs/remotes/origin/$FWGATE_BASE" --devices "$FWGATE_DEVICES")
        } >"$RUNNER_TEMP/fwgate/state.txt" 2>&1 </dev/null || code=$?
        state=failure
        ((code == 0)) && state=success
        # The first line is the answer. The forge takes 140 characters.
        said=$(head -n 1 "$RUNNER_TEMP/fwgate/state.txt" | cut -c 1-120)
        printf '#%s %s: %s\n' "$number" "$state" "$said"
        gh api --silent --method POST "repos/$GITHUB_REPOSITORY/statuses/$head" --raw-field "state=$state" \
            --raw-field "context=fwgate" --raw-field "description=${said:-no verdict}" </dev/null
    done
