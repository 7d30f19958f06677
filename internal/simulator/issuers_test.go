// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/provider"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	workspace "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// secretFile writes a secret to a temporary file and returns its path.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// clientWithCredentials returns a client of the SDK with any type of credentials.
func clientWithCredentials(t *testing.T, base string, credentials auth.ICredential) *workspace.WorkspaceClient {
	t.Helper()
	hc, err := workspace.WorkspaceClientBuilder().WithEndpoint(base).WithCredential(credentials).
		WithHttpConfig(config.DefaultHttpConfig().WithUserAgent("simulator test")).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return workspace.NewWorkspaceClient(hc)
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	issuer := simulator.Issuer{Source: simulator.SourceOIDC, Provider: "idp", Token: "proof"}
	cloud.AddIssuer(issuer)
	federated := func(idp, proof string) *workspace.WorkspaceClient {
		credentials, err := basic.NewCredentialsBuilder().WithIdpId(idp).WithIdTokenFile(secretFile(t, proof)).
			WithProjectId(project).WithIamEndpointOverride(base).SafeBuild()
		if err != nil {
			t.Fatal(err)
		}
		return clientWithCredentials(t, base, credentials)
	}
	good := federated("idp", "proof")
	for range 3 {
		if _, err := listDesktops(good); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := cloud.CallCount(simulator.CreateTokenWithIDToken), cloud.CallCount(simulator.CreateTemporaryAccessKeyByToken); a != 1 || b != 1 {
		t.Errorf("got %d tokens and %d keys for three calls, want one of each", a, b)
	}
	for _, bad := range [][2]string{{"idp", "forged"}, {"other", "proof"}} {
		_, err := listDesktops(federated(bad[0], bad[1]))
		requireServiceError(t, err, http.StatusForbidden, "IAM.0002")
	}
	cloud.RemoveIssuer(issuer)
	if _, err := listDesktops(good); err != nil {
		t.Errorf("key of a removed issuer: %v", err)
	}
	_, err := listDesktops(federated("idp", "proof"))
	requireServiceError(t, err, http.StatusForbidden, "IAM.0002")
}

func TestPodIdentity(t *testing.T) {
	cloud, base := start(t, simulator.Options{})
	cloud.AddIssuer(simulator.Issuer{Source: simulator.SourcePodIdentity, Token: "pod", Projects: []string{project}, Deny: []string{simulator.ListDesktopsEips}})
	t.Setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", base+simulator.PodIdentityPath)
	t.Setenv("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", secretFile(t, "pod"))
	credentials, err := provider.NewPodIdentityCredentialProvider("basic").GetCredentials()
	if err != nil {
		t.Fatal(err)
	}
	credentials.(*basic.Credentials).ProjectId = project
	c := clientWithCredentials(t, base, credentials)
	if _, err := listDesktops(c); err != nil {
		t.Error(err)
	}
	t.Setenv("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", secretFile(t, "forged"))
	if _, err := provider.NewPodIdentityCredentialProvider("basic").GetCredentials(); err == nil || !strings.Contains(err.Error(), "PodIdentity.0401") {
		t.Errorf("got %v", err)
	}
}

// TestMetadata is not parallel: it replaces http.DefaultTransport, which the SDK uses
// for the metadata service, to reach the simulated one.
func TestMetadata(t *testing.T) {
	cloud, base := start(t, simulator.Options{})
	proxy, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	original := http.DefaultTransport
	http.DefaultTransport = &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return proxy, nil }, DisableKeepAlives: true}
	defer func() { http.DefaultTransport = original }()

	metadata := provider.NewMetadataCredentialProvider("basic")
	if _, err := metadata.GetCredentials(); err == nil || !strings.Contains(err.Error(), "Please configure Cloud Service Agency first") {
		t.Errorf("without an agency: got %v", err)
	}
	cloud.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency})
	for _, mode := range []string{"with a token", "without"} {
		if mode == "without" {
			cloud.AddFault(simulator.Fault{Operation: simulator.MetadataToken, Status: http.StatusNotFound})
		}
		credentials, err := metadata.GetCredentials()
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		credentials.(*basic.Credentials).ProjectId = project
		if _, err := listDesktops(clientWithCredentials(t, base, credentials)); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		calls := cloud.Calls()
		call := calls[len(calls)-2]
		if got := call.Header.Get("X-Metadata-Token") != ""; call.Operation != simulator.MetadataSecurityKey || got != (mode == "with a token") {
			t.Errorf("%s: %s came with token %t", mode, call.Operation, got)
		}
	}
}

// post sends a body, and returns status and body of the response.
func post(t *testing.T, url, body string, header ...string) (int, string) {
	t.Helper()
	return send(t, http.MethodPost, url, body, header...)
}

