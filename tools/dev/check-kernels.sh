#!/bin/bash
# SPDX-License-Identifier: MIT
# Boots Debian's packaged kernels in qemu, without KVM, on a small initramfs, and runs
# tests/kernels/run.sh there with the test programs. A line a kernel, the log of what failed,
# and at the end `N passed, N failed`. Called by `make check-kernels`.
#
#       tools/dev/check-kernels.sh PROGRAM... [-- SUITE:VERSION-PREFIX...]
#
# Kernels and package lists are kept in HATAGO_KERNELS (/var/tmp/hatago-kernels); apt's own
# configuration and lists stay as they are. Needs root only where apt does.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly CACHE=${HATAGO_KERNELS:-/var/tmp/hatago-kernels} FLAVOUR=cloud-amd64
readonly BOOT_SECONDS_MAX=360 MEMORY_MB=1024 CPUS=2 LISTS_MINUTES_MAX=720 BOOTS_MAX=4
readonly MODULES='veth sch_ingress cls_bpf tun' TOOLS='ip tc'
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

programs=() kernels=()
while (($#)) && [[ $1 != -- ]]; do
	programs+=("$1")
	shift
done
kernels=("${@:2}")
# 5.10 is refused; the last one is the newest that any of these suites has.
((${#kernels[@]})) || kernels=(bullseye:5.10 bookworm:6.1 trixie:6.12 newest)
newest_of=(trixie-backports sid)

die() {
	echo "check-kernels: $*" >&2
	exit 1
}

# apt-get and apt-cache on lists of our own; signatures are checked as ever.
apt_() { # get|cache ARGUMENT...
	apt-"$1" -o Dir::Etc::sourcelist="$CACHE/apt/sources.list" -o Dir::Etc::sourceparts="$CACHE/apt/none" \
		-o Dir::Etc::preferencesparts="$CACHE/apt/none" -o Dir::State::lists="$CACHE/apt/lists" \
		-o Dir::Cache="$CACHE/apt/cache" "${@:2}"
}

suites() {
	local kernel

	for kernel in "${kernels[@]}"; do
		[[ $kernel == newest ]] && printf '%s\n' "${newest_of[@]}" || echo "${kernel%%:*}"
	done | sort -u
}

prepare_lists() {
	local main security suite

	mkdir -p "$CACHE"/{apt/{lists/partial,cache/archives/partial,none},debs,kernels}
	chown _apt "$CACHE"/apt/lists/partial "$CACHE"/apt/cache/archives/partial "$CACHE"/debs 2>/dev/null || :
	# shellcheck disable=SC2016 # apt's own variable
	main=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
	security=$(grep security <<<"$main" | head -n 1 || :)
	main=$(grep -v security <<<"$main" | head -n 1)
	[[ $main ]] || die "apt knows no Debian archive"
	suites | while read -r suite; do
		echo "deb [signed-by=$KEYRING] $main $suite main"
		[[ $suite == *-backports || $suite == sid || ! $security ]] ||
			echo "deb [signed-by=$KEYRING] $security $suite-security main"
	done >"$CACHE/apt/sources.new"
	if ! cmp -s "$CACHE"/apt/sources.{new,list} ||
		[[ -z $(find "$CACHE/apt/stamp" -mmin -$LISTS_MINUTES_MAX 2>/dev/null) ]]; then
		mv "$CACHE"/apt/sources.{new,list}
		apt_ get update -qq --error-on=any -o Acquire::Languages=none ||
			{ rm -f "$CACHE/apt/sources.list"; die "the package lists can't be had"; }
		touch "$CACHE/apt/stamp"
	fi
}

# "VERSION PACKAGE" of the newest of these packages that one of the suites has.
in_suites() { # SUITES VERSION-PREFIX PACKAGE...
	apt_ cache madison "${@:3}" | awk -F' *[|] *' -v suites=" $1 " -v prefix="$2" '
		{ split($3, where, " "); split(where[2], part, "/"); sub("-security$", "", part[1])
		  gsub(/ /, "", $1)
		  if (index(suites, " " part[1] " ") && index($2, prefix) == 1) print $2, $1 }' | sort -V | tail -n 1
}

# "VERSION PACKAGE" of a kernel's image: the suite's current one, else an older that it has.
find_image() { # SUITES VERSION-PREFIX
	local version meta names

	read -r version meta < <(in_suites "$1" "$2" linux-image-$FLAVOUR) || :
	if [[ ${version:-} ]]; then
		echo "$version $(apt_ cache show "$meta=$version" | sed -n 's/^Depends: //p' | grep -o 'linux-image-[^ ,]*' | head -n 1)"
		return
	fi
	mapfile -t names < <(apt_ cache pkgnames "linux-image-$2" | grep -E -- "-$FLAVOUR\$" | sort -V | tail -n 3)
	((${#names[@]})) && in_suites "$1" "$2" "${names[@]}"
}

# The kernel out of its compressed image: qemu starts that at once, where the machine would
# need long to unpack itself. Where it can't be had, the image as it is.
unpack_kernel() { # VMLINUZ TO
	python3 - "$1" "$2" <<-'END'
		import struct, subprocess, sys
		image = open(sys.argv[1], "rb").read()
		tools = {b"\xfd7zX": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b\x08\x00": "gzip", b"\x02\x21\x4c\x18": "lz4"}
		setup = ((image[0x1f1] or 4) + 1) * 512 # Documentation/arch/x86/boot.rst
		offset, length = struct.unpack_from("<II", image, 0x248)
		packed = image[setup + offset:setup + offset + length]
		tool = tools.get(packed[:4])
		kernel = tool and subprocess.run([tool, "-dc"], input=packed[:-4], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
		open(sys.argv[2], "wb").write(kernel if kernel and kernel[:4] == b"\x7fELF" else image)
	END
}

# Has a kernel and its modules in the cache and prints its release.
get_kernel() { # SUITE:VERSION-PREFIX | newest
	local where=${1%%:*} prefix='' version image release folder packages

	[[ $1 == *:* ]] && prefix=${1#*:}
	[[ $1 == newest ]] && where="${newest_of[*]}"
	read -r version image < <(find_image "$where" "$prefix") || die "no kernel $prefix in $where"
	release=${image#linux-image-}
	folder=$CACHE/kernels/$release
	echo "$release"
	[[ ! -e $folder/ready ]] || return 0
	packages=("$image=$version")
	! apt_ cache show "$image=$version" | grep -q '^Depends:.*linux-binary-' ||
		packages=("linux-binary-$release=$version" "linux-modules-$release=$version")
	rm -rf "$folder"
	mkdir -p "$folder"
	(cd "$CACHE/debs" && rm -f ./*.deb && apt_ get download -qq "${packages[@]}" >&2 &&
		for package in ./*.deb; do dpkg -x "$package" "$folder"; done && rm -f ./*.deb)
	[[ -d $folder/lib/modules ]] || { mkdir -p "$folder/lib" && ln -s ../usr/lib/modules "$folder/lib/modules"; }
	depmod -b "$folder" "$release" 2>/dev/null
	unpack_kernel "$(find "$folder" -name 'vmlinuz*' -type f | head -n 1)" "$folder/kernel"
	touch "$folder/ready"
}

# What all kernels share of the initramfs: busybox, a shell, the tools and the programs with
# their libraries.
make_base() { # FOLDER
	local base=$1 file library

	mkdir -p "$base"/{bin,sbin,usr/bin,usr/sbin,dev,proc,sys,run,tmp,etc,test,modules}
	cp /bin/busybox "$base/bin/"
	for file in $(busybox --list); do
		[[ $file == busybox ]] || ln -sf busybox "$base/bin/$file"
	done
	rm -f "$base"/bin/{sh,ip}
	cp /bin/dash "$base/bin/sh" # busybox's would take its own ip
	cp tests/kernels/run.sh "${programs[@]}" "$base/test/"
	for file in $TOOLS; do
		cp -L "$(command -v "$file")" "$base/sbin/"
	done
	find "$base/test" "$base/sbin" "$base/bin/sh" -type f -perm /111 | while read -r file; do
		ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || :
	done | sort -u | while read -r library; do
		mkdir -p "$base${library%/*}"
		cp -L "$library" "$base$library"
	done
	cat >"$base/init" <<-'END'
		#!/bin/sh
		export PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/tmp
		mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
		mount -t tmpfs run /run; mount -t tmpfs tmp /tmp; mount -t bpf bpf /sys/fs/bpf
		for module in $(cat /modules/order); do insmod /modules/$module; done
		ip link set lo up
		echo "GUEST up"
		cd /test && sh ./run.sh
		code=$?
		dmesg | grep -E 'BUG:|WARNING:|Oops|general protection|lockup|rcu.*stall' | sed 's/^/GUEST complaint: /'
		echo "GUEST ended with $code"
		poweroff -f
	END
	chmod +x "$base/init"
}

make_initramfs() { # RELEASE
	local modules=$WORK/modules-$1/modules folder=$CACHE/kernels/$1 module file

	mkdir -p "$modules"
	for module in $MODULES; do
		modprobe -d "$folder" -S "$1" --show-depends "$module" 2>/dev/null | awk '$1 == "insmod" { print $2 }' || :
	done | awk '!seen[$0]++' | while read -r file; do
		module=$(basename "$file" .xz)
		if [[ $file == *.xz ]]; then xz -dc "$file"; else cat "$file"; fi >"$modules/$module"
		echo "$module"
	done >"$modules/order"
	# Parts of an initramfs can stand one behind the other.
	{ cat "$WORK/base.cpio" && (cd "$WORK/modules-$1" && find . | cpio -o -H newc --quiet); } >"$WORK/initramfs-$1"
}

# One CPU's thread after the other: qemu 7.2 with a thread for each can run code that the
# kernel has just patched. A guest that died before its userland says nothing about us, and
# is started once more.
boot() { # RELEASE
	local begun=$SECONDS try

	for try in 1 2; do
		: >"$WORK/log-$1"
		timeout -k 5 $BOOT_SECONDS_MAX qemu-system-x86_64 -M pc -accel tcg,thread=single -cpu max,la57=off \
			-smp $CPUS -m $MEMORY_MB -nodefaults -no-user-config -no-reboot -display none -monitor none \
			-serial "file:$WORK/log-$1" -kernel "$CACHE/kernels/$1/kernel" -initrd "$WORK/initramfs-$1" -append \
			'console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr tsc=reliable no_timer_check' \
			</dev/null >"$WORK/qemu-$1" 2>&1 || :
		! grep -q '^GUEST up' "$WORK/log-$1" || break
	done
	echo "$((SECONDS - begun)) s$( ((try == 1)) || echo ', at the second start')" >"$WORK/time-$1"
}

report() { # RELEASE: true if all is well
	local log=$WORK/log-$1 good bad

	tr -d '\r' <"$log" >"$log.text"
	good=$(grep -c '^ok' "$log.text" || :)
	bad=$(grep -c '^not ok' "$log.text" || :)
	if ((good > 0 && bad == 0)) && grep -qx 'GUEST ended with 0' "$log.text" &&
		! grep -q 'GUEST complaint' "$log.text"; then
		echo "ok    Linux $1: $(grep '^ok' "$log.text" | sed 's/^ok [0-9]* - //' | paste -sd';' | sed 's/;/; /g') ($(<"$WORK/time-$1"))"
		return 0
	fi
	echo "FAIL  Linux $1 ($(<"$WORK/time-$1"))"
	tail -n 5 "$WORK/qemu-$1" | sed 's/^/      | /'
	grep -v '^ok' "$log.text" | tail -n 60 | sed 's/^/      | /'
	return 1
}

WORK=$(mktemp -d)
trap 'wait; rm -rf "$WORK"' EXIT # no guest outlives this, should a later kernel not be had
prepare_lists
make_base "$WORK/base"
(cd "$WORK/base" && find . | cpio -o -H newc --quiet) >"$WORK/base.cpio"
# All at once, each while the next is fetched: a guest is one thread of qemu, and three that
# take equally long would leave one of two CPUs idle while the last one runs.
releases=()
for kernel in "${kernels[@]}"; do
	release=$(get_kernel "$kernel")
	releases+=("$release")
	make_initramfs "$release"
	while (($(jobs -rp | wc -l) >= BOOTS_MAX)); do wait -n || :; done
	boot "$release" &
done
wait
passed=0 failed=0
for release in "${releases[@]}"; do
	if report "$release"; then ((++passed)); else ((++failed)); fi
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
