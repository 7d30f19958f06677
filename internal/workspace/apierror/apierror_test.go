// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package apierror

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httptransport"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		codes  string // separated by spaces; "-" means no code
		want   inventory.FailureKind
	}{
		{200, "- {} APIGW.9999 X.1", inventory.Malformed},
		{200, "WKS.00010109 WKS.00010110", inventory.Refused},
		{201, "-", inventory.Malformed},
		{204, "-", inventory.Malformed},
		{301, "-", inventory.Malformed},
		{302, "-", inventory.Malformed},
		{400, "- WKS.0001 WKS.00170312 WKS.00170117 WKS.00170208 APIGW.0201", inventory.Refused},
		{400, "WKS.0407", inventory.Transient},
		{401, "- APIGW.0301 APIGW.0307 IAM.0001 WKS.0001", inventory.Authentication},
		{403, "- WKS.0403 IAM.0002 APIGW.0302 APIGW.0310 APIGW.0401 APIGW.0402 APIGW.0802", inventory.Denied},
		{403, "APIGW.0301 APIGW.0303 APIGW.0304 APIGW.0305 APIGW.0306", inventory.Authentication},
		{403, "WKS.00010099", inventory.Disabled},
		{404, "- WKS.0202 WKS.0915", inventory.Refused},
		{404, "APIGW.0101 APIG.0101 APIGW.0103 APIGW.0104 APIGW.0105", inventory.Misconfigured},
		{407, "-", inventory.Misconfigured},
		{408, "-", inventory.Transient},
		{409, "- WKS.00010032", inventory.Transient},
		{413, "APIGW.0201", inventory.Refused},
		{414, "APIGW.0201", inventory.Refused},
		{425, "-", inventory.Transient},
		{429, "- APIGW.0308 APIG.0308", inventory.Throttled},
		{494, "APIGW.0201", inventory.Refused},
		{500, "- WKS.9999 APIGW.0601", inventory.Transient},
		{500, "WKS.0202 WKS.0915", inventory.Refused},
		{502, "- APIGW.0201 APIGW.0610", inventory.Transient},
		{503, "- APIGW.0613", inventory.Transient},
		{504, "- APIGW.0201", inventory.Transient},
		{599, "-", inventory.Transient},
	} {
		for code := range strings.FieldsSeq(tt.codes) {
			code = strings.TrimPrefix(code, "-")
			if got := classify(tt.status, code); got != tt.want {
				t.Errorf("%d %q: %s, want %s", tt.status, code, got, tt.want)
			}
		}
	}
}

