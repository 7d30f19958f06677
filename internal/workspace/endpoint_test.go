// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestUnreachableEndpoints(t *testing.T) {
	t.Parallel()
	cloud := NewClient(Options{})
	defer cloud.Close()
	for endpoint, want := range map[string]string{
		"http://no-such-host.invalid": "host name no-such-host.invalid", // with or without a name server
		"http://127.0.0.1:1":          "127.0.0.1:1 refused the connection",
	} {
		cfg := (&fixture{t: t, url: endpoint}).config(nil)
		p, err := cloud.Project(cfg, false, false)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err = p.ListDesktops(ctx)
		cancel()
		p.Close()
		if f := requireFailure(t, err); f.Kind != inventory.Transient || !strings.HasPrefix(f.Detail, want) && !strings.Contains(f.Detail, "in time") {
			t.Errorf("%s: failure %v, want %q", endpoint, &f, want)
		}
	}
}

func TestInvalidEndpoints(t *testing.T) {
	t.Parallel()
	cloud := NewClient(Options{})
	defer cloud.Close()
	for _, tt := range []struct{ region, endpoint, want string }{
		{"xx-none-1", "", `region: no Workspace endpoint known for "xx-none-1"; set endpoint`},
		{"", "", `region: no Workspace endpoint known for ""; set endpoint`},
		{"la-north-2 ", "", `region: no Workspace endpoint known for "la-north-2 "; set endpoint`},
		{"la-north-2", "https://h/path", "endpoint: URL contains a path, a query or a fragment, which the SDK ignores; remove everything after host and port"},
		{"la-north-2", "https://user:pw@h", "endpoint: URL contains a user or a password; remove it, because requests are signed with the access key"},
		{"la-north-2", "https://", "endpoint: invalid endpoint URL; use a URL such as https://workspace.example.com"},
		{"la-north-2", "https://a b", "endpoint: invalid endpoint URL; use a URL such as https://workspace.example.com"},
	} {
		_, err := cloud.Project(config.Project{Region: tt.region, Endpoint: tt.endpoint}, false, false)
		if err == nil || err.Error() != tt.want {
			t.Errorf("region %q, endpoint %q: error %v, want %s", tt.region, tt.endpoint, err, tt.want)
		}
	}
	for id, want := range map[string]bool{"la-north-2": true, "eu-west-101": true, "na-mexico-1": false, "": false} {
		if got := KnownRegion(id); got != want {
			t.Errorf("region %q known: %t, want %t", id, got, want)
		}
	}
}

func TestIAMEndpoint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ region, configured, env, want string }{
		{"la-north-2", "", "", "https://iam.la-north-2.myhuaweicloud.com"},
		{"cn-north-11", "", "", "https://iam.myhuaweicloud.com"},
		{"eu-west-101", "", "", "https://iam.eu-west-101.myhuaweicloud.eu"},
		{"", "", "", "https://iam.myhuaweicloud.com"},
		{"la-north-2", "", "iam.example.com", "https://iam.example.com"},
		{"la-north-2", "", "http://127.0.0.1:1/", "http://127.0.0.1:1"},
		{"la-north-2", "iam.example.org", "iam.example.com", "https://iam.example.org"},
	} {
		if got := iamEndpoint(tt.region, tt.configured, environ(map[string]string{config.EnvIAMEndpoint: tt.env})); got != tt.want {
			t.Errorf("region %q, configured %q, environment %q: %s, want %s", tt.region, tt.configured, tt.env, got, tt.want)
		}
	}
}
