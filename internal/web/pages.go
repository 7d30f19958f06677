// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-kit/log/level"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

//go:embed pages
var files embed.FS

const stylesheet = "pages/style.css"

// newPages reads the templates. A link that they write to a path goes through
// href, which puts the prefix of links before it.
func newPages(linkPrefix string) *template.Template {
	href := func(path string) string { return linkPrefix + path }
	return template.Must(template.New("").Funcs(template.FuncMap{"href": href}).ParseFS(files, "pages/*.html"))
}

// Quota is how much of one API's budget is left, for the status page.
type Quota struct {
	Operation string
	Endpoint  string
	Key       string // tells keys apart without showing them
	Left      int
	PerMinute int // the budget in force, which is below the configured one after a 429
	Limit     int // the configured budget
}

// Account is how the list of an account's projects goes, for the status page.
type Account struct {
	Name     string
	Listed   time.Time // when its projects were last listed with success; zero: never
	Projects int       // that it brings
	Failure  *inventory.Failure
}

// page is what is shown, and how.
type page struct {
	status  int
	file    string // the template
	title   string
	content any
}

// frame is what every page has.
type frame struct {
	Title   string
	Style   string // changes with the style sheet, so that no browser keeps an old one
	Version string
	Nav     []navigation
	Content any
}

// navigation is a link that every page has.
type navigation struct {
	Path, Text string
	Current    bool
}

// contentPolicy lets a page have our style sheet, and forms that ask us.
const contentPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (s *server) render(w http.ResponseWriter, r *http.Request, p page) {
	f := frame{Title: p.title, Style: s.style, Version: s.Version, Content: p.content}
	for _, n := range []navigation{
		{"/inventory", "Inventory", false},
		{"/changes", "Changes", false},
		{"/status", "Status", false},
		{s.TelemetryPath, "Metrics", false},
		{"/config", "Configuration", false},
	} {
		n.Current = r.URL.Path == s.RoutePrefix+n.Path
		f.Nav = append(f.Nav, n)
	}
	var body bytes.Buffer
	if err := s.pages.ExecuteTemplate(&body, p.file, f); err != nil {
		level.Error(s.Logger).Log("msg", "Page failed", "page", p.file, "err", err)
		refuse(w, http.StatusInternalServerError, "the page could not be made; the log says why")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentPolicy)
	w.WriteHeader(p.status)
	_, _ = w.Write(body.Bytes())
}

// styleMark changes with the style sheet.
func styleMark() string {
	css, err := files.ReadFile(stylesheet)
	if err != nil {
		panic(err) // it is embedded
	}
	return fmt.Sprintf("%x", sha256.Sum256(css))[:12]
}

func style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, files, stylesheet)
}

// link is one line of the landing page.
type link struct{ Path, Text, About string }

func (s *server) landing(w http.ResponseWriter, r *http.Request) {
	links := []link{
		{"/inventory", "Inventory", "all desktops, to search, to sort and to look at"},
		{"/inventory.json", "JSON", "the inventory for programs, as its schema has it"},
		{"/inventory.schema.json", "JSON Schema", "of the inventory"},
		{"/inventory.csv", "CSV", "the inventory for spreadsheets, one line for each network interface"},
		{"/sd?port=9182", "Service discovery", "the desktops as targets of Prometheus; choose the port that is scraped on them"},
		{"/changes", "Changes", "what happened to desktops, the newest first"},
		{s.TelemetryPath, "Metrics", "of all projects and of the exporter itself; the path to scrape"},
	}
	for _, name := range s.Fleet.Names() {
		links = append(links, link{"/probe?target=" + template.URLQueryEscaper(name), "Probe " + name, "the metrics of this project alone"})
	}
	links = append(links,
		link{"/status", "Status", "how the reading of each project goes, and what to do about failures"},
		link{"/config", "Configuration", "in force, secrets masked; POST to /-/reload or SIGHUP reads it again"},
		link{"/-/healthy", "Health", "200 while the exporter runs"},
		link{"/-/ready", "Readiness", "200 once every project's first refresh has ended"},
	)
	if s.Pprof {
		links = append(links, link{"/debug/pprof/", "Profiles", "of the exporter's own CPU, heap and goroutines"})
	}
	s.render(w, r, page{http.StatusOK, "landing.html", "Huawei Cloud Workspace exporter", links})
}

// projectStatus is one project on the status page.
type projectStatus struct {
	inventory.Project
	State    string // one word, which the style colours too
	Sentence string
	Health   inventory.Health
	Desktops int
	DataAge  string
	Ended    string
}

// accountStatus is one account on the status page.
type accountStatus struct {
	Account
	State    string
	Sentence string
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	content := struct {
		Notices  []string
		Projects []projectStatus
		Skipped  []string
		Accounts []accountStatus
		Quotas   []Quota
	}{Notices: s.Notices(), Skipped: s.Fleet.Skipped(), Quotas: s.Quotas()}
	for _, snapshot := range s.Fleet.Snapshots() {
		content.Projects = append(content.Projects, describe(snapshot, now))
	}
	for _, a := range s.Accounts() {
		content.Accounts = append(content.Accounts, describeAccount(a, now))
	}
	s.render(w, r, page{http.StatusOK, "status.html", "Status", content})
}

// describeAccount puts an account's state into words.
func describeAccount(a Account, now time.Time) accountStatus {
	s := accountStatus{Account: a}
	switch {
	case a.Failure != nil && a.Listed.IsZero():
		s.State, s.Sentence = "failing", "Its projects could not be listed since the start."
	case a.Failure != nil:
		s.State, s.Sentence = "failing", "Its projects cannot be listed. Those known since "+ago(a.Listed, now)+" stay."
	case a.Listed.IsZero():
		s.State, s.Sentence = "new", "Its projects are being listed."
	default:
		s.State, s.Sentence = "well", "Its projects were listed "+ago(a.Listed, now)+"."
	}
	return s
}

// describe puts a project's state into words.
func describe(s *inventory.Snapshot, now time.Time) projectStatus {
	h := s.Health
	p := projectStatus{Project: s.Project, Health: h, Desktops: len(s.Records)}
	switch {
	case !h.Refreshed && h.Listed:
		p.State, p.Sentence = "new", "The first refresh has not ended yet. What was known before it is shown."
	case !h.Refreshed:
		p.State, p.Sentence = "new", "No refresh has ended yet. A scrape starts one."
	case !h.Up && h.LastSuccess.IsZero():
		p.State, p.Sentence = "failing", "The last refresh failed, and none has succeeded since the start."
	case !h.Up:
		p.State, p.Sentence = "failing", "The last refresh failed. The last success was "+ago(h.LastSuccess, now)+"; what could not be read is held for a while."
	case h.QuotaExceededUntil.After(now):
		p.State, p.Sentence = "waiting", "Well. The API quota is spent for now; reading goes on in "+h.QuotaExceededUntil.Sub(now).Round(time.Second).String()+", the oldest first."
	default:
		p.State, p.Sentence = "well", "The last refresh met no failure."
	}
	if h.Refreshed {
		p.Ended = ago(h.LastRefresh, now) + ", in " + h.Duration.Round(time.Millisecond).String()
	}
	if !h.OldestData.IsZero() {
		p.DataAge = now.Sub(h.OldestData).Round(time.Second).String()
	}
	return p
}

func ago(t, now time.Time) string { return now.Sub(t).Round(time.Second).String() + " ago" }
