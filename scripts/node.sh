#!/bin/sh
# Runs a command under the Node of the lock file, whatever Node and npm are on the machine: npm 9 and 10 make no
# node_modules/.bin/node, and the machine's own Node may be one that the SQLite addon does not load on.
set -eu
cd "$(dirname "$0")/.."
case "$(uname -m)" in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) echo "No Node for $(uname -m)" >&2; exit 2 ;;
esac
export stamp=node_modules/.lock-installed
# The lock keeps two first commands from installing over each other.
cmp -s package-lock.json "$stamp" || flock package-lock.json sh -euc '
  cmp -s package-lock.json "$stamp" && exit
  echo "Will install into $PWD/node_modules with npm, half a minute: the packages of package-lock.json" >&2
  # Warnings are of the Node that npm runs on, which is not the one that runs the program.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$stamp"
'
PATH=$PWD/node_modules/node-linux-$arch/bin:$PWD/node_modules/.bin:$PATH
export PATH
exec "$@"
