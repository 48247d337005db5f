#!/bin/sh
# Installs RabbitMQ for the tests that use it (Debian, Ubuntu; needs root). Nothing is started: each test starts one of its own, on loopback,
# with its own ports and folders.
set -eu
export DEBIAN_FRONTEND=noninteractive
# What Debian starts by itself would take the ports of the machine.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends rabbitmq-server
