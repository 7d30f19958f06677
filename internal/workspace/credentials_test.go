// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
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

// write writes a file into the test's directory and gives its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// environ makes a Getenv of pairs.
func environ(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// Intervals of package credentials.
const (
	checkInterval   = 2 * time.Second
	retryInterval   = 15 * time.Second
	errorTTL        = 5 * time.Second
	metadataTimeout = 3 * time.Second
)

const (
	idToken  = "ID-TOKEN-canary"
	podToken = "POD-TOKEN-canary"
	podURI   = "http://169.254.170.23/pod-identity/credentials"
)

func TestEverySource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	access, secret := write(t, dir, "ak", testAccess+"\n"), write(t, dir, "sk", "  "+testSecret+"\r\n")
	idTokenFile, podTokenFile := write(t, dir, "id", idToken), write(t, dir, "pod", podToken)
	keys := "ak = " + testAccess + "\nsk = " + testSecret + "\n"
	profileFile := write(t, dir, "profile", "[basic]\n"+keys)
	inherited := write(t, dir, "inherited", "[basic]\nak = other\nsk = "+testSecret+"\n[basic.credentials]\nak = "+testAccess+"\n")
	federated := write(t, dir, "federated", "[basic]\n"+keys+"idp_id = idp\nid_token_file = "+idTokenFile+"\n")
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(filepath.Join(home, ".huaweicloud"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, ".huaweicloud"), "credentials", "[basic]\n"+keys)

	envKeys := map[string]string{config.EnvAccessKey: testAccess, config.EnvSecretKey: testSecret}
	envPod := map[string]string{credentials.EnvPodIdentityURI: podURI, credentials.EnvPodTokenFile: podTokenFile}
	agencyIssuer := simulator.Issuer{Source: simulator.SourceAgency}
	podIssuer := simulator.Issuer{Source: simulator.SourcePodIdentity, Token: podToken}
	oidcIssuer := simulator.Issuer{Source: simulator.SourceOIDC, Provider: "idp", Token: idToken}

	for _, tt := range []struct {
		name        string
		credentials config.Credentials
		env         map[string]string
		issuers     []simulator.Issuer
		asked       []string // of the services that give keys
		fails       string
	}{
		{name: "inline", credentials: config.Credentials{Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret)}},
		{name: "files", credentials: config.Credentials{Source: config.SourceStatic, AccessKeyFile: access, SecretKeyFile: secret}},
		{name: "a file that is not there", credentials: config.Credentials{Source: config.SourceStatic, AccessKeyFile: access, SecretKeyFile: filepath.Join(dir, "none")}, fails: "none does not exist"},
		{name: "a file without a key", credentials: config.Credentials{Source: config.SourceStatic, AccessKeyFile: write(t, dir, "blank", " \n"), SecretKeyFile: secret}, fails: "blank is empty"},

		{name: "environment", credentials: config.Credentials{Source: config.SourceEnvironment}, env: envKeys},
		{name: "environment without keys", credentials: config.Credentials{Source: config.SourceEnvironment}, fails: "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK are not set"},
		{
			name: "environment with a provider beside the keys", credentials: config.Credentials{Source: config.SourceEnvironment},
			env:     map[string]string{config.EnvAccessKey: "wrong", config.EnvSecretKey: "wrong", config.EnvIDPID: "idp", config.EnvIDTokenFile: idTokenFile},
			issuers: []simulator.Issuer{oidcIssuer}, asked: []string{simulator.CreateTokenWithIDToken, simulator.CreateTemporaryAccessKeyByToken},
		},

		{name: "profile", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: profileFile}},
		{name: "profile that inherits", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: inherited}},
		{name: "profile by environment", credentials: config.Credentials{Source: config.SourceProfile}, env: map[string]string{config.EnvProfileFile: profileFile}},
		{name: "profile at home", credentials: config.Credentials{Source: config.SourceProfile}, env: map[string]string{"HOME": home}},
		{
			name: "profile with a provider", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: federated},
			issuers: []simulator.Issuer{oidcIssuer}, asked: []string{simulator.CreateTokenWithIDToken, simulator.CreateTemporaryAccessKeyByToken},
		},
		{name: "profile that is none", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: write(t, dir, "junk", "["+testSecret)}, fails: "junk is not an INI file"},
		{name: "profile without keys", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: write(t, dir, "other", "[global]\nak = x\n")}, fails: "other has no ak and sk in its section [basic]"},

		{
			name: "agency", credentials: config.Credentials{Source: config.SourceECSAgency},
			issuers: []simulator.Issuer{agencyIssuer}, asked: []string{simulator.MetadataToken, simulator.MetadataSecurityKey},
		},
		{name: "no agency", credentials: config.Credentials{Source: config.SourceECSAgency}, asked: []string{simulator.MetadataToken, simulator.MetadataSecurityKey}, fails: "169.254.169.254 answers HTTP 401"},
		{
			name: "pod identity", credentials: config.Credentials{Source: config.SourcePodIdentity}, env: envPod,
			issuers: []simulator.Issuer{podIssuer}, asked: []string{simulator.PodIdentity},
		},
		{name: "no pod", credentials: config.Credentials{Source: config.SourcePodIdentity}, fails: "HC_CONTAINER_CREDENTIALS_FULL_URI and HC_CONTAINER_AUTHORIZATION_TOKEN_FILE are not set"},
		{
			name: "provider", credentials: config.Credentials{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: idTokenFile},
			issuers: []simulator.Issuer{oidcIssuer}, asked: []string{simulator.CreateTokenWithIDToken, simulator.CreateTemporaryAccessKeyByToken},
		},
		{name: "unknown provider", credentials: config.Credentials{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: idTokenFile}, asked: []string{simulator.CreateTokenWithIDToken}, fails: "iam.test answers HTTP 403"},

		{name: "chain: environment", env: envKeys},
		{name: "chain: profile", credentials: config.Credentials{Source: config.SourceChain}, env: map[string]string{config.EnvProfileFile: profileFile}},
		{
			name: "chain: agency", credentials: config.Credentials{Source: config.SourceChain}, env: envPod,
			issuers: []simulator.Issuer{agencyIssuer, podIssuer}, asked: []string{simulator.MetadataToken, simulator.MetadataSecurityKey},
		},
		{
			name: "chain: pod identity", credentials: config.Credentials{Source: config.SourceChain}, env: envPod,
			issuers: []simulator.Issuer{podIssuer}, asked: []string{simulator.MetadataToken, simulator.MetadataSecurityKey, simulator.PodIdentity},
		},
		{
			name: "chain: nothing", credentials: config.Credentials{Source: config.SourceChain}, asked: []string{simulator.MetadataToken, simulator.MetadataSecurityKey},
			fails: "no credentials: environment: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK are not set; profile file: HUAWEICLOUD_SDK_CREDENTIALS_FILE and HOME are not set; " +
				"ECS agency: 169.254.169.254 answers HTTP 401; pod identity: HC_CONTAINER_CREDENTIALS_FULL_URI and HC_CONTAINER_AUTHORIZATION_TOKEN_FILE are not set",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fx := newInMemoryFixture(t, simulator.Options{})
				fx.env = tt.env
				for _, i := range tt.issuers {
					fx.sim.AddIssuer(i)
				}
				p := fx.project(func(c *config.Project) {
					c.Credentials, c.IAMEndpoint = tt.credentials, "http://iam.test"
				})
				_, err := p.ListDesktops(t.Context())
				switch {
				case tt.fails == "" && err != nil:
					t.Errorf("error %v", err)
				case tt.fails != "":
					f := requireFailure(t, err)
					if f.Kind != inventory.Misconfigured || !strings.HasPrefix(f.Detail, "no credentials: ") || !strings.HasSuffix(f.Detail, tt.fails) {
						t.Errorf("failure %v, want one that ends in %q", &f, tt.fails)
					}
					for _, secret := range []string{testSecret, idToken, podToken} {
						if strings.Contains(err.Error(), secret) {
							t.Errorf("%q shows a secret", err)
						}
					}
				}
				var asked []string
				for _, c := range fx.sim.Calls() {
					if c.Operation != inventory.ListDesktops {
						asked = append(asked, c.Operation)
					}
				}
				if got, want := strings.Join(asked, " "), strings.Join(tt.asked, " "); got != want {
					t.Errorf("asked %s, want %s", cmp.Or(got, "nobody"), cmp.Or(want, "nobody"))
				}
			})
		})
	}
}

