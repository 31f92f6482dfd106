#!/usr/bin/env bash
# What the nodes of the test cluster need of the machine, installed where it is missing and may be: Debian packages, as root.
# Where it may not be, the tests say what is missing themselves.
set -euo pipefail
missing=()
for pair in ip:iproute2 nft:nftables nsenter:util-linux setpriv:util-linux unshare:util-linux; do
  command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi
