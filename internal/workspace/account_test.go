// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

func withoutID(c *config.Project) { c.ProjectID = "" }

func TestProjectIDIsResolvedOnce(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.sim.AddProject(simulator.Project{ID: "sub", Region: testRegion, Name: testRegion + "_sub"})
	fx.setDesktops(30)
	p := fx.project(withoutID)
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			if _, err := readProject(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	id, err := p.ResolveProject(t.Context())
	if want := (inventory.Project{Name: "test", Region: testRegion, ID: testProject}); err != nil || id != want {
		t.Errorf("project %+v, error %v; want %+v", id, err, want)
	}
	if n := fx.sim.CallCount(inventory.KeystoneListProjects); n != 1 {
		t.Errorf("%d requests to IAM", n)
	}
	if n := fx.sim.CallCount(inventory.ListDesktops); n != 4 {
		t.Errorf("%d lists, want 4", n)
	}
}

func TestConfiguredProjectIDIsNotResolved(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	if id, err := fx.project(nil).ResolveProject(t.Context()); err != nil || id.ID != testProject || fx.sim.CallCount("") != 0 {
		t.Errorf("project %+v, error %v, %d requests", id, err, fx.sim.CallCount(""))
	}
}

func TestUnresolvableProjectID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault simulator.Fault
		want  inventory.Failure
	}{
		{"none", simulator.Fault{Status: 200, Body: []byte(`{"projects":[]}`)}, inventory.Failure{Kind: inventory.Misconfigured, Detail: "IAM has 0 projects with the name la-north-2", Hint: "set project_id"}},
		{"another", simulator.Fault{Status: 200, Body: []byte(`{"projects":[{"id":"x","name":"la-north-2_x"}]}`)}, inventory.Failure{Kind: inventory.Misconfigured, Detail: "IAM has 0 projects with the name la-north-2", Hint: "set project_id"}},
		{"two", simulator.Fault{Status: 200, Body: []byte(`{"projects":[{"id":"x","name":"la-north-2"},{"id":"y","name":"la-north-2"}]}`)}, inventory.Failure{Kind: inventory.Misconfigured, Detail: "IAM has 2 projects with the name la-north-2", Hint: "set project_id"}},
		{"no list", simulator.Fault{Status: 200, Body: []byte(`{}`)}, inventory.Failure{
			Kind: inventory.Malformed, Status: 200, Detail: "response lacks the requested list",
			Hint: "check endpoint and http.proxy_url; the response is not from the API",
		}},
		{"denied", simulator.Fault{Status: 403, Body: simulator.KeystoneError(403, "Forbidden", "m")}, inventory.Failure{Kind: inventory.Denied, Status: 403, Hint: "grant the key's user the IAM action iam:projects:listProjects"}},
		{"denied, by IAM's code", simulator.Fault{Status: 403, Body: simulator.GatewayError("IAM.0002", "m", "")}, inventory.Failure{Kind: inventory.Denied, Status: 403, Code: "IAM.0002", Hint: "grant the key's user the IAM action iam:projects:listProjects"}},
		{"refused", simulator.Fault{Status: 401, Body: simulator.KeystoneError(401, "Unauthorized", "m")}, inventory.Failure{
			Kind: inventory.Authentication, Status: 401, Hint: "check access_key, secret_key and security_token; a changed file is reloaded without a restart",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fx := newInMemoryFixture(t, simulator.Options{})
				tt.fault.Times = 1
				fx.sim.AddFault(tt.fault)
				p := fx.project(withoutID)
				_, err := p.ListDesktops(t.Context())
				got := requireFailure(t, err)
				tt.want.Operation, tt.want.RequestID = inventory.KeystoneListProjects, got.RequestID
				if diff := gocmp.Diff(tt.want, got); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
				if n := fx.sim.CallCount(inventory.ListDesktops); n != 0 {
					t.Errorf("%d lists without a project ID", n)
				}
				if got.Kind == inventory.Authentication {
					return
				}
				if _, err := p.ListDesktops(t.Context()); err != nil {
					t.Errorf("without the fault: %v", err)
				}
			})
		})
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	want := []IAMProject{
		{ID: testProject, Name: testRegion, Region: testRegion, Enabled: true},
		{ID: "eu", Name: "eu-west-101", Region: "eu-west-101", Enabled: true},
		{ID: "sub", Name: testRegion + "_team_a", Region: testRegion, Enabled: true},
	}
	for name, tt := range map[string]struct {
		fault      simulator.Fault
		operations []string
	}{
		"projects of the user":           {simulator.Fault{Operation: "none"}, []string{inventory.KeystoneListAuthProjects}},
		"where IAM lacks that operation": {simulator.Fault{Operation: inventory.KeystoneListAuthProjects, Status: 404, Body: simulator.GatewayError("APIGW.0101", "m", "")}, []string{inventory.KeystoneListAuthProjects, inventory.KeystoneListProjects}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, fixtureOptions{})
			fx.sim.AddProject(simulator.Project{ID: "sub", Region: testRegion, Name: testRegion + "_team_a"})
			fx.sim.AddProject(simulator.Project{ID: "eu", Region: "eu-west-101"})
			fx.sim.AddFault(tt.fault)
			cfg := fx.config(nil)
			a, err := fx.client.Account(config.Account{Name: "all", IAMEndpoint: fx.url, Credentials: cfg.Credentials, Limits: cfg.Limits})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			got, err := a.Projects(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(got, func(a, b IAMProject) int { return cmp.Compare(a.ID, b.ID) })
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("projects (-want +got):\n%s", diff)
			}
			var operations []string
			for _, c := range fx.sim.Calls() {
				operations = append(operations, c.Operation)
				if c.Header.Get("X-Project-Id") != "" {
					t.Error("a request to IAM has a project ID")
				}
			}
			if !slices.Equal(operations, tt.operations) {
				t.Errorf("operations %v, want %v", operations, tt.operations)
			}
		})
	}
}

func TestDeniedAccount(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, fixtureOptions{})
	fx.sim.AddFault(simulator.Fault{Status: 403})
	cfg := fx.config(nil)
	a, err := fx.client.Account(config.Account{IAMEndpoint: fx.url, Credentials: cfg.Credentials, Limits: cfg.Limits})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, err = a.Projects(t.Context())
	if f := requireFailure(t, err); f.Kind != inventory.Denied || f.Operation != inventory.KeystoneListAuthProjects {
		t.Errorf("failure %v, want the first refusal", &f)
	} else if want := "grant the key's user the IAM action iam:projects:listProjects;"; !strings.HasPrefix(f.Hint, want) {
		t.Errorf("hint %q, want it to begin with %q", f.Hint, want)
	}
}
