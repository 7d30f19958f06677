// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package apptest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

// The projects and the secret key of most scenarios.
const (
	ProjectA  = "0123456789abcdef0123456789abcdef"
	ProjectB  = "fedcba9876543210fedcba9876543210"
	SecretKey = "CANARYSECRETKEY"
)

// OfficeYAML is the configuration of most scenarios.
const OfficeYAML = `
projects:
  - name: office
    region: la-north-2
    project_id: ` + ProjectA + `
    endpoint: http://127.0.0.1
    iam_endpoint: http://127.0.0.1
    credentials: {access_key: AKOFFICE, secret_key: ` + SecretKey + `}
`

// PlantYAML is a second project, to append to OfficeYAML.
const PlantYAML = `
  - name: plant
    region: ap-southeast-3
    project_id: ` + ProjectB + `
    endpoint: http://127.0.0.1
    credentials: {access_key: AKOFFICE, secret_key: ` + SecretKey + `}
`

// AccountYAML returns an account with more lines of its entry. If they select
// regions, it has endpoints for these regions only.
func AccountYAML(name string, lines ...string) string {
	var endpoints []string
	for _, region := range []string{"la-north-2", "ap-southeast-3"} {
		chosen := true
		for _, line := range lines {
			if pattern, ok := strings.CutPrefix(line, "regions: "); ok {
				chosen = regexp.MustCompile("^(?:" + pattern + ")$").MatchString(region)
			}
		}
		if chosen {
			endpoints = append(endpoints, region+": http://127.0.0.1")
		}
	}
	yaml := fmt.Sprintf(`
  - name: %s
    iam_endpoint: http://127.0.0.1
    endpoints: {%s}
    credentials: {access_key: AKOFFICE, secret_key: %s}
`, name, strings.Join(endpoints, ", "), SecretKey)
	for _, line := range lines {
		yaml += "    " + line + "\n"
	}
	return yaml
}

// OrganizationYAML returns a configuration with one account, org.
func OrganizationYAML(lines ...string) string { return "accounts:" + AccountYAML("org", lines...) }

// Desktop returns a desktop with one interface and, unless address is empty, an
// EIP.
func Desktop(id, address string) simulator.Desktop {
	nic := simulator.Interface{
		PortID: "port-" + id, PrivateIP: "10.0.0." + strings.TrimLeft(id, "d"),
		VPC:    simulator.VPC{ID: "vpc1", Name: "main", CIDR: "10.0.0.0/16"},
		Subnet: simulator.Subnet{ID: "subnet1", Name: "floor", CIDR: "10.0.0.0/24"},
		Groups: []simulator.Group{{ID: "sg1", Name: "default"}},
	}
	if address != "" {
		nic.EIP = &simulator.EIP{ID: "eip-" + address, Address: address}
	}
	return simulator.Desktop{ID: id, Name: "n" + id, IP: nic.PrivateIP, Status: "ACTIVE", SubnetID: "subnet1", Interfaces: []simulator.Interface{nic}}
}

// TwoDesktopsOK is Exposition.Desktops of TwoDesktops while nothing fails.
const TwoDesktopsOK = `
d1 nd1: 10.0.0.1/1.1.1.1+default
d2 nd2: 10.0.0.2+default
up=1 desktops=2 unresolved=0 stale=0`

// TwoDesktops returns the desktops of most scenarios: one with an EIP and one
// without.
func TwoDesktops() []simulator.Desktop {
	return []simulator.Desktop{Desktop("d1", "1.1.1.1"), Desktop("d2", "")}
}
