#!/usr/bin/env bash
# A Slurm cluster of one node, this one, for the tests: its files in a directory, only on loopback.
#
# Usage: tests/slurm/cluster.sh install       from Debian's or Ubuntu's packages, as root
#        tests/slurm/cluster.sh start <dir>    then SLURM_CONF=<dir>/slurm.conf makes Slurm's commands use it
#        tests/slurm/cluster.sh stop <dir>

set -euo pipefail

install() {
  export DEBIAN_FRONTEND=noninteractive
  exec 9>"${TMPDIR:-/tmp}/diar-install-slurm.lock" && flock 9 # tests may run in parallel
  apt-get update -qq && apt-get install -qq -y --no-install-recommends slurm-wlm munge
}

configure() { # dir
  local ports
  ports="$(python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(x.getsockname()[1] for x in s))')"
  # No cgroups, no accounting; more CPUs and memory than there may be: jobs always run at once.
  cat >"$1/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$(uname -n)(127.0.0.1)
SlurmctldPort=${ports% *}
SlurmdPort=${ports#* }
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$1/munge.socket
CredType=cred/munge
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.pid
SlurmctldLogFile=$1/slurmctld.log
SlurmdLogFile=$1/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
KillWait=3
ReturnToService=2
NodeName=$(uname -n) NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
}

start() { # dir
  mkdir -p "$1/state" "$1/spool"
  chmod 755 "$1"
  configure "$1"
  export SLURM_CONF="$1/slurm.conf"
  (umask 077 && head -c 1024 /dev/urandom >"$1/munge.key")
  munged --force --key-file="$1/munge.key" --socket="$1/munge.socket" --pid-file="$1/munged.pid" \
    --log-file="$1/munged.log" --seed-file="$1/munge.seed" 2>"$1/munged.said"
  slurmctld -i
  slurmd
  for _ in $(seq 100); do
    [ "$(sinfo --noheader --format %T 2>/dev/null)" != idle ] || return 0
    sleep 0.2
  done
  echo "cluster.sh: the node does not come up, see $1/*.log" >&2
  return 1
}

stop() { # dir
  local name pid
  SLURM_CONF="$1/slurm.conf" scancel --quiet --state=RUNNING --partition=test 2>/dev/null || true
  for name in slurmd slurmctld munged; do
    pid="$(cat "$1/$name.pid" 2>/dev/null)" || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
  done
}

case "${1-} $#" in
  "install 1") install ;;
  "start 2") start "$(realpath -m "$2")" ;;
  "stop 2") stop "$(realpath "$2")" ;;
  *) sed -n '2,6s/^# \?//p' "$0" >&2; exit 1 ;;
esac
