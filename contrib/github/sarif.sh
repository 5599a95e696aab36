#!/usr/bin/env bash
# Hands the findings to code scanning. Where that is not switched on, or the token may only read, it says so and ends well.
#
#   FWGATE_HEAD   the commit that was judged   FWGATE_PULL_REQUEST   its pull request, if any   GH_TOKEN   the token of the job
set -euo pipefail

findings="$RUNNER_TEMP/fwgate/findings.sarif"
[[ -s $findings ]] || exit 0
ref="${GITHUB_REF:?}"
if [[ -n ${FWGATE_PULL_REQUEST:-} ]]; then
    ref="refs/pull/$FWGATE_PULL_REQUEST/head"
fi
gzip --stdout "$findings" | base64 | tr -d '\n' >"$findings.gz.b64"
if ! gh api --silent --method POST "repos/$GITHUB_REPOSITORY/code-scanning/sarifs" \
    --raw-field "commit_sha=$FWGATE_HEAD" --raw-field "ref=$ref" --field "sarif=@$findings.gz.b64"; then
    echo "::notice::code scanning took no findings: it is not switched on, or this token may not write them"
fi