// TestHint: every refusal has a hint that matches its operation.
func TestHint(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{inventory.ListDesktops, inventory.ShowDesktopNetworks, inventory.ListDesktopsEips, inventory.KeystoneListProjects} {
		for _, k := range []inventory.FailureKind{
			inventory.Denied, inventory.Disabled, inventory.Authentication, inventory.Throttled, inventory.Misconfigured, inventory.Malformed,
		} {
			if got := Hint(operation, k, ""); got == "" || strings.HasSuffix(got, ".") || strings.Contains(got, "  ") {
				t.Errorf("%s, %s: hint %q", operation, k, got)
			}
		}
		if got := Hint(operation, inventory.Denied, ""); requiredAction(operation) == "" || !strings.Contains(got, requiredAction(operation)) {
			t.Errorf("%s: hint %q lacks %q", operation, got, requiredAction(operation))
		}
	}
	seen := map[string]bool{}
	for _, code := range []string{"APIGW.0302", "APIGW.0310", "APIGW.0401", "APIGW.0802"} {
		text := Hint(inventory.ListDesktops, inventory.Denied, code)
		if seen[text] {
			t.Errorf("%s has the hint of another code: %q", code, text)
		}
		seen[text] = true
		if other := Hint(inventory.ListDesktops, inventory.Denied, strings.Replace(code, "APIGW", "APIG", 1)); other != text {
			t.Errorf("%s: hint %q, by its older spelling %q", code, text, other)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header http.Header
		body   string
		want   string
	}{
		{http.Header{"X-Request-Id": {"abc"}}, "def", "abc"},
		{http.Header{"X-Request-Id": {"a b"}}, "def", "def"},
		{http.Header{"X-Request-Id": {strings.Repeat("a", 129)}}, "def", "def"},
		{http.Header{"X-Iam-Trace-Id": {"token_la-north-2_1"}}, "", "token_la-north-2_1"},
		{http.Header{}, "def", "def"},
		{nil, "", ""},
	} {
		r := &Response{Status: http.StatusBadRequest, Header: tt.header, Body: []byte(`{"request_id":"` + tt.body + `"}`)}
		if got := FromResponse(inventory.ListDesktops, r, time.Now()).RequestID; got != tt.want {
			t.Errorf("header %v and body %q: %q, want %q", tt.header, tt.body, got, tt.want)
		}
	}
}

// TestFromTransportOmitsText: the text of an error may contain a URL with a password.
func TestFromTransportOmitsText(t *testing.T) {
	t.Parallel()
	const secret = "PROXY-canary"
	f := FromTransport(inventory.ListDesktops, "h", errors.New("proxy http://user:"+secret+"@p"))
	if got := fmt.Sprintf("%v %+v", f, *f); strings.Contains(f.Error(), secret) || f.Detail != httptransport.Explain("h", errors.ErrUnsupported).Detail {
		t.Errorf("failure %s", got)
	}
}

func TestFromResponse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		status int
		date   time.Time
		body   string
		kind   inventory.FailureKind
		detail string
	}{
		{"200 without list", 200, now, `{}`, inventory.Malformed, "response lacks the requested list"},
		{"200 with error", 200, now, `{"error_code":"WKS.0001"}`, inventory.Refused, ""},
		{"redirect", 302, now, ``, inventory.Malformed, "unexpected redirect"},
		{"disabled", 403, now, `{"error_code":"WKS.00010099"}`, inventory.Disabled, "Workspace is not enabled in this project"},
		{"refused signature", 401, now.Add(-maxSkew), `{}`, inventory.Authentication, ""},
		{"refused signature, clock ahead", 401, now.Add(-20 * time.Minute), `{}`, inventory.Authentication, "clock of this host is off by 20m0s"},
		{"refused signature, clock behind", 401, now.Add(20 * time.Minute), `{}`, inventory.Authentication, "clock of this host is off by -20m0s"},
		{"denied, clock ahead", 403, now.Add(-20 * time.Minute), `{}`, inventory.Denied, ""},
	} {
		r := &Response{Status: tt.status, Header: http.Header{"Date": {tt.date.Format(http.TimeFormat)}}, Body: []byte(tt.body)}
		f := FromResponse(inventory.ListDesktops, r, now)
		if f.Kind != tt.kind || f.Detail != tt.detail || f.Status != tt.status || f.Operation != inventory.ListDesktops {
			t.Errorf("%s: failure %v, want kind %s and detail %q", tt.name, f, tt.kind, tt.detail)
		}
	}
}

func TestFromDecode(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]inventory.FailureKind{decode.ErrTruncated: inventory.Transient, decode.ErrSyntax: inventory.Malformed} {
		f := FromDecode(inventory.ListDesktops, &Response{Status: http.StatusOK}, err)
		if f.Kind != want || !errors.Is(f, err) || f.Detail != err.Error() {
			t.Errorf("%v: failure %v, want kind %s", err, f, want)
		}
	}
}

func TestFromTransport(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		kind   inventory.FailureKind
		detail string
	}{
		{fmt.Errorf("%w: it panicked", ErrSDK), inventory.Misconfigured, "SDK cannot build the request: it panicked"},
		{TooLargeError{Limit: 64 << 20}, inventory.Malformed, "h: response body is larger than 64 MiB"},
		{fmt.Errorf("%w: malformed status", ErrNotHTTP), inventory.Malformed, "h: response is not valid HTTP"},
		{&httptransport.ProxyError{Status: http.StatusProxyAuthRequired}, inventory.Misconfigured, httptransport.Explain("h", &httptransport.ProxyError{Status: http.StatusProxyAuthRequired}).Detail},
		{io.ErrUnexpectedEOF, inventory.Transient, httptransport.Explain("h", io.ErrUnexpectedEOF).Detail},
	} {
		if f := FromTransport(inventory.ListDesktops, "h", tt.err); f.Kind != tt.kind || f.Detail != tt.detail || !errors.Is(f, tt.err) {
			t.Errorf("%v: failure %v, want kind %s and detail %q", tt.err, f, tt.kind, tt.detail)
		}
	}
}
