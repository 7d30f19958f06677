// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package refresh

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// TestIncrementalStateEqualsRebuiltState applies random events. The order by age
// and the counted resources, which are updated incrementally, must always equal
// rebuilt ones.
func TestIncrementalStateEqualsRebuiltState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := newEngineState(Options{Discovered: true, MaxStaleness: 5 * time.Minute})
		now := time.Unix(1_800_000_000, 0)
		findings := 0
		name := func(what string, n int) string { return fmt.Sprintf("%s%d", what, rng.IntN(n)) }
		networks := func() *inventory.Networks {
			n := &inventory.Networks{}
			for i := range rng.IntN(3) {
				n.Interfaces = append(n.Interfaces, inventory.Interface{
					PortID:         fmt.Sprint(i),
					PrivateIP:      name("10.0.0.", 20),
					VPC:            inventory.VPC{ID: name("v", 3), Name: name("n", 2), CIDR: "10.0.0.0/3" + fmt.Sprint(rng.IntN(3))},
					Subnet:         inventory.Subnet{ID: name("s", 4), CIDR: name("c", 2)},
					EIP:            inventory.EIP{Address: name("1.1.1.", 30)},
					SecurityGroups: []inventory.SecurityGroup{{ID: name("g", 3), Name: name("n", 3)}},
				})
			}
			return n
		}
		for step := range 400 {
			now = now.Add(time.Duration(rng.IntN(60)) * time.Second)
			switch rng.IntN(6) {
			case 0:
				var l []inventory.Desktop
				for i := range 60 {
					if rng.IntN(8) > 0 {
						l = append(l, inventory.Desktop{ID: fmt.Sprintf("d%02d", i), Name: name("n", 2)})
					}
				}
				s.mergeList(l, rng.IntN(3) > 0, now)
				s.listFailedAt = time.Time{}
			case 1:
				if s.listed && rng.IntN(20) == 0 && s.listFailedAt.IsZero() {
					s.listFailedAt = now
				}
			default:
				for _, d := range s.desktops {
					switch rng.IntN(12) {
					case 0, 1:
						s.setNetworks(d, networks(), now, nil)
					case 2:
						d.markFailed(now)
					case 3:
						d.markRefused(now)
					}
				}
			}
			if rng.IntN(2) == 0 {
				queue := slices.SortedFunc(slices.Values(s.desktops), compareAge)
				if !slices.Equal(s.sortByAge(), queue) {
					t.Fatalf("seed %d, step %d: the queue is not in order", seed, step)
				}
			}
			if rng.IntN(2) == 0 {
				got := s.snapshot(now)
				var want inventory.Snapshot
				want.VPCs, want.Subnets, want.SecurityGroups = inventory.Resources(got.Records)
				have := inventory.Snapshot{VPCs: got.VPCs, Subnets: got.Subnets, SecurityGroups: got.SecurityGroups}
				if diff := cmp.Diff(want, have); diff != "" {
					t.Fatalf("seed %d, step %d: objects (-computed +updated)\n%s", seed, step, diff)
				}
				all := inventory.Findings(got.Records)
				if diff := cmp.Diff(all, s.consistency.checker.Findings()); diff != "" {
					t.Fatalf("seed %d, step %d: inconsistencies (-computed +updated)\n%s", seed, step, diff)
				}
				if i := slices.IndexFunc(got.Findings, func(f inventory.Finding) bool { return !slices.Contains(all, f) }); i >= 0 {
					t.Fatalf("seed %d, step %d: %v is a finding without an inconsistency", seed, step, got.Findings[i])
				}
				findings = max(findings, len(got.Findings))
			}
		}
		if len(s.ageOrder) == 0 || len(s.latest.VPCs) == 0 || findings == 0 {
			t.Errorf("seed %d: the fleet ends empty: the test proves little", seed)
		}
	}
}