// TestStrangeCredentials has the services answer anything: no panic, no secret
// in the failure, and no call that is signed with half a key.
func TestStrangeCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	idTokenFile, podTokenFile := write(t, dir, "id", idToken), write(t, dir, "pod", podToken)
	for source, operation := range map[config.Source]string{
		config.SourceECSAgency:   simulator.MetadataSecurityKey,
		config.SourcePodIdentity: simulator.PodIdentity,
		config.SourceOIDC:        simulator.CreateTemporaryAccessKeyByToken,
	} {
		for _, body := range []string{
			``, `null`, `{}`, `[]`, `"text"`, `<html>`, `{"credential":null,"credentials":null}`, `{"credential":{},"credentials":{}}`,
			`{"credential":"x","credentials":7}`,
			`{"credential":{"access":"A","secret":"` + testSecret + `"},"credentials":{"accessKeyId":"A","secretAccessKey":"` + testSecret + `"}}`,
			`{"credential":{"access":"A","secret":"` + testSecret + `","securitytoken":"T"},"credentials":{"accessKeyId":"A","secretAccessKey":"S","securityToken":"T"}}`,
			`{"credential":{"access":"A","secret":"S","securitytoken":"T","expires_at":"soon"},"credentials":{"accessKeyId":"A","secretAccessKey":"S","securityToken":"T","expiration":"soon"}}`,
			`{"credential":{"access":"A","secret":"S","securitytoken":"T","expires_at":"1999-01-01T00:00:00Z"},"credentials":{"accessKeyId":"A","secretAccessKey":"S","securityToken":"T","expiration":"1999-01-01T00:00:00Z"}}`,
		} {
			t.Run(string(source)+" "+body, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fx := newInMemoryFixture(t, simulator.Options{})
					fx.env = map[string]string{credentials.EnvPodIdentityURI: podURI, credentials.EnvPodTokenFile: podTokenFile}
					fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceOIDC, Provider: "idp", Token: idToken})
					fx.sim.AddFault(simulator.Fault{Operation: operation, Status: 200, Body: []byte(body)})
					p := fx.project(func(c *config.Project) {
						c.Credentials = config.Credentials{Source: source, IDPID: "idp", IDTokenFile: idTokenFile}
					})
					_, err := p.ListDesktops(t.Context())
					if f := requireFailure(t, err); f.Kind != inventory.Misconfigured {
						t.Errorf("failure %v, want one of setup", &f)
					}
					if strings.Contains(err.Error(), testSecret) {
						t.Errorf("%q shows a secret", err)
					}
					if n := fx.sim.CallCount(inventory.ListDesktops); n != 0 {
						t.Errorf("%d calls with such a key", n)
					}
				})
			})
		}
	}
}