func send(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

func TestIssuerErrors(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency})
	const keys = "/v3.0/OS-CREDENTIAL/securitytokens"
	for name, test := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		want               string
	}{
		"token of rubbish":    {method: "POST", path: "/v3.0/OS-AUTH/id-token/tokens", body: "{", status: 400, want: `{"error":{"code":400,"message":"The request body is invalid.","title":"Bad Request"}}`},
		"key of rubbish":      {method: "POST", path: keys, body: "[]", status: 400, want: `{"error":{"code":400,"message":"The request body is invalid.","title":"Bad Request"}}`},
		"key by other means":  {method: "POST", path: keys, body: `{"auth":{"identity":{"methods":["password"]}}}`, status: 400, want: `{"error":{"code":400,"message":"The request body is invalid.","title":"Bad Request"}}`},
		"key without a token": {method: "POST", path: keys, body: `{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}}}}`, status: 401, want: `{"error":{"code":401,"message":"The token must be updated.","title":"Unauthorized"}}`},
		"metadata, forged":    {method: "GET", path: "/openstack/latest/securitykey", header: []string{"X-Metadata-Token", "x"}, status: 401, want: "401 Unauthorized: invalid token"},
	} {
		status, body := send(t, test.method, base+test.path, test.body, test.header...)
		if status != test.status || body != test.want {
			t.Errorf("%s: got %d %s, want %d %s", name, status, body, test.status, test.want)
		}
	}
}

// TestIssuedKeys checks the permissions and the expiry of issued keys.
func TestIssuedKeys(t *testing.T) {
	t.Parallel()
	c := newFakeClock()
	cloud, base := start(t, simulator.Options{Now: c.now, Quota: 3})
	cloud.AddIssuer(simulator.Issuer{Source: simulator.SourcePodIdentity, Token: "pod", Lifetime: 10 * time.Minute, Projects: []string{project}})
	issue := func() (key simulator.Key, expires time.Time) {
		status, body := post(t, base+simulator.PodIdentityPath, "{}", "Authorization", "pod")
		var answer struct {
			Credentials struct{ AccessKeyID, SecretAccessKey, SecurityToken, Expiration string }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
			t.Fatalf("got %d %v %s", status, err, body)
		}
		expires, err := time.Parse(time.RFC3339, answer.Credentials.Expiration)
		if err != nil {
			t.Fatal(err)
		}
		a := answer.Credentials
		return simulator.Key{AccessKey: a.AccessKeyID, SecretKey: a.SecretAccessKey, SecurityToken: a.SecurityToken}, expires
	}
	first, expires := issue()
	if left := expires.Sub(c.now()); left <= 10*time.Minute-time.Second || left > 10*time.Minute {
		t.Errorf("got lifetime %s, want 10m", left)
	}
	second, _ := issue()
	if first.AccessKey == second.AccessKey || first.SecretKey == second.SecretKey || first.SecurityToken == second.SecurityToken {
		t.Errorf("got equal keys: %v, %v", first, second)
	}
	via := requestModifier(func(*http.Request) {})
	one, two := sdkClient(t, base, first, via), sdkClient(t, base, second, via)
	for _, asker := range []*workspace.WorkspaceClient{one, two, one} {
		if _, err := listDesktops(asker); err != nil {
			t.Fatal(err)
		}
	}
	_, err := listDesktops(two)
	requireServiceError(t, err, http.StatusTooManyRequests, "APIGW.0308") // one user, one quota
	c.advance(10 * time.Minute)
	_, err = listDesktops(one)
	if got := requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301").ErrorMessage; !strings.Contains(got, "security token has expired") {
		t.Errorf("after its time: got %s", got)
	}
}

func TestOIDCKeyLifetime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		issuer   time.Duration
		duration string
		want     time.Duration
	}{
		"as requested":  {duration: `,"duration_seconds":7200`, want: 2 * time.Hour},
		"by default":    {want: 15 * time.Minute},
		"as the issuer": {issuer: time.Minute, duration: `,"duration_seconds":7200`, want: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			cloud, base := start(t, simulator.Options{Now: func() time.Time { return now }})
			cloud.AddIssuer(simulator.Issuer{Source: simulator.SourceOIDC, Provider: "idp", Token: "proof", Lifetime: test.issuer})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v3.0/OS-AUTH/id-token/tokens", strings.NewReader(`{"auth":{"id_token":{"id":"proof"}}}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Idp-Id", "idp")
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusCreated {
				t.Fatalf("got %d", resp.StatusCode)
			}
			status, body := post(t, base+"/v3.0/OS-CREDENTIAL/securitytokens",
				`{"auth":{"identity":{"methods":["token"],"token":{"id":"`+resp.Header.Get("X-Subject-Token")+`"`+test.duration+`}}}}`)
			if want := now.Add(test.want).Format(`"expires_at":"2006-01-02T15:04:05.000000Z"`); status != http.StatusCreated || !strings.Contains(body, want) {
				t.Errorf("got %d %s, want %s", status, body, want)
			}
		})
	}
}
