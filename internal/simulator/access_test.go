// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	workspace "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/workspace/v2/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.AddProject(simulator.Project{ID: "closed", Region: "ap-southeast-3", Disabled: true})
	cloud.AddProject(simulator.Project{ID: "elsewhere"})
	for _, test := range []struct {
		name   string
		key    simulator.Key // permissions
		path   string
		status int
		body   string
	}{
		{name: "all", path: listPath, status: 200, body: `{"total_count":0,"desktops":[]}`},
		{name: "a project", key: simulator.Key{Projects: []string{"elsewhere", project}}, path: listPath, status: 200, body: `{"total_count":0,"desktops":[]}`},
		{name: "another project", key: simulator.Key{Projects: []string{"elsewhere"}}, path: networksPath, status: 403, body: `{"error_code":"WKS.0403",` +
			`"error_msg":"Policy doesn't allow workspace:desktops:listDesktopNetworks to be performed.",` +
			`"error_detail":"access key TESTACCESSKEY, project ` + project + `","encoded_authorization_message":"ENCODED-TESTACCESSKEY-ID"}`},
		{name: "an operation less", key: simulator.Key{Deny: []string{simulator.ListDesktopsEips}}, path: eipsPath, status: 403, body: `{"error_code":"WKS.0403",` +
			`"error_msg":"Policy doesn't allow workspace:networks:listEips to be performed.",` +
			`"error_detail":"access key TESTACCESSKEY, project ` + project + `","encoded_authorization_message":"ENCODED-TESTACCESSKEY-ID"}`},
		{name: "the other operations", key: simulator.Key{Deny: []string{simulator.ListDesktopsEips}}, path: listPath, status: 200, body: `{"total_count":0,"desktops":[]}`},
		{name: "no such project", path: "/v2/nowhere/desktops", status: 403, body: `{"error_msg":"The project is unavailable.","error_code":"APIGW.0310","request_id":"ID"}`},
		{name: "no Workspace there", path: "/v2/closed/desktops", status: 403, body: `{"error_code":"WKS.00010099","error_msg":"Workspace service is disabled.",` +
			`"error_detail":"The Workspace service is not enabled in this project.","encoded_authorization_message":""}`},
		{name: "no such API", path: "/v2/" + project + "/desktops/detail", status: 404, body: `{"error_msg":"The API does not exist or has not been published in the environment","error_code":"APIGW.0101","request_id":"ID"}`},
		{name: "no project in the path", path: "/v2//desktops", status: 404, body: `{"error_msg":"The API does not exist or has not been published in the environment","error_code":"APIGW.0101","request_id":"ID"}`},
		{name: "too much in the path", path: "/v2/a/b/desktops", status: 404, body: `{"error_msg":"The API does not exist or has not been published in the environment","error_code":"APIGW.0101","request_id":"ID"}`},
	} {
		test.key.AccessKey, test.key.SecretKey = ak, sk
		cloud.AddKey(test.key)
		r := get(t, base, test.path, "")
		if got := strings.ReplaceAll(r.body, r.header.Get("X-Request-Id"), "ID"); r.status != test.status || got != test.body {
			t.Errorf("%s: got %d %s\nwant %d %s", test.name, r.status, got, test.status, test.body)
		}
	}
	resp, err := http.Post(base+listPath, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("POST: got %d, want 404", resp.StatusCode)
	}
}

// TestPermissionDeniedThroughSDK checks which fields of the error the SDK returns.
func TestPermissionDeniedThroughSDK(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: sk, Projects: []string{"other"}})
	_, err := sdkClient(t, base, simulator.Key{AccessKey: ak, SecretKey: sk}, requestModifier(func(*http.Request) {})).
		ShowDesktopNetworks(&model.ShowDesktopNetworksRequest{DesktopIds: &[]string{"d"}})
	serviceError := requireServiceError(t, err, http.StatusForbidden, "WKS.0403")
	if want := "ENCODED-" + ak + "-" + serviceError.RequestId; serviceError.EncodedAuthorizationMessage != want {
		t.Errorf("got encoded message %q, want %q", serviceError.EncodedAuthorizationMessage, want)
	}
}

