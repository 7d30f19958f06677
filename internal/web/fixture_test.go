// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// testProject is a source with desktops and with failures that tests set.
type testProject struct {
	project  inventory.Project
	records  []inventory.Record // sorted by ID
	byID     map[string]*inventory.Networks
	lists    atomic.Pointer[inventory.Failure] // of List; nil: none
	networks atomic.Pointer[inventory.Failure]
	refused  map[string]bool
}

func newTestProject(name string, records ...inventory.Record) *testProject {
	p := &testProject{
		project: inventory.Project{Name: name, Region: "la-north-2", ID: "id-of-" + name},
		records: records, byID: map[string]*inventory.Networks{}, refused: map[string]bool{},
	}
	slices.SortFunc(p.records, func(a, b inventory.Record) int { return strings.Compare(a.Desktop.ID, b.Desktop.ID) })
	for _, r := range records {
		p.byID[r.Desktop.ID] = r.Networks
	}
	return p
}

func (p *testProject) ResolveProject(context.Context) (inventory.Project, error) {
	return p.project, nil
}

func (p *testProject) ListEIPBindings(context.Context) (inventory.EIPBindings, error) {
	return nil, &inventory.Failure{Kind: inventory.Denied, Operation: "ListDesktopsEips"}
}

func (p *testProject) ListDesktops(context.Context) ([]inventory.Desktop, error) {
	if f := p.lists.Load(); f != nil {
		return nil, f
	}
	var l []inventory.Desktop
	for _, r := range p.records {
		l = append(l, r.Desktop)
	}
	return l, nil
}

func (p *testProject) ReadNetworks(_ context.Context, ids []string, _ bool) (inventory.NetworksResult, error) {
	if f := p.networks.Load(); f != nil {
		return inventory.NetworksResult{}, f
	}
	a := inventory.NetworksResult{Networks: map[string]*inventory.Networks{}, Unresolved: map[string]*inventory.Failure{}}
	for _, id := range ids {
		switch {
		case p.refused[id]:
			a.Unresolved[id] = &inventory.Failure{Kind: inventory.Refused, Operation: "ShowDesktopNetworks"}
		case p.byID[id] != nil:
			a.Networks[id] = p.byID[id]
		}
	}
	return a, nil
}

// testSource is a refresh.Source for tests.
type testSource interface {
	refresh.Source
	target() (project inventory.Project, optional bool)
}

func (p *testProject) target() (project inventory.Project, optional bool) { return p.project, false }

// newFleet returns a fleet of the sources that is not refreshed yet.
func newFleet(t testing.TB, sources ...testSource) *refresh.Fleet {
	t.Helper()
	f := &refresh.Fleet{}
	var targets []refresh.Target
	for _, s := range sources {
		project, optional := s.target()
		targets = append(targets, refresh.Target{Key: project.Name, Name: project.Name, Optional: optional, New: func() refresh.Options {
			return refresh.Options{
				Source: s, Project: project, Discovered: true, Concurrency: 8,
				Timeout: time.Minute, MaxStaleness: 15 * time.Minute, Logger: log.NewNopLogger(),
			}
		}})
	}
	f.SetTargets(targets)
	t.Cleanup(f.Close)
	return f
}

// refreshedFleet returns a fleet of the sources after its first refresh.
func refreshedFleet(t testing.TB, sources ...testSource) *refresh.Fleet {
	t.Helper()
	f := newFleet(t, sources...)
	f.Refresh(t.Context())
	return f
}

