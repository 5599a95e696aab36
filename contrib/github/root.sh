#!/usr/bin/env bash
# Writes the root of trust and the keys of machines to files of this job, and names them in its environment. They come from
# variables and secrets of a protected environment, never from the repository.
#
#   ROOT                                      the text of the root file
#   LEDGER, PERMIT, STAGING, PRODUCTION       private keys, each where the job needs it
#   SSH                                       the key of the deploy identity, which may write fwgate/ledger and fwgate/log
#   READER                                    instead of it, a token with which the root's remote can be read
set -euo pipefail
umask 077

folder="$RUNNER_TEMP/fwgate/keys"
mkdir -p "$folder"
if [[ -z ${ROOT:-} ]]; then
    echo "::error::the variable FWGATE_ROOT is empty: without a root there is no permit"
    exit 2
fi
# A secret may have been stored with line breaks behind it, or with those of another system. A key that has an empty line behind its last
# one is no key.
put() {
    printf '%s\n' "$(tr -d '\r' <<<"$1")" >"$2"
}

put "$ROOT" "$folder/root.toml"
echo "FWGATE_ROOT=$folder/root.toml" >>"$GITHUB_ENV"

for purpose in LEDGER PERMIT STAGING PRODUCTION; do
    if [[ -n ${!purpose:-} ]]; then
        put "${!purpose}" "$folder/$purpose"
        echo "FWGATE_KEY_$purpose=$folder/$purpose" >>"$GITHUB_ENV"
    fi
done

if [[ -n ${READER:-} ]]; then
    # The root names the remote by SSH; without a key it is read over HTTPS.
    basic=$(printf 'x-access-token:%s' "$READER" | base64 | tr -d '\n')
    git config --global "http.$GITHUB_SERVER_URL/.extraheader" "authorization: basic $basic"
    for address in "ssh://git@${GITHUB_SERVER_URL#https://}/" "git@${GITHUB_SERVER_URL#https://}:"; do
        git config --global --add "url.$GITHUB_SERVER_URL/.insteadOf" "$address"
    done
fi

if [[ -n ${SSH:-} ]]; then
    put "$SSH" "$folder/ssh"
    eval "$(ssh-agent -s)" >/dev/null
    ssh-add -q "$folder/ssh"
    rm -f "$folder/ssh"
    echo "SSH_AUTH_SOCK=$SSH_AUTH_SOCK" >>"$GITHUB_ENV"
    mkdir -p "$HOME/.ssh"
    gh api meta --jq '.ssh_keys[] | "github.com \(.)"' >>"$HOME/.ssh/known_hosts"
fi
