// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Quota is the rate limit of one API operation, for the status page.
type Quota struct {
	Operation string
	Endpoint  string
	Key       string // a short hash of the access key
	Left      int    // requests available now
	PerMinute int    // current limit, which is below Limit after a 429
	Limit     int    // configured limit, in requests per minute
}

// Account is the state of the project list of an account, for the status page.
type Account struct {
	Name     string
	ListedAt time.Time // last successful listing of its projects; zero: none
	Projects int       // number of projects exported
	Failure  *inventory.Failure
}

// The CSS classes of states.
const (
	classOK      = "ok"
	classFailing = "failing"
	classWaiting = "waiting"
	classMuted   = "muted"
)

// state is a state in one or a few words, with its CSS class and an explanation in a
// sentence.
type state struct{ Class, Text, Sentence string }

// projectStatus is a project on the status page and the inventory page.
type projectStatus struct {
	inventory.Project
	State       state
	Health      inventory.Health
	Desktops    int
	DataAge     string // age of the oldest data; "": no data
	LastRefresh string // "": none has finished
}

// healthy reports whether there is nothing about the project to look into.
func (p *projectStatus) healthy() bool {
	return p.State.Class == classOK && p.Health.Unresolved+p.Health.Stale == 0
}

// accountStatus is an account on the status page.
type accountStatus struct {
	Account
	State state
}

func (s *server) serveStatus(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	content := struct {
		Warnings []string
		Projects []projectStatus
		Skipped  []string
		Accounts []accountStatus
		Quotas   []Quota
	}{Warnings: s.Warnings(), Skipped: s.Fleet.Skipped(), Quotas: s.Quotas()}
	for _, snapshot := range s.Fleet.Snapshots() {
		content.Projects = append(content.Projects, newProjectStatus(snapshot, now))
	}
	for _, a := range s.Accounts() {
		content.Accounts = append(content.Accounts, accountStatus{a, accountState(a, now)})
	}
	s.render(w, r, page{http.StatusOK, "status.html", "Status", content})
}

func accountState(a Account, now time.Time) state {
	switch {
	case a.Failure != nil && a.ListedAt.IsZero():
		return state{classFailing, "failing", "Listing its projects has failed since the start of the exporter."}
	case a.Failure != nil:
		return state{classFailing, "failing", "Listing its projects failed. The projects listed " + ago(a.ListedAt, now) + " are still exported."}
	case a.ListedAt.IsZero():
		return state{classWaiting, "starting", "Its projects are being listed."}
	}
	return state{classOK, "OK", "Its projects were listed " + ago(a.ListedAt, now) + "."}
}

func newProjectStatus(s *inventory.Snapshot, now time.Time) projectStatus {
	h := s.Health
	p := projectStatus{Project: s.Project, State: projectState(&h, now), Health: h, Desktops: len(s.Records)}
	if h.Refreshed {
		p.LastRefresh = ago(h.LastRefresh, now) + ", took " + h.Duration.Round(time.Millisecond).String()
	}
	if !h.OldestData.IsZero() {
		p.DataAge = now.Sub(h.OldestData).Round(time.Second).String()
	}
	return p
}

func projectState(h *inventory.Health, now time.Time) state {
	switch {
	case !h.Refreshed && h.Listed:
		return state{classWaiting, "starting", "The first refresh has not finished yet. The data is from before the restart."}
	case !h.Refreshed:
		return state{classWaiting, "starting", "No refresh has finished yet. A scrape starts one."}
	case !h.Up && h.LastSuccess.IsZero():
		return state{classFailing, "failing", "The last refresh failed, and none has succeeded since the start of the exporter."}
	case !h.Up:
		return state{classFailing, "failing", "The last refresh failed. The last success was " + ago(h.LastSuccess, now) + ". Data that could not be read is kept as stale for a limited time (max_staleness)."}
	case h.QuotaExceededUntil.After(now):
		return state{classWaiting, "waiting for quota", "No failures. The API quota is used up; reading continues in " + h.QuotaExceededUntil.Sub(now).Round(time.Second).String() + ", oldest data first."}
	}
	return state{classOK, "OK", "The last refresh succeeded."}
}

func ago(t, now time.Time) string { return now.Sub(t).Round(time.Second).String() + " ago" }
