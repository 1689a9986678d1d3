# Everything a fresh machine needs beyond make, git, Node 20 or newer and npm is brought in here, once.
NODE_VERSION := 24.21.0
SYSTEM_NODE_OK := $(shell command -v node >/dev/null 2>&1 && node -p 'process.versions.node.split(".")[0] >= 24' 2>/dev/null)
PLATFORM := $(shell node -p 'process.platform + "-" + process.arch' 2>/dev/null)
ifeq ($(SYSTEM_NODE_OK),true)
NODE_READY :=
else
NODE_READY := .tools/node/$(NODE_VERSION)
endif

.PHONY: help setup lab test bench engine clean
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(NODE_READY) node_modules/.installed ## bring in Node 24 (when the machine's is older) and the packages

lab: setup ## run every scenario and show the verdicts
	@bin/lab run $(ARGS)

test: setup ## format, lint, types, dead code, unit tests and scenarios
	@"$$(bin/find-node)" test/run.ts $(ARGS)

bench: setup ## the timings, as ratios within one run
	@"$$(bin/find-node)" bench/main.ts $(ARGS)

engine: ## on Debian as root, without Docker: install docker.io and start a daemon
	@bin/engine start

clean: ## remove what the build and the runs left (not the packages)
	rm -rf dist lab-runs coverage

.tools/node/$(NODE_VERSION):
	@echo "setup: the machine's Node is older than 24; bringing Node $(NODE_VERSION) into .tools/"
	@rm -rf .tools/node && mkdir -p .tools/node
	@cd .tools/node && npm pack --silent node-$(PLATFORM)@$(NODE_VERSION) >/dev/null \
	  && tar -xzf node-$(PLATFORM)-$(NODE_VERSION).tgz --strip-components=1 && rm node-$(PLATFORM)-$(NODE_VERSION).tgz
	@touch $@

node_modules/.installed: package.json package-lock.json
	@echo "setup: installing packages"
	@npm ci --silent --ignore-scripts
	@touch $@
