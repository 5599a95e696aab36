#!/usr/bin/env bash
# Puts fwgate on the path of the job: out of an archive whose SHA-256 is known, or built from the source of this action.
#
#   FWGATE_ARCHIVE, FWGATE_SHA256   the archive; empty: build
set -euo pipefail

folder="$RUNNER_TEMP/fwgate"
mkdir -p "$folder/bin"

if [[ -n ${FWGATE_ARCHIVE:-} ]]; then
    if [[ ! ${FWGATE_SHA256:-} =~ ^[0-9a-f]{64}$ ]]; then
        echo "::error::an archive needs its SHA-256: 64 hexadecimal digits in the input sha256"
        exit 2
    fi
    curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --output "$folder/archive.tar.gz" "$FWGATE_ARCHIVE"
    echo "$FWGATE_SHA256  $folder/archive.tar.gz" | sha256sum --check --quiet
    tar --extract --gzip --file "$folder/archive.tar.gz" --directory "$folder/bin" --strip-components=1 --wildcards '*/fwgate'
else
    cargo install --locked --quiet --path "${GITHUB_ACTION_PATH:?}" --root "$folder"
fi

echo "$folder/bin" >>"$GITHUB_PATH"
# Other steps of the job find the scripts of this action here.
echo "FWGATE_SCRIPTS=$GITHUB_ACTION_PATH/contrib/github" >>"$GITHUB_ENV"
"$folder/bin/fwgate" --version
