#!/bin/sh
# Installs those of the named Debian or Ubuntu packages that are missing, through sudo when not
# root. A package that another one provides (libjpeg-dev) counts as present.
set -eu
present=$(dpkg-query -W -f '${Status}: ${Package} ${Provides}\n' 2>/dev/null |
          sed -n 's/^install ok installed: //p' | tr -d ',' | tr ' ' '\n')
missing=
for package in "$@"; do
    if ! echo "$present" | grep -q -x -F -- "$package"; then missing="$missing $package"; fi
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "these packages are needed and there is no apt-get to install them:$missing" >&2
    exit 1
fi
echo "installing the packages that are missing:$missing" >&2
sudo=
if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
$sudo apt-get update -qq >&2
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    $missing >/dev/null
