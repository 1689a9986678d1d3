#!/bin/sh
# The base where no registry answers: a root file system from Debian's packages. Node is added by the caller.
#   debootstrap.sh ROOTFS [MIRROR]
# Meant to run under `unshare --mount`: whatever it mounts is gone with it, also when it is interrupted.
set -eu
rootfs=$1
mirror=${2:-}
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
include=$(paste -sd, "$here/packages")

# shellcheck disable=SC2086 -- without a mirror there must be no argument, so that debootstrap takes its default
debootstrap --variant=minbase --include="$include" bookworm "$rootfs" $mirror

# What no container of the lab ever reads: a third of the image.
rm -rf "$rootfs"/var/cache/apt/* "$rootfs"/var/lib/apt/lists/* "$rootfs"/var/log/* \
       "$rootfs"/usr/share/doc "$rootfs"/usr/share/man "$rootfs"/usr/share/info "$rootfs"/usr/share/locale
