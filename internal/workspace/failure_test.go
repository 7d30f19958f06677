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

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
)

// requireFailure returns the failure in err without its cause. It fails the test if
// there is none.
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

// TestFailures requests the list from a cloud with one fault. It compares the
// failure, with the texts that operators see, and the number of requests.
func TestFailures(t *testing.T) {
	t.Parallel()
	const encoded = "; the response has an encoded_authorization_message: repeat the request with another client" +
		" and decode the message with STS (POST /v5/decode-authorization-message) to see which policy denies it"
	const (
		checkEndpoint = "check endpoint and http.proxy_url; the response is not from the API"
		noList        = "response lacks the requested list"
		checkKey      = "check access_key, secret_key and security_token; a changed file is reloaded without a restart"
	)
	notHTTP := inventory.Failure{Kind: inventory.Malformed, Detail: "workspace.test: response is not valid HTTP", Hint: checkEndpoint}
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
			name: "400 with the code for busy", fault: simulator.Fault{Status: 400, Body: simulator.WorkspaceError("WKS.0407", "busy", "", "")},
			want: inventory.Failure{Kind: inventory.Transient, Status: 400, Code: "WKS.0407"}, calls: 4,
		},
		{
			name: "401", fault: simulator.Fault{Status: 401},
			want: inventory.Failure{Kind: inventory.Authentication, Status: 401, Code: "APIGW.0301", Hint: checkKey}, calls: 1,
		},
		{
			name: "401 of IAM", fault: simulator.Fault{Status: 401, Body: simulator.KeystoneError(401, "Unauthorized", "ak "+testAccess)},
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
			name: "403 of the gateway", fault: simulator.Fault{Status: 403, Body: simulator.GatewayError("APIGW.0302", "m", "")},
			want: inventory.Failure{Kind: inventory.Denied, Status: 403, Code: "APIGW.0302", Hint: "grant the key's user the IAM action workspace:desktops:list"}, calls: 1,
		},
		{
			name: "403 for the project", fault: simulator.Fault{Status: 403, Body: simulator.GatewayError("APIGW.0310", "m", "")},
			want: inventory.Failure{Kind: inventory.Denied, Status: 403, Code: "APIGW.0310", Hint: "check project_id, and that the project is neither frozen nor deleted"}, calls: 1,
		},
		{
			name: "403 Workspace disabled", fault: simulator.Fault{Status: 403, Body: simulator.WorkspaceError("WKS.00010099", "m", "", "")},
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
			name: "400 with the code for throttled", fault: simulator.Fault{Status: 400, Body: simulator.GatewayError("APIG.0308", "m", "")},
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
			name: "500 with the code for not found", fault: simulator.Fault{Status: 500, Body: simulator.WorkspaceError("WKS.0202", "m", "", "")},
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
			name: "200 truncated", fault: simulator.Fault{Status: 200, Body: []byte(`{"total_count":1,"desktops":[{"desktop_id":"a"`)},
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
			name: "invalid error code", fault: simulator.Fault{Status: 400, Body: []byte(`{"error_code":"ak ` + testAccess + ` not exist","error_msg":"m"}`)},
			want: inventory.Failure{Kind: inventory.Refused, Status: 400}, calls: 1,
		},
		{
			name: "too large", fault: simulator.Fault{Status: 200, Header: http.Header{"Content-Length": {"99999999999"}}, RewriteBody: func([]byte) []byte { return nil }},
			want: inventory.Failure{Kind: inventory.Malformed, Detail: "workspace.test: response body is larger than 64 MiB"}, calls: 1,
		},

		{
			name: "reset", fault: simulator.Fault{ResetConnection: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test closed the connection"}, calls: 4,
		},
		{
			name: "truncated", fault: simulator.Fault{TruncateBody: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test closed the connection"}, calls: 4,
		},
		{
			name: "garbage instead of a status line", fault: simulator.Fault{RawResponse: []byte("SSH-2.0-OpenSSH_9.9\r\n\r\n")},
			want: notHTTP, calls: 1,
		},
		{
			name: "two lengths", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}\n")},
			want: notHTTP, calls: 1,
		},
		{
			name: "a length that is no number", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}")},
			want: notHTTP, calls: 1,
		},
		{
			name: "a header line without colon", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nX\r\n\r\n{}")},
			want: notHTTP, calls: 1,
		},
		{
			name: "a header of 2 MB", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n{}")},
			want: notHTTP, calls: 1,
		},
		{
			name: "an unknown transfer encoding", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n{}")},
			want: notHTTP, calls: 1,
		},
		{
			name: "a chunk without size", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsize\r\n{}\r\n")},
			want: notHTTP, calls: 1,
		},
		{
			name: "no gzip", fault: simulator.Fault{Status: 200, Header: http.Header{"Content-Encoding": {"gzip"}}, Body: []byte(`{"desktops":[]}`)},
			want: notHTTP, calls: 1,
		},
		{
			name: "closed in the header", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test closed the connection"}, calls: 4,
		},
		{
			name: "closed in a chunk", fault: simulator.Fault{RawResponse: []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}")},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test closed the connection"}, calls: 4,
		},
		{
			name: "hangs before the header", fault: simulator.Fault{HangBeforeHeader: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test did not respond in time"}, calls: 4,
		},
		{
			name: "hangs after the header", fault: simulator.Fault{HangAfterHeader: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test did not respond in time"}, calls: 4,
		},
		{
			name: "hangs in the body", fault: simulator.Fault{HangInBody: true},
			want: inventory.Failure{Kind: inventory.Transient, Detail: "workspace.test did not respond in time"}, calls: 4,
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
					t.Errorf("%d desktops with the failure", len(l))
				}
				if got.Status != 0 && len(got.RequestID) != 32 {
					t.Errorf("request ID %q, want 32 hex digits", got.RequestID)
				}
				tt.want.Operation, tt.want.RequestID = inventory.ListDesktops, got.RequestID
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
				if n := fx.sim.CallCount(inventory.ListDesktops); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if retries := fx.telemetry.retries[inventory.ListDesktops]; retries != tt.calls-1 {
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
	fx.sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret, Deny: []string{inventory.ShowDesktopNetworks, inventory.ListDesktopsEips}})
	p := fx.project(nil)
	_, err := p.ReadNetworks(t.Context(), []string{"a"}, false)
	if got, want := requireFailure(t, err).Hint, "workspace:desktops:listDesktopNetworks, which depends on vpc:vpcs:get,"; !strings.Contains(got, want) {
		t.Errorf("hint %q lacks %q", got, want)
	}
	_, err = p.ListEIPBindings(t.Context())
	if got, want := requireFailure(t, err).Hint, "workspace:networks:listEips, which depends on eip:publicIps:list"; !strings.Contains(got, want) {
		t.Errorf("hint %q lacks %q", got, want)
	}
	if strings.Contains(err.Error(), "ENCODED") {
		t.Errorf("%q shows the encoded message", err)
	}
}

