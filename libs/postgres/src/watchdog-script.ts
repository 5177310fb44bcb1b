/**
 * The watchdog, for any POSIX shell: as a program of ours it would take forty times the memory of what it does. Its
 * arguments are the data directory and the lease file, see `startWatchdog`.
 *
 * Times are hundredths of a second since boot. Only builtins run between two naps but for `sleep`, so that nothing has
 * to be found or loaded in the moment when it is needed.
 */
export const WATCHDOG_SCRIPT = `
pgdata=$2
lease=$3
# The keeper stops Postgres itself when it can; this long it is left to it.
behind=20
# After a pause of the host or of this process the keeper may ask the monitor once more.
patience=50
nap=100

look() {
  read -r up _ </proc/uptime
  now=$((\${up%.*} * 100 + 1\${up#*.} - 100))
  # Every process of Postgres works in its data directory.
  found=
  for dir in /proc/[0-9]*; do
    if [ "$dir/cwd" -ef "$pgdata" ] && read -r comm 2>/dev/null <"$dir/comm" && [ "$comm" = postgres ]; then
      found="$found \${dir#/proc/}"
    fi
  done
}

doze() {
  sleep "$(($1 / 100)).$(($1 % 100 / 10))$(($1 % 10))"
}

# Waits until no process of Postgres is left, for so many hundredths at most.
gone() {
  limit=$((now + $1))
  while look && [ -n "$found" ] && [ "$now" -lt "$limit" ]; do doze 5; done
  [ -z "$found" ]
}

end_postgres() {
  echo "pgaf watchdog: the lease of this primary is over, and nobody has renewed it; Postgres is stopped" >&2
  master=
  { read -r master <"$pgdata/postmaster.pid"; } 2>/dev/null
  case " $found " in
  *" $master "*)
    kill -QUIT "$master"
    gone 100 && exit 0
    ;;
  esac 2>/dev/null
  kill -QUIT $found 2>/dev/null
  gone 30 && exit 0
  while [ -n "$found" ]; do
    kill -KILL $found 2>/dev/null
    doze 10
    look
  done
  exit 0
}

watch() {
  look
  expected=$now
  until=0
  while [ -n "$found" ]; do
    end=none
    { read -r end <"$lease"; } 2>/dev/null
    [ "$((now - expected))" -gt "$patience" ] && until=$((now + patience))
    rest=$nap
    case $end in
    '' | *[!0-9]*) ;;
    *)
      rest=$((end + behind - now))
      [ "$rest" -le 0 ] && [ "$now" -lt "$until" ] && rest=10
      [ "$rest" -le 0 ] && end_postgres
      [ "$rest" -gt "$nap" ] && rest=$nap
      ;;
    esac
    doze "$rest"
    expected=$((now + rest))
    look
  done
}

watch
exit 0
`;
