#!/usr/bin/env bash
# Fetches what a verdict rests on, in full: the protected branch, the commit that is judged, and every branch fwgate/**.
# Nothing is checked out: fwgate reads objects, and the files of the change never lie in a working tree.
#
#   FWGATE_BASE    the protected branch        FWGATE_HEAD    the commit that is judged
#   FWGATE_TOKEN   the token of the job        FWGATE_REMOTE  the repository, where it is not the job's own
set -euo pipefail

folder="$RUNNER_TEMP/fwgate/evidence"
remote="${FWGATE_REMOTE:-$GITHUB_SERVER_URL/$GITHUB_REPOSITORY}"
if [[ ! ${FWGATE_HEAD:-} =~ ^[0-9a-f]{40}$ ]]; then
    echo "::error::the commit that is judged is named by its 40 digits, not by \"${FWGATE_HEAD:-}\""
    exit 2
fi

if [[ -n ${FWGATE_TOKEN:-} ]]; then
    # In the environment of git alone: neither a file nor an argument of a process shows it.
    basic=$(printf 'x-access-token:%s' "$FWGATE_TOKEN" | base64 | tr -d '\n')
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$remote.extraheader" GIT_CONFIG_VALUE_0="authorization: basic $basic"
fi

[[ -d $folder/.git ]] || git init --quiet "$folder"
git -C "$folder" fetch --quiet --no-tags --no-recurse-submodules --prune "$remote" \
    "+refs/heads/$FWGATE_BASE:refs/remotes/origin/$FWGATE_BASE" \
    "+refs/heads/fwgate/*:refs/remotes/origin/fwgate/*" \
    "+$FWGATE_HEAD:refs/fwgate/judged"
git -C "$folder" update-ref --no-deref HEAD "$FWGATE_HEAD"
git -C "$folder" symbolic-ref refs/remotes/origin/HEAD "refs/remotes/origin/$FWGATE_BASE"
