// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// write writes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// environ returns a Getenv for a map.
func environ(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

const (
	idToken  = "ID-TOKEN-canary"
	podToken = "POD-TOKEN-canary"
	podURI   = "http://169.254.170.23/pod-identity/credentials"
)

func TestProviders(t *testing.T) {
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
		operations  []string // of the services that issue keys
		fails       string
	}{
		{name: "inline", credentials: config.Credentials{Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret)}},
		{name: "files", credentials: config.Credentials{Source: config.SourceStatic, AccessKeyFile: access, SecretKeyFile: secret}},
		{name: "missing file", credentials: config.Credentials{Source: config.SourceStatic, AccessKeyFile: access, SecretKeyFile: filepath.Join(dir, "none")}, fails: "none does not exist"},
		{name: "empty file", credentials: config.Credentials{Source: config.SourceStatic, AccessKeyFile: write(t, dir, "blank", " \n"), SecretKeyFile: secret}, fails: "blank is empty"},

		{name: "environment", credentials: config.Credentials{Source: config.SourceEnvironment}, env: envKeys},
		{name: "environment without keys", credentials: config.Credentials{Source: config.SourceEnvironment}, fails: "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK are not set"},
		{
			name: "environment with keys and an identity provider", credentials: config.Credentials{Source: config.SourceEnvironment},
			env:     map[string]string{config.EnvAccessKey: "wrong", config.EnvSecretKey: "wrong", config.EnvIDPID: "idp", config.EnvIDTokenFile: idTokenFile},
			issuers: []simulator.Issuer{oidcIssuer}, operations: []string{simulator.CreateTokenWithIDToken, simulator.CreateTemporaryAccessKeyByToken},
		},

		{name: "profile", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: profileFile}},
		{name: "profile with inheritance", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: inherited}},
		{name: "profile by environment", credentials: config.Credentials{Source: config.SourceProfile}, env: map[string]string{config.EnvProfileFile: profileFile}},
		{name: "profile in the home directory", credentials: config.Credentials{Source: config.SourceProfile}, env: map[string]string{"HOME": home}},
		{
			name: "profile with an identity provider", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: federated},
			issuers: []simulator.Issuer{oidcIssuer}, operations: []string{simulator.CreateTokenWithIDToken, simulator.CreateTemporaryAccessKeyByToken},
		},
		{name: "malformed profile", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: write(t, dir, "junk", "["+testSecret)}, fails: "junk is not an INI file"},
		{name: "profile without keys", credentials: config.Credentials{Source: config.SourceProfile, ProfileFile: write(t, dir, "other", "[global]\nak = x\n")}, fails: "other has no ak and sk in its section [basic]"},

		{
			name: "agency", credentials: config.Credentials{Source: config.SourceECSAgency},
			issuers: []simulator.Issuer{agencyIssuer}, operations: []string{simulator.MetadataToken, simulator.MetadataSecurityKey},
		},
		{name: "no agency", credentials: config.Credentials{Source: config.SourceECSAgency}, operations: []string{simulator.MetadataToken, simulator.MetadataSecurityKey}, fails: "169.254.169.254 returned HTTP 401"},
		{
			name: "pod identity", credentials: config.Credentials{Source: config.SourcePodIdentity}, env: envPod,
			issuers: []simulator.Issuer{podIssuer}, operations: []string{simulator.PodIdentity},
		},
		{name: "no pod", credentials: config.Credentials{Source: config.SourcePodIdentity}, fails: "HC_CONTAINER_CREDENTIALS_FULL_URI and HC_CONTAINER_AUTHORIZATION_TOKEN_FILE are not set"},
		{
			name: "OIDC", credentials: config.Credentials{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: idTokenFile},
			issuers: []simulator.Issuer{oidcIssuer}, operations: []string{simulator.CreateTokenWithIDToken, simulator.CreateTemporaryAccessKeyByToken},
		},
		{name: "OIDC, unknown identity provider", credentials: config.Credentials{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: idTokenFile}, operations: []string{simulator.CreateTokenWithIDToken}, fails: "iam.test returned HTTP 403"},

		{name: "chain: environment", env: envKeys},
		{name: "chain: profile", credentials: config.Credentials{Source: config.SourceChain}, env: map[string]string{config.EnvProfileFile: profileFile}},
		{
			name: "chain: agency", credentials: config.Credentials{Source: config.SourceChain}, env: envPod,
			issuers: []simulator.Issuer{agencyIssuer, podIssuer}, operations: []string{simulator.MetadataToken, simulator.MetadataSecurityKey},
		},
		{
			name: "chain: pod identity", credentials: config.Credentials{Source: config.SourceChain}, env: envPod,
			issuers: []simulator.Issuer{podIssuer}, operations: []string{simulator.MetadataToken, simulator.MetadataSecurityKey, simulator.PodIdentity},
		},
		{
			name: "chain: no credentials", credentials: config.Credentials{Source: config.SourceChain}, operations: []string{simulator.MetadataToken, simulator.MetadataSecurityKey},
			fails: "no credentials: environment: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK are not set; profile file: HUAWEICLOUD_SDK_CREDENTIALS_FILE and HOME are not set; " +
				"ECS agency: 169.254.169.254 returned HTTP 401; pod identity: HC_CONTAINER_CREDENTIALS_FULL_URI and HC_CONTAINER_AUTHORIZATION_TOKEN_FILE are not set",
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
							t.Errorf("%q contains a secret", err)
						}
					}
				}
				var operations []string
				for _, c := range fx.sim.Calls() {
					if c.Operation != inventory.ListDesktops {
						operations = append(operations, c.Operation)
					}
				}
				if got, want := strings.Join(operations, " "), strings.Join(tt.operations, " "); got != want {
					t.Errorf("operations %s, want %s", cmp.Or(got, "none"), cmp.Or(want, "none"))
				}
			})
		})
	}
}

