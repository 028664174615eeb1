# bottleneck: two programs that meet in one database.
#
#   make                     build/bottleneck-extract and build/bottleneck-classify
#   make demo                install what is missing, build, run the main job on pictures that
#                            are drawn; IMAGES=FOLDER of photos, NETWORK=FILE
#   make test                every test; SANITIZE=address,undefined runs them instrumented
#   make bench NETWORKS="a.onnx b.onnx"
#                            time an image, GFLOP/s and their share of the machine's peak
#   make fuzz-onnx CORPUS=FOLDER
#                            the fuzz target of a reader, or fuzz-engine (tests/fuzz), until
#                            interrupted
#   make dev                 everything compiled with a strict set of warnings, as errors
#   make check-headers       each header compiles alone
#   make install PREFIX=/usr/local DESTDIR=
#
# CC, CFLAGS, CPPFLAGS and LDFLAGS are the user's. DEPS=no leaves the system's packages alone.

CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
DEPS ?= yes
SANITIZE ?=
STRICT ?=
BUILD ?= build$(if $(SANITIZE),/sanitize)$(if $(STRICT),/strict)
TESTDATA ?= ../shared

program_packages := gcc libc6-dev libopenblas-dev libsvm-dev libsqlite3-dev libpng-dev \
	libjpeg-dev nettle-dev
optional_packages := pkg-config libjansson-dev libzip-dev libhdf5-dev
demo_packages := $(program_packages) $(optional_packages) sqlite3
test_packages := $(demo_packages) libcmocka-dev bats
fuzz_packages := $(demo_packages) clang libclang-rt-dev

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
strict_warnings := -Werror -Wvla -Wwrite-strings -Wpointer-arith -Wcast-align -Wcast-qual \
	-Wold-style-definition -Wundef -Wformat=2 -Wimplicit-fallthrough=5 \
	-Wnull-dereference -Wdouble-promotion -Wfloat-equal
instrument := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer)

# Libraries that only some formats of networks need, by their names for pkg-config. A file gets
# HAVE_JANSSON and the like for those that are here; without, those formats are refused with the
# name of the package. Everything is compiled anew when another set of them is here.
optional_libraries := jansson libzip hdf5
present_libraries := $(strip $(foreach library,$(optional_libraries),\
	$(shell pkg-config --exists $(library) 2>/dev/null && echo $(library))))
ifneq ($(present_libraries),)
optional_flags := $(foreach library,$(present_libraries),\
	-DHAVE_$(shell echo $(library) | tr a-z- A-Z_)) \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(present_libraries)))
optional_link := $(shell pkg-config --libs $(present_libraries))
endif
library_list := $(BUILD)/libraries.list
$(shell mkdir -p $(BUILD); echo '$(present_libraries)' | cmp -s - $(library_list) || \
	echo '$(present_libraries)' > $(library_list))

compile = $(CC) -std=c11 -D_GNU_SOURCE -I. -pthread $(warnings) \
	$(if $(STRICT),$(strict_warnings)) $(instrument) $(optional_flags) \
	$(CPPFLAGS) $(CFLAGS) -MMD -MP
link = $(CC) -pthread $(instrument) $(CFLAGS) $(LDFLAGS)

common_libraries := -lsqlite3 -lnettle
extract_libraries := $(common_libraries) $(optional_link) -lpng -ljpeg -lm
# OpenBLAS is loaded when it is needed: classify/gram.c says why.
classify_libraries := $(common_libraries) -lsvm -lm

# One kernel source becomes one object per instruction set; the program chooses when it starts.
x86 := $(filter x86_64%,$(shell $(CC) -dumpmachine))
instruction_sets := baseline $(if $(x86),avx2 avx512)
flags_baseline :=
flags_avx2 := -mavx2 -mfma
flags_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
kernel_flags := -O3 -ffp-contract=fast -fno-trapping-math -fno-math-errno

objects = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_main.c,$(1)))
vector_sources := $(wildcard extract/kernels/vector_*.c)
common_objects := $(call objects,$(wildcard common/*.c)) $(BUILD)/features_db_schema.o
extract_objects := $(call objects,$(filter-out $(vector_sources),\
	$(wildcard extract/*.c extract/*/*.c))) \
	$(foreach set,$(instruction_sets),$(vector_sources:%.c=$(BUILD)/%.$(set).o))
