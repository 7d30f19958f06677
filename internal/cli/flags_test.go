// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

func TestInvalidFlags(t *testing.T) {
	const external = "--web.external-url must be an http or https URL with a host and a clean path only, such as https://proxy.example.com/exporter"
	for _, tc := range []struct {
		args string
		want string // message between program name and hint
	}{
		{"--nonsense", "unknown long flag '--nonsense'"},
		{"-x", "unknown short flag '-x'"},
		{"nonsense", `expected command but got "nonsense"`},
		{"dump nonsense", "unexpected nonsense"},
		{"--demo dump --format", "expected argument for flag '--format'"},
		{"dump --format=xml", "--format: enum value must be one of json,csv,table,prometheus, got 'xml'"},
		{"dump --timeout=0s", "--timeout 0s must be at least a second"},
		{"dump --filter=vpc", `--filter "vpc" must be NAME=VALUE with one of the names project, region, vpc, subnet, security_group, status, eip, search`},
		{"dump --filter=port=1", `--filter "port=1" must be NAME=VALUE with one of the names project, region, vpc, subnet, security_group, status, eip, search`},
		{"dump --filter=eip=some", `--filter: parameter "eip" must be none, any, unknown or an IP address, not "some"`},
		{"dump --config.check", "dump and --config.check are mutually exclusive"},
		{"dump --healthcheck", "dump and --healthcheck are mutually exclusive"},
		{"dump --config.file=x --config.auto-reload", "dump and --config.auto-reload are mutually exclusive"},
		{"--format=json", "unknown long flag '--format'"},
		{"--config.file", "expected argument for flag '--config.file'"},
		{"--log.level=loud", "--log.level: enum value must be one of debug,info,warn,error, got 'loud'"},
		{"--log.level=", "--log.level: enum value must be one of debug,info,warn,error, got ''"},
		{"--log.format=xml", "--log.format: enum value must be one of logfmt,json, got 'xml'"},
		{"--web.max-requests=many", `--web.max-requests: strconv.ParseFloat: parsing "many": invalid syntax`},
		{"--web.max-requests=-1", "--web.max-requests -1 must not be negative"},
		{"--web.scrape-timeout-offset=fast", `--web.scrape-timeout-offset: time: invalid duration "fast"`},
		{"--web.scrape-timeout-offset=-1s", "--web.scrape-timeout-offset -1s must not be negative"},
		{"--demo --config.file=x.yml", "--demo and --config.file are mutually exclusive"},
		{"--demo --region=la-north-2", "--demo and --region are mutually exclusive"},
		{"--config.file=x.yml --region=la-north-2", "--region and --config.file are mutually exclusive: the file has the regions"},
		{"--config.auto-reload", "--config.auto-reload needs --config.file"},
		{"--demo --config.auto-reload", "--config.auto-reload needs --config.file"},
		{"--healthcheck --config.check", "--healthcheck and --config.check are mutually exclusive"},
		{"--healthcheck --web.systemd-socket", "--healthcheck and --web.systemd-socket are mutually exclusive: the socket unit has the address"},
		{"--web.telemetry-path=metrics", `--web.telemetry-path "metrics" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=", `--web.telemetry-path "" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/", `--web.telemetry-path "/" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/a/", `--web.telemetry-path "/a/" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=//a", `--web.telemetry-path "//a" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/a/../b", `--web.telemetry-path "/a/../b" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/{a}", `--web.telemetry-path "/{a}" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/a?b", `--web.telemetry-path "/a?b" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/a%20b", `--web.telemetry-path "/a%20b" must be a clean path below /, such as /metrics`},
		{"--web.telemetry-path=/status", `--web.telemetry-path "/status" is already in use`},
		{"--web.telemetry-path=/config", `--web.telemetry-path "/config" is already in use`},
		{"--web.telemetry-path=/probe", `--web.telemetry-path "/probe" is already in use`},
		{"--web.telemetry-path=/sd", `--web.telemetry-path "/sd" is already in use`},
		{"--web.telemetry-path=/inventory", `--web.telemetry-path "/inventory" is already in use`},
		{"--web.telemetry-path=/inventory.json", `--web.telemetry-path "/inventory.json" is already in use`},
		{"--web.telemetry-path=/inventory.csv", `--web.telemetry-path "/inventory.csv" is already in use`},
		{"--web.telemetry-path=/inventory.schema.json", `--web.telemetry-path "/inventory.schema.json" is already in use`},
		{"--web.telemetry-path=/desktop", `--web.telemetry-path "/desktop" is already in use`},
		{"--web.telemetry-path=/changes", `--web.telemetry-path "/changes" is already in use`},
		{"--web.telemetry-path=/changes.json", `--web.telemetry-path "/changes.json" is already in use`},
		{"--web.telemetry-path=/-/ready", `--web.telemetry-path "/-/ready" is already in use`},
		{"--web.telemetry-path=/debug/pprof/heap", `--web.telemetry-path "/debug/pprof/heap" is already in use`},
		{"--web.route-prefix=x", `--web.route-prefix "x" must be a clean path, such as /exporter`},
		{"--web.route-prefix=/a//b", `--web.route-prefix "/a//b" must be a clean path, such as /exporter`},
		{"--web.route-prefix=/{$}", `--web.route-prefix "/{$}" must be a clean path, such as /exporter`},
		{"--web.route-prefix=/ä", `--web.route-prefix "/ä" must be a clean path, such as /exporter`},
		{"--web.external-url=:", `--web.external-url: invalid URL: parse ":": missing protocol scheme`},
		{"--web.external-url=example.com", external},
		{"--web.external-url=ftp://example.com", external},
		{"--web.external-url=https://", external},
		{"--web.external-url=https://me:CANARYPASSWORD@example.com", external},
		{"--web.external-url=https://example.com/?a", external},
		{"--web.external-url=https://example.com/#a", external},
		{"--web.external-url=https://example.com/a%20b", external},
		{"--web.config.file=nonexistent.yml", "--web.config.file: open nonexistent.yml: no such file or directory"},
	} {
		var stdout, stderr strings.Builder
		f, code := parseFlags(strings.Fields(tc.args), &stdout, &stderr)
		if f != nil || code != 1 || stdout.String() != "" {
			t.Errorf("%s: exit code %d, stdout %q; want 1 and nothing", tc.args, code, stdout.String())
		}
		if want := program + ": error: " + tc.want + "; try --help\n"; stderr.String() != want {
			t.Errorf("%s: (-want +got)\n%s", tc.args, gocmp.Diff(want, stderr.String()))
		}
	}
	// strings.Fields cannot produce an argument with a space.
	var stdout, stderr strings.Builder
	if f, code := parseFlags([]string{"--web.route-prefix=/a b"}, &stdout, &stderr); f != nil || code != 1 {
		t.Errorf("a prefix with a space is accepted: %d %s", code, &stderr)
	}
	bad := testutil.WriteFile(t, "web.yml", "basic_auth_users: {prometheus: CANARYPLAIN}\n")
	if code, _, stderr := runProcess("--demo", "--web.config.file="+bad); code != 1 || strings.Contains(stderr, "CANARYPLAIN") {
		t.Errorf("a plain-text password: exit code %d, %s", code, stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]string{
		"--version":                    program + ", version ",
		"--help":                       "usage: " + program + " [<flags>] <command> [<args> ...]\n\nExports the VPC",
		"dump --help":                  "usage: " + program + " dump [<flags>]\n",
		"--demo dump --version":        program + ", version ",
		"-h":                           "usage: " + program,
		"--help --config.file=nowhere": "usage: " + program,
		"--version --web.max-requests": program + ", version ",
	} {
		code, stdout, stderr := runProcess(strings.Fields(args)...)
		if code != 0 || !strings.HasPrefix(stdout, want) || stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q; want 0, %q", args, code, stdout, stderr, want)
		}
		if n := strings.Count(stdout, "usage: "); n > 1 {
			t.Errorf("%s: the usage is printed %d times", args, n)
		}
	}
}

func TestValidFlags(t *testing.T) {
	t.Setenv("HUAWEICLOUD_REGION", "la-north-2") // used without a file, ignored with one
	for _, tc := range []struct{ args, address, prefix, links, home string }{
		{"", ":10045", "", "", "http://localhost:10045/"},
		{"--demo", "127.0.0.1:10045", "", "", "http://127.0.0.1:10045/"},
		{"serve --demo", "127.0.0.1:10045", "", "", "http://127.0.0.1:10045/"},
		{"--demo serve", "127.0.0.1:10045", "", "", "http://127.0.0.1:10045/"},
		{"--demo --web.listen-address=:10045", ":10045", "", "", "http://localhost:10045/"},
		{"--demo --web.listen-address=[::1]:80", "[::1]:80", "", "", "http://[::1]:80/"},
		{"--config.file=x.yml", ":10045", "", "", "http://localhost:10045/"},
		{"--web.route-prefix=/x", ":10045", "/x", "/x", "http://localhost:10045/x/"},
		{"--web.route-prefix=/x/", ":10045", "/x", "/x", "http://localhost:10045/x/"},
		{"--web.route-prefix=/", ":10045", "", "", "http://localhost:10045/"},
		{"--web.external-url=https://e/x/", ":10045", "/x", "/x", "https://e/x/"},
		{"--web.external-url=https://e/x --web.route-prefix=/", ":10045", "", "/x", "https://e/x/"},
		{"--web.external-url=https://e --web.route-prefix=/y", ":10045", "/y", "", "https://e/"},
	} {
		var stdout, stderr strings.Builder
		f, _ := parseFlags(strings.Fields(tc.args), &stdout, &stderr)
		if f == nil {
			t.Errorf("%s: %s", tc.args, &stderr)
			continue
		}
		got := fmt.Sprint(*f.web.WebListenAddresses, f.pathPrefix(), " ", f.linkPrefix(), " ", f.pageURL("/"))
		if want := fmt.Sprintf("[%s]%s %s %s", tc.address, tc.prefix, tc.links, tc.home); got != want {
			t.Errorf("%s: %s, want %s", tc.args, got, want)
		}
		if f.timeoutOffset != 500*time.Millisecond || f.maxRequests != 40 || f.telemetryPath != "/metrics" || f.pprof || f.disableExporterMetrics || f.autoReload {
			t.Errorf("%s: the defaults are wrong: %+v", tc.args, f)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.yml")
	for name, tc := range map[string]struct {
		yaml string
		want []string // a line for each error; none: the configuration is valid
	}{
		"good": {apptest.OfficeYAML, nil},
		"bad": {
			strings.Replace(apptest.OfficeYAML, "region: la-north-2", "region: la-nowhere-9\n    http: {tls_config: {ca_file: ca.pem}}\n    limits: {concurrency: 0}", 1) + "metrics: {disable: [desktop_inf]}\n",
			[]string{"http.tls_config.ca_file", "limits.concurrency", "metrics.disable[0]"},
		},
		"no YAML": {"projects: [", []string{"x.yml:1"}},
	} {
		if err := os.WriteFile(path, []byte(tc.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runProcess("--config.file="+path, "--config.check")
		if tc.want == nil {
			if code != 0 || stdout != "configuration is valid\n" || stderr != "" {
				t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
			}
			continue
		}
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		if code != 1 || stdout != "" || len(lines) != len(tc.want) || !strings.HasPrefix(stderr, "huaweicloud_workspace_exporter: error: "+path) {
			t.Errorf("%s: exit code %d, %q, %d faults, want %d:\n%s", name, code, stdout, len(lines), len(tc.want), stderr)
		}
		for i, line := range lines {
			if i < len(tc.want) && !strings.Contains(line, tc.want[i]) {
				t.Errorf("%s: line %d lacks %q: %s", name, i, tc.want[i], line)
			}
		}
	}
	if code, _, stderr := runProcess("--config.file="+filepath.Join(dir, "absent.yml"), "--config.check"); code != 1 || !strings.Contains(stderr, "absent.yml: cannot read file") {
		t.Errorf("absent: exit code %d, %s", code, stderr)
	}
}
