// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// secretSet is a set of secrets in all encodings that could appear.
type secretSet struct {
	mu      sync.Mutex
	secrets map[string]bool
}

// add adds a secret and returns it.
func (s *secretSet) add(secret string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets = map[string]bool{}
	}
	for _, spelling := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	} {
		s.secrets[strings.ToLower(spelling)] = true
	}
	return secret
}

// suspicious matches secrets that are not in a set: issued keys, signatures and
// messages about denials.
var suspicious = regexp.MustCompile(`HST[0-9a-f]{17}|TOKEN[0-9a-f]{64}|SESSION[0-9a-f]{32}|canonicalRequest:|(?i:canary|signature=|sdk-hmac|x-sdk-date|encoded-)`)

// scan returns the secrets, and what looks like a secret, in a text.
func (s *secretSet) scan(text string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]bool{}
	lower := strings.ToLower(text)
	for secret := range s.secrets {
		if strings.Contains(lower, secret) {
			found[secret] = true
		}
	}
	for _, m := range suspicious.FindAllString(text, -1) {
		found[m] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// addIssued adds all texts of a response with an issued key, and returns it.
func (s *secretSet) addIssued(body []byte) []byte {
	for _, m := range regexp.MustCompile(`"(?:access|secret|securitytoken|accessKeyId|secretAccessKey|securityToken)":"([^"]+)"`).FindAllSubmatch(body, -1) {
		s.add(string(m[1]))
	}
	return body
}

// leakTest is a cloud with access keys of all kinds, and a configuration with them.
type leakTest struct {
	*testing.T
	secretSet
	cloud   *simulator.Cloud
	dir     string
	url     string
	proxy   *recordingProxy
	hooks   *recordingReceiver
	yaml    string
	env     []string
	wanted  []string // access keys that must have been used
	serial  int
	project map[string]string // IDs by name
}

// recordingProxy is a proxy that records passwords and repeats them in its responses.
type recordingProxy struct {
	mu       sync.Mutex
	received map[string]bool
	deny     bool
}

func (p *recordingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secrets := r.Header.Get("Proxy-Authorization") + " " + r.Header.Get("X-Pass")
	p.mu.Lock()
	p.received[secrets] = true
	deny := p.deny
	p.mu.Unlock()
	if r.Method == http.MethodConnect || deny {
		w.Header().Set("X-Received", secrets)
		w.WriteHeader(http.StatusProxyAuthRequired)
		_, _ = fmt.Fprintf(w, "no tunnel for %s: %v", secrets, r.Header)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	response, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = response.Body.Close() }()
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

// recordingReceiver rejects all changes, records their secrets and repeats them in its
// responses.
type recordingReceiver struct {
	mu       sync.Mutex
	received map[string]bool
	attempts int
}

func (n *recordingReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secrets := r.RequestURI + " " + r.Header.Get("Authorization") + " " + r.Header.Get("X-Key")
	n.mu.Lock()
	n.received[secrets] = true
	n.attempts++
	attempts := n.attempts
	n.mu.Unlock()
	switch attempts {
	case 1: // the error of net/http quotes it
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", secrets)
			_ = conn.Close()
		}
	case 2:
		w.Header().Set("Location", "http://127.0.0.1:1"+r.RequestURI)
		w.WriteHeader(http.StatusFound)
	default:
		http.Error(w, secrets, http.StatusBadRequest)
	}
}

func newLeakTest(t *testing.T) *leakTest {
	t.Helper()
	v := &leakTest{T: t, cloud: simulator.New(simulator.Options{Seed: 7}), dir: t.TempDir(), project: map[string]string{}}
	u, stop, err := v.cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v.url = u
	v.proxy = &recordingProxy{received: map[string]bool{}}
	proxy := httptest.NewServer(v.proxy)
	v.hooks = &recordingReceiver{received: map[string]bool{}}
	hooks := httptest.NewServer(v.hooks)
	t.Cleanup(func() {
		v.cloud.Close()
		stop()
		proxy.Close()
		hooks.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	v.cloud.AddFault(simulator.Fault{
		Match: func(c simulator.Call) bool {
			return strings.HasPrefix(c.Path, "/v3.0/") || c.Path == simulator.PodIdentityPath
		},
		RewriteBody: v.addIssued,
	})

	cert, key := newCertAuthority(t).clientCertificate()
	pem := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n          ")
	}
	v.add(strings.Split(pem(key), "\n          ")[1])
	proxyURL := func(password string) string {
		v.add(base64.StdEncoding.EncodeToString([]byte("scraper:" + v.add(password))))
		return strings.Replace(proxy.URL, "http://", "http://scraper:"+url.PathEscape(password)+"@", 1)
	}

	v.yaml = "projects:\n"
	k := v.addKey("INLINE", true)
	v.addProject("inline", fmt.Sprintf("{access_key: %s, secret_key: %s, security_token: %s}", k.AccessKey, k.SecretKey, k.SecurityToken), fmt.Sprintf(`
    http:
      proxy_url: %q
      proxy_connect_header: {X-Pass: [%s]}
      tls_config:
        cert: |
          %s
        key: |
          %s
`, proxyURL("CANARYPROXY/+ä"), v.add("CANARYHEADER"), pem(cert), pem(key)))
	k = v.addKey("FILES", true)
	v.addProject("files", fmt.Sprintf("{access_key_file: %s, secret_key_file: %s, security_token_file: %s}",
		v.writeFile("ak", k.AccessKey), v.writeFile("sk", k.SecretKey), v.writeFile("token", k.SecurityToken)), "")
	k = v.addKey("ENVIRONMENT", true)
	v.env = append(v.env, "HUAWEICLOUD_SDK_AK="+k.AccessKey, "HUAWEICLOUD_SDK_SK="+k.SecretKey, "HUAWEICLOUD_SDK_SECURITY_TOKEN="+k.SecurityToken)
	v.addProject("environment", "{source: environment}", "")
	v.addProject("chain", "{}", "")
	k = v.addKey("PROFILE", true)
	v.addProject("profile", "{profile_file: "+v.writeFile("profile", fmt.Sprintf("[basic]\nak = %s\nsk = %s\nsecurity_token = %s\n", k.AccessKey, k.SecretKey, k.SecurityToken))+"}", "")

	v.cloud.AddIssuer(simulator.Issuer{Source: simulator.SourceOIDC, Provider: "cluster", Token: v.add("eyJCANARYIDTOKEN.e30.c2ln")})
	v.addProject("oidc", "{idp_id: cluster, id_token_file: "+v.writeFile("id_token", "eyJCANARYIDTOKEN.e30.c2ln")+"}", "")
	v.addProject("oidc-refused", "{idp_id: cluster, id_token_file: "+v.writeFile("bad_token", v.add("eyJCANARYBADTOKEN.e30.c2ln"))+"}", "")
	v.cloud.AddIssuer(simulator.Issuer{Source: simulator.SourcePodIdentity, Token: v.add("CANARYPODTOKEN")})
	v.env = append(v.env, "HC_CONTAINER_CREDENTIALS_FULL_URI="+v.url+simulator.PodIdentityPath,
		"HC_CONTAINER_AUTHORIZATION_TOKEN_FILE="+v.writeFile("pod", "CANARYPODTOKEN"))
	v.addProject("pod", "{source: pod_identity}", "")

	// The responses to refused keys contain secrets.
	v.addProject("unknown", fmt.Sprintf("{access_key: %s, secret_key: %s}", v.add("AKCANARYUNKNOWN"), v.add("CANARYUNKNOWNSECRET")), "")
	k = v.addKey("WRONG", true)
	v.addProject("wrong", fmt.Sprintf("{access_key: %s, secret_key: %s, security_token: %s}", k.AccessKey, v.add("CANARYWRONGSECRET2"), k.SecurityToken), "")
	k = v.addKey("TOKENLESS", true)
	v.addProject("tokenless", fmt.Sprintf("{access_key: %s, secret_key: %s, security_token: %s}", k.AccessKey, k.SecretKey, v.add("CANARYOLDTOKEN")), "")
	k = v.addKey("DENIED", false)
	k.Deny = []string{simulator.ListDesktops}
	v.cloud.AddKey(k)
	v.addProject("denied", fmt.Sprintf("{access_key: %s, secret_key: %s}", k.AccessKey, k.SecretKey), "")

	// Only reachable by the environment's proxy.
	v.env = append(v.env, "HTTPS_PROXY="+proxyURL("CANARYENVPROXY"))
	v.serial++
	v.yaml += fmt.Sprintf("  - name: far\n    region: la-south-2\n    project_id: %032d\n    credentials: {access_key: %s, secret_key: %s}\n",
		v.serial, v.add("AKCANARYFAR"), v.add("CANARYFARSECRET"))

	k = v.addKey("ACCOUNT", true)
	v.cloud.AddProject(simulator.Project{ID: strings.Repeat("f", 32), Name: "la-north-2_org", Region: "la-north-2"})
	v.yaml += fmt.Sprintf("accounts:\n  - name: org\n    project_refresh: 1s\n    iam_endpoint: %s\n    endpoints: {la-north-2: %s}\n    projects: la-north-2_org\n    credentials: {access_key: %s, secret_key: %s, security_token: %s}\n",
		v.url, v.url, k.AccessKey, k.SecretKey, k.SecurityToken)
	v.yaml += "refresh: {timeout: 3s}\n"
	v.yaml += fmt.Sprintf("changes:\n  webhook:\n    url: '%s/%s?key=%s'\n    authorization: {credentials: %s}\n    headers: {X-Key: %s}\n",
		hooks.URL, v.add("CANARYHOOKPATH"), v.add("CANARYHOOKQUERY"), v.add("CANARYHOOKTOKEN"), v.add("CANARYHOOKHEADER"))
	return v
}

// addKey adds an access key to the cloud, and its texts to the secrets.
func (v *leakTest) addKey(name string, token bool) simulator.Key {
	k := simulator.Key{AccessKey: v.add("AKCANARY" + name), SecretKey: v.add("CANARY" + name + "SECRET")}
	if token {
		k.SecurityToken = v.add("CANARY" + name + "TOKEN")
	}
	v.cloud.AddKey(k)
	v.wanted = append(v.wanted, k.AccessKey)
	return k
}

func (v *leakTest) writeFile(name, text string) string {
	path := filepath.Join(v.dir, name)
	testutil.ReplaceFile(v.T, path, text+"\n")
	return path
}

// addProject adds a project with one desktop to the cloud and to the configuration.
func (v *leakTest) addProject(name, credentials, more string) {
	v.serial++
	id := fmt.Sprintf("%032d", v.serial)
	v.project[name] = id
	v.cloud.AddProject(simulator.Project{ID: id, Name: "la-north-2_" + name, Region: "la-north-2"})
	v.cloud.PutDesktop(id, apptest.Desktop("d1", ""))
	v.yaml += fmt.Sprintf("  - name: %s\n    region: la-north-2\n    project_id: %s\n    endpoint: %s\n    iam_endpoint: %s\n    credentials: %s\n", name, id, v.url, v.url, credentials)
	v.yaml += strings.TrimPrefix(more, "\n")
}
