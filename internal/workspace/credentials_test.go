// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// Intervals of package credentials.
const (
	checkInterval   = 2 * time.Second
	retryInterval   = 15 * time.Second
	errorTTL        = 5 * time.Second
	metadataTimeout = 3 * time.Second
)

// TestKeyFilesRotate checks that a changed key is used within seconds, that
// incomplete and missing files are ignored, and that no request fails meanwhile.
func TestKeyFilesRotate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret, SecurityToken: "TOKEN1"})
		fx.sim.AddKey(simulator.Key{AccessKey: "AK2", SecretKey: "SK2", SecurityToken: "TOKEN2"})
		put := func(name, text string) string { return write(t, dir, name, text) }
		p := fx.project(func(c *config.Project) {
			c.Credentials = config.Credentials{
				Source: config.SourceStatic, AccessKeyFile: put("ak", testAccess), SecretKeyFile: put("sk", testSecret), SecurityTokenFile: put("token", "TOKEN1"),
			}
		})
		signed := func() string {
			t.Helper()
			if _, err := p.ListEIPBindings(t.Context()); err != nil {
				t.Fatal(err)
			}
			calls := fx.sim.Calls()
			return calls[len(calls)-1].AccessKey
		}
		if got := signed(); got != testAccess {
			t.Fatalf("signed by %s", got)
		}
		for _, step := range []struct {
			do   func()
			want string
		}{
			{func() { put("ak", "") }, testAccess},
			{func() { _ = os.Remove(filepath.Join(dir, "sk")) }, testAccess},
			{func() { put("ak", "AK2"); put("sk", "SK2"); put("token", "TOKEN2") }, "AK2"},
			{func() { _ = os.RemoveAll(dir) }, "AK2"},
		} {
			step.do()
			time.Sleep(checkInterval)
			if got := signed(); got != step.want {
				t.Errorf("signed by %s, want %s", got, step.want)
			}
		}
		if got := fx.telemetry.requests[inventory.ListDesktopsEips+" 401"]; got != 0 {
			t.Errorf("%d requests were refused", got)
		}
	})
}

// TestChainKeepsItsProvider checks that the chain keeps the provider that it
// selected, and follows its changes.
func TestChainKeepsItsProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		fx := newInMemoryFixture(t, simulator.Options{})
		path := write(t, dir, "profile", "[basic]\nak = "+testAccess+"\nsk = "+testSecret+"\n")
		fx.env = map[string]string{config.EnvProfileFile: path}
		p := fx.project(func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceChain} })
		if _, err := p.ListEIPBindings(t.Context()); err != nil {
			t.Fatal(err)
		}
		fx.sim.AddKey(simulator.Key{AccessKey: "AK-of-the-next-day", SecretKey: "SK2"})
		write(t, dir, "profile", "[basic]\nak = AK-of-the-next-day\nsk = SK2\n")
		time.Sleep(checkInterval)
		if _, err := p.ListEIPBindings(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls := fx.sim.Calls()
		if got := calls[len(calls)-1].AccessKey; got != "AK-of-the-next-day" {
			t.Errorf("signed by %s", got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(checkInterval)
		if _, err := p.ListEIPBindings(t.Context()); err != nil {
			t.Errorf("without the file: %v", err)
		}
	})
}

// TestTemporaryKeys uses keys that live ten minutes for two hours.
func TestTemporaryKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency, Lifetime: 10 * time.Minute})
		use := func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} }
		first, second := fx.project(use), fx.project(use)
		for range 2 * 60 * 6 {
			for _, p := range []*ProjectClient{first, second} {
				if _, err := p.ListEIPBindings(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Second)
		}
		retrieved := fx.sim.CallCount(simulator.MetadataSecurityKey)
		if retrieved < 2*60/10 || retrieved > 2*60/6 {
			t.Errorf("%d keys retrieved in two hours, want one for every 6m40s to 8m20s", retrieved)
		}
		if q := fx.client.Quotas(); len(q) != 1 {
			t.Errorf("quotas %+v, want one for all keys", q)
		}
	})
}

