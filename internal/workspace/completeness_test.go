// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

var totalCount = regexp.MustCompile(`,?"total_count":\d+,?`)

// withTotal returns a fault that replaces total_count in an otherwise intact
// response; "" removes it.
func withTotal(operation, raw string) simulator.Fault {
	return simulator.Fault{Operation: operation, RewriteBody: func(body []byte) []byte {
		body = totalCount.ReplaceAll(body, nil)
		if raw == "" {
			return body
		}
		return append(body[:len(body)-1], `,"total_count":`+raw+`}`...)
	}}
}

// unreadableTotals are values of total_count that are no count.
var unreadableTotals = []string{`5.0`, `5e0`, `-1`, `2147483648`, `{}`, `[]`, `[5]`, `""`, `"five"`, `"5.0"`, `" 5"`, `true`, `0,"total_count":5`}

// TestUnreadableTotalCount: a list whose total_count is present but unreadable is
// incomplete, empty or not.
func TestUnreadableTotalCount(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 5} {
		for _, raw := range unreadableTotals {
			t.Run(fmt.Sprintf("%d desktops, %s", size, raw), func(t *testing.T) {
				t.Parallel()
				fx := newFixture(t, fixtureOptions{})
				fx.setDesktops(size)
				fx.sim.AddFault(withTotal("", raw))
				p := fx.project(nil)
				l, err := p.ListDesktops(t.Context())
				if f := requireFailure(t, err); f.Kind != inventory.Incomplete || !strings.Contains(f.Detail, "total_count is unreadable") || f.Hint != hintIncomplete {
					t.Errorf("desktops: failure %v, want the unreadable count", &f)
				}
				if len(l) != size {
					t.Errorf("%d desktops, want %d", len(l), size)
				}
				if n := fx.sim.CallCount(inventory.ListDesktops); n != 1 {
					t.Errorf("%d lists of desktops, want 1: repeating proves nothing", n)
				}
				_, err = p.ListEIPBindings(t.Context())
				if f := requireFailure(t, err); f.Kind != inventory.Incomplete || f.Operation != inventory.ListDesktopsEips {
					t.Errorf("EIPs: failure %v, want an incomplete list", &f)
				}
			})
		}
	}
}

// TestReadableTotalCount: a numeric string is a count, and contradicts a list like
// a number does.
func TestReadableTotalCount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size       int
		total      string
		incomplete bool
	}{
		{0, `"5"`, true},
		{0, `5`, true},
		{0, `"0"`, false},
		{5, `"5"`, false},
		{5, `"7"`, true},
		{5, ``, false},
		{5, `null`, false},
	} {
		t.Run(fmt.Sprintf("%d desktops, %s", tt.size, tt.total), func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			fx.setDesktops(tt.size)
			fx.sim.AddFault(withTotal(inventory.ListDesktops, tt.total))
			l, err := fx.project(nil).ListDesktops(t.Context())
			if len(l) != tt.size || (err != nil) != tt.incomplete {
				t.Errorf("%d desktops, error %v; want incomplete %t", len(l), err, tt.incomplete)
			}
			if err != nil && requireFailure(t, err).Kind != inventory.Incomplete {
				t.Errorf("error %v, want an incomplete list", err)
			}
		})
	}
}

