# Short names for what exists: the Go tool, .ci/run and the generators.

.DEFAULT_GOAL := build
.PHONY: build test ci generate help

build: ## build the exporter
	go build -o huaweicloud_workspace_exporter .

test: ## run the everyday tests
	go test ./...

ci: ## run every check that a change must pass; takes long, installs what is missing
	.ci/run

generate: ## update the generated documents, dashboards and manifests
	go test ./config ./collector -run '^TestDocs$$' -update
	go test ./docs -run '^TestReadmeMetrics$$' -update
	go test ./internal/cli -run '^TestCLIDocument$$' -update
	go test ./internal/export -run '^TestDocumented(Columns|Labels)$$' -update
	cd dashboards/gen && go run .
	cd test/deploy && go test -run '^(TestPrometheusRuleIsGenerated|TestChartHasRulesAndDashboards|TestChartReadme)$$' -update .

help: ## show the targets
	@sed -n 's/^\([a-z]*\): ## /\1\t/p' $(MAKEFILE_LIST)
