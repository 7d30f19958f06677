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

	"github.com/go-kit/log/level"
)

//go:embed pages
var files embed.FS

const stylesheet = "pages/style.css"

// parseTemplates returns the HTML templates. Their function href adds linkPrefix to a
// path.
func parseTemplates(linkPrefix string) *template.Template {
	href := func(path string) string { return linkPrefix + path }
	return template.Must(template.New("").Funcs(template.FuncMap{"href": href}).ParseFS(files, "pages/*.html"))
}

// page is a response with an HTML page.
type page struct {
	status   int
	template string // file name
	title    string
	content  any
}

// layout is the data of pages/layout.html and of the page inside it.
type layout struct {
	Title      string
	StyleHash  string // part of the style sheet's URL, so that browsers do not use an old one
	Version    string
	Navigation []navItem
	Content    any
}

// navItem is a link of the navigation.
type navItem struct {
	Path, Text string
	Current    bool
}

// pageContentPolicy permits our style sheet, and forms that are sent to us.
const pageContentPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// render responds with a page.
func (s *server) render(w http.ResponseWriter, r *http.Request, p page) {
	l := layout{Title: p.title, StyleHash: s.styleHash, Version: s.Version, Content: p.content}
	for _, rt := range s.routes() {
		if rt.inNavigation {
			l.Navigation = append(l.Navigation, navItem{rt.path, rt.title, r.URL.Path == s.RoutePrefix+rt.path})
		}
	}
	var body bytes.Buffer
	if err := s.templates.ExecuteTemplate(&body, p.template, l); err != nil {
		level.Error(s.Logger).Log("msg", "Page rendering failed", "page", p.template, "err", err)
		writeError(w, http.StatusInternalServerError, "page rendering failed; see the exporter's log")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pageContentPolicy)
	w.WriteHeader(p.status)
	_, _ = w.Write(body.Bytes())
}

// styleHash returns a hash of the style sheet.
func styleHash() string {
	css, err := files.ReadFile(stylesheet)
	if err != nil {
		panic(err) // it is embedded
	}
	return fmt.Sprintf("%x", sha256.Sum256(css))[:12]
}

func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, files, stylesheet)
}

// landingLink is a line of the landing page.
type landingLink struct{ Path, Text, Description string }

func (s *server) serveLanding(w http.ResponseWriter, r *http.Request) {
	var links []landingLink
	for _, rt := range s.routes() {
		switch {
		case rt.disabled:
		case rt.links != nil:
			links = append(links, rt.links()...)
		case rt.description != "":
			links = append(links, landingLink{rt.path + rt.exampleParams, rt.title, rt.description})
		}
	}
	s.render(w, r, page{http.StatusOK, "landing.html", "Huawei Cloud Workspace exporter", links})
}
