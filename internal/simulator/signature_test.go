// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	workspace "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// requestModifier is a transport that modifies signed requests.
type requestModifier func(*http.Request)

func (change requestModifier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	change(r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestSignature(t *testing.T) {
	t.Parallel()
	const token = "TESTTOKEN"
	temporary := simulator.Key{AccessKey: "TEMPORARY", SecretKey: sk, SecurityToken: token, Expires: time.Now().Add(time.Hour)}
	for name, test := range map[string]struct {
		key    simulator.Key // default: the valid one
		change requestModifier
		ahead  time.Duration // of the cloud's clock
		want   []string      // substrings of the error; none: success
	}{
		"the right key":      {},
		"another header":     {change: func(r *http.Request) { r.Header.Set("X-Unsigned", "1") }},
		"clock a bit ahead":  {ahead: 14 * time.Minute},
		"clock a bit behind": {ahead: -14 * time.Minute},
		"clock far ahead":    {ahead: 16 * time.Minute, want: []string{ak, "skewed"}},
		"clock far behind":   {ahead: -16 * time.Minute, want: []string{ak, "skewed"}},
		"a wrong secret":     {key: simulator.Key{AccessKey: ak, SecretKey: "WRONG"}, want: []string{"verify aksk signature fail, canonicalRequest:GET|/v2/" + project + "/desktops/|limit=7|user-agent:huaweicloud-usdk-go/3.0; simulator test|x-project-id:" + project + "|x-sdk-date:"}},
		"an unknown key":     {key: simulator.Key{AccessKey: "NOBODY", SecretKey: sk}, want: []string{"ak NOBODY not exist"}},
		"query changed":      {change: func(r *http.Request) { r.URL.RawQuery = "limit=8" }, want: []string{"verify aksk", "limit=8"}},
		"query added":        {change: func(r *http.Request) { r.URL.RawQuery += "&offset=1" }, want: []string{"verify aksk"}},
		"path changed":       {change: func(r *http.Request) { r.URL.Path = "/v2/other/desktops" }, want: []string{"verify aksk", "/v2/other/desktops/"}},
		"header changed":     {change: func(r *http.Request) { r.Header.Set("User-Agent", "a proxy") }, want: []string{"verify aksk", "user-agent:a proxy"}},
		"header missing":     {change: func(r *http.Request) { r.Header.Del("X-Project-Id") }, want: []string{"verify aksk"}},
		"header twice":       {change: func(r *http.Request) { r.Header.Add("X-Project-Id", "other") }, want: []string{"verify aksk"}},
		"body smuggled in": {change: func(r *http.Request) {
			r.Body, r.ContentLength = http.NoBody, 0
			r.Header.Set("X-Sdk-Content-Sha256", "x")
		}, want: []string{"verify aksk"}},
		"date changed": {change: func(r *http.Request) {
			r.Header.Set("X-Sdk-Date", time.Now().UTC().Add(time.Minute).Format("20060102T150405Z"))
		}, want: []string{"verify aksk"}},
		"date missing":      {change: func(r *http.Request) { r.Header.Del("X-Sdk-Date") }, want: []string{"x-sdk-date is missing"}},
		"date malformed":    {change: func(r *http.Request) { r.Header.Set("X-Sdk-Date", "today") }, want: []string{"x-sdk-date is missing"}},
		"date not signed":   {change: modifyAuthorization("x-sdk-date", "x-other"), want: []string{"not signed"}},
		"not signed":        {change: func(r *http.Request) { r.Header.Del("Authorization") }, want: []string{"x-auth-token not found"}},
		"another algorithm": {change: modifyAuthorization("SDK-HMAC-SHA256", "SDK-HMAC-SM3"), want: []string{"decrypt authorization fail"}},
		"no signature":      {change: modifyAuthorization(", Signature=", ", Sig="), want: []string{"decrypt authorization fail"}},
		"empty signature": {change: func(r *http.Request) {
			r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+ak+", SignedHeaders=x-sdk-date, Signature=")
		}, want: []string{"decrypt authorization fail"}},
		"token":               {key: temporary},
		"token missing":       {key: temporary, change: func(r *http.Request) { r.Header.Del("X-Security-Token") }, want: []string{"security token  is invalid"}},
		"token changed":       {key: temporary, change: func(r *http.Request) { r.Header.Set("X-Security-Token", "other") }, want: []string{"security token other is invalid"}},
		"token not wanted":    {key: simulator.Key{AccessKey: ak, SecretKey: sk, SecurityToken: token}, want: []string{"security token " + token + " is invalid"}},
		"token with a secret": {key: simulator.Key{AccessKey: "TEMPORARY", SecretKey: "WRONG", SecurityToken: token}, want: []string{"x-security-token:" + token}},
		"token expired":       {key: simulator.Key{AccessKey: "EXPIRED", SecretKey: sk, SecurityToken: token}, want: []string{"ak EXPIRED security token has expired"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newFakeClock()
			c.advance(test.ahead)
			cloud, url := start(t, simulator.Options{Now: c.now})
			cloud.AddKey(temporary)
			cloud.AddKey(simulator.Key{AccessKey: "EXPIRED", SecretKey: sk, SecurityToken: token, Expires: c.now()})
			key := test.key
			if key.AccessKey == "" {
				key = simulator.Key{AccessKey: ak, SecretKey: sk}
			}
			if test.change == nil {
				test.change = func(*http.Request) {}
			}
			limit := int32(7)
			_, err := sdkClient(t, url, key, test.change).ListDesktops(&model.ListDesktopsRequest{Limit: &limit})
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			serviceError := requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301")
			for _, want := range test.want {
				if !strings.Contains(serviceError.ErrorMessage, want) {
					t.Errorf("got %q, want substring %q", serviceError.ErrorMessage, want)
				}
			}
			if len(serviceError.RequestId) != 32 {
				t.Errorf("got request id %q", serviceError.RequestId)
			}
		})
	}
}

// modifyAuthorization replaces text in the header Authorization.
func modifyAuthorization(from, to string) requestModifier {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
	}
}

