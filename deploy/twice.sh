#!/usr/bin/env bash
# Builds what is committed twice, in two clones with target folders of their own, and compares what is packed.
# usage: twice.sh CONNECTOR..., from the root of the clone; called by `make dist-check`.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The second path is longer, so that nothing is the same by chance.
for folder in "$scratch/one" "$scratch/the-second/of-two"; do
    git clone --quiet --shared . "$folder/clone"
    # Without what was said to the make that calls this.
    CARGO_TARGET_DIR=$folder/target TABLEGATE_DIST=$folder/dist env -u MAKEFLAGS make --no-print-directory -C "$folder/clone" dist deb CONNECTORS="$*"
done

failed=0
for first in "$scratch"/one/dist/*.tar.gz "$scratch"/one/dist/*.deb; do
    second=$scratch/the-second/of-two/dist/${first##*/}
    if cmp "$first" "$second"; then
        echo "dist-check: ${first##*/} is the same twice: $(sha256sum "$first" | cut -d' ' -f1)"
    else
        failed=1
    fi
done
exit $failed
