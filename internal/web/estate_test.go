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

// estate is a project with desktops, which a test may break.
type estate struct {
	project  inventory.Project
	records  []inventory.Record // sorted by ID
	byID     map[string]*inventory.Networks
	lists    atomic.Pointer[inventory.Failure] // of the list; nil: none
	networks atomic.Pointer[inventory.Failure]
	refused  map[string]bool
}

func newEstate(name string, records ...inventory.Record) *estate {
	e := &estate{
		project: inventory.Project{Name: name, Region: "la-north-2", ID: "id-of-" + name},
		records: records, byID: map[string]*inventory.Networks{}, refused: map[string]bool{},
	}
	slices.SortFunc(e.records, func(a, b inventory.Record) int { return strings.Compare(a.Desktop.ID, b.Desktop.ID) })
	for _, r := range records {
		e.byID[r.Desktop.ID] = r.Networks
	}
	return e
}

func (e *estate) ResolveProject(context.Context) (inventory.Project, error) { return e.project, nil }

func (e *estate) ListEIPBindings(context.Context) (inventory.EIPBindings, error) {
	return nil, &inventory.Failure{Kind: inventory.Denied, Operation: "ListDesktopsEips"}
}

func (e *estate) ListDesktops(context.Context) ([]inventory.Desktop, error) {
	if f := e.lists.Load(); f != nil {
		return nil, f
	}
	var l []inventory.Desktop
	for _, r := range e.records {
		l = append(l, r.Desktop)
	}
	return l, nil
}

func (e *estate) ReadNetworks(_ context.Context, ids []string, _ bool) (inventory.NetworksResult, error) {
	if f := e.networks.Load(); f != nil {
		return inventory.NetworksResult{}, f
	}
	a := inventory.NetworksResult{Networks: map[string]*inventory.Networks{}, Unresolved: map[string]*inventory.Failure{}}
	for _, id := range ids {
		switch {
		case e.refused[id]:
			a.Unresolved[id] = &inventory.Failure{Kind: inventory.Refused, Operation: "ShowDesktopNetworks"}
		case e.byID[id] != nil:
			a.Networks[id] = e.byID[id]
		}
	}
	return a, nil
}

// estates makes a fleet of estates, and reads it once.
func estates(t testing.TB, all ...*estate) *refresh.Fleet {
	t.Helper()
	f := &refresh.Fleet{}
	var targets []refresh.Target
	for _, e := range all {
		targets = append(targets, refresh.Target{Key: e.project.Name, Name: e.project.Name, New: func() refresh.Options {
			return refresh.Options{
				Source: e, Project: e.project, Discovered: true, Concurrency: 8,
				Timeout: time.Minute, MaxStaleness: 15 * time.Minute, Logger: log.NewNopLogger(),
			}
		}})
	}
	f.SetTargets(targets)
	t.Cleanup(f.Close)
	f.Refresh(t.Context())
	return f
}

// desktop makes a desktop with one interface. An eip of "" is none.
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

// crowd makes n desktops of which every third has an EIP.
func crowd(n int) []inventory.Record {
	all := make([]inventory.Record, n)
	for i := range all {
		eip := ""
		if i%3 == 0 {
			eip = fmt.Sprintf("198.%d.%d.%d", 18+i>>16, i>>8&255, i&255)
		}
		// IDs are random, names count, and addresses go the other way.
		id := fmt.Sprintf("%08x-0000-4a66-9b0d-%012x", uint32(i)*2654435761, i)
		k := n - i
		all[i] = desktop(id, fmt.Sprintf("desktop-%d", i), []string{"ACTIVE", "SHUTOFF"}[i%2], fmt.Sprintf("10.%d.%d.%d", k>>16, k>>8&255, k&255), eip)
		nic := &all[i].Networks.Interfaces[0]
		nic.Subnet = inventory.Subnet{ID: fmt.Sprintf("s%d", i/250), Name: fmt.Sprintf("subnet-%d", i/250), CIDR: "10.0.0.0/8"}
	}
	return all
}

// first gives what the first group of a pattern finds, each time.
func first(pattern, text string) []string { return found(regexp.MustCompile(pattern), text) }

func found(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// tags is what a page's markup is made of.
var tags = regexp.MustCompile(`<(/?)([a-zA-Z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>|<!DOCTYPE html>`)

// What wellFormed looks for in tags.
var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	idOf     = regexp.MustCompile(`\sid="([^"]*)"`)
	linkOf   = regexp.MustCompile(`\s(?:href|src|action)="([^"]*)"`)
	codeOf   = regexp.MustCompile(`\s(style|on[a-z]+)=`)
	voidTags = []string{"meta", "link", "input", "br", "wbr"}
)

// wellFormed complains of markup that a browser would have to mend, of IDs
// that are there twice or not at all, and of what comes from elsewhere.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	if rest := tags.ReplaceAllString(page, ""); strings.ContainsAny(rest, "<>") {
		t.Errorf("there is a < or > that is no tag near %.80q", rest[strings.IndexAny(rest, "<>"):])
	}
	var open []string
	ids := map[string]int{}
	for _, m := range tags.FindAllStringSubmatch(page, -1) {
		end, name, attributes := m[1] != "", m[2], m[3]
		for _, id := range found(idOf, attributes) {
			if ids[id]++; ids[id] > 1 {
				t.Errorf("ID %q is there twice", id)
			}
		}
		for _, link := range found(linkOf, attributes) {
			if !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "#") || strings.HasPrefix(link, "//") {
				t.Errorf("a link leads elsewhere: %s", link)
			}
		}
		if codeOf.MatchString(quoted.ReplaceAllString(attributes, `""`)) || name == "script" || name == "style" {
			t.Errorf("the content policy does not allow <%s%s>", name, attributes)
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
		t.Errorf("never closed: %v", open)
	}
	for _, id := range first(`\s(?:for|aria-labelledby|list)="([^"]*)"`, page) {
		if ids[id] == 0 {
			t.Errorf("ID %q is named, but not there", id)
		}
	}
	if n := len(first(`<(h1)>`, page)); n != 1 {
		t.Errorf("%d first headings, want 1", n)
	}
}
