// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// runtimeYAML has a project, an account and a webhook, whose transports differ.
const runtimeYAML = `
projects:
  - {name: office, region: la-north-2, project_id: 0123456789abcdef0123456789abcdef, credentials: {access_key: AK, secret_key: SK}}
accounts:
  - {name: org, credentials: {access_key: AK, secret_key: SK}, http: {proxy_url: 'http://127.0.0.1:1'}}
changes: {webhook: {url: 'http://127.0.0.1:2', http: {proxy_url: 'http://127.0.0.1:2'}}}
`

// newTestApp returns an App without a network, whose configuration is that to
// which load points.
func newTestApp(t *testing.T, load *func() (*config.Config, error)) *App {
	a := New(Options{
		Logger: log.NewNopLogger(),
		Load:   func() (*config.Config, error) { return (*load)() },
		Dial:   func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") },
	})
	t.Cleanup(a.Close)
	return a
}

func parseConfig(t *testing.T, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse("config.yml", []byte(yaml), config.Options{
		Families: collector.FamilyNames(), KnownRegion: func(string) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFailedBuildReleasesResources fails to open the last project of a
// configuration in which everything else is new.
func TestFailedBuildReleasesResources(t *testing.T) {
	t.Parallel()
	c := parseConfig(t, runtimeYAML)
	load := func() (*config.Config, error) { return c, nil }
	a := newTestApp(t, &load)
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	before, open := a.runtime.Load(), a.transports.Len()
	if len(before.closers) != 3 || open != 3 {
		t.Fatalf("%d closers and %d transports, want 3 and 3", len(before.closers), open)
	}

	c = parseConfig(t, strings.NewReplacer(":1'", ":3'", ":2'", ":4'", "name: office", "name: first, http: {proxy_url: 'http://127.0.0.1:5'}").Replace(runtimeYAML))
	bad := c.Projects[0]
	bad.Name, bad.HTTP.TLS.CAFile = "last", "/nonexistent/ca.pem"
	c.Projects = append(c.Projects, bad)
	if err := a.Reload(); err == nil || !strings.Contains(err.Error(), "projects[1]") {
		t.Fatalf("the reload returned %v, want an error of projects[1]", err)
	}
	after := a.runtime.Load()
	if after.config != before.config || &after.targets[0] != &before.targets[0] || after.exposition != before.exposition {
		t.Error("the failed reload changed the runtime")
	}
	if n := a.transports.Len(); n != open {
		t.Errorf("%d transports are open after a failed reload, want %d", n, open)
	}

	c = parseConfig(t, runtimeYAML)
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if again := a.runtime.Load(); !maps.Equal(again.clients, before.clients) || again.accounts[0].account != before.accounts[0].account ||
		again.webhook != before.webhook || again.reloadErr != nil {
		t.Error("a reload of the same configuration opened something again")
	}
	a.Close()
	if n := a.transports.Len(); n != 0 {
		t.Errorf("%d transports are open after Close", n)
	}
	if err := a.Reload(); !errors.Is(err, errStopping) {
		t.Errorf("a reload after Close returned %v", err)
	}
}

// TestReadersDoNotWaitForReload reads everything while a reload is in progress.
func TestReadersDoNotWaitForReload(t *testing.T) {
	t.Parallel()
	c := parseConfig(t, runtimeYAML)
	load := func() (*config.Config, error) { return c, nil }
	a := newTestApp(t, &load)
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	loading, proceed, reloaded := make(chan struct{}), make(chan struct{}), make(chan error)
	load = func() (*config.Config, error) {
		close(loading)
		<-proceed
		return c, nil
	}
	go func() { reloaded <- a.Reload() }()
	<-loading
	read := make(chan struct{})
	go func() {
		defer close(read)
		a.ready()
		a.maskedConfig()
		a.accounts()
		a.notices()
		a.Fields()
		a.MetricsHandler(nil, true)
		a.fleet.Snapshots()
	}()
	select {
	case <-read:
	case <-time.After(10 * time.Second):
		t.Error("a reader waits for the reload")
	}
	close(proceed)
	if err := <-reloaded; err != nil {
		t.Error(err)
	}
}
