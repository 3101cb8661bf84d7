# SPDX-License-Identifier: MIT
# Hatago edge. One makefile, all output in build/. `make` builds; `make help` lists the rest;
# V=1 shows the commands. What needs packages first runs `deps`, then the real work in a
# second make, since nothing about a tool can be asked before it is installed.

VERSION := 0.1.0
BUILD   := build
CC      := gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2);)

# Debian packages: to build and run; to test, check, measure and show.
DEPS     := gcc libc6-dev make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev \
	    libyaml-dev libjansson-dev libuv1-dev node-llhttp libsystemd-dev libcap-ng-dev uthash-dev \
	    iproute2 procps curl
DEPS_VM  := qemu-system-x86 busybox-static kmod cpio xz-utils zstd lz4 debian-archive-keyring
DEPS_DEV := libcmocka-dev libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck \
	    util-linux nftables iptables ethtool jq python3 $(if $(shell command -v npm),,nodejs npm)
DEPS_BENCH := haproxy nginx-light wrk

LIBS     := libbpf libelf zlib yaml-0.1 jansson libuv libsystemd libcap-ng
CPPFLAGS += -D_GNU_SOURCE -DHATAGO_VERSION=$(VERSION) -Iinclude -Iuser -I$(BUILD) -I/usr/share/include/llhttp
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS   += -Wpointer-arith -Wvla -fstack-protector-strong -fPIE
CFLAGS   += $(or $(SANITIZE),-D_FORTIFY_SOURCE=2)
LDFLAGS  += -pie -Wl,-z,relro,-z,now $(SANITIZE)
LDLIBS    = $(shell pkg-config --libs $(LIBS)) -lpthread -lm
BPFFLAGS  = -target bpf -mcpu=v3 -g -O2 -std=gnu11 -Wall -Wextra -Werror -Iinclude -Ibpf \
	    -idirafter /usr/include/$(shell $(CC) -print-multiarch)