// TestMetadataServiceIsNotAskedThroughAProxy, and does not need the token.
func TestMetadataServiceWithoutTokens(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 405, 503} {
		synctest.Test(t, func(t *testing.T) {
			fx := newInMemoryFixture(t, simulator.Options{})
			fx.env = map[string]string{"HTTP_PROXY": "http://proxy.test:1"}
			fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency})
			fx.sim.AddFault(simulator.Fault{Operation: simulator.MetadataToken, Status: status})
			p := fx.project(func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} })
			k, err := p.api.authenticator.keys.Key(t.Context())
			if err != nil || k.SecurityToken == "" || k.Expires.IsZero() {
				t.Errorf("status %d: key %v, error %v", status, k, err)
			}
			for _, c := range fx.sim.Calls() {
				if strings.Contains(c.RawQuery+c.Path, "169.254") {
					t.Errorf("asked through a proxy: %s", c.Path)
				}
			}
		})
	}
}

// TestFilesRotate: a changed key is picked up within seconds, what is half
// written or gone for a while changes nothing, and no call fails meanwhile.
func TestFilesRotate(t *testing.T) {
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
			t.Errorf("%d calls were refused", got)
		}
	})
}

// TestTheChainStays with the source that it found, and follows its changes.
func TestTheChainStays(t *testing.T) {
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
			t.Errorf("with the file gone: %v", err)
		}
	})
}

// TestTemporaryKeys live ten minutes here, and are used for two hours.
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
		fetched := fx.sim.CallCount(simulator.MetadataSecurityKey)
		if fetched < 2*60/10 || fetched > 2*60/6 {
			t.Errorf("%d keys fetched in two hours, want one for every 6m40s to 8m20s", fetched)
		}
		if q := fx.client.Quotas(); len(q) != 1 {
			t.Errorf("quotas %+v, want one that outlives the keys", q)
		}
	})
}

