// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/huaweicloud/huaweicloud-sdk-go-v3/core"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// requireFailure gives the failure that err has to be, without its cause.
func requireFailure(t *testing.T, err error) inventory.Failure {
	t.Helper()
	var f *inventory.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want a failure", err)
	}
	bare := *f
	bare.Cause = nil
	return bare
}

// TestFailures asks for the list and gets something else. It shows
// what is made of it, in the words that people see, and how often it is asked.
func TestFailures(t *testing.T) {
	t.Parallel()
	const encoded = "; the response has an encoded_authorization_message: repeat the request with another client" +
		" and decode the message with STS (POST /v5/decode-authorization-message) to see which policy denies it"
	const (
		checkEndpoint = "check endpoint and http.proxy_url; the response is not from the API"
		noList        = "response lacks the requested list"
		checkKey      = "check access_key, secret_key and security_token; a changed file is reloaded without a restart"
	)
	for _, tt := range []struct {
		name  string
		fault simulator.Fault
		want  inventory.Failure
		calls int
	}{
		{
			name: "400", fault: simulator.Fault{Status: 400, Body: simulator.WorkspaceError("WKS.0001", "参数错误", "", "")},
			want: inventory.Failure{Kind: inventory.Refused, Status: 400, Code: "WKS.0001"}, calls: 1,
		},
		{
			name: "400 that means busy", fault: simulator.Fault{Status: 400, Body: simulator.WorkspaceError("WKS.0407", "busy", "", "")},
			want: inventory.Failure{Kind: inventory.Transient, Status: 400, Code: "WKS.0407"}, calls: 4,
		},
		{
			name: "401", fault: simulator.Fault{Status: 401},
			want: inventory.Failure{Kind: inventory.Authentication, Status: 401, Code: "APIGW.0301", Hint: checkKey}, calls: 1,
		},
		{
			name: "401 as from IAM", fault: simulator.Fault{Status: 401, Body: simulator.KeystoneError(401, "Unauthorized", "ak "+testAccess)},
			want: inventory.Failure{Kind: inventory.Authentication, Status: 401, Hint: checkKey}, calls: 1,
		},
		{
			name: "403", fault: simulator.Fault{Status: 403, Body: simulator.WorkspaceError("WKS.0403", "m", "", "ENCODED")},
			want: inventory.Failure{
				Kind: inventory.Denied, Status: 403, Code: "WKS.0403",
				Hint: "grant the key's user the IAM action workspace:desktops:list" + encoded,
			}, calls: 1,
		},
		{
			name: "403 by the gateway", fault: simulator.Fault{Status: 403, Body: simulator.GatewayError("APIGW.0302", "m", "")},
			want: inventory.Failure{Kind: inventory.Denied, Status: 403, Code: "APIGW.0302", Hint: "grant the key's user the IAM action workspace:desktops:list"}, calls: 1,
		},
		{
			name: "403 for the project", fault: simulator.Fault{Status: 403, Body: simulator.GatewayError("APIGW.0310", "m", "")},
			want: inventory.Failure{Kind: inventory.Denied, Status: 403, Code: "APIGW.0310", Hint: "check project_id, and that the project is neither frozen nor deleted"}, calls: 1,
		},
		{
			name: "403 not enabled", fault: simulator.Fault{Status: 403, Body: simulator.WorkspaceError("WKS.00010099", "m", "", "")},
			want: inventory.Failure{
				Kind: inventory.Disabled, Status: 403, Code: "WKS.00010099", Detail: "Workspace is not enabled in this project",
				Hint: "enable Workspace in this project, or remove the project from the configuration",
			}, calls: 1,
		},
		{
			name: "404", fault: simulator.Fault{Status: 404, Body: simulator.WorkspaceError("WKS.X", "m", "", "")},
			want: inventory.Failure{Kind: inventory.Refused, Status: 404, Code: "WKS.X"}, calls: 1,
		},
		{
			name: "404 no such API", fault: simulator.Fault{Status: 404, Body: simulator.GatewayError("APIGW.0101", "m", "")},
			want: inventory.Failure{Kind: inventory.Misconfigured, Status: 404, Code: "APIGW.0101", Hint: "check region, endpoint and iam_endpoint"}, calls: 1,
		},
		{
			name: "409", fault: simulator.Fault{Status: 409},
			want: inventory.Failure{Kind: inventory.Transient, Status: 409, Code: "WKS.00010032"}, calls: 4,
		},
		{
			name: "429", fault: simulator.Fault{Status: 429},
			want: inventory.Failure{
				Kind: inventory.Throttled, Status: 429, Code: "APIGW.0308",
				Hint: "lower limits.requests_per_minute if other clients use the quota of this user",
			}, calls: 4,
		},
		{
			name: "429 by its code alone", fault: simulator.Fault{Status: 400, Body: simulator.GatewayError("APIG.0308", "m", "")},
			want: inventory.Failure{
				Kind: inventory.Throttled, Status: 400, Code: "APIG.0308",
				Hint: "lower limits.requests_per_minute if other clients use the quota of this user",
			}, calls: 4,
		},
		{
			name: "500", fault: simulator.Fault{Status: 500},
			want: inventory.Failure{Kind: inventory.Transient, Status: 500, Code: "APIGW.0601"}, calls: 4,
		},
		{
			name: "500 that means not found", fault: simulator.Fault{Status: 500, Body: simulator.WorkspaceError("WKS.0202", "m", "", "")},
			want: inventory.Failure{Kind: inventory.Refused, Status: 500, Code: "WKS.0202"}, calls: 1,
		},
		{
			name: "502 in HTML", fault: simulator.Fault{Status: 502, Body: []byte("<html>" + testSecret)},
			want: inventory.Failure{Kind: inventory.Transient, Status: 502}, calls: 4,
		},
		{
			name: "503 without body", fault: simulator.Fault{Status: 503, Body: []byte{}},
			want: inventory.Failure{Kind: inventory.Transient, Status: 503}, calls: 4,
		},
		{
			name: "504", fault: simulator.Fault{Status: 504},
			want: inventory.Failure{Kind: inventory.Transient, Status: 504, Code: "APIGW.0201"}, calls: 4,
		},

		{
			name: "200 empty", fault: simulator.Fault{Status: 200},
			want: inventory.Failure{Kind: inventory.Transient, Status: 200, Detail: "response body is truncated"}, calls: 4,
		},
		{
			name: "200 null", fault: simulator.Fault{Status: 200, Body: []byte(`null`)},
			want: inventory.Failure{Kind: inventory.Malformed, Status: 200, Detail: noList, Hint: checkEndpoint}, calls: 1,
		},
		{
			name: "200 empty object", fault: simulator.Fault{Status: 200, Body: []byte(`{}`)},
			want: inventory.Failure{Kind: inventory.Malformed, Status: 200, Detail: noList, Hint: checkEndpoint}, calls: 1,
		},
		{
			name: "200 list is null", fault: simulator.Fault{Status: 200, Body: []byte(`{"total_count":0,"desktops":null}`)},
			want: inventory.Failure{Kind: inventory.Malformed, Status: 200, Detail: noList, Hint: checkEndpoint}, calls: 1,
		},
		{
			name: "200 error object", fault: simulator.Fault{Status: 200, Body: simulator.WorkspaceError("WKS.00010109", "m", "", "")},
			want: inventory.Failure{Kind: inventory.Refused, Status: 200, Code: "WKS.00010109"}, calls: 1,
		},
		{
			name: "200 error object of the gateway", fault: simulator.Fault{Status: 200, Body: simulator.GatewayError("APIGW.0301", "m", "")},
			want: inventory.Failure{Kind: inventory.Authentication, Status: 200, Code: "APIGW.0301", Hint: checkKey}, calls: 1,
		},
		{
			name: "200 HTML", fault: simulator.Fault{Status: 200, Body: []byte(`<html>login</html>`)},
			want: inventory.Failure{Kind: inventory.Malformed, Status: 200, Detail: "response body is not JSON", Hint: checkEndpoint}, calls: 1,
		},
		{
			name: "200 cut", fault: simulator.Fault{Status: 200, Body: []byte(`{"total_count":1,"desktops":[{"desktop_id":"a"`)},
			want: inventory.Failure{Kind: inventory.Transient, Status: 200, Detail: "response body is truncated"}, calls: 4,
		},
		{
			name: "204", fault: simulator.Fault{Status: 204},
			want: inventory.Failure{Kind: inventory.Malformed, Status: 204, Detail: noList, Hint: checkEndpoint}, calls: 1,
		},
		{
			name: "302", fault: simulator.Fault{Status: 302, Header: http.Header{"Location": {"/login"}}},
			want: inventory.Failure{Kind: inventory.Malformed, Status: 302, Detail: "unexpected redirect", Hint: checkEndpoint}, calls: 1,
		},
		{
			name: "an error code that is none", fault: simulator.Fault{Status: 400, Body: []byte(`{"error_code":"ak ` + testAccess + ` not exist","error_msg":"m"}`)},
			want: inventory.Failure{Kind: inventory.Refused, Status: 400}, calls: 1,
		},
		{
			name: "too large", fault: simulator.Fault{Status: 200, Header: http.Header{"Content-Length": {"99999999999"}}, RewriteBody: func([]byte) []byte { return nil }},
			want: inventory.Failure{Kind: inventory.Malformed, Detail: "workspace.test: response body is larger than 64 MiB"}, calls: 1,
		},

		{
			name: "reset", fault: simulator.Fault{ResetConnection: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test broke the connection off"}, calls: 4,
		},
		{
			name: "truncated", fault: simulator.Fault{TruncateBody: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test broke the connection off"}, calls: 4,
		},
		{
			name: "hangs before the header", fault: simulator.Fault{HangBeforeHeader: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test did not answer in time"}, calls: 4,
		},
		{
			name: "hangs after the header", fault: simulator.Fault{HangAfterHeader: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test did not answer in time"}, calls: 4,
		},
		{
			name: "hangs in the body", fault: simulator.Fault{HangInBody: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test did not answer in time"}, calls: 4,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fx := newInMemoryFixture(t, simulator.Options{})
				fx.setDesktops(3)
				fx.sim.AddFault(tt.fault)
				l, err := fx.project(nil).ListDesktops(t.Context())
				got := requireFailure(t, err)
				if len(l) != 0 {
					t.Errorf("%d desktops beside the failure", len(l))
				}
				if got.Status != 0 && len(got.RequestID) != 32 {
					t.Errorf("request ID %q, want the cloud's", got.RequestID)
				}
				tt.want.Operation, tt.want.RequestID = opList, got.RequestID
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
				if n := fx.sim.CallCount(opList); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if retries := fx.telemetry.retries[opList]; retries != tt.calls-1 {
					t.Errorf("%d retries counted, want %d", retries, tt.calls-1)
				}
				for _, secret := range []string{testAccess, testSecret} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%q shows a secret", err)
					}
				}
			})
		})
	}
}

