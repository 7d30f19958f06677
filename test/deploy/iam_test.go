// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// identityPolicy is an IAM policy with all supported fields.
type identityPolicy struct {
	Version   string
	Statement []struct {
		Sid, Effect string
		Action      []string
		Principal   *struct{ Service []string }
	}
}

func parsePolicy(t *testing.T, text string) (p identityPolicy) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.Version != "5.0" {
		t.Errorf("version %q, want the version of identity policies", p.Version)
	}
	return p
}

// TestPolicyIsLeastPrivilege checks that the policy allows exactly the actions that
// the exporter reports for denied calls and their dependencies, all read-only.
func TestPolicyIsLeastPrivilege(t *testing.T) {
	text := read(t, "deploy/iam/policy.json")
	if !strings.Contains(read(t, "README.md"), "```json\n"+text+"```\n") {
		t.Error("the policy in README.md differs from policy.json")
	}
	allowed := map[string]bool{}
	for _, s := range parsePolicy(t, text).Statement {
		if s.Effect != "Allow" || s.Principal != nil || s.Sid == "" {
			t.Errorf("the statement %q is %s", s.Sid, s.Effect)
		}
		for _, a := range s.Action {
			if !regexp.MustCompile(`^[a-z]+:[a-zA-Z]+:(get|list)[a-zA-Z]*$`).MatchString(a) {
				t.Errorf("%s: %q is not a single read action", s.Sid, a)
			}
			allowed[a] = true
		}
	}
	// The exporter's hints for denied calls.
	hints := regexp.MustCompile(`"((?:workspace|iam):\w+:\w+)"`).FindAllStringSubmatch(read(t, "internal/workspace/apierror/hint.go"), -1)
	if len(hints) != 4 {
		t.Errorf("the exporter reports %d actions, want 4", len(hints))
	}
	for _, r := range hints {
		if !allowed[r[1]] {
			t.Errorf("%s is not allowed, which the exporter requires", r[1])
		}
		delete(allowed, r[1])
	}
	// Dependent actions in the API documentation.
	for _, a := range []string{
		"vpc:vpcs:get", "vpc:subnets:get", "vpc:networks:get", "vpc:ports:get", "vpc:securityGroups:get", "eip:publicIps:list", "eip:bandwidths:list",
	} {
		if !allowed[a] {
			t.Errorf("%s is not allowed", a)
		}
		delete(allowed, a)
	}
	for a := range allowed {
		t.Errorf("%s is allowed but not needed", a)
	}
}

// TestTrustPolicy renders the template in the same way as Terraform.
func TestTrustPolicy(t *testing.T) {
	p := parsePolicy(t, strings.ReplaceAll(read(t, "deploy/iam/trust.json.tftpl"), "${jsonencode(services)}", `["service.EXAMPLE"]`))
	if len(p.Statement) != 1 {
		t.Fatalf("%d statements, want one", len(p.Statement))
	}
	s := p.Statement[0]
	if s.Effect != "Allow" || !slices.Equal(s.Action, []string{"sts:agencies:assume"}) || s.Principal == nil || !slices.Equal(s.Principal.Service, []string{"service.EXAMPLE"}) {
		t.Errorf("the statement is %+v", s)
	}
}

var (
	terraformBlock     = regexp.MustCompile(`(?ms)^(\w+)(?: "(\w+)")?(?: "(\w+)")? \{\n(.*?)^\}$`)
	terraformArgument  = regexp.MustCompile(`(?m)^  (\w+) *= `)
	terraformReference = regexp.MustCompile(`\b(var|huaweicloud_\w+)\.(\w+)`)
)

// TestTerraform compares the arguments of the resources with the provider's
// documentation, and the names that are used with the declared names.
func TestTerraform(t *testing.T) {
	text := read(t, "deploy/iam/main.tf")
	arguments := map[string][]string{
		"huaweicloud_identity_policy":               {"name", "description", "policy_document"},
		"huaweicloud_identity_policy_agency_attach": {"count", "agency_id", "policy_id"},
		"huaweicloud_identity_trust_agency":         {"count", "name", "description", "policy_names", "trust_policy"},
	}
	declared := map[string]bool{}
	for _, b := range terraformBlock.FindAllStringSubmatch(text, -1) {
		for _, pair := range []string{"{}", "[]", "()"} {
			if strings.Count(b[4], pair[:1]) != strings.Count(b[4], pair[1:]) {
				t.Errorf("%s %s has %s that do not match", b[1], b[2], pair)
			}
		}
		switch b[1] {
		case "variable":
			declared["var."+b[2]] = true
		case "resource":
			declared[b[2]+"."+b[3]] = true
			var got []string
			for _, a := range terraformArgument.FindAllStringSubmatch(b[4], -1) {
				got = append(got, a[1])
			}
			if !slices.Equal(got, arguments[b[2]]) {
				t.Errorf("%s has the arguments %q, want %q", b[2], got, arguments[b[2]])
			}
			delete(arguments, b[2])
		}
	}
	for name := range arguments {
		t.Errorf("there is no %s", name)
	}
	used := terraformReference.FindAllString(text, -1)
	for _, name := range used {
		if !declared[name] {
			t.Errorf("%s is not declared", name)
		}
	}
	if len(used) < 8 || len(declared) != 6 {
		t.Errorf("%d names declared, %d used", len(declared), len(used))
	}
	for _, f := range regexp.MustCompile(`"\$\{path\.module\}/([\w.]+)"`).FindAllStringSubmatch(text, -1) {
		read(t, "deploy/iam", f[1])
	}
}
