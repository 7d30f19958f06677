// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	workspace "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"
	"go.uber.org/goleak"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

var update = flag.Bool("update", false, "update the golden files")

const (
	project = "0123456789abcdef0123456789abcdef"
	ak, sk  = "TESTACCESSKEY", "TESTSECRETKEY"
)

// TestMain checks that no goroutine leaks.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves a cloud with one project and one access key.
func start(t testing.TB, o simulator.Options) (cloud *simulator.Cloud, url string) {
	t.Helper()
	cloud = simulator.New(o)
	cloud.AddProject(simulator.Project{ID: project, Region: "la-north-2"})
	cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: sk})
	url, stop, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return cloud, url
}

// fakeClock is a clock that only advance changes. It starts at the real time, which
// the SDK uses to sign.
type fakeClock struct {
	start  time.Time
	offset atomic.Int64
}

func newFakeClock() *fakeClock { return &fakeClock{start: time.Now()} }

func (c *fakeClock) now() time.Time           { return c.start.Add(time.Duration(c.offset.Load())) }
func (c *fakeClock) advance(by time.Duration) { c.offset.Add(int64(by)) }

// sdkClient returns a client of the SDK for a cloud.
func sdkClient(t testing.TB, url string, key simulator.Key, via http.RoundTripper) *workspace.WorkspaceClient {
	t.Helper()
	credentials, err := basic.NewCredentialsBuilder().WithAk(key.AccessKey).WithSk(key.SecretKey).
		WithSecurityToken(key.SecurityToken).WithProjectId(project).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	hc, err := workspace.WorkspaceClientBuilder().WithEndpoint(url).WithCredential(credentials).
		WithHttpConfig(config.DefaultHttpConfig().WithUserAgent("simulator test").WithHttpRoundTripper(via)).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return workspace.NewWorkspaceClient(hc)
}

// listDesktops requests the first page, the simplest call.
func listDesktops(c *workspace.WorkspaceClient) (*model.ListDesktopsResponse, error) {
	return c.ListDesktops(&model.ListDesktopsRequest{})
}

// requireServiceError requires that err is an error response with this status and
// code, and returns it.
func requireServiceError(t testing.TB, err error, status int, code string) *sdkerr.ServiceResponseError {
	t.Helper()
	var serviceError *sdkerr.ServiceResponseError
	if !errors.As(err, &serviceError) {
		t.Fatalf("got %v, want a serviceError", err)
	}
	if serviceError.StatusCode != status || serviceError.ErrorCode != code {
		t.Errorf("got %d %s %s, want %d %s", serviceError.StatusCode, serviceError.ErrorCode, serviceError.ErrorMessage, status, code)
	}
	return serviceError
}

// response is an HTTP response, without interpretation.
type response struct {
	status int
	header http.Header
	body   string
	err    error // of the transport or of reading the body
}

// get sends a GET request that is signed by the SDK, without its client.
func get(t testing.TB, base, path, query string) response {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	return roundTrip(transport, signedRequest(t.Context(), t, base, path, query))
}

func roundTrip(via http.RoundTripper, r *http.Request) response {
	resp, err := via.RoundTrip(r)
	if err != nil {
		return response{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{status: resp.StatusCode, header: resp.Header, body: string(body), err: err}
}

// signedRequest returns a GET request that is signed by the SDK.
func signedRequest(ctx context.Context, t testing.TB, base, path, query string) *http.Request {
	t.Helper()
	builder := request.NewHttpRequestBuilder().WithEndpoint(base).WithPath(path).WithMethod(http.MethodGet)
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range values {
		builder.AddQueryParam(k, reflect.ValueOf(v))
	}
	headers, err := signer.Sign(builder.Build(), ak, sk)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path+"?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	return r
}

const (
	listPath     = "/v2/" + project + "/desktops"
	networksPath = listPath + "/networks"
	eipsPath     = "/v2/" + project + "/eips"
)

// responseIDs returns the IDs in a response, in order, and its total_count.
func responseIDs(t testing.TB, r response) (found []string, total int) {
	t.Helper()
	var body struct {
		Total    int `json:"total_count"`
		Desktops []struct {
			ID string `json:"desktop_id"`
		} `json:"desktops"`
		Networks []struct {
			ID string `json:"computer_id"`
		} `json:"networks"`
		EIPs []struct {
			ID string `json:"id"`
		} `json:"eips"`
	}
	if r.err != nil || r.status != http.StatusOK {
		t.Fatalf("got %d %v %s", r.status, r.err, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	for _, d := range body.Desktops {
		found = append(found, d.ID)
	}
	for _, d := range body.Networks {
		found = append(found, d.ID)
	}
	for _, e := range body.EIPs {
		found = append(found, e.ID)
	}
	return found, body.Total
}

// golden compares got with a file in testdata, or updates it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s (-want +got):\n%s", file, diff)
	}
}