func TestDeniedHintHasRequiredAction(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret, Deny: []string{opNetworks, opBindings}})
	p := fx.project(nil)
	_, err := p.ReadNetworks(t.Context(), []string{"a"}, false)
	if got, want := requireFailure(t, err).Hint, "workspace:desktops:listDesktopNetworks, which depends on vpc:vpcs:get,"; !strings.Contains(got, want) {
		t.Errorf("remedy %q lacks %q", got, want)
	}
	_, err = p.ListEIPBindings(t.Context())
	if got, want := requireFailure(t, err).Hint, "workspace:networks:listEips, which depends on eip:publicIps:list"; !strings.Contains(got, want) {
		t.Errorf("remedy %q lacks %q", got, want)
	}
	if strings.Contains(err.Error(), "ENCODED") {
		t.Errorf("%q shows the encoded message", err)
	}
}

// TestTransientFailuresAreRetried: a fault that goes away costs a retry, no failure.
func TestTransientFailuresAreRetried(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"500": {Status: 500}, "429": {Status: 429}, "502": {Status: 502, Body: []byte("<html>")},
		"reset": {ResetConnection: true}, "truncated": {TruncateBody: true}, "empty": {Status: 200},
		"cut JSON": {RewriteBody: func(b []byte) []byte { return b[:len(b)-2] }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fx := newInMemoryFixture(t, simulator.Options{})
				ids := fx.setDesktops(250)
				fault.Times = 2
				fx.sim.AddFault(fault)
				l, err := fx.project(nil).ListDesktops(t.Context())
				if err != nil || len(l) != len(ids) {
					t.Errorf("%d desktops, error %v; want %d", len(l), err, len(ids))
				}
				if fx.telemetry.retries[opList] != 2 {
					t.Errorf("retries %v, want 2", fx.telemetry.retries)
				}
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header string
		status int
		most   time.Duration // that the whole may take
		least  time.Duration
	}{
		{"3", 503, 4 * time.Second, 3 * time.Second},
		{"3", 429, 4 * time.Second, 3 * time.Second},
		{"nonsense", 503, time.Second, 0},
		{"-5", 503, time.Second, 0},
		{"Sat, 01 Jan 2000 00:00:04 GMT", 503, 5 * time.Second, 4 * time.Second}, // the clock of synctest begins with that year
		{"86400", 503, 62 * time.Second, 60 * time.Second},
	} {
		t.Run(tt.header, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fx := newInMemoryFixture(t, simulator.Options{})
				fx.sim.AddFault(simulator.Fault{Status: tt.status, Header: http.Header{"Retry-After": {tt.header}}, Times: 1})
				start := time.Now()
				if _, err := fx.project(nil).ListDesktops(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < tt.least || took > tt.most {
					t.Errorf("took %s, want %s to %s", took, tt.least, tt.most)
				}
			})
		})
	}
}