objects     = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
LIB        := $(BUILD)/libhatago.a
LAYERS     := *
LIB_OBJ    := $(filter-out %/agent/main.o,$(call objects,$(LAYERS:%=user/%/*.c)))
LLHTTP_OBJ := $(patsubst %,$(BUILD)/llhttp/%.o,api http llhttp)
PROGRAMS   := $(BUILD)/hatagod $(BUILD)/hatago-bpfctl
DEV_TOOLS  := $(addprefix $(BUILD)/hatago-,sample flood visit press)
UNIT       := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
BPF_TESTS  := $(patsubst tests/bpf/%.c,$(BUILD)/tests/%,$(wildcard tests/bpf/test_*.c))
IN_VM      := $(patsubst %,$(BUILD)/tests/test_%,packets clients packet_pressure edge edge_adopt)
BENCHES    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
BENCH_IN_TESTS := $(addprefix $(BUILD)/bench/,upstream overload)
SYSTEM     := $(filter-out %/lib.sh %/run.sh,$(wildcard tests/system/*.sh))
MCP        := $(BUILD)/mcp/installed
# System tests of the gate that run with sanitized programs as well.
SANITIZED  := asan:gate_proxy:honest_upstream asan:gate_proxy:broken_upstream \
	      asan:gate_proxy:no_smuggling asan:gate_admission asan:gate_breaker:trips \
	      tsan:gate_proxy:honest_upstream tsan:gate_admission:workers tsan:gate_breaker:crowd
FUZZERS    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
SKELETONS  := $(patsubst %.bpf.c,$(BUILD)/%.skel.h,$(notdir $(wildcard tests/bench/*.bpf.c tools/dev/*.bpf.c)))

.PHONY: all
all: $(PROGRAMS) ## builds hatagod and hatago-bpfctl

# What works on a machine where nothing is installed yet.
ON_DEPS := run check lint sanitize fuzz demo bench check-kernels
.PHONY: help deps deps-run deps-bench clean $(ON_DEPS) $(ON_DEPS:%=do-%)
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' Makefile | expand -t 16

deps: ## installs every Debian package needed (as root; else says which are missing)
	@tools/dev/deps.sh $(DEPS) $(DEPS_DEV) $(DEPS_VM)
	@tools/dev/promtool.sh

deps-run: # without what only tests and measurements need
	@tools/dev/deps.sh $(DEPS)

do = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

run: deps-run ## builds and protects [IFACE=eth0 PROTECT=443/tcp]; with no settings lo and a sample service
	$(Q)+$(do) do-run
check: deps ## builds and runs every test
	$(Q)+$(do) do-check
lint: deps ## layout, static analysis, layers; any finding fails
	$(Q)+$(do) do-lint
sanitize: deps ## the unit tests and the gate under ASan and UBSan, what has threads under TSan
	$(Q)+$(do) do-sanitize
fuzz: deps ## fuzzes every parser for [SECONDS=30] each
	$(Q)+$(do) do-fuzz
demo: deps ## hosts out of network namespaces, a flood, before and after
	$(Q)+$(do) do-demo
deps-bench: deps
	@tools/dev/deps.sh $(DEPS_BENCH)
bench: deps-bench ## what the edge costs beside nftables and iptables, and the gate beside HAProxy and nginx
	$(Q)+$(do) do-bench
check-kernels: deps ## boots Debian's kernels under qemu and tries the edge there
	$(Q)+$(do) do-check-kernels
clean: ## removes build/
	rm -rf $(BUILD)

IFACE   ?=
PROTECT ?=
SECONDS ?= 30

do-run: all $(DEV_TOOLS)
	@BUILD='$(BUILD)' IFACE='$(IFACE)' PROTECT='$(PROTECT)' tools/dev/run.sh
do-demo: all $(DEV_TOOLS)
	@BUILD='$(abspath $(BUILD))' tools/dev/demo.sh
do-bench: all $(BENCHES)
	@BUILD='$(BUILD)' tools/dev/bench.sh
do-check: all $(DEV_TOOLS) $(BENCH_IN_TESTS) $(UNIT) $(BPF_TESTS) sanitized fuzzers $(MCP)
	@BUILD='$(BUILD)' tools/dev/check.sh $(UNIT) $(BPF_TESTS) $(UNIT:$(BUILD)/%=$(BUILD)/asan/%) \
		$(THREADED:$(BUILD)/%=$(BUILD)/tsan/%) $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzzed/%) $(SYSTEM) $(SANITIZED)
do-sanitize: sanitized
	@BUILD='$(BUILD)' tools/dev/check.sh $(UNIT:$(BUILD)/%=$(BUILD)/asan/%) \
		$(THREADED:$(BUILD)/%=$(BUILD)/tsan/%) $(SANITIZED)
do-check-kernels: all $(IN_VM)
	@tools/dev/check-kernels.sh $(IN_VM) $(BUILD)/hatagod
do-fuzz: fuzzers
	@BUILD='$(BUILD)' SECONDS_EACH=$(SECONDS) tools/dev/fuzz.sh $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzzed/%)
do-lint: all $(SKELETONS)
	@CPPFLAGS="$(CPPFLAGS)" BPFFLAGS="$(BPFFLAGS)" tools/dev/lint.sh

# The same tree again, instrumented, each in a folder of its own; with line numbers, which is
# all of -g that a sanitizer's report shows. The fuzzers need the gate's layers, and sense.
THREADED := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(shell grep -ls 'pthread_create\|uv_thread_create' tests/unit/test_*.c))
again     = $(Q)+CFLAGS='-O1 -g1' $(MAKE) --no-print-directory BUILD=$(BUILD)/$(1)
ASAN     := -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN     := -fsanitize=thread
FUZZ     := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DGATE_OWN_CLIENTS=1024
.PHONY: sanitized fuzzers tests tests-unit programs fuzz-programs
sanitized:
	$(call again,asan) SANITIZE='$(ASAN)' tests-unit programs
	$(call again,tsan) SANITIZE='$(TSAN)' $(THREADED:$(BUILD)/%=$(BUILD)/tsan/%) programs
fuzzers:
	$(call again,fuzzed) CC=$(CLANG) SANITIZE='$(FUZZ)' LAYERS='base core config net sense gate' fuzz-programs
tests: $(UNIT) $(BPF_TESTS)
tests-unit: $(UNIT)
programs: $(PROGRAMS) $(BUILD)/hatago-sample
fuzz-programs: $(FUZZERS)

# The MCP SDK for tests/system/gate_mcp.sh, as its lock file has it; not again until that changes
$(MCP): tests/mcp/package.json tests/mcp/package-lock.json
	@mkdir -p $(@D)
	$(call say,NPM,$(@D))cp $^ $(@D) && cd $(@D) && \
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch $(@F)

# BPF objects and their skeletons
bpf_object = $(call say,BPF,$@)$(CLANG) $(BPFFLAGS) -MMD -MP -c $< -o $@.tmp.o -MT $@ -MF $(@:.o=.d) && \
	     $(BPFTOOL) gen object $@ $@.tmp.o && rm $@.tmp.o
$(BUILD)/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(bpf_object)
$(BUILD)/%.bpf.o: tests/bench/%.bpf.c
	@mkdir -p $(@D)
	$(bpf_object)
$(BUILD)/%.bpf.o: tools/dev/%.bpf.c
	@mkdir -p $(@D)
	$(bpf_object)
$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@
.PRECIOUS: $(BUILD)/%.bpf.o $(BUILD)/%.skel.h $(BUILD)/%.o

# Objects and the library
$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -O2 -g -fPIE -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp $(SANITIZE) -c $< -o $@
$(BUILD)/%.o: %.c | $(BUILD)/hatago.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
$(BENCHES:$(BUILD)/%=$(BUILD)/tests/%.o) $(BUILD)/tools/dev/generator.o: | $(SKELETONS)
$(LIB): $(LIB_OBJ) $(LLHTTP_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

# Programs: an object, or several, and the library
link = $(call say,LD,$@)$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) $(LDLIBS) $(1) -o $@
$(BUILD)/hatagod: $(BUILD)/user/agent/main.o
$(BUILD)/hatago-bpfctl: $(call objects,tools/bpfctl/*.c)
$(BUILD)/hatago-sample: $(call objects,tools/dev/sample*.c)
$(BUILD)/hatago-flood: $(call objects,tools/dev/flood*.c) $(BUILD)/tools/dev/generator.o
$(BUILD)/hatago-visit: $(call objects,tools/dev/visit*.c)
$(BUILD)/hatago-press: $(BUILD)/tests/system/press.o
$(UNIT): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o
$(BUILD)/tests/test_render: $(call objects,tools/bpfctl/render*.c) $(BUILD)/tools/bpfctl/text.o
$(BUILD)/tests/test_sim $(BUILD)/bench/adapt: $(call objects,tests/sim/*.c)
$(BPF_TESTS): $(BUILD)/tests/%: $(BUILD)/tests/bpf/%.o $(filter-out $(BUILD)/tests/bpf/test_%,$(call objects,tests/bpf/*.c))
$(BENCHES): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
$(BUILD)/bench/live: $(BUILD)/tools/dev/generator.o
$(BUILD)/bench/overload: $(call objects,tests/bench/load/*.c)
$(addprefix $(BUILD)/bench/,relay upstream idle overload): $(BUILD)/tests/bench/net/net.o
$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o
$(BUILD)/fuzz/fuzz_gate: $(call objects,tests/fuzz/world/*.c)
$(PROGRAMS) $(DEV_TOOLS) $(UNIT) $(BPF_TESTS) $(BENCHES) $(FUZZERS): $(LIB)
$(PROGRAMS) $(DEV_TOOLS):
	$(call link)
$(UNIT) $(BPF_TESTS):
	@mkdir -p $(@D)
	$(call link,-lcmocka)
$(BENCHES):
	@mkdir -p $(@D)
	$(call link,-lm)
$(FUZZERS):
	@mkdir -p $(@D)
	$(call link,-fsanitize=fuzzer)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