// desktop returns a desktop with one interface. eip "": none.
func desktop(id, name, status, ip, eip string) inventory.Record {
	nic := inventory.Interface{
		PortID: "port-" + id, PrivateIP: ip,
		VPC:            inventory.VPC{ID: "v1", Name: "main", CIDR: "10.0.0.0/16"},
		Subnet:         inventory.Subnet{ID: "s1", Name: "floor-1", CIDR: "10.0.0.0/24"},
		SecurityGroups: []inventory.SecurityGroup{{ID: "g1", Name: "default"}},
	}
	if eip != "" {
		nic.EIP = inventory.EIP{ID: "e-" + id, Address: eip}
	}
	return inventory.Record{
		Desktop:  inventory.Desktop{ID: id, Name: name, IP: ip, Status: status},
		Networks: &inventory.Networks{Name: name, IP: ip, Interfaces: []inventory.Interface{nic}},
	}
}

// manyDesktops returns n desktops, every third with an EIP.
func manyDesktops(n int) []inventory.Record {
	all := make([]inventory.Record, n)
	for i := range all {
		eip := ""
		if i%3 == 0 {
			eip = fmt.Sprintf("198.%d.%d.%d", 18+i>>16, i>>8&255, i&255)
		}
		// The orders by ID, name and address differ.
		id := fmt.Sprintf("%08x-0000-4a66-9b0d-%012x", uint32(i)*2654435761, i)
		k := n - i
		all[i] = desktop(id, fmt.Sprintf("desktop-%d", i), []string{"ACTIVE", "SHUTOFF"}[i%2], fmt.Sprintf("10.%d.%d.%d", k>>16, k>>8&255, k&255), eip)
		nic := &all[i].Networks.Interfaces[0]
		nic.Subnet = inventory.Subnet{ID: fmt.Sprintf("s%d", i/250), Name: fmt.Sprintf("subnet-%d", i/250), CIDR: "10.0.0.0/8"}
	}
	return all
}

// firstGroups returns the first group of each match of a pattern.
func firstGroups(pattern, text string) []string { return found(regexp.MustCompile(pattern), text) }

func found(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// tags matches the markup that pages may have.
var tags = regexp.MustCompile(`<(/?)([a-zA-Z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>|<!DOCTYPE html>`)

// Patterns of wellFormed.
var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	idOf     = regexp.MustCompile(`\sid="([^"]*)"`)
	linkOf   = regexp.MustCompile(`\s(?:href|src|action)="([^"]*)"`)
	codeOf   = regexp.MustCompile(`\s(style|on[a-z]+)=`)
	voidTags = []string{"meta", "link", "input", "br", "wbr"}
)

// wellFormed fails the test if the markup is invalid, if IDs are duplicate or missing,
// or if links lead to other sites.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	if rest := tags.ReplaceAllString(page, ""); strings.ContainsAny(rest, "<>") {
		t.Errorf("a < or > outside tags near %.80q", rest[strings.IndexAny(rest, "<>"):])
	}
	var open []string
	ids := map[string]int{}
	for _, m := range tags.FindAllStringSubmatch(page, -1) {
		end, name, attributes := m[1] != "", m[2], m[3]
		for _, id := range found(idOf, attributes) {
			if ids[id]++; ids[id] > 1 {
				t.Errorf("duplicate ID %q", id)
			}
		}
		for _, link := range found(linkOf, attributes) {
			if !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "#") || strings.HasPrefix(link, "//") {
				t.Errorf("link to another site: %s", link)
			}
		}
		if codeOf.MatchString(quoted.ReplaceAllString(attributes, `""`)) || name == "script" || name == "style" {
			t.Errorf("the content policy forbids <%s%s>", name, attributes)
		}
		switch {
		case name == "" || slices.Contains(voidTags, name):
		case name == "option" && len(open) > 0 && open[len(open)-1] == "datalist": // closes itself
		case !end:
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			t.Fatalf("</%s> closes %v", name, open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("not closed: %v", open)
	}
	for _, id := range firstGroups(`\s(?:for|aria-labelledby|list)="([^"]*)"`, page) {
		if ids[id] == 0 {
			t.Errorf("missing ID %q", id)
		}
	}
	if n := len(firstGroups(`<(h1)>`, page)); n != 1 {
		t.Errorf("%d first headings, want 1", n)
	}
}