// TestMalformedCredentials checks that malformed responses of the services that
// issue keys cause no panic, no secret in the failure, and no request that is
// signed with an incomplete key.
func TestMalformedCredentials(t *testing.T) {
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
						t.Errorf("failure %v, want kind Misconfigured", &f)
					}
					if strings.Contains(err.Error(), testSecret) {
						t.Errorf("%q contains a secret", err)
					}
					if n := fx.sim.CallCount(inventory.ListDesktops); n != 0 {
						t.Errorf("%d requests with such a key", n)
					}
				})
			})
		}
	}
}

// TestMetadataServiceWithoutTokens checks that the metadata service needs no
// session token, and is not requested through a proxy.
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
					t.Errorf("requested through a proxy: %s", c.Path)
				}
			}
		})
	}
}

// TestOIDCUsesTheIAMEndpoint checks the endpoint of the OIDC provider. The SDK's
// always uses the global one.
func TestOIDCUsesTheIAMEndpoint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := write(t, dir, "id", idToken)
	profile := write(t, dir, "profile", "[basic]\nidp_id=idp\nid_token_file="+id+"\niam_endpoint=iam.profile.test\n")
	for _, tt := range []struct {
		name       string
		configured string
		want       string
		c          config.Credentials
	}{
		{"by region", "", "iam.la-north-2.myhuaweicloud.com", config.Credentials{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: id}},
		{"configured", "https://iam.config.test", "iam.config.test", config.Credentials{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: id}},
		{"by profile", "", "iam.profile.test", config.Credentials{Source: config.SourceProfile, ProfileFile: profile}},
		{"configured over profile", "https://iam.config.test", "iam.config.test", config.Credentials{Source: config.SourceProfile, ProfileFile: profile}},
	} {
		cloud := NewClient(Options{Getenv: environ(nil), Dial: refuseDial})
		cfg := (&fixture{t: t, url: "http://workspace.test"}).config(func(c *config.Project) {
			c.IAMEndpoint, c.Credentials = tt.configured, tt.c
		})
		p, err := cloud.Project(cfg, false, false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.ListDesktops(t.Context())
		if f := requireFailure(t, err); !strings.HasPrefix(f.Detail, "no credentials: "+tt.want) {
			t.Errorf("%s: failure %v, want a request to %s", tt.name, &f, tt.want)
		}
		p.Close()
		cloud.Close()
	}
}
