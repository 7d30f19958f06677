// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// projects returns clients of n projects that share the key of the fixture.
func (fx *fixture) projects(n int, change func(*config.Project)) []*ProjectClient {
	projects := make([]*ProjectClient, n)
	for i := range projects {
		id := fmt.Sprintf("%032d", i)
		fx.sim.AddProject(simulator.Project{ID: id, Region: testRegion})
		fx.sim.SetDesktops(id, simulator.GenerateDesktops(30, uint64(i)))
		projects[i] = fx.project(func(c *config.Project) {
			c.Name, c.ProjectID = id, id
			if change != nil {
				change(c)
			}
		})
	}
	return projects
}

// requestAll sends two requests for each project at once, and returns their
// errors.
func requestAll(ctx context.Context, projects []*ProjectClient) []error {
	errs := make([]error, 2*len(projects))
	var callers sync.WaitGroup
	for i, p := range projects {
		callers.Go(func() { _, errs[2*i] = p.ListDesktops(ctx) })
		callers.Go(func() { _, errs[2*i+1] = p.ListEIPBindings(ctx) })
	}
	callers.Wait()
	return errs
}

// TestWrongKeyIsNotLocked checks that many projects with a wrong secret key,
// which start together and continue to send requests, do not lock the key. The
// cloud locks it at the sixth refusal.
func TestWrongKeyIsNotLocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		projects := fx.projects(20, func(c *config.Project) { c.Credentials.SecretKey = config.NewSecret("wrong") })
		start := time.Now()
		for time.Since(start) < 30*time.Minute {
			for _, err := range requestAll(t.Context(), projects) {
				f := requireFailure(t, err)
				if f.Kind != inventory.Authentication || strings.Contains(err.Error(), "wrong") {
					t.Fatalf("failure %v, want kind Authentication", &f)
				}
			}
			time.Sleep(15 * time.Second)
		}
		// At the start, after 5 and after 15 minutes.
		if n, locks := fx.sim.CallCount(""), fx.sim.LockoutCount(); n != 3 || locks != 0 {
			t.Errorf("%d requests and %d locks in half an hour, want 3 and none", n, locks)
		}
	})
}

// TestKeyRevokedWithRequestsInFlight checks that the first refusal cancels the
// requests in flight, and that no further ones are sent.
func TestKeyRevokedWithRequestsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		projects := fx.projects(10, nil)
		for _, err := range requestAll(t.Context(), projects) {
			if err != nil {
				t.Fatal(err)
			}
		}
		// One request is refused while the others hang.
		fx.sim.RemoveKey(testAccess)
		fx.sim.AddFault(simulator.Fault{HangBeforeHeader: true, Operation: inventory.ListDesktopsEips, After: 0})
		before := fx.sim.CallCount("")
		start := time.Now()
		refused := 0
		for _, err := range requestAll(t.Context(), projects) {
			f := requireFailure(t, err)
			if f.Kind != inventory.Authentication {
				t.Errorf("failure %v, want kind Authentication", &f)
			}
			if strings.Contains(f.Detail, "not tried again until") {
				refused++
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %s: the hanging requests were not cancelled", took)
		}
		if refused == 0 {
			t.Error("no failure has the time at which the key is tried again")
		}
		synctest.Wait() // cancelled requests may still reach the simulator
		after := fx.sim.CallCount("")
		quotas := fmt.Sprint(fx.client.Quotas())
		requestAll(t.Context(), projects)
		if now := fmt.Sprint(fx.client.Quotas()); now != quotas {
			t.Errorf("quotas %s, before %s: requests that are not sent use the quota", now, quotas)
		}
		if n := fx.sim.CallCount(""); n != after {
			t.Errorf("%d requests while the breaker is open", n-after)
		}
		t.Logf("%d requests in flight", after-before)
	})
}

func TestOpenBreakerCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		p := fx.project(nil)
		fx.sim.AddFault(simulator.Fault{Status: 401, Times: 1})
		_, err := p.ListDesktops(t.Context())
		requireFailure(t, err)
		_, err = p.ListEIPBindings(t.Context())
		f := requireFailure(t, err)
		want := "the access key was refused; it is not tried again until " + time.Now().Add(5*time.Minute).UTC().Format(time.RFC3339)
		if f.Operation != inventory.ListDesktopsEips || !strings.HasPrefix(f.Detail, want) || f.Status != 401 || len(f.RequestID) != 32 {
			t.Errorf("failure %v, want the first refusal with %q", &f, want)
		}
		time.Sleep(5 * time.Minute)
		if _, err = p.ListDesktops(t.Context()); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		if n := fx.sim.CallCount(""); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
	})
}

// TestHangingEndpointDoesNotBlockOthers checks that a half-open breaker permits a
// request for each endpoint.
func TestHangingEndpointDoesNotBlockOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fx := newInMemoryFixture(t, simulator.Options{})
		good := fx.projects(1, nil)
		bad := fx.projects(2, func(c *config.Project) { c.Endpoint = "http://hangs.test" })
		fx.sim.AddFault(simulator.Fault{HangBeforeHeader: true, Match: func(c simulator.Call) bool { return c.Project == bad[0].id || c.Project == bad[1].id }})
		good[0].id = testProject
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var hanging sync.WaitGroup
		hanging.Go(func() { requestAll(ctx, bad) })
		synctest.Wait()
		start := time.Now()
		for _, err := range requestAll(ctx, good) {
			if err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %s", took)
		}
		hanging.Wait()
	})
}
