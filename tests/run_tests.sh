#!/bin/sh
# Runs the test programs named as arguments and every tests/*/*.bats, prints what failed, and
# closes with the totals. Needs BUILD; TESTDATA is where real networks and photos are.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=$(realpath "$BUILD")
if [ -d "${TESTDATA:-}" ]; then TESTDATA=$(realpath "$TESTDATA"); else unset TESTDATA; fi
export BUILD ${TESTDATA+TESTDATA}
export CMOCKA_MESSAGE_OUTPUT=TAP
# Instrumented programs stop at the first finding; the message is part of the log.
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=1

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
    echo "# $*"
    "$@"
    status=$?
    # A test program that dies leaves no "not ok" behind.
    if [ $status -ge 126 ]; then
        echo "not ok - $* ended with status $status"
    fi
}
{
    for program in "$@"; do run "$program"; done
    for file in tests/*/*.bats; do [ -e "$file" ] && run bats --tap "$file"; done
} > "$log" 2>&1

awk '
    /^# \// || /^# bats/ || /^# build/ { name = $0 }
    # cmocka calls what was skipped "not ok ... # SKIP".
    /^(not )?ok .*# [Ss][Kk][Ii][Pp]/ {
        skipped++; sub(/^(not )?ok [0-9]+ -? */, ""); print "skip: " $0; bad = 0; next
    }
    /^not ok/ { failed++; print name; print; bad = 1; next }
    /^ok/ { passed++; bad = 0; next }
    bad || /ERROR|runtime error|SUMMARY/ { print }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit failed > 0 || passed == 0
    }' "$log"
