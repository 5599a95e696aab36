#!/usr/bin/env bash
# Judges the merge of the fetched commit onto the protected branch. Annotations go to the log; the comment, the summary and
# the findings for code scanning become files. Always ends with 0: the last step of the action ends with the verdict.
#
#   FWGATE_BASE   the protected branch   FWGATE_DEVICES   the folder of the devices   FWGATE_FAIL_ON   the failing severity
set -euo pipefail

folder="$RUNNER_TEMP/fwgate"
cd "$folder/evidence"
arguments=(check --merged --policy-ref "refs/remotes/origin/$FWGATE_BASE" --devices "$FWGATE_DEVICES" --fail-on "$FWGATE_FAIL_ON"
    --format github --report "markdown=$folder/comment.md" --report "sarif=$folder/findings.sarif")

# Where the branch brings exactly one change request, its declared effect is held against what the change does.
base=$(git merge-base "refs/remotes/origin/$FWGATE_BASE" HEAD)
mapfile -t requests < <(git diff --name-only --diff-filter=AM "$base" HEAD -- 'changes/*.toml')
if ((${#requests[@]} == 1)); then
    arguments+=(--change "rev:HEAD:${requests[0]}")
fi

code=0
fwgate "${arguments[@]}" || code=$?
case $code in
0) verdict=passed ;;
1) verdict=refused ;;
*) verdict=none code=2 ;;
esac
# The format `github` has written the summary of the job; without a verdict there is none.
if [[ ! -s $folder/comment.md ]]; then
    printf '**fwgate: no verdict.** Treat it as a refusal; the log of the job says why.\n' >"$folder/comment.md"
    cat "$folder/comment.md" >>"$GITHUB_STEP_SUMMARY"
fi
printf 'verdict=%s\ncode=%s\n' "$verdict" "$code" >>"$GITHUB_OUTPUT"