// TestEmptyListWithoutTotalCount is confirmed by a second read, or is not empty.
func TestEmptyListWithoutTotalCount(t *testing.T) {
	t.Parallel()
	for _, total := range []string{``, `,"total_count":null`} {
		for _, tt := range []struct {
			name           string
			times          int // empty responses
			second         int // status of the second response; 0: as the cloud answers
			desktops, eips int // want
			incomplete     bool
		}{
			{name: "once", times: 1, desktops: 5, eips: 2},
			{name: "twice", times: 2},
			{name: "the second fails", times: 1, second: 500, incomplete: true},
		} {
			t.Run(tt.name+total, func(t *testing.T) {
				t.Parallel()
				fx := newFixture(t, fixtureOptions{})
				fx.setDesktops(5)
				all := fx.sim.Desktops(testProject)
				for i := range all {
					all[i].Interfaces[0].EIP = nil
					if i < tt.eips {
						all[i].Interfaces[0].EIP = &simulator.EIP{ID: fmt.Sprint("e", i), Address: fmt.Sprint("203.0.113.", i)}
					}
				}
				fx.sim.SetDesktops(testProject, all)
				for operation, list := range map[string]string{inventory.ListDesktops: "desktops", inventory.ListDesktopsEips: "eips"} {
					fx.sim.AddFault(simulator.Fault{Operation: operation, Times: tt.times, Status: 200, Body: []byte(`{"` + list + `":[]` + total + `}`)})
					if tt.second != 0 {
						fx.sim.AddFault(simulator.Fault{Operation: operation, After: 1, Status: 400, Body: simulator.GatewayError("WKS.0001", "m", "")})
					}
				}
				p := fx.project(nil)
				l, err := p.ListDesktops(t.Context())
				if len(l) != tt.desktops || (err != nil) != tt.incomplete {
					t.Errorf("%d desktops, error %v; want %d, incomplete %t", len(l), err, tt.desktops, tt.incomplete)
				}
				if err != nil {
					if f := requireFailure(t, err); f.Kind != inventory.Incomplete {
						t.Errorf("failure %v, want an incomplete list", &f)
					}
				}
				b, err := p.ListEIPBindings(t.Context())
				if len(b) != tt.eips || (err != nil) != tt.incomplete {
					t.Errorf("%d EIPs, error %v; want %d, failed %t", len(b), err, tt.eips, tt.incomplete)
				}
			})
		}
	}
}

// TestListOfUnreadableElements: a list that has elements but no desktop, EIP or
// project is not an empty one, even if its total_count agrees.
func TestListOfUnreadableElements(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	for operation, body := range map[string]string{
		inventory.ListDesktops:         `{"desktops":[null,{"desktop_id":7}],"total_count":2}`,
		inventory.ListDesktopsEips:     `{"eips":[null,7],"total_count":2}`,
		inventory.KeystoneListProjects: `{"projects":[{"id":7}]}`,
	} {
		fx.sim.AddFault(simulator.Fault{Operation: operation, Status: 200, Body: []byte(body)})
	}
	p := fx.project(nil)
	_, desktopsErr := p.ListDesktops(t.Context())
	_, eipsErr := p.ListEIPBindings(t.Context())
	_, projectErr := fx.project(withoutID).ResolveProject(t.Context())
	for name, err := range map[string]error{"desktops": desktopsErr, "EIPs": eipsErr, "projects": projectErr} {
		if f := requireFailure(t, err); f.Kind != inventory.Incomplete || !strings.Contains(f.Detail, "no element of the list is readable") {
			t.Errorf("%s: failure %v, want an incomplete list", name, &f)
		}
	}
}

// TestEIPListHasPages: the EIP list is read to its total_count, although the API
// documents no pages, and is incomplete where that fails.
func TestEIPListHasPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault simulator.Fault
		eips  int // -1: incomplete
		calls int
	}{
		{"one response", simulator.Fault{}, 10, 1},
		{"three pages", simulator.Fault{PageLimit: 4}, 10, 3},
		{"the offset is ignored", simulator.Fault{PageLimit: 4, RepeatPage: true}, -1, 3},
		{"fewer than total_count", simulator.Fault{TotalCountDelta: 1}, -1, 2},
		{"more than total_count", simulator.Fault{TotalCountDelta: -1}, -1, 1},
		{"empty", simulator.Fault{EmptyPage: true}, -1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			var fleet []simulator.Desktop
			for i := range 10 {
				fleet = append(fleet, simulator.Desktop{ID: fmt.Sprint("d", i), Interfaces: []simulator.Interface{
					{PortID: fmt.Sprint("p", i), EIP: &simulator.EIP{ID: fmt.Sprint("e", i), Address: fmt.Sprint("203.0.113.", i)}},
				}})
			}
			fx.sim.SetDesktops(testProject, fleet)
			tt.fault.Operation = inventory.ListDesktopsEips
			fx.sim.AddFault(tt.fault)
			b, err := fx.project(nil).ListEIPBindings(t.Context())
			if tt.eips < 0 {
				if f := requireFailure(t, err); f.Kind != inventory.Incomplete || f.Hint != hintIncomplete {
					t.Errorf("failure %v, want an incomplete list", &f)
				}
			} else if err != nil || len(b) != tt.eips {
				t.Errorf("%d EIPs, error %v; want %d", len(b), err, tt.eips)
			}
			if n := fx.sim.CallCount(inventory.ListDesktopsEips); n != tt.calls {
				t.Errorf("%d requests, want %d", n, tt.calls)
			}
		})
	}
}