// TestDeadlines: whatever hangs, the call ends with its context, and no retry is
// begun that cannot end in time.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"before the header": {HangBeforeHeader: true}, "after the header": {HangAfterHeader: true},
		"in the body": {HangInBody: true}, "slow": {Latency: time.Hour}, "drips": {SlowBody: time.Minute},
		"asks for patience": {Status: 503, Header: http.Header{"Retry-After": {"30"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fx := newInMemoryFixture(t, simulator.Options{})
				fx.setDesktops(250)
				fx.sim.AddFault(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()
				_, err := fx.project(nil).ListDesktops(ctx)
				if f := requireFailure(t, err); f.Kind != inventory.Transient {
					t.Errorf("failure %v, want a transient one", &f)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %s, want no more than the deadline allows", took)
				}
				if n := fx.sim.CallCount(opList); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
			})
		})
	}
}

func TestCanceledContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.sim.AddFault(simulator.Fault{HangBeforeHeader: true})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := fx.project(nil).ListDesktops(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want it to be %v", err, context.Canceled)
		}
	})
}

func TestReadAllLimit(t *testing.T) {
	t.Parallel()
	tooLarge := apierror.TooLargeError{Limit: maxAnswer}
	for _, length := range []int64{-1, 10} {
		if _, err := readAll(endlessReader{}, length); !errors.Is(err, tooLarge) {
			t.Errorf("announced %d: error %v, want %v", length, err, tooLarge)
		}
	}
}