func TestProjectList(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.AddProject(simulator.Project{ID: "p2", Region: "la-north-2", Name: "la-north-2_sub"})
	cloud.AddProject(simulator.Project{ID: "p3", Region: "ap-southeast-3"})
	one := func(id, name string) string {
		return `{"is_domain":false,"description":"","enabled":true,"id":"` + id +
			`","parent_id":"d0000000000000000000000000000001","domain_id":"d0000000000000000000000000000001","name":"` + name + `"}`
	}
	main, sub, south := one(project, "la-north-2"), one("p2", "la-north-2_sub"), one("p3", "ap-southeast-3")
	for _, test := range []struct {
		path, query string
		sees        []string
		want        []string
	}{
		{path: "/v3/projects", want: []string{main, sub, south}},
		{path: "/v3/auth/projects", want: []string{main, sub, south}},
		{path: "/v3/projects", query: "name=la-north-2", want: []string{main}},
		{path: "/v3/projects", query: "name=nowhere"},
		{path: "/v3/projects", query: "name="},
		{path: "/v3/projects", sees: []string{"p2", "p3"}, want: []string{sub, south}},
		{path: "/v3/projects", query: "name=la-north-2", sees: []string{"p2"}},
	} {
		cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: sk, Projects: test.sees})
		r := get(t, base, test.path, test.query)
		want := `{"links":{"next":null,"previous":null,"self":"` + base + test.path + `"},"projects":[` + strings.Join(test.want, ",") + `]}`
		if r.status != http.StatusOK || r.body != want {
			t.Errorf("%s?%s seen by %v: got %d %s\nwant %s", test.path, test.query, test.sees, r.status, r.body, want)
		}
		if got := r.header.Get("X-Iam-Trace-Id"); got != "token_"+r.header.Get("X-Request-Id") {
			t.Errorf("got trace %q", got)
		}
	}
	cloud.RemoveProject("p2")
	var names []string
	for _, p := range cloud.Projects() {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"la-north-2", "ap-southeast-3"}, names); diff != "" {
		t.Errorf("after a removal (-want +got):\n%s", diff)
	}
}

func TestIAMUnauthorized(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.RemoveKey(ak)
	r := get(t, base, "/v3/projects", "")
	if want := `{"error":{"code":401,"message":"ak TESTACCESSKEY not exist","title":"Unauthorized"}}`; r.status != 401 || r.body != want {
		t.Errorf("got %d %s, want %s", r.status, r.body, want)
	}
}

func TestIAMPermissions(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.AddKey(simulator.Key{AccessKey: ak, SecretKey: sk, Deny: []string{simulator.KeystoneListProjects}})
	r := get(t, base, "/v3/projects", "")
	if want := `{"error":{"code":403,"message":"You are not authorized to perform the requested action.","title":"Forbidden"}}`; r.status != 403 || r.body != want {
		t.Errorf("got %d %s, want %s", r.status, r.body, want)
	}
	if r := get(t, base, "/v3/auth/projects", ""); r.status != http.StatusOK {
		t.Errorf("the other list: got %d %s", r.status, r.body)
	}
}

// TestProjectLookupThroughSDK lets the SDK look up the project of a region in IAM.
func TestProjectLookupThroughSDK(t *testing.T) {
	t.Parallel()
	cloud, base := start(t, simulator.Options{})
	cloud.AddProject(simulator.Project{ID: "twin1", Region: "twins"})
	cloud.AddProject(simulator.Project{ID: "twin2", Region: "twins"})
	build := func(where string) (*workspace.WorkspaceClient, error) {
		credentials, err := basic.NewCredentialsBuilder().WithAk(ak).WithSk(sk).WithIamEndpointOverride(base).SafeBuild()
		if err != nil {
			t.Fatal(err)
		}
		hc, err := workspace.WorkspaceClientBuilder().WithRegion(region.NewRegion(where, base)).WithCredential(credentials).
			WithHttpConfig(config.DefaultHttpConfig().WithUserAgent("simulator test")).SafeBuild()
		if err != nil {
			return nil, err
		}
		return workspace.NewWorkspaceClient(hc), nil
	}
	c, err := build("la-north-2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listDesktops(c); err != nil {
		t.Error(err)
	}
	for where, want := range map[string]string{"xx-none-1": "confirm that the project exists", "twins": "multiple project ids found: [twin1,twin2]"} {
		if _, err := build(where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", where, err, want)
		}
	}
}
