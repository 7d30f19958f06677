// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// addressSource is a source with one desktop, whose list entry has an address.
type addressSource struct{ source }

func (p addressSource) ListDesktops(context.Context) ([]inventory.Desktop, error) {
	return []inventory.Desktop{{
		ID: "d1", Name: "=one", IP: "10.0.0.1", Tags: []inventory.Tag{{Key: "team", Value: "x"}}, Users: []string{"ana"},
	}}, nil
}

// exportHandler returns a handler with the projects bogota, which is read, and lima,
// which fails.
func exportHandler(t *testing.T, change func(*Options)) http.Handler {
	t.Helper()
	return handler(t, func(o *Options) {
		failing := office("lima")
		failing.failure = &inventory.Failure{Kind: inventory.Denied, Operation: "ListDesktops", Detail: "no"}
		o.Fleet = newFleet(t, addressSource{office("bogota")}, failing)
		change(o)
		o.Fleet.WaitIdle(t.Context())
	})
}

func TestExports(t *testing.T) {
	h := exportHandler(t, func(*Options) {})
	for target, want := range map[string]struct {
		status      int
		contentType string
		body        string
	}{
		"/inventory.json":                      {200, "application/json", `"desktop_name":"=one"`},
		"/inventory.json?project=lima":         {200, "application/json", `"desktops":[]`},
		"/inventory.json?eip=any&vpc=&vpc=x":   {200, "application/json", `"desktops":[]`},
		"/inventory.json?project=quito":        {404, "text/plain; charset=utf-8", "no project has the name or ID \"quito\"\n"},
		"/inventory.json?eip=some":             {400, "text/plain; charset=utf-8", "parameter \"eip\" must be none, any, unknown or an IP address, not \"some\"\n"},
		"/inventory.json?page=2":               {400, "text/plain; charset=utf-8", "unknown parameter \"page\": /inventory.json accepts eip, project, region, search, security_group, status, subnet, vpc\n"},
		"/inventory.csv":                       {200, "text/csv; charset=utf-8; header=present", "bogota,la-north-2,0123,d1,'=one,10.0.0.1,"},
		"/inventory.csv?search=a&search=b":     {400, "text/plain; charset=utf-8", "parameter \"search\" has 2 values; give all search terms in one, separated by spaces\n"},
		"/inventory.schema.json":               {200, "application/schema+json", `"$defs"`},
		"/inventory.schema.json?x=1":           {400, "text/plain; charset=utf-8", "unknown parameter \"x\": /inventory.schema.json accepts no parameters\n"},
		"/sd?port=9182&project=bogota":         {200, "application/json", `"targets":["10.0.0.1:9182"]`},
		"/sd?port=9182&project=0123&eip=any":   {503, "text/plain; charset=utf-8", "the desktops of project lima are not known\n"}, // both have the ID
		"/sd?port=9182&project=bogota&eip=any": {200, "application/json", "[]\n"},
		"/sd?port=9182":                        {503, "text/plain; charset=utf-8", "the desktops of project lima are not known\n"},
		"/sd?port=9182&region=nowhere":         {404, "text/plain; charset=utf-8", "no project is in the region \"nowhere\"\n"},
		"/sd?project=bogota":                   {400, "text/plain; charset=utf-8", "parameter \"port\" is missing: the port to scrape on the desktops, such as 9182 for windows_exporter\n"},
		"/sd?port=9182&port=9100":              {400, "text/plain; charset=utf-8", "parameter \"port\" has 2 values: /sd accepts one\n"},
		"/sd?port=9182&sort=name":              {400, "text/plain; charset=utf-8", "unknown parameter \"sort\": /sd accepts address, each, eip, port, project, region, search, security_group, status, subnet, vpc\n"},
	} {
		w := request(h, http.MethodGet, target)
		if w.Code != want.status || w.Header().Get("Content-Type") != want.contentType || !strings.Contains(w.Body.String(), want.body) {
			t.Errorf("%s: %d %s %s; want %d %s with %s", target, w.Code, w.Header().Get("Content-Type"), w.Body, want.status, want.contentType, want.body)
		}
		if download := w.Header().Get("Content-Disposition"); (want.status == 200 && strings.HasPrefix(target, "/inventory.") && !strings.Contains(target, "schema")) != (download != "") {
			t.Errorf("%s: Content-Disposition is %q", target, download)
		}
		if w := request(h, http.MethodPost, target); w.Code != 405 {
			t.Errorf("POST %s: %d, want 405", target, w.Code)
		}
		if w := request(h, http.MethodHead, target); w.Code != want.status || want.status == 200 && !strings.Contains(target, "schema") && w.Body.Len() > 0 {
			t.Errorf("HEAD %s: %d, want %d and no body", target, w.Code, want.status)
		}
	}
}

func TestExportsHaveEnabledFields(t *testing.T) {
	for _, fields := range []export.Fields{{}, {Tags: true, Users: true}} {
		h := exportHandler(t, func(o *Options) { o.Fields = func() export.Fields { return fields } })
		for target, texts := range map[string][]string{
			"/inventory.json":              {`"tags":[{"key":"team","value":"x"}]`, `"users":["ana"]`},
			"/inventory.csv":               {",team=x", ",ana"},
			"/sd?port=9182&project=bogota": {`_tag_team":"x"`, `_user_names":",ana,"`},
		} {
			body := request(h, http.MethodGet, target).Body.String()
			for _, text := range texts {
				if strings.Contains(body, text) != fields.Tags {
					t.Errorf("%s with %+v: contains %s: %t\n%s", target, fields, text, !fields.Tags, body)
				}
			}
		}
	}
}

