#!/usr/bin/env bash
# Builds one target and packs it: dist/fwgate-VERSION-TARGET.tar.gz with the binary, licences, manual pages and completions;
# a .zip for Windows. The name of the folder inside is that of the archive.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:?"the target triple"}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name="fwgate-$version-$target"

cargo build --release --locked --target "$target"
folder="dist/$name"
rm -rf "$folder"
mkdir -p "$folder/completions"
suffix=""
[[ $target == *windows* ]] && suffix=.exe
binary="target/$target/release/fwgate$suffix"
cp "$binary" LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md "$folder/"
"$binary" man --out "$folder/man1"
for shell in bash zsh fish powershell elvish; do
    "$binary" completions "$shell" >"$folder/completions/fwgate.$shell"
done
if [[ $target == *-linux-musl ]] && ! file "$binary" | grep -qE 'static(ally|-pie) linked'; then
    file "$binary" >&2
    printf 'the binary is not static\n' >&2
    exit 1
fi

cd dist
if [[ $target == *windows* ]]; then
    7z a -bso0 "$name.zip" "$name"
else
    tar --create --gzip --file "$name.tar.gz" "$name"
fi
rm -rf "$name"
ls -l
