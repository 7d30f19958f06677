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

var update = flag.Bool("update", false, "write the goldens anew")

const (
	project = "0123456789abcdef0123456789abcdef"
	ak, sk  = "TESTACCESSKEY", "TESTSECRETKEY"
)

// TestMain sees to it that a stopped cloud leaves nothing running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves a cloud with one project and one key.
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

// clock stands still until it is set forward. It begins near the real time, by
// which the SDK signs.
type clock struct {
	start time.Time
	ahead atomic.Int64
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() time.Time           { return c.start.Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(by time.Duration) { c.ahead.Add(int64(by)) }

// client is the real SDK, speaking to a cloud.
func client(t testing.TB, url string, key simulator.Key, via http.RoundTripper) *workspace.WorkspaceClient {
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

// list asks for the first page, which is the simplest call.
func list(c *workspace.WorkspaceClient) (*model.ListDesktopsResponse, error) {
	return c.ListDesktops(&model.ListDesktopsRequest{})
}

// refused demands that the cloud refused a call, and gives what it said.
func refused(t testing.TB, err error, status int, code string) *sdkerr.ServiceResponseError {
	t.Helper()
	var refusal *sdkerr.ServiceResponseError
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if refusal.StatusCode != status || refusal.ErrorCode != code {
		t.Errorf("got %d %s %s, want %d %s", refusal.StatusCode, refusal.ErrorCode, refusal.ErrorMessage, status, code)
	}
	return refusal
}

// reply is an answer as it stood on the wire.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of the transport, header or body
}

// ask makes a call that the SDK's signer signed, and nothing between it and
// the wire.
func ask(t testing.TB, base, path, query string) reply {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	return exchange(transport, signed(t.Context(), t, base, path, query))
}

func exchange(via http.RoundTripper, r *http.Request) reply {
	resp, err := via.RoundTrip(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body), err: err}
}

// signed makes a call as the SDK signs it.
func signed(ctx context.Context, t testing.TB, base, path, query string) *http.Request {
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

// ids returns the ids in a JSON answer, in their order, and its total_count.
func ids(t testing.TB, r reply) (found []string, total int) {
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

// golden compares with a file in testdata.
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
