#!/usr/bin/env bash
# Keeps one comment of the pull request up to date. The token of a fork's pull request may only read: then the summary of
# the job has the same text, and this says so and ends well.
#
#   FWGATE_PULL_REQUEST   its number   GH_TOKEN   the token of the job
set -euo pipefail

marker='<!-- fwgate: this comment is written again with every verdict -->'
body="$RUNNER_TEMP/fwgate/body.md"
{
    printf '%s\n' "$marker"
    # The forge refuses bodies of more than 65536 characters.
    head --bytes=65000 "$RUNNER_TEMP/fwgate/comment.md"
} >"$body"

comments="repos/$GITHUB_REPOSITORY/issues/$FWGATE_PULL_REQUEST/comments"
own=".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id"
if ! id=$(gh api --paginate "$comments" --jq "$own" | head -n 1); then
    echo "::notice::the comments cannot be read with this token; the summary of the job has the report"
    exit 0
fi
if [[ -n $id ]]; then
    target=(--method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id")
else
    target=(--method POST "$comments")
fi
if ! gh api --silent "${target[@]}" --field "body=@$body"; then
    echo "::notice::no comment can be written with this token; the summary of the job has the report"
fi