classify_objects := $(call objects,$(wildcard classify/*.c))
programs := $(BUILD)/bottleneck-extract $(BUILD)/bottleneck-classify
test_programs := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/test_*.c))
test_tools := $(patsubst tests/tools/%.c,$(BUILD)/tests/%,$(wildcard tests/tools/*.c))
fuzz_targets := $(patsubst tests/fuzz/fuzz_%.c,%,$(filter-out %_network.c,\
	$(wildcard tests/fuzz/fuzz_*.c)))
replays := $(fuzz_targets:%=$(BUILD)/tests/replay_%)
headers := $(wildcard */*.h */*/*.h)

.PHONY: all demo test bench dev check-headers install clean dependencies
.SECONDARY:
all: $(programs)

$(BUILD)/bottleneck-extract: $(BUILD)/extract/extract_main.o $(extract_objects) $(common_objects)
	$(link) -o $@ $^ $(extract_libraries) $(LDLIBS)

$(BUILD)/bottleneck-classify: $(BUILD)/classify/classify_main.o $(classify_objects) $(common_objects)
	$(link) -o $@ $^ $(classify_libraries) $(LDLIBS)

$(BUILD)/%.o: %.c Makefile $(library_list)
	@mkdir -p $(@D)
	$(compile) -c -o $@ $<

# Its source includes the file.
$(BUILD)/extract/builtin/builtin_network.o: extract/builtin/builtin.onnx

define kernel_rule
$(BUILD)/extract/kernels/%.$(1).o: extract/kernels/%.c Makefile
	@mkdir -p $$(@D)
	$$(compile) $(kernel_flags) $(flags_$(1)) -DINSTRUCTION_SET=$(1) -c -o $$@ $$<
endef
$(foreach set,$(instruction_sets),$(eval $(call kernel_rule,$(set))))

# The schema as an array of characters, the single source of the database's shape.
$(BUILD)/features_db_schema.c: features.db.schema Makefile
	@mkdir -p $(@D)
	{ echo 'extern const char features_db_schema[]; const char features_db_schema[] = {'; \
	  od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; echo '0};'; } > $@
$(BUILD)/features_db_schema.o: $(BUILD)/features_db_schema.c
	$(compile) -c -o $@ $<

# Tests may use everything; each folder links the half that it tests.
test_objects_common = $(common_objects)
test_objects_extract = $(extract_objects) $(common_objects)
test_objects_classify = $(classify_objects) $(common_objects)
test_libraries_common = $(common_libraries) -lm
test_libraries_extract = $(extract_libraries)
test_libraries_classify = $(classify_libraries)
define test_rule
$(BUILD)/tests/$(1)/%: $(BUILD)/tests/$(1)/%.o $$(test_objects_$(1)) $(BUILD)/tests/helpers.o
	$$(link) -o $$@ $$^ $$(test_libraries_$(1)) -lcmocka $$(LDLIBS)
endef
$(foreach room,common extract classify,$(eval $(call test_rule,$(room))))
$(BUILD)/tests/%: $(BUILD)/tests/tools/%.o $(extract_objects) $(common_objects)
	$(link) -o $@ $^ $(extract_libraries) $(LDLIBS)

# A fuzz target is linked with libFuzzer, or for the tests with a program that replays files.
fuzz_objects = $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz_network.o $(common_objects) \
	$(extract_objects)
fuzz_link = $(link) -Wl,--wrap=file_map_open,--wrap=file_map_close $(fuzz_link_$*)
fuzz_link_keras := -Wl,--wrap=isolated_run
fuzz_link_keras_config := $(fuzz_link_keras)
$(BUILD)/tests/replay_%: $(fuzz_objects) $(BUILD)/tests/fuzz/replay.o
	$(fuzz_link) -o $@ $^ $(extract_libraries) $(LDLIBS)
$(BUILD)/tests/fuzz_%: $(fuzz_objects)
	$(fuzz_link) -fsanitize=fuzzer -o $@ $^ $(extract_libraries) $(LDLIBS)

# CORPUS: the folder that the run adds to; it also begins with the kept cases and the golden ones.
# What crashes lies in build/fuzz. FUZZ: further options of libFuzzer.
CORPUS ?= $(BUILD)/corpus-$*
FUZZ ?=
golden_onnx := tests/extract/golden-operators
golden_engine := tests/extract/golden-operators
fuzz_seeds = $(wildcard tests/fuzz/cases/$* $(or $(golden_$*),tests/extract/golden-$*))
fuzz-%: packages = $(fuzz_packages)
fuzz-%: dependencies
	$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/fuzz \
		SANITIZE=fuzzer-no-link,address,undefined $(BUILD)/fuzz/tests/fuzz_$*
	mkdir -p $(CORPUS)
	$(BUILD)/fuzz/tests/fuzz_$* -timeout=10 -max_len=65536 \
		-artifact_prefix=$(BUILD)/fuzz/ $(FUZZ) $(CORPUS) $(fuzz_seeds)

test: packages = $(test_packages)
test: dependencies
	$(MAKE) --no-print-directory run-tests
.PHONY: run-tests
run-tests: $(programs) $(test_programs) $(test_tools) $(replays)
	BUILD=$(BUILD) TESTDATA=$(TESTDATA) tests/run_tests.sh $(test_programs)

# A process for each network, since it reports its own peak memory.
bench: $(BUILD)/tests/bench_network
	@[ -n '$(NETWORKS)' ] || { echo 'make bench needs NETWORKS="a.onnx b.onnx"'; exit 2; }
	@header=; for network in $(NETWORKS); do \
		$< $$header "$$network" || exit; header=--no-header; \
	done

dev: packages = $(test_packages)
dev: dependencies
	$(MAKE) --no-print-directory STRICT=yes strict check-headers
.PHONY: strict
strict: $(programs) $(test_programs) $(test_tools) $(replays)

check-headers:
	@for header in $(headers); do \
		printf '#include "%s"\ntypedef int checked;\n' $$header | $(compile) -MF /dev/null -fsyntax-only -x c - || exit 1; \
	done

demo: packages = $(demo_packages)
demo: dependencies
	@echo 'Building the programs ...'
	@$(MAKE) --no-print-directory -s $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) \
		all $(BUILD)/tests/make_images
	@BUILD=$(BUILD) NETWORK='$(NETWORK)' IMAGES='$(IMAGES)' tests/demo.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(programs) $(DESTDIR)$(PREFIX)/bin

clean:
	rm -rf build

# Installs the packages that are not there yet, and says which.
dependencies:
ifeq ($(DEPS),yes)
	@sh tests/install_packages.sh $(packages)
endif

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
