// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"regexp"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// TestLogFormats checks both formats of the log: each line has level, time and
// message, those of libraries included.
func TestLogFormats(t *testing.T) {
	cloud, yaml := startCloud(t)
	cloud.AddFault(simulator.Fault{Status: 500, Operation: simulator.ShowDesktopNetworks})
	for format, line := range map[string]string{
		"logfmt": `^(level=\w+ ts=\S+|ts=\S+ level=\w+) .*msg=.*$`,
		"json":   `^\{.*"level":"\w+".*"msg":".*"ts":"[^"]+".*\}$`,
	} {
		x := startProcess(t, 0, "--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--log.format="+format, "--log.level=debug", "--web.listen-address=127.0.0.1:0")
		x.eventually("listening", func() bool { return strings.Contains(x.stderr.String(), "TLS is disabled") })
		x.eventually("failing", func() bool { return strings.Contains(x.stderr.String(), "Project refresh failed") })
		x.stop()
		x.wait()
		for text := range strings.Lines(x.stderr.String()) {
			if !regexp.MustCompile(line).MatchString(strings.TrimSpace(text)) {
				t.Errorf("%s: %s", format, text)
			}
		}
		for _, msg := range []string{"Configuration loaded", "Starting", "Listening on", "API call", "Project refresh failed", "Stopping"} {
			if !strings.Contains(x.stderr.String(), msg) {
				t.Errorf("%s: %q is missing", format, msg)
			}
		}
	}
	x := startProcess(t, 0, "--config.file="+testutil.WriteFile(t, "x.yml", yaml), "--log.level=error", "--web.listen-address=127.0.0.1:0")
	x.eventually("failing", func() bool { return x.stderr.String() != "" })
	x.stop()
	x.wait()
	for text := range strings.Lines(x.stderr.String()) {
		if !strings.HasPrefix(text, "level=error ") {
			t.Errorf("at level error: %s", text)
		}
	}
}