func TestDiscoveryBeforeFirstList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := office("bogota")
		slow.latency = time.Second
		h := handler(t, func(o *Options) { o.Fleet = newFleet(t, addressSource{slow}) })
		if w := request(h, http.MethodGet, "/sd?port=9182"); w.Code != 503 {
			t.Errorf("%d %s before the first list, want 503", w.Code, w.Body)
		}
		time.Sleep(2 * time.Second)
		if w := request(h, http.MethodGet, "/sd?port=9182"); w.Code != 200 || !strings.Contains(w.Body.String(), "10.0.0.1:9182") {
			t.Errorf("%d %s after it, want the target", w.Code, w.Body)
		}
	})
}

func TestDiscoveryWaitsForAccounts(t *testing.T) {
	for name, projects := range map[string]*refresh.Fleet{"alone": newFleet(t), "beside a project": newFleet(t, addressSource{office("bogota")})} {
		t.Run(name, func(t *testing.T) {
			account := Account{Name: "brazil"}
			h := handler(t, func(o *Options) {
				o.Fleet, o.Accounts = projects, func() []Account { return []Account{account} }
				o.Fleet.WaitIdle(t.Context())
			})
			for _, target := range []string{"/sd?port=9182", "/sd?port=9182&status=ACTIVE"} {
				if w := request(h, http.MethodGet, target); w.Code != 503 || w.Body.String() != "the projects of account brazil are not known\n" {
					t.Errorf("%s: %d %s while the account is being listed, want 503", target, w.Code, w.Body)
				}
			}
			named := len(projects.Names()) > 0
			if w := request(h, http.MethodGet, "/sd?port=9182&project=bogota"); (w.Code == 200) != named || (w.Code == 404) == named {
				t.Errorf("%d %s for a project by its name, which is there: %t", w.Code, w.Body, named)
			}
			account.ListedAt = time.Now()
			if w := request(h, http.MethodGet, "/sd?port=9182"); w.Code != 200 || strings.Contains(w.Body.String(), "10.0.0.1:9182") != named {
				t.Errorf("%d %s of an account without projects, want what there is beside it", w.Code, w.Body)
			}
		})
	}
}

func TestExportsAreCompressed(t *testing.T) {
	h := exportHandler(t, func(*Options) {})
	for header, want := range map[string]bool{
		"": false, "gzip": true, "deflate, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "br": false, "identity": false, "gzip;q=x": false,
	} {
		w := request(h, http.MethodGet, "/inventory.csv", "Accept-Encoding", header)
		var body io.Reader = w.Body
		if compressed := w.Header().Get("Content-Encoding") == "gzip"; compressed != want {
			t.Errorf("%q: gzip %t, want %t", header, compressed, want)
		} else if compressed {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if lines, err := csv.NewReader(body).ReadAll(); err != nil || len(lines) != 2 {
			t.Errorf("%q: %d lines, %v", header, len(lines), err)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Vary is %q", header, w.Header().Get("Vary"))
		}
	}
}

func TestExportsUseSlots(t *testing.T) {
	h := exportHandler(t, func(o *Options) { o.MaxRequests = 1 })
	// The response writer of the export that has the slot requests another export.
	inner := httptest.NewRecorder()
	outer := &callbackWriter{ResponseRecorder: httptest.NewRecorder(), onWrite: func() {
		h.ServeHTTP(inner, httptest.NewRequest(http.MethodGet, "/inventory.csv", nil))
	}}
	h.ServeHTTP(outer, httptest.NewRequest(http.MethodGet, "/inventory.json", nil))
	if inner.Code != 503 || inner.Header().Get("Retry-After") != "1" || inner.Header().Get("Content-Disposition") != "" {
		t.Errorf("%d %s %v beside another export, want 503", inner.Code, inner.Body, inner.Header())
	}
	if w := request(h, http.MethodGet, "/inventory.csv"); outer.Code != 200 || w.Code != 200 {
		t.Errorf("%d and then %d, want 200", outer.Code, w.Code)
	}
}

// callbackWriter calls a function at each write.
type callbackWriter struct {
	*httptest.ResponseRecorder
	onWrite func()
}

func (c *callbackWriter) Write(b []byte) (int, error) {
	c.onWrite()
	return c.ResponseRecorder.Write(b)
}

func TestFailedExportAbortsConnection(t *testing.T) {
	s := &server{Options: Options{Logger: log.NewNopLogger()}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.stream(w, r, "application/json", func(w io.Writer) error {
			_, _ = io.WriteString(w, strings.Repeat(" ", 1<<16))
			return errors.New("write error")
		})
	}))
	defer server.Close()
	for _, encoding := range []string{"gzip", "identity"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		r.Header.Set("Accept-Encoding", encoding)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			continue // aborted before a byte was sent
		}
		if _, err := io.Copy(io.Discard, response.Body); err == nil {
			t.Errorf("%s: the response looks complete", encoding)
		}
		_ = response.Body.Close()
	}
}

func TestSchemaIsJSON(t *testing.T) {
	if w := request(exportHandler(t, func(*Options) {}), http.MethodGet, "/inventory.schema.json"); !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s", w.Body)
	}
}
