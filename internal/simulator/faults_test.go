// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// TestFaultResponses checks faults that change the response.
func TestFaultResponses(t *testing.T) {
	t.Parallel()
	const networks = "desktop_ids=d0000&desktop_ids=d0001&desktop_ids=d0002"
	for name, test := range map[string]struct {
		fault       simulator.Fault
		path, query string
		status      int
		header      [2]string
		body        string // substring
		exactly     bool
	}{
		"omitted ids":          {fault: simulator.Fault{OmitIDs: []string{"d0000", "d0002"}}, path: networksPath, query: networks, status: 200, body: `{"networks":[{"computer_id":"d0001","network_infos":[{"public_ip_info":{"id":"e0001"},"security_groups":[]}]}]}`, exactly: true},
		"total too large":      {fault: simulator.Fault{TotalCountDelta: 5}, path: listPath, query: "limit=0", status: 200, body: `{"total_count":9,"desktops":[]}`, exactly: true},
		"total too small":      {fault: simulator.Fault{TotalCountDelta: -1}, path: eipsPath, query: "limit=0", status: 200, body: `{"eips":[],"total_count":3}`, exactly: true},
		"repeated page":        {fault: simulator.Fault{RepeatPage: true}, path: listPath, query: "limit=1&offset=3", status: 200, body: `"desktop_id":"d0000"`},
		"empty page":           {fault: simulator.Fault{EmptyPage: true}, path: listPath, query: "limit=1", status: 200, body: `{"total_count":4,"desktops":[]}`, exactly: true},
		"empty page of EIPs":   {fault: simulator.Fault{EmptyPage: true}, path: eipsPath, status: 200, body: `{"eips":[],"total_count":4}`, exactly: true},
		"a body":               {fault: simulator.Fault{Status: 200, Body: []byte("<html>")}, path: listPath, status: 200, body: "<html>", exactly: true},
		"an empty body":        {fault: simulator.Fault{Status: 500, Body: []byte{}}, path: listPath, status: 500, exactly: true},
		"rewritten":            {fault: simulator.Fault{RewriteBody: func(b []byte) []byte { return b[:4] }}, path: listPath, status: 200, body: `{"to`, exactly: true},
		"rewritten by status":  {fault: simulator.Fault{Status: 502, RewriteBody: bytes.ToUpper}, path: listPath, status: 502, body: "BACKEND UNAVAILABLE"},
		"header":               {fault: simulator.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, path: listPath, status: 429, header: [2]string{"Retry-After", "7"}},
		"header of an answer":  {fault: simulator.Fault{Header: http.Header{"Content-Type": {"text/html"}}}, path: listPath, status: 200, header: [2]string{"Content-Type", "text/html"}},
		"no content":           {fault: simulator.Fault{Status: 204, Body: []byte("x")}, path: listPath, status: 204, exactly: true},
		"not modified":         {fault: simulator.Fault{Status: 304, Body: []byte("x")}, path: listPath, status: 304, exactly: true},
		"redirected":           {fault: simulator.Fault{Status: 302, Header: http.Header{"Location": {"/login"}}}, path: listPath, status: 302, header: [2]string{"Location", "/login"}, exactly: true},
		"usual 200":            {fault: simulator.Fault{Status: 200}, path: listPath, status: 200, exactly: true},
		"usual 400":            {fault: simulator.Fault{Status: 400}, path: listPath, status: 400, body: `"error_code":"WKS.0001"`},
		"usual 401":            {fault: simulator.Fault{Status: 401}, path: listPath, status: 401, body: `"error_code":"APIGW.0301"`},
		"usual 403":            {fault: simulator.Fault{Status: 403}, path: listPath, status: 403, body: `"error_code":"WKS.0403","error_msg":"Policy doesn't allow the operation to be performed.","error_detail":"","encoded_authorization_message":"ENCODED-`},
		"usual 404":            {fault: simulator.Fault{Status: 404}, path: listPath, status: 404, body: `"error_code":"WKS.0202"`},
		"usual 409":            {fault: simulator.Fault{Status: 409}, path: listPath, status: 409, body: `"error_code":"WKS.00010032"`},
		"usual 429":            {fault: simulator.Fault{Status: 429}, path: listPath, status: 429, body: `{"error_msg":"The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 minute","error_code":"APIGW.0308","request_id":"`},
		"usual 500":            {fault: simulator.Fault{Status: 500}, path: listPath, status: 500, body: `"error_code":"APIGW.0601"`},
		"usual 502":            {fault: simulator.Fault{Status: 502}, path: listPath, status: 502, body: `"error_msg":"Backend unavailable","error_code":"APIGW.0201"`},
		"usual 503":            {fault: simulator.Fault{Status: 503}, path: listPath, status: 503, body: `"error_code":"APIGW.0613"`},
		"usual 504":            {fault: simulator.Fault{Status: 504}, path: listPath, status: 504, body: `"error_msg":"Backend timeout","error_code":"APIGW.0201"`},
		"of another operation": {fault: simulator.Fault{Operation: simulator.ListDesktopsEips, Status: 500}, path: listPath, status: 200, body: `"total_count":4`},
		"of another project":   {fault: simulator.Fault{Project: "other", Status: 500}, path: listPath, status: 200, body: `"total_count":4`},
		"of another desktop":   {fault: simulator.Fault{DesktopID: "d0003", Status: 500}, path: networksPath, query: networks, status: 200, body: `"networks"`},
		"of this operation":    {fault: simulator.Fault{Operation: simulator.ListDesktops, Project: project, Status: 500}, path: listPath, status: 500},
		"of this desktop":      {fault: simulator.Fault{DesktopID: "d0001", Status: 500}, path: networksPath, query: networks, status: 500},
		"matched":              {fault: simulator.Fault{Match: func(c simulator.Call) bool { return c.Query().Get("limit") == "3" }, Status: 500}, path: listPath, query: "limit=3", status: 500},
		"not matched":          {fault: simulator.Fault{Match: func(c simulator.Call) bool { return c.Query().Get("limit") == "3" }, Status: 500}, path: listPath, query: "limit=4", status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, base := start(t, simulator.Options{})
			cloud.SetDesktops(project, numberedDesktops(4))
			remove := cloud.AddFault(test.fault)
			r := get(t, base, test.path, test.query)
			if r.err != nil || r.status != test.status || !strings.Contains(r.body, test.body) || test.exactly && r.body != test.body {
				t.Errorf("got %d %v %s", r.status, r.err, r.body)
			}
			if got := r.header.Get(test.header[0]); got != test.header[1] {
				t.Errorf("got %s %q, want %q", test.header[0], got, test.header[1])
			}
			if id := r.header.Get("X-Request-Id"); len(id) != 32 || strings.Contains(r.body, "request_id") && !strings.Contains(r.body, id) {
				t.Errorf("got request id %q and %s", id, r.body)
			}
			if got := cloud.Calls()[0].Status; got != test.status {
				t.Errorf("recorded status %d, want %d", got, test.status)
			}
			remove()
			if r := get(t, base, listPath, ""); r.status != http.StatusOK {
				t.Errorf("after the fault: got %d %s", r.status, r.body)
			}
		})
	}
}

