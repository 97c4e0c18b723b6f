# Parallelopedia. `make help` lists the targets.
#
# One build folder per variant, so that sanitizers never need a clean:
#   make                        build/release
#   make DEV=1                  build/dev: -Werror, assertions, no NDEBUG
#   make SAN=address,undefined  build/san-address-undefined
#   make SAN=thread             build/san-thread
#   make CC=clang               build/release-clang
#   make V=1                    whole command lines
# build/parallelopedia is a link to the program of the variant that was built last.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL     := /bin/bash
Q         := $(if $(V),,@)
SAY        = $(if $(V),:,printf '  %-4s %s\n')
comma     := ,

ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(if $(DEV),dev,release))$(if $(findstring clang,$(CC)),-clang)
B       := build/$(VARIANT)
GEN     := build/gen
PYTHON  ?= /usr/bin/python3
PORT    ?= 4444

WARN    := -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wdouble-promotion -Wno-missing-field-initializers $(if $(DEV)$(SAN),-Werror)
ARCH    := $(shell uname -m)
BASEISA := $(if $(filter x86_64,$(ARCH)),-march=x86-64-v2)
OPT     := $(if $(SAN),-O1 -fno-omit-frame-pointer -fsanitize=$(SAN) $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined),-O2)
HARDEN  := $(if $(SAN),,-D_FORTIFY_SOURCE=2 -fstack-protector-strong)
VERSION := $(shell cat VERSION)

PKGS    := libutf8proc libcrypto
CFLAGS  += -std=gnu17 -g $(OPT) $(HARDEN) $(WARN) $(BASEISA) -ffp-contract=off -fPIE -pthread \
           $(if $(DEV)$(SAN),,-DNDEBUG) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc -I$(GEN) -I. \
           $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS += -pie -Wl,-z,relro,-z,now -pthread $(if $(SAN),-fsanitize=$(SAN))
LDLIBS  += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lbz2 -lm
DEPFLAGS = -MMD -MP
CMOCKA    = $(shell pkg-config --libs cmocka)

ROOMS    := src
SRC_LIB  := $(sort $(filter-out src/main/%,$(shell find $(ROOMS) -name '*.c')))
SRC_MAIN := $(sort $(wildcard src/main/*.c))
SRC_ASM  := $(sort $(wildcard src/*/*.S))
OBJ_LIB  := $(SRC_LIB:%.c=$(B)/%.o) $(SRC_ASM:%.S=$(B)/%.o)
OBJ_MAIN := $(SRC_MAIN:%.c=$(B)/%.o) $(B)/gen/ui_assets.o
LIB      := $(B)/libparallelopedia.a
PROG     := $(B)/parallelopedia