// endlessReader is a body that does not end.
type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) { return len(p), nil }

func TestClockSkewInFailure(t *testing.T) {
	t.Parallel()
	ahead := func() time.Time { return time.Now().Add(-20 * time.Minute) }
	fx := newFixture(t, fixtureOptions{simulator: simulator.Options{Now: ahead}})
	// The header's date is that of the server's machine, which is ours here.
	fx.sim.AddFault(simulator.Fault{Header: http.Header{"Date": {ahead().UTC().Format(http.TimeFormat)}}})
	_, err := fx.project(nil).ListDesktops(t.Context())
	f := requireFailure(t, err)
	if f.Kind != inventory.Authentication || !strings.HasPrefix(f.Detail, "clock of this host is off by 20m") || !strings.Contains(f.Hint, "NTP") {
		t.Errorf("failure %v, want one that names the clock", &f)
	}
}

func TestSDKErrors(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	p := fx.project(nil)
	for name, send := range map[string]func(*sdk.HcHttpClient) error{
		"panics":        func(*sdk.HcHttpClient) error { panic(testSecret) },
		"fails":         func(*sdk.HcHttpClient) error { return errors.New(testSecret) },
		"sends nothing": func(*sdk.HcHttpClient) error { return nil },
	} {
		err := p.api.ask(t.Context(), operation{opList, send}, true, nil, func([]byte) error { return nil })
		f := requireFailure(t, err)
		if f.Kind != inventory.Misconfigured || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: failure %v, want one of setup without the SDK's words", name, &f)
		}
	}
}

func TestUnreachableEndpoints(t *testing.T) {
	t.Parallel()
	cloud := NewCloud(Options{})
	defer cloud.Close()
	for endpoint, want := range map[string]string{
		"http://no-such-host.invalid": "the name no-such-host.invalid", // with or without a name server
		"http://127.0.0.1:1":          "127.0.0.1:1 refuses connections",
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
	cloud := NewCloud(Options{})
	defer cloud.Close()
	for _, tt := range []struct{ region, endpoint, want string }{
		{"xx-none-1", "", `region: no Workspace endpoint known for "xx-none-1"; set endpoint`},
		{"", "", `region: no Workspace endpoint known for ""; set endpoint`},
		{"la-north-2 ", "", `region: no Workspace endpoint known for "la-north-2 "; set endpoint`},
		{"la-north-2", "https://h/path", "endpoint: must consist of a scheme and a host"},
		{"la-north-2", "https://user:pw@h", "endpoint: must consist of a scheme and a host"},
		{"la-north-2", "https://", "endpoint: not a URL"},
		{"la-north-2", "https://a b", "endpoint: not a URL"},
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
