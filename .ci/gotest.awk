# Shortens the output of go test -v; see gotest. Exits 1 if a test was skipped
# while STREAMPUMP_NOSKIP is 1; go test's own status comes through pipefail.
# With LIVE=1 each test's result is printed when it comes.

# Which test the lines that follow belong to.
/^=== (RUN|CONT|NAME) / { test = $3; next }
/^=== PAUSE / { next }

# The last thing that a test logged is why it was skipped.
/^ +[A-Za-z0-9_]+\.go:[0-9]+: / { said[test] = $0 }

ENVIRON["LIVE"] == "1" && /^--- (PASS|FAIL|SKIP): / { print; fflush() }

/^ *--- SKIP: / {
  why = said[$3]
  sub(/^ +/, "", why)
  skips[++skipped] = $3 " (" why ")"
}

# A package ends with its own line. Its output is kept until then.
/^(ok  |FAIL)\t/ {
  if ($1 == "FAIL") { for (i = 1; i <= n; i++) print kept[i] }
  else { for (i = 1; i <= n; i++) if (kept[i] ~ /(^|[^0-9])[0-9]+ of [0-9]+([^0-9]|$)/) print kept[i] }
  print
  fflush()
  n = 0
  delete said
  next
}

/^\?   \t/ { next }
/^\t.*\[no test files\]$/ { next }
/^\t.*coverage: / { next }
/^ *--- PASS: / { next }
/^PASS$/ { next }

{ kept[++n] = $0 }

END {
  for (i = 1; i <= n; i++) print kept[i]
  for (i = 1; i <= skipped; i++) print "skipped: " skips[i]
  if (skipped && ENVIRON["STREAMPUMP_NOSKIP"] == "1") {
    print skipped " skipped, and here nothing may be skipped (CI=true)"
    exit 1
  }
}