UNIT      := $(patsubst tests/%.c,$(B)/tests/%,$(sort $(shell find tests -name 'test_*.c')))
FUZZ_SRC  := $(sort $(wildcard fuzz/fuzz_*.c))
REPLAY    := $(patsubst fuzz/fuzz_%.c,$(B)/fuzz/replay_%,$(FUZZ_SRC))
FUZZERS   := $(patsubst fuzz/fuzz_%.c,build/fuzz/%,$(FUZZ_SRC))
FUZZ_SECONDS ?= 600
TOOLS     := $(patsubst tools/%.c,build/tools/%,$(sort $(wildcard tools/*.c)))
BENCH     := $(patsubst bench/bench_%.c,$(B)/bench/%,$(sort $(wildcard bench/bench_*.c)))

.PHONY: all
all: build/parallelopedia

# --- Dependencies ----------------------------------------------------------------------------

NODE_MODULES := ui/node_modules/.stamp

.PHONY: deps deps-test deps-dev
deps: ## install what building needs: Debian packages (root or sudo), npm packages
	@tools/deps build
	@$(MAKE) -s $(NODE_MODULES)
deps-test: ## install what `make test` needs on top
	@tools/deps build test
	@$(MAKE) -s $(NODE_MODULES)
deps-dev: ## install what `make check`, `make fuzz` and `make bench` need on top
	@tools/deps build test dev
	@$(MAKE) -s $(NODE_MODULES)

$(NODE_MODULES): ui/package.json ui/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: run 'make deps'"; exit 1; }
	cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# --- Generated: vocabulary, page, demo -------------------------------------------------------

$(GEN)/gpt2_vocab.bin: tools/make-vocab.mjs $(NODE_MODULES)
	@mkdir -p $(@D)
	node tools/make-vocab.mjs ui/node_modules/tiktoken/encoders/gpt2.json $@

UI_SRC := $(shell find ui/src ui/public ui/index.html ui/read.html ui/vite.config.ts ui/tsconfig.json -type f 2>/dev/null)
$(GEN)/ui/index.html: $(UI_SRC) $(NODE_MODULES)
	cd ui && npm run --silent build -- --outDir ../$(GEN)/ui --emptyOutDir
	@touch $@

$(GEN)/ui_assets.c: $(GEN)/ui/index.html tools/make-assets.mjs
	node tools/make-assets.mjs $(GEN)/ui $@

HANDBOOK := build/demo/handbook.xml
$(HANDBOOK): tools/make-dump.mjs $(shell find demo/handbook -type f 2>/dev/null)
	@mkdir -p $(@D)
	node tools/make-dump.mjs demo/handbook $@

# --- Program ---------------------------------------------------------------------------------

build/parallelopedia: $(PROG)
	@ln -sfn $(VARIANT)/parallelopedia $@

$(PROG): $(OBJ_MAIN) $(LIB)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(OBJ_LIB)
	@rm -f $@
	@$(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

# Kernels are written per instruction set and chosen at run time.
ifeq ($(ARCH),x86_64)
$(B)/src/kern/%_avx2.o:   CFLAGS += -mavx2 -mfma -mf16c
$(B)/src/kern/%_avxvnni.o: CFLAGS += -mavx2 -mfma -mf16c -mavxvnni
AVX512   := -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl
$(B)/src/kern/%_avx512.o: CFLAGS += $(AVX512)
$(B)/src/kern/%_avx512vnni.o: CFLAGS += $(AVX512) -mavx512vnni
$(B)/src/kern/%_amx.o: CFLAGS += $(AVX512) -mavx512vnni -mamx-tile -mamx-int8
else ifeq ($(ARCH),aarch64)
$(B)/src/kern/%_neondot.o: CFLAGS += -march=armv8.2-a+dotprod
endif

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@$(SAY) CC $@
	$(Q)$(CC) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(B)/gen/%.o: $(GEN)/%.c $(B)/flags
	@mkdir -p $(@D)
	@$(SAY) CC $@
	$(Q)$(CC) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(B)/src/text/gpt2_vocab.o: src/text/gpt2_vocab.S $(GEN)/gpt2_vocab.bin
	@mkdir -p $(@D)
	@$(SAY) AS $@
	$(Q)$(CC) -I$(GEN) -c -o $@ $<

# Changes when the compiler or its flags do, so that objects of two kinds never mix.
.PHONY: force
$(B)/flags: force
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(CFLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(CC) $(CFLAGS))' > $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# Generators of test data: build/tools/NAME from tools/NAME.c, of whatever variant was asked last.
build/tools/%: $(B)/tools/%.o $(LIB)
	@mkdir -p $(@D)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.SECONDARY: $(TOOLS:build/%=$(B)/%.o)
.PHONY: tools
tools: $(TOOLS) ## generators of dumps and title lists, into build/tools

# --- Run -------------------------------------------------------------------------------------

.PHONY: run
run: deps ## everything from nothing: install, build, serve the demo at http://127.0.0.1:$(PORT)
	@$(MAKE) --no-print-directory build/parallelopedia $(HANDBOOK)
	@build/parallelopedia index --if-stale $(HANDBOOK)
	@echo "Open http://127.0.0.1:$(PORT)  (Ctrl-C stops)"
	@exec build/parallelopedia serve --port $(PORT) --wiki $(HANDBOOK) --gpt2 demo/handbook.pt --model demo/handbook-chat

# --- Test ------------------------------------------------------------------------------------

.PHONY: test unit e2e replay
test: deps-test ## everything from nothing: install, build, pass the tests
	@$(MAKE) --no-print-directory all $(HANDBOOK)
	@$(MAKE) --no-print-directory unit replay e2e

$(B)/tests/%: $(B)/tests/%.o $(LIB)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(CMOCKA)
.SECONDARY: $(UNIT:%=%.o)

# A test program that takes this long hangs: some code is no longer linear. The longest takes 10 s,
# and a minute or two on a machine with ten times as much to do as it has cores.
HANG_S := $(if $(SAN),1800,600)

# T=http runs the tests below tests/http only. Every program prints cmocka's own summary.
unit: $(filter $(if $(T),$(B)/tests/$(T)%,%),$(UNIT)) ## C unit tests (T=http: one folder)
	@fail=0; for t in $^; do echo "== $${t#$(B)/}"; timeout $(HANG_S) $(RUN) $$t >$$t.log 2>&1; rc=$$?; \
	  grep -E 'PASSED|FAILED|SKIPPED|skipped:' $$t.log; \
	  if [ $$rc -ne 0 ]; then tail -40 $$t.log; fail=1; fi; done; exit $$fail

# OpenAI's own clients, and what judges schemas. Where PyPI or npm cannot be reached their tests are
# skipped, saying so; the next run tries again.
CLIENTS := build/clients/.stamp
CLIENT_FILES := $(wildcard tests/e2e/clients/*)
$(CLIENTS): $(CLIENT_FILES)
	@mkdir -p $(@D) && cp $(CLIENT_FILES) $(@D)
	@cd $(@D) && { $(PYTHON) -m venv py && \
	  py/bin/pip install -q --disable-pip-version-check --retries 2 --timeout 20 -r requirements.txt && \
	  npm ci --no-audit --no-fund --loglevel=error && touch .stamp; } || \
	  echo "OpenAI's clients could not be installed: their tests are skipped"

e2e: build/parallelopedia $(HANDBOOK) $(TOOLS) $(CLIENTS) ## the real program over real sockets
	PARALLELOPEDIA_BIN=$(PROG) $(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e $(if $(T),-k '$(T)')

# Real texts: Wikipedia dumps in several languages beside the project, else what lies in it.
PROOF_TEXTS := $(firstword $(wildcard ../shared/data/wiki/enwiki-sample.xml.bz2) README.md) \
  $(wildcard ../shared/data/wiki/ltgwiki.xml.bz2 ../shared/data/wiki/minidumps/*.bz2) \
  $(wildcard src/*/*.c docs/*.md demo/handbook/*)
.PHONY: proof-tokenizer
proof-tokenizer: $(B)/tests/text/test_bpe ## ids equal tiktoken's on 20,000 random, 20,000 real texts, every character
	@mkdir -p build/proof
	@node tests/golden/make_bpe.mjs random 20000 $(or $(SEED),7) > build/proof/random.txt
	@node tests/golden/make_bpe.mjs real 20000 $(or $(SEED),7) $(PROOF_TEXTS) > build/proof/real.txt
	@node tests/golden/make_bpe.mjs unicode > build/proof/unicode.txt
	@for f in random real unicode; do echo "== $$f: $$(wc -l < build/proof/$$f.txt) texts"; \
	  BPE_GOLDEN=build/proof/$$f.txt $< >build/proof/$$f.log 2>&1 || { cat build/proof/$$f.log; exit 1; }; \
	  grep PASSED build/proof/$$f.log; done

PARITY_TOKENIZER := build/parity/tokenizers/.0.22.2
$(PARITY_TOKENIZER):
	@rm -rf $(@D) && mkdir -p build/parity
	@$(PYTHON) -m venv $(@D) && $(@D)/bin/pip -q install tokenizers==0.22.2
	@touch $@
.PHONY: parity-tokenizer
parity-tokenizer: build/tools/token_ids $(PARITY_TOKENIZER) ## ids and texts equal those of Hugging Face's library: 20,000 texts for each kind (TEXTS=20000 SEED=1 KINDS="gpt2 ...")
	@RUST_BACKTRACE=0 build/parity/tokenizers/bin/python tests/golden/parity_tokenizer.py $< build/parity/kinds $(or $(TEXTS),20000) $(or $(SEED),1) $(KINDS)

.PHONY: parity-schema
parity-schema: build/tools/schema_texts ## random JSON schemas beside python3-jsonschema (SCHEMAS=1000 SEED=7)
	@tools/deps build dev
	@$(PYTHON) tests/schema/parity.py $< $(or $(SCHEMAS),1000) $(or $(SEED),7)

# The kernels' tests as a program for the other architecture: also the hashes in them must agree.
ARM64_LIB   := build/arm64/lib
ARM64_TESTS := $(wildcard tests/kern/test_kern*.c tests/kern/test_attend.c)
.PHONY: unit-arm64
unit-arm64: ## tests of the kernels on an emulated aarch64, with a cross compiler and qemu
	@tools/deps build test arm64
	@[ -e $(ARM64_LIB)/libcmocka.so.0 ] || tools/arm64-cmocka $(ARM64_LIB)
	@$(MAKE) --no-print-directory unit CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar ARCH=aarch64 \
	  VARIANT=arm64 ROOMS='src/base src/os src/tensor src/kern' SRC_ASM= PKGS= LDLIBS=-lm \
	  CMOCKA=$(ARM64_LIB)/libcmocka.so.0 UNIT='$(ARM64_TESTS:%.c=build/arm64/%)' \
	  RUN='qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=$(ARM64_LIB)'

.PHONY: parity-schema-served
parity-schema-served: deps-test ## SCHEMAS documents that a random model writes under random schemas: all validate
	@$(MAKE) --no-print-directory all $(CLIENTS)
	SCHEMAS=$(or $(SCHEMAS),1000) PARALLELOPEDIA_BIN=$(PROG) $(PYTHON) -m pytest -q -s -p no:cacheprovider \
	  tests/e2e/test_schema_served.py

# Needs some gigabytes of PyPI's packages once; PARITY_PYTHON=... uses those of another Python.
PARITY    := build/parity
PARITY_PYTHON ?= $(PARITY)/venv/bin/python
SEEDS     ?= 2
$(PARITY)/.stamp:
	@mkdir -p $(@D)
	@[ -x $(PARITY_PYTHON) ] || { $(PYTHON) -m venv $(PARITY)/venv && \
	  $(PARITY)/venv/bin/pip install -q torch==2.8.0 transformers==4.57.1 safetensors==0.8.0; }
	@$(PARITY_PYTHON) -m pip install -q --target $(PARITY)/gguf --no-deps gguf==0.19.0
	@$(PARITY_PYTHON) -m pip install -q --target $(PARITY)/v5 transformers==5.0.0
	@touch $@
.PHONY: parity
parity: $(B)/tests/lm/test_hf $(PARITY)/.stamp ## random models of every family, SEEDS of each size, beside transformers: the largest differences
	@rm -rf $(PARITY)/models
	PYTHONPATH=$(PARITY)/gguf $(PARITY_PYTHON) tests/golden/make.py --parity --out $(PARITY)/models --seeds $(SEEDS)
	PYTHONPATH=$(PARITY)/v5:$(PARITY)/gguf $(PARITY_PYTHON) tests/golden/make.py --parity --out $(PARITY)/models --seeds $(SEEDS)
	HF_GOLDEN=$(PARITY)/models $<

.PHONY: parity-jinja
parity-jinja: build/tools/jinja_cases $(PARITY)/.stamp ## templates beside jinja2: the committed, and CASES random ones (CASES=5000 SEED=1)
	@$(PARITY_PYTHON) -W ignore tests/golden/make_jinja.py check $<
	@$(PARITY_PYTHON) -W ignore tests/golden/make_jinja.py random $(or $(CASES),5000) $(or $(SEED),1) $<

KILLS ?= 1000
.PHONY: kill
kill: deps-test ## kill -9 at KILLS random moments of indexing, twice; out of disk, handles, memory
	@$(MAKE) --no-print-directory all $(TOOLS) $(HANDBOOK)
	KILLS=$(KILLS) PARALLELOPEDIA_BIN=$(PROG) $(PYTHON) -m pytest -q -s -p no:cacheprovider \
	  tests/e2e/test_kill.py

# --- Fuzz ------------------------------------------------------------------------------------
# `replay` runs every corpus file (seeds and past crashes) in ordinary test runs, without libFuzzer.

$(B)/fuzz/replay_%: $(B)/fuzz/fuzz_%.o $(B)/fuzz/replay.o $(LIB)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.SECONDARY: $(FUZZ_SRC:%.c=$(B)/%.o) $(B)/fuzz/replay.o $(B)/fuzz/corrupt_index.o $(B)/fuzz/corrupt_weights.o \
  $(B)/fuzz/corrupt_models.o

replay: $(REPLAY) $(B)/fuzz/corrupt_weights $(B)/fuzz/corrupt_models ## fuzz targets over their corpus; some damaged weights and models
	@for t in $(REPLAY); do n=$${t##*/replay_}; timeout $(HANG_S) $$t fuzz/corpus/$$n || exit 1; done
	@timeout $(HANG_S) $(B)/fuzz/corrupt_weights 50
	@timeout $(HANG_S) $(B)/fuzz/corrupt_models 500

$(B)/fuzz/corrupt_%: $(B)/fuzz/corrupt_%.o $(LIB)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

N ?= 100000
.PHONY: corrupt
corrupt: $(B)/fuzz/corrupt_index ## N damaged indexes, each looked through (SAN=address,undefined)
	$< $(N) $(SEED)

.PHONY: corrupt-weights
corrupt-weights: $(B)/fuzz/corrupt_weights ## N damaged files of each kind of weights, in /dev/shm: they are synced
	TMPDIR=/dev/shm $< $(N) $(or $(SEED),1) $(KIND)

.PHONY: corrupt-models
corrupt-models: $(B)/fuzz/corrupt_models ## N damaged folders and files of every family (SAN=address,undefined)
	TMPDIR=/dev/shm $< $(or $(if $(filter-out 100000,$(N)),$(N)),10000) $(or $(SEED),1) $(KIND)

SOAK_SECONDS ?= 1800
$(B)/fuzz/soak_engine: $(B)/fuzz/soak_engine.o $(LIB)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: soak
soak: $(B)/fuzz/soak_engine ## 64 streams that come, go and break off, for SOAK_SECONDS (SAN=address,undefined)
	$< $(SOAK_SECONDS) $(SEED)

# One rule builds the library of all targets: with -j, two makes of it would write over each other.
.PHONY: fuzz fuzz-lib
fuzz-lib:
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined \
	  build/san-fuzzer-no-link-address-undefined-clang/libparallelopedia.a

build/fuzz/%: fuzz/fuzz_%.c fuzz-lib
	@mkdir -p $(@D)
	clang -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	  -D_GNU_SOURCE -Isrc -I. -o $@ $< \
	  build/san-fuzzer-no-link-address-undefined-clang/libparallelopedia.a -pthread $(LDLIBS)

FUZZED := $(if $(F),$(F:%=build/fuzz/%),$(FUZZERS))
fuzz: $(FUZZED) ## libFuzzer on every target, FUZZ_SECONDS each (F="name ..." for some)
	@tools/fuzz $(FUZZ_SECONDS) $(FUZZED)

# --- Bench -----------------------------------------------------------------------------------

$(B)/bench/%: $(B)/bench/bench_%.o $(LIB)
	@$(SAY) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/bench/render: $(B)/gen/ui_assets.o
.SECONDARY: $(patsubst bench/%.c,$(B)/bench/%.o,$(wildcard bench/bench_*.c))

.PHONY: bench
bench: deps-dev ## our figures beside peers and physical limits, from one run; adds to bench/results
	@$(MAKE) --no-print-directory all $(HANDBOOK) $(BENCH)
	@BENCH_ONLY='$(BENCH_ONLY)' bench/run

.PHONY: bench-wiki bench-wiki-large
bench-wiki: deps-dev ## the wiki's figures at 20 million titles, beside kiwix-serve, datrie, nginx, pbzip2, lbzip2
	@$(MAKE) --no-print-directory all $(TOOLS) $(BENCH)
	@bench/wiki $(BENCH_ARGS)
bench-wiki-large: deps-dev ## that cost grows with the dump: 1 to 10 GB of XML, and 1.5 GB of it as bz2
	@$(MAKE) --no-print-directory all $(TOOLS) $(BENCH)
	@bench/wiki --only large,packed --packed 1500M $(BENCH_ARGS)

PARSERTESTS ?= ../shared/conformance/parsertests
.PHONY: conformance
conformance: build/tools/render_tests ## how many of MediaWiki's parser tests the renderer passes (PARSERTESTS=DIR)
	@tools/deps build bench
	@$(PYTHON) tests/conformance/parsertests.py $< $(PARSERTESTS) $(CONFORMANCE_ARGS)

JUDGE := enwiki-sample ltgwiki
.PHONY: judge
judge: build/parallelopedia ## articles beside MediaWiki's own rendering of them (Debian's package, the sample dumps)
	@tools/deps build bench judge
	@set -e; for w in $(JUDGE); do \
	  dir=$(CURDIR)/build/judge/$$w dump=../shared/data/wiki/$$w.xml.bz2; \
	  mkdir -p build/judge; tests/mediawiki/setup.sh $$dump $$dir; \
	  [ -e $$dir/theirs.jsonl ] || { MW_INSTALL_PATH=$$dir/mediawiki php tests/mediawiki/render.php \
	    --conf $$dir/conf/LocalSettings.php > $$dir/theirs.part && mv $$dir/theirs.part $$dir/theirs.jsonl; }; \
	  build/parallelopedia render --wiki $$dump --index $$dir/ours.idx --no-families --all > $$dir/ours.jsonl; \
	  echo "$$w:"; $(PYTHON) tests/mediawiki/compare.py $$dir/theirs.jsonl $$dir/ours.jsonl $(JUDGE_ARGS); \
	done

.PHONY: judge-passes
judge-passes: build/tools/html_passes ## sanitiser and tidying beside MediaWiki's own, on random texts (CASES=4000 SEED=1)
	@tools/deps build bench judge
	@mkdir -p build/judge
	@tests/mediawiki/setup.sh ../shared/data/wiki/ltgwiki.xml.bz2 $(CURDIR)/build/judge/ltgwiki
	@$(PYTHON) tests/mediawiki/passes.py build/judge/ltgwiki $(or $(CASES),4000) $(or $(SEED),1)

.PHONY: adversarial render-all
adversarial: $(B)/bench/adversarial ## pages made to hurt, 5 MB each: that all end soon, and in linear time
	$< $(ADVERSARIAL_ARGS)

# Under SAN=address,undefined it takes some minutes.
DUMPS ?= $(filter-out %negative.xml.bz2 %header.xml.bz2 %index.xml.bz2,$(wildcard ../shared/data/wiki/*.bz2 ../shared/data/wiki/*/*.bz2))
render-all: $(PROG) ## every page of every sample dump, judged by html5lib (SAN=address,undefined)
	@tools/deps build test
	@$(PYTHON) tests/conformance/dumps.py $(PROG) $(DUMPS)

.PHONY: judge-trees
judge-trees: build/tools/pp_trees ## preprocessor and expansion beside MediaWiki's own, on random texts (CASES=3000 SEED=1)
	@tools/deps build bench judge
	@mkdir -p build/judge
	@tests/mediawiki/setup.sh ../shared/data/wiki/ltgwiki.xml.bz2 $(CURDIR)/build/judge/ltgwiki
	@$(PYTHON) tests/mediawiki/trees.py build/judge/ltgwiki $(or $(CASES),3000) $(or $(SEED),1)

.PHONY: bench-lm
bench-lm: ## generation at GPT-2's size beside llama.cpp, PyTorch and this machine's limits
	@tools/deps build bench
	@$(MAKE) --no-print-directory all $(BENCH) $(TOOLS)
	@bench/lm $(BENCH_ARGS)

# --- Checks ----------------------------------------------------------------------------------

C_FILES := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
.PHONY: check fmt check-format check-layers check-shape check-docs check-handbook
check: check-format check-layers check-shape check-docs check-handbook ## format, layers, sizes, stale documents, dead links
check-format:
	@clang-format --dry-run --Werror $(C_FILES) && echo "format: ok"
check-layers:
	@tools/check-layers && echo "layers: ok"
check-shape:
	@tools/check-shape && echo "shape: ok"
check-docs: build/parallelopedia
	@build/parallelopedia docs | diff -u docs/API.md - && echo "docs/API.md: fresh"
check-handbook:
	@mkdir -p build/demo
	@node tools/make-dump.mjs demo/handbook build/demo/handbook.xml --check && echo "handbook: no dead links"
fmt: ## format all C files
	clang-format -i $(C_FILES)

.PHONY: docs
docs: build/parallelopedia ## write docs/API.md from the route and option tables
	build/parallelopedia docs > docs/API.md

.PHONY: clean help
clean: ## remove build/ and ui/node_modules
	rm -rf build ui/node_modules
help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