// TestProjectListHasPages: links of IAM to further pages are followed, at the
// configured endpoint only, and a list that may lack projects is incomplete.
func TestProjectListHasPages(t *testing.T) {
	t.Parallel()
	rewrite := func(from, to string) simulator.Fault {
		return simulator.Fault{RewriteBody: func(body []byte) []byte {
			return regexp.MustCompile(from).ReplaceAll(body, []byte(to))
		}}
	}
	const next = `"next":("[^"]*"|null)`
	for _, tt := range []struct {
		name     string
		fault    simulator.Fault
		projects int    // want; 0: incomplete
		detail   string // of the failure
	}{
		{"one page", simulator.Fault{}, 5, ""},
		{"three pages", simulator.Fault{PageLimit: 2}, 5, ""},
		{"truncated", rewrite(`^{`, `{"truncated":true,`), 0, "the list is truncated without a link to the next page"},
		{"not truncated", rewrite(`^{`, `{"truncated":false,`), 5, ""},
		{"truncated is unreadable", rewrite(`^{`, `{"truncated":"yes",`), 0, "total_count, links or truncated is unreadable"},
		{"counts more", rewrite(`^{`, `{"total_count":6,`), 0, "5 projects read, total_count is 6"},
		{"link is a number", rewrite(next, `"next":7`), 0, "total_count, links or truncated is unreadable"},
		{"link without a page", rewrite(next, `"next":"https://iam.example.com/v3/projects"`), 0, "the link to the next page is unreadable"},
		{"link is no URL", rewrite(next, `"next":"://?page=2"`), 0, "the link to the next page is unreadable"},
		{"links do not end", rewrite(next, `"next":"?page=2"`), 0, "the links to the next page do not end"},
		{"link to another host", func() simulator.Fault {
			f := rewrite(`"next":"http://[^/]*/[^?]*`, `"next":"http://192.0.2.1/elsewhere`)
			f.PageLimit = 2
			return f
		}(), 5, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			for i := range 4 {
				fx.sim.AddProject(simulator.Project{ID: fmt.Sprint("p", i), Region: testRegion, Name: fmt.Sprint(testRegion, "_", i)})
			}
			fx.sim.AddFault(tt.fault)
			cfg := fx.config(nil)
			a, err := fx.client.Account(config.Account{Name: "all", IAMEndpoint: fx.url, Credentials: cfg.Credentials, Limits: cfg.Limits})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			projects, err := a.Projects(t.Context())
			if len(projects) != tt.projects {
				t.Errorf("%d projects, error %v; want %d", len(projects), err, tt.projects)
			}
			if tt.detail != "" {
				if f := requireFailure(t, err); f.Kind != inventory.Incomplete || f.Detail != tt.detail {
					t.Errorf("failure %v, want %q", &f, tt.detail)
				}
			}
		})
	}
}

// TestEmptyAccountIsReadTwice: one empty list of projects does not end the series
// of all of them.
func TestEmptyAccountIsReadTwice(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.sim.AddFault(simulator.Fault{Times: 1, Status: 200, Body: []byte(`{"projects":[]}`)})
	cfg := fx.config(nil)
	a, err := fx.client.Account(config.Account{Name: "all", IAMEndpoint: fx.url, Credentials: cfg.Credentials, Limits: cfg.Limits})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if projects, err := a.Projects(t.Context()); err != nil || len(projects) != 1 {
		t.Errorf("projects %v, error %v; want those of the second response", projects, err)
	}
}