const whole = `{"total_count":4,"desktops":[`

// TestFaultConnections checks faults that close the connection.
func TestFaultConnections(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  simulator.Fault
		err    error
		status int
		body   string // prefix
	}{
		"reset":                  {fault: simulator.Fault{ResetConnection: true}, err: syscall.ECONNRESET},
		"truncated":              {fault: simulator.Fault{TruncateBody: true}, err: io.ErrUnexpectedEOF, status: 200, body: whole},
		"truncated serviceError": {fault: simulator.Fault{TruncateBody: true, Status: 503}, err: io.ErrUnexpectedEOF, status: 503, body: `{"error_msg"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, base := start(t, simulator.Options{})
			cloud.SetDesktops(project, numberedDesktops(4))
			cloud.AddFault(test.fault)
			r := get(t, base, listPath, "")
			if !errors.Is(r.err, test.err) || r.status != test.status || !strings.HasPrefix(r.body, test.body) {
				t.Errorf("got %d %v %s", r.status, r.err, r.body)
			}
			if got := cloud.Calls()[0].Status; got != test.status {
				t.Errorf("recorded status %d, want %d", got, test.status)
			}
			cloud.ClearFaults()
			if got, _ := responseIDs(t, get(t, base, listPath, "")); len(got) != 4 {
				t.Errorf("after the fault: got %v", got)
			}
		})
	}
}

// startInMemory serves a cloud on pipes, for tests in virtual time.
func startInMemory(t *testing.T, o simulator.Options) (*simulator.Cloud, *http.Transport) {
	cloud := simulator.New(o)
	cloud.AddProject(simulator.Project{ID: project})
	cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: sk})
	dial, stop := cloud.StartInMemory()
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
	})
	return cloud, transport
}

// TestFaultHangs waits a minute for hanging responses, in virtual time.
func TestFaultHangs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  simulator.Fault
		status int
		body   string // prefix
	}{
		"at once":          {fault: simulator.Fault{HangBeforeHeader: true}},
		"after the header": {fault: simulator.Fault{HangAfterHeader: true}, status: 200},
		"in the body":      {fault: simulator.Fault{HangInBody: true}, status: 200, body: whole},
		"while it drips":   {fault: simulator.Fault{SlowBody: 20 * time.Second}, status: 200, body: whole},
		"latency":          {fault: simulator.Fault{Latency: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud, transport := startInMemory(t, simulator.Options{})
				cloud.SetDesktops(project, numberedDesktops(4))
				cloud.AddFault(test.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				r := roundTrip(transport, signedRequest(ctx, t, "http://simulated", listPath, ""))
				if !errors.Is(r.err, context.DeadlineExceeded) || r.status != test.status || !strings.HasPrefix(r.body, test.body) || test.body == "" && r.body != "" {
					t.Errorf("got %d %v %s", r.status, r.err, r.body)
				}
				if took := time.Since(began); took != time.Minute {
					t.Errorf("took %s, want a minute", took)
				}
				if got := cloud.Calls()[0].Status; got != test.status {
					t.Errorf("recorded status %d, want %d", got, test.status)
				}
			})
		})
	}
}

// TestCloseEndsHangs checks that stop and Close abort hanging responses.
func TestCloseEndsHangs(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(cloud *simulator.Cloud, stop func()){
		"stop":  func(_ *simulator.Cloud, stop func()) { stop() },
		"close": func(cloud *simulator.Cloud, _ func()) { cloud.Close(); cloud.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := simulator.New(simulator.Options{})
			base, stop, err := cloud.Start("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			cloud.AddFault(simulator.Fault{HangBeforeHeader: true, Latency: time.Hour})
			arrived := make(chan struct{})
			cloud.OnCall(func(simulator.Call) { close(arrived) })
			failed := make(chan response)
			go func() { failed <- get(t, base, listPath, "") }()
			<-arrived
			end(cloud, stop)
			if r := <-failed; r.err == nil {
				t.Errorf("got %d %s, want a broken connection", r.status, r.body)
			}
		})
	}
}

// TestFaultLatency measures delays in virtual time.
func TestFaultLatency(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults []simulator.Fault
		want   time.Duration
	}{
		"none":           {},
		"latency":        {faults: []simulator.Fault{{Latency: 3 * time.Second}}, want: 3 * time.Second},
		"two latencies":  {faults: []simulator.Fault{{Latency: 3 * time.Second}, {Latency: 2 * time.Second}}, want: 5 * time.Second},
		"dripping":       {faults: []simulator.Fault{{SlowBody: time.Second}}, want: 7 * time.Second},
		"latency, drips": {faults: []simulator.Fault{{Latency: time.Second, SlowBody: time.Second}}, want: 8 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud, transport := startInMemory(t, simulator.Options{})
				cloud.SetDesktops(project, numberedDesktops(4))
				for _, f := range test.faults {
					cloud.AddFault(f)
				}
				began := time.Now()
				got, err := listDesktops(sdkClient(t, "http://simulated", simulator.Key{AccessKey: ak, SecretKey: sk}, transport))
				if err != nil || len(*got.Desktops) != 4 {
					t.Fatalf("got %v %v", got, err)
				}
				if took := time.Since(began); took != test.want {
					t.Errorf("took %s, want %s", took, test.want)
				}
			})
		})
	}
}

func TestFaultAfterAndTimes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault simulator.Fault
		want  string // statuses of six calls
	}{
		"always":      {fault: simulator.Fault{Status: 500}, want: "500 500 500 500 500 500"},
		"twice":       {fault: simulator.Fault{Status: 500, Times: 2}, want: "500 500 200 200 200 200"},
		"after three": {fault: simulator.Fault{Status: 500, After: 3}, want: "200 200 200 500 500 500"},
		"the third":   {fault: simulator.Fault{Status: 500, After: 2, Times: 1}, want: "200 200 500 200 200 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, base := start(t, simulator.Options{})
			cloud.AddFault(test.fault)
			var got []string
			for range 6 {
				got = append(got, fmt.Sprint(get(t, base, listPath, "").status))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestFaultProbability checks that random faults depend on the seed and the call, but
// not on the order of calls.
func TestFaultProbability(t *testing.T) {
	t.Parallel()
	strikes := func(seed uint64, probability float64, offsets []int) map[string]int {
		cloud, base := start(t, simulator.Options{Seed: seed})
		cloud.AddFault(simulator.Fault{Status: 500, Probability: probability})
		got := map[string]int{}
		for _, i := range offsets {
			for range 3 {
				if query := fmt.Sprintf("offset=%d", i); get(t, base, listPath, query).status == 500 {
					got[query]++
				}
			}
		}
		return got
	}
	order := make([]int, 40)
	for i := range order {
		order[i] = i
	}
	reversed := slices.Clone(order)
	slices.Reverse(reversed)
	first := strikes(1, 0.3, order)
	if diff := cmp.Diff(first, strikes(1, 0.3, reversed)); diff != "" {
		t.Errorf("the result depends on the order of calls (-forward +backward):\n%s", diff)
	}
	if cmp.Equal(first, strikes(2, 0.3, order)) {
		t.Error("the result does not depend on the seed")
	}
	sum := 0
	for _, n := range first {
		sum += n
	}
	if sum < 20 || sum > 52 {
		t.Errorf("got %d strikes of 120, want about 36", sum)
	}
	if got := strikes(1, 1, order[:5]); len(got) != 5 {
		t.Errorf("faults with probability 1: got %v", got)
	}
}

func TestFaultCombination(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.SetDesktops(project, numberedDesktops(3))
	cloud.AddFault(simulator.Fault{TotalCountDelta: 2})
	cloud.AddFault(simulator.Fault{TotalCountDelta: 3})
	cloud.AddFault(simulator.Fault{OmitIDs: []string{"d0000"}, Header: http.Header{"X-A": {"1"}}})
	cloud.AddFault(simulator.Fault{OmitIDs: []string{"d0001"}, Header: http.Header{"X-A": {"2"}}})
	if _, total := responseIDs(t, get(t, base, listPath, "")); total != 8 {
		t.Errorf("got total %d, want 8", total)
	}
	r := get(t, base, networksPath, "desktop_ids=d0000&desktop_ids=d0001&desktop_ids=d0002")
	if got, _ := responseIDs(t, r); !slices.Equal(got, []string{"d0002"}) || r.header.Get("X-A") != "1" {
		t.Errorf("got %v, header %v", got, r.header)
	}
	first := cloud.AddFault(simulator.Fault{Status: 500})
	cloud.AddFault(simulator.Fault{Status: 404})
	if r := get(t, base, listPath, ""); r.status != 500 {
		t.Errorf("got %d, want the earlier fault's 500", r.status)
	}
	first()
	if r := get(t, base, listPath, ""); r.status != 404 {
		t.Errorf("got %d, want the other fault's 404", r.status)
	}
}

// TestHookChangesDesktops deletes a desktop between two pages.
func TestHookChangesDesktops(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.SetDesktops(project, numberedDesktops(4))
	remove := cloud.OnCall(func(c simulator.Call) {
		if c.Operation == simulator.ListDesktops && c.Query().Get("offset") == "2" {
			cloud.DeleteDesktop(c.Project, "d0000")
		}
	})
	c := sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {}))
	var got []string
	var totals []int32
	limit := int32(2)
	for offset := int32(0); offset < 4; offset += limit {
		page, err := c.ListDesktops(&model.ListDesktopsRequest{Offset: &offset, Limit: &limit})
		if err != nil {
			t.Fatal(err)
		}
		totals = append(totals, *page.TotalCount)
		for _, d := range *page.Desktops {
			got = append(got, *d.DesktopId)
		}
	}
	if want := []string{"d0000", "d0001", "d0003"}; !slices.Equal(got, want) || !slices.Equal(totals, []int32{4, 3}) {
		t.Errorf("got %v of %v, want %v: d0002 is missed", got, totals, want)
	}
	remove()
	get(t, base, listPath, "offset=2")
	if got := len(cloud.Desktops(project)); got != 3 {
		t.Errorf("the removed hook ran: %d desktops", got)
	}
}