// TestTheSourceFailsForAWhile: the old key serves while it is good; after that
// there is none, until the source is back.
func TestTheSourceFailsForAWhile(t *testing.T) {
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
		mend := fx.sim.AddFault(simulator.Fault{Operation: simulator.MetadataSecurityKey, Status: 500})
		for time.Since(start) < time.Hour-time.Second {
			if err := ask(); err != nil {
				t.Fatalf("after %s: %v", time.Since(start), err)
			}
			time.Sleep(30 * time.Second)
		}
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n < 10 || n > 1+int(20*time.Minute/retryInterval) {
			t.Errorf("%d tries, want one every %s at most", n, retryInterval)
		}
		time.Sleep(time.Until(start.Add(time.Hour)))
		if f := requireFailure(t, ask()); f.Kind != inventory.Misconfigured || f.Detail != "no credentials: 169.254.169.254 answers HTTP 500" {
			t.Errorf("failure %v, want that there are no credentials", &f)
		}
		before := fx.sim.CallCount(simulator.MetadataSecurityKey)
		requireFailure(t, ask())
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n != before {
			t.Error("the source is asked again at once")
		}
		mend()
		time.Sleep(errorTTL)
		if err := ask(); err != nil {
			t.Errorf("with the source back: %v", err)
		}
	})
}

// TestAKeyThatEndsEarly is replaced at the first refusal, and the call repeated.
func TestAKeyThatEndsEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency})
		projects := fx.projects(5, func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} })
		for _, err := range askAll(t.Context(), projects) {
			if err != nil {
				t.Fatal(err)
			}
		}
		calls := fx.sim.Calls()
		fx.sim.RemoveKey(calls[len(calls)-1].AccessKey)
		for _, err := range askAll(t.Context(), projects) {
			if err != nil {
				t.Error(err)
			}
		}
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n != 2 {
			t.Errorf("%d keys fetched, want 2", n)
		}
		// A source whose keys are all refused is not asked for every call.
		fx.sim.AddFault(simulator.Fault{Operation: inventory.ListDesktopsEips, Status: 401})
		for range 3 {
			for _, p := range projects {
				_, err := p.ListEIPBindings(t.Context())
				if f := requireFailure(t, err); f.Kind != inventory.Authentication {
					t.Errorf("failure %v, want one of authentication", &f)
				}
			}
		}
		if n := fx.sim.CallCount(simulator.MetadataSecurityKey); n != 2 {
			t.Errorf("%d keys fetched, want 2", n)
		}
	})
}

// TestRotationUnderLoad: many callers, keys that change all the time. What is
// signed is always whole: not one call is refused.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.setDesktops(100)
	path := filepath.Join(t.TempDir(), "credentials")
	var writing sync.Mutex
	rotate := func(n int) {
		writing.Lock()
		defer writing.Unlock()
		// Replaced as a whole, as Kubernetes does.
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

func TestCredentialsAreSharedAndLetGo(t *testing.T) {
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
		t.Errorf("%d caches of keys and %d transports left, want none", fx.client.credentials.Len(), fx.client.transports.Len())
	}
	if _, err := fx.client.Project(fx.config(func(c *config.Project) { c.Credentials.Source = "magic" }), false, false); err == nil {
		t.Error("an unknown source is taken")
	}
	if fx.client.transports.Len() != 0 {
		t.Error("a project that could not be made keeps its transport")
	}
}

func TestNoCredentialsInTime(t *testing.T) {
	t.Parallel()
	if f := credentials.Failure(inventory.ListDesktops, os.ErrDeadlineExceeded); f.Kind != inventory.Misconfigured || f.Hint == "" {
		t.Errorf("failure %v, want one of setup", f)
	}
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddFault(simulator.Fault{HangBeforeHeader: true})
		p := fx.project(func(c *config.Project) { c.Credentials = config.Credentials{Source: config.SourceECSAgency} })
		start := time.Now()
		_, err := p.ListDesktops(t.Context())
		if f := requireFailure(t, err); f.Detail != "no credentials: 169.254.169.254 did not answer in time" {
			t.Errorf("failure %v", &f)
		}
		if took := time.Since(start); took != metadataTimeout {
			t.Errorf("took %s, want %s", took, metadataTimeout)
		}
	})
}