// TestTransientFailuresAreRetried: a temporary fault causes retries, but no failure.
func TestTransientFailuresAreRetried(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"500": {Status: 500}, "429": {Status: 429}, "502": {Status: 502, Body: []byte("<html>")},
		"reset": {ResetConnection: true}, "truncated": {TruncateBody: true}, "empty": {Status: 200},
		"truncated JSON": {RewriteBody: func(b []byte) []byte { return b[:len(b)-2] }},
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
				if fx.telemetry.retries[inventory.ListDesktops] != 2 {
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
		max    time.Duration // total duration
		min    time.Duration
	}{
		{"3", 503, 4 * time.Second, 3 * time.Second},
		{"3", 429, 4 * time.Second, 3 * time.Second},
		{"nonsense", 503, time.Second, 0},
		{"-5", 503, time.Second, 0},
		{"Sat, 01 Jan 2000 00:00:04 GMT", 503, 5 * time.Second, 4 * time.Second}, // the clock of synctest starts with that year
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
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}

// TestDeadlines: a hanging call ends with its context, and no retry starts that
// cannot end before the deadline.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"before the header": {HangBeforeHeader: true}, "after the header": {HangAfterHeader: true},
		"in the body": {HangInBody: true}, "slow": {Latency: time.Hour}, "drips": {SlowBody: time.Minute},
		"long Retry-After": {Status: 503, Header: http.Header{"Retry-After": {"30"}}},
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
					t.Errorf("took %s, want at most the deadline", took)
				}
				if n := fx.sim.CallCount(inventory.ListDesktops); n != 1 {
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
	tooLarge := apierror.TooLargeError{Limit: maxResponse}
	for _, length := range []int64{-1, 10} {
		if _, err := readAll(endlessReader{}, length); !errors.Is(err, tooLarge) {
			t.Errorf("announced %d: error %v, want %v", length, err, tooLarge)
		}
	}
}

// endlessReader is a response body without end.
type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) { return len(p), nil }

func TestClockSkewInFailure(t *testing.T) {
	t.Parallel()
	ahead := func() time.Time { return time.Now().Add(-20 * time.Minute) }
	fx := newFixture(t, fixtureOptions{simulator: simulator.Options{Now: ahead}})
	// The server sets the Date header by the real clock.
	fx.sim.AddFault(simulator.Fault{Header: http.Header{"Date": {ahead().UTC().Format(http.TimeFormat)}}})
	_, err := fx.project(nil).ListDesktops(t.Context())
	f := requireFailure(t, err)
	if f.Kind != inventory.Authentication || !strings.HasPrefix(f.Detail, "clock of this host is off by 20m") || !strings.Contains(f.Hint, "NTP") {
		t.Errorf("failure %v, want the clock skew", &f)
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
		err := p.api.do(t.Context(), &request{operation: operation{inventory.ListDesktops, send}})
		f := requireFailure(t, err)
		if f.Kind != inventory.Misconfigured || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: failure %v, want kind Misconfigured without the text of the SDK", name, &f)
		}
	}
}