// TestSignatureOfSpecialCharacters checks the signature of characters that need escaping.
func TestSignatureOfSpecialCharacters(t *testing.T) {
	t.Parallel()
	_, url := start(t, simulator.Options{})
	c := sdkClient(t, url, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {}))
	for _, text := range []string{"", " ", "a b", "a+b", "a/b", "100%", "%20", "k=v,k2=v2", "a&b;c", "~-_.", "桌面", "\xc4\xe3", "\"'<>", "a\nb", "#?", "=", "x=="} {
		if _, err := c.ListDesktops(&model.ListDesktopsRequest{ComputerName: &text, UserName: &[]string{"z", text, "A"}}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSignatureErrorContainsRequest(t *testing.T) {
	t.Parallel()
	cloud, url := start(t, simulator.Options{})
	cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: "OTHER"})
	r := get(t, url, listPath, "tag=a%3Db&limit=1")
	want := `{"error_msg":"Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|` +
		listPath + `/|limit=1&tag=a%3Db|x-sdk-date:` + cloud.Calls()[0].Header.Get("X-Sdk-Date") +
		`||x-sdk-date|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",` +
		`"error_code":"APIGW.0301","request_id":"` + r.header.Get("X-Request-Id") + `"}`
	if r.status != http.StatusUnauthorized || r.body != want {
		t.Errorf("got %d %s\nwant %s", r.status, r.body, want)
	}
	if got := r.header.Get("Server"); got != "api-gateway" {
		t.Errorf("got server %q", got)
	}
}

func TestLockout(t *testing.T) {
	t.Parallel()
	c := newFakeClock()
	cloud, url := start(t, simulator.Options{Now: c.now})
	good := sdkClient(t, url, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {}))
	bad := sdkClient(t, url, simulator.Key{AccessKey: ak, SecretKey: "WRONG"}, requestModifier(func(*http.Request) {}))
	fail := func(times int) {
		t.Helper()
		for range times {
			_, err := listDesktops(bad)
			if got := requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301").ErrorMessage; !strings.Contains(got, "verify aksk") {
				t.Fatalf("got %s", got)
			}
		}
	}
	pass := func() {
		t.Helper()
		if _, err := listDesktops(good); err != nil {
			t.Fatal(err)
		}
	}
	fail(5)
	pass() // five failures do not lock, and a success resets them
	fail(5)
	pass()
	if got := cloud.LockoutCount(); got != 0 {
		t.Fatalf("got %d lockouts, want none", got)
	}
	fail(6)
	for _, key := range []string{"good", "bad"} {
		_, err := listDesktops(map[string]*workspace.WorkspaceClient{"good": good, "bad": bad}[key])
		if got := requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301").ErrorMessage; !strings.HasSuffix(got, "AK access failed to reach the limit,forbidden") {
			t.Errorf("%s: got %s", key, got)
		}
	}
	if got := cloud.LockoutCount(); got != 1 {
		t.Errorf("got %d lockouts, want 1", got)
	}
	c.advance(5*time.Minute - time.Nanosecond)
	_, err := listDesktops(good)
	requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301")
	c.advance(time.Nanosecond)
	pass() // calls during the lockout do not extend it
	fail(6)
	cloud.UnlockKeys()
	pass()
	if got := cloud.LockoutCount(); got != 2 {
		t.Errorf("got %d lockouts, want 2", got)
	}
	cloud.RemoveKey(ak)
	_, err = listDesktops(good)
	requireServiceError(t, err, http.StatusUnauthorized, "APIGW.0301")
}