// TestProviderOutage checks that the old key is used while it is valid, and that
// there is none after that until the provider recovers.
func TestProviderOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency, Lifetime: time.Hour})
		p := fx.project(func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} })
		start := time.Now()
		ask := func() error {
			_, err := p.ListEIPBindings(t.Context())
			return err
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		repair := fx.sim.AddFault(simulator.Fault{Operation: simulator.MetadataSecurityKey, Status: 500})
		for time.Since(start) < time.Hour-time.Second {
			if err := ask(); err != nil {
				t.Fatalf("after %s: %v", time.Since(start), err)
			}
			time.Sleep(30 * time.Second)
		}
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n < 10 || n > 1+int(20*time.Minute/retryInterval) {
			t.Errorf("%d retrievals, want one every %s at most", n, retryInterval)
		}
		time.Sleep(time.Until(start.Add(time.Hour)))
		if f := requireFailure(t, ask()); f.Kind != inventory.Misconfigured || f.Detail != "no credentials: 169.254.169.254 returned HTTP 500" {
			t.Errorf("failure %v, want no credentials", &f)
		}
		before := fx.sim.CallCount(simulator.MetadataSecurityKey)
		requireFailure(t, ask())
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n != before {
			t.Error("the provider is called again at once")
		}
		repair()
		time.Sleep(errorTTL)
		if err := ask(); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

// TestKeyRevokedBeforeItExpires checks that a key is replaced at the first refusal
// and the request repeated.
func TestKeyRevokedBeforeItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency})
		projects := fx.projects(5, func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} })
		for _, err := range requestAll(t.Context(), projects) {
			if err != nil {
				t.Fatal(err)
			}
		}
		calls := fx.sim.Calls()
		fx.sim.RemoveKey(calls[len(calls)-1].AccessKey)
		for _, err := range requestAll(t.Context(), projects) {
			if err != nil {
				t.Error(err)
			}
		}
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n != 2 {
			t.Errorf("%d keys retrieved, want 2", n)
		}
		// A provider whose keys are all refused is not called for every request.
		fx.sim.AddFault(simulator.Fault{Operation: inventory.ListDesktopsEips, Status: 401})
		for range 3 {
			for _, p := range projects {
				_, err := p.ListEIPBindings(t.Context())
				if f := requireFailure(t, err); f.Kind != inventory.Authentication {
					t.Errorf("failure %v, want kind Authentication", &f)
				}
			}
		}
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n != 2 {
			t.Errorf("%d keys retrieved, want 2", n)
		}
	})
}

// TestRotationUnderLoad checks that requests are always signed with a complete
// key while many callers use keys that change all the time.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.setDesktops(100)
	path := filepath.Join(t.TempDir(), "credentials")
	var writing sync.Mutex
	rotate := func(n int) {
		writing.Lock()
		defer writing.Unlock()
		// Replaced atomically, as Kubernetes does.
		access := testAccess + string(rune('a'+n%26))
		fx.sim.AddKey(simulator.Key{AccessKey: access, SecretKey: "secret" + access})
		next := path + ".next"
		if err := os.WriteFile(next, []byte("[basic]\nak = "+access+"\nsk = secret"+access+"\n"), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Error(err)
		}
	}
	rotate(0)
	// The clock of the cache makes a check for changes due with every key.
	var checks atomic.Int64
	pool := credentials.NewPool(credentials.Options{
		Now:        func() time.Time { return time.Unix(0, 0).Add(time.Duration(checks.Add(1)) * checkInterval) },
		Getenv:     func(string) string { return "" },
		KeyRotated: func(_, _ string) {},
	})
	keys, release, err := pool.Get(&config.Credentials{Source: config.SourceProfile, ProfileFile: path}, credentials.IAM{})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	p := fx.project(func(c *config.Project) { c.Limits.RequestsPerMinute = 100_000 })
	p.api.authenticator.keys = keys
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := range 40 {
				if i%10 == 0 {
					rotate(i)
				}
				if _, err := p.ListEIPBindings(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if n := fx.telemetry.requests[inventory.ListDesktopsEips+" 200"]; n != 8*40 {
		t.Errorf("requests %v, want %d and nothing else", fx.telemetry.requests, 8*40)
	}
}

func TestCredentialsAreSharedAndReleased(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	a, b := fx.project(nil), fx.project(nil)
	other := fx.project(func(c *config.Project) { c.Credentials.SecretKey = config.NewSecret("other") })
	if a.api.authenticator.keys != b.api.authenticator.keys || a.api.authenticator.keys == other.api.authenticator.keys {
		t.Error("credentials that are configured alike do not share a cache")
	}
	if a.api.sdk.transport != other.api.sdk.transport {
		t.Error("connections are not shared")
	}
	for _, p := range []*ProjectClient{a, a, b, other} {
		p.Close()
	}
	if fx.client.credentials.Len() != 0 || fx.client.transports.Len() != 0 {
		t.Errorf("%d caches of keys and %d transports in use, want none", fx.client.credentials.Len(), fx.client.transports.Len())
	}
	if _, err := fx.client.Project(fx.config(func(c *config.Project) { c.Credentials.Source = "magic" }), false, false); err == nil {
		t.Error("an unknown source is taken")
	}
	if fx.client.transports.Len() != 0 {
		t.Error("a project that could not be created keeps its transport")
	}
}

func TestCredentialsTimeout(t *testing.T) {
	t.Parallel()
	if f := credentials.Failure(inventory.ListDesktops, os.ErrDeadlineExceeded); f.Kind != inventory.Misconfigured || f.Hint == "" {
		t.Errorf("failure %v, want kind Misconfigured", f)
	}
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddFault(simulator.Fault{HangBeforeHeader: true})
		p := fx.project(func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} })
		start := time.Now()
		_, err := p.ListDesktops(t.Context())
		if f := requireFailure(t, err); f.Detail != "no credentials: 169.254.169.254 did not respond in time" {
			t.Errorf("failure %v", &f)
		}
		if took := time.Since(start); took != metadataTimeout {
			t.Errorf("took %s, want %s", took, metadataTimeout)
		}
	})
}
