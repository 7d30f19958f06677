// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// expectedNetworks returns the networks of a simulated desktop as the client must
// return them.
func expectedNetworks(d *simulator.Desktop) *inventory.Networks {
	n := &inventory.Networks{Name: d.Name, IP: d.IP}
	for _, i := range d.Interfaces {
		nic := inventory.Interface{
			PortID: i.PortID, PrivateIP: i.PrivateIP,
			VPC: inventory.VPC(i.VPC), Subnet: inventory.Subnet(i.Subnet),
		}
		if i.EIP != nil {
			nic.EIP = inventory.EIP(*i.EIP)
		}
		for _, g := range i.Groups {
			nic.SecurityGroups = append(nic.SecurityGroups, inventory.SecurityGroup(g))
		}
		slices.SortFunc(nic.SecurityGroups, func(a, b inventory.SecurityGroup) int { return cmp.Compare(a.ID, b.ID) })
		n.Interfaces = append(n.Interfaces, nic)
	}
	slices.SortFunc(n.Interfaces, func(a, b inventory.Interface) int { return cmp.Compare(a.PortID, b.PortID) })
	return n
}

// TestNetworksAreCorrectOrUnresolved reads desktops repeatedly from a cloud with
// random faults of every kind. The networks of a desktop are correct, or there is a
// failure.
func TestNetworksAreCorrectOrUnresolved(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 0))
				absent := simulator.AbsentValues(seed % 4)
				unknown := simulator.UnknownIDs(seed % 3)
				fx := newInMemoryFixture(t, simulator.Options{Seed: seed, AbsentValues: absent, UnknownIDs: unknown, History: -1})
				fleet := simulator.GenerateDesktops(150, seed)
				fx.sim.SetDesktops(testProject, fleet)
				want := map[string]*inventory.Networks{}
				for i := range fleet {
					want[fleet[i].ID] = expectedNetworks(&fleet[i])
				}
				p := fx.project(nil)
				ids := slices.Sorted(maps.Keys(want))
				// Some are deleted, but still requested.
				deleted := map[string]bool{}
				for range 3 {
					id := ids[rng.IntN(len(ids))]
					deleted[id] = true
					fx.sim.DeleteDesktop(testProject, id)
				}
				const chance = 0.02
				for _, f := range []simulator.Fault{
					{Status: 500},
					{Status: 502, Body: []byte("<html>")},
					{Status: 429},
					{Status: 403},
					{Status: 204},
					{Status: 200},
					{Status: 302},
					{Status: 200, Body: []byte(`{"networks":null,"desktops":null,"eips":null}`)},
					{ResetConnection: true},
					{TruncateBody: true},
					{HangInBody: true},
					{EmptyPage: true},
					{TotalCountDelta: 1},
					{OmitIDs: ids[:40]},
					{RewriteBody: func(b []byte) []byte { return b[:len(b)*2/3] }},
					{RewriteBody: func(b []byte) []byte {
						return []byte(strings.Replace(string(b), `"public_ip_info":{`, `"public_ip_info":7,"x":{`, 5))
					}},
				} {
					f.Probability = chance
					fx.sim.AddFault(f)
				}
				resolved, unresolved, failed, lists := 0, 0, 0, 0
				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					l, err := p.ListDesktops(ctx)
					switch {
					case err == nil:
						lists++
						if len(l) != len(ids)-len(deleted) {
							t.Errorf("%d desktops without an error, want %d", len(l), len(ids)-len(deleted))
						}
					case len(l) > 0 && requireFailure(t, err).Kind != inventory.Incomplete:
						t.Errorf("%d desktops with error %v", len(l), err)
					}
					for from := 0; from < len(ids); from += maxBatch {
						some := ids[from:min(from+maxBatch, len(ids))]
						a, err := p.ReadNetworks(ctx, some, rng.IntN(2) == 0)
						for id, n := range a.Networks {
							resolved++
							if deleted[id] || !slices.Contains(some, id) {
								t.Errorf("%s is deleted, or was not requested", id)
							}
							if diff := gocmp.Diff(want[id], n, cmpopts.EquateEmpty()); diff != "" {
								t.Errorf("%s (-want +got):\n%s", id, diff)
							}
						}
						for id, f := range a.Unresolved {
							unresolved++
							if a.Networks[id] != nil || f == nil || f.Operation != inventory.ShowDesktopNetworks {
								t.Errorf("%s is unresolved with failure %v, and with networks %v", id, f, a.Networks[id])
							}
						}
						if missing := len(some) - len(a.Networks) - len(a.Unresolved); missing > 0 {
							failed++
							if err == nil {
								t.Errorf("%d desktops are missing without an error", missing)
							}
						}
					}
					cancel()
					time.Sleep(time.Minute)
				}
				if resolved == 0 || unresolved == 0 || failed == 0 || lists == 0 {
					t.Errorf("%d resolved, %d unresolved, %d batches failed, %d lists: the test proves nothing", resolved, unresolved, failed, lists)
				}
			})
		})
	}
}
