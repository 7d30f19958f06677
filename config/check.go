// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"
)

const (
	maxRequestsPerMinute = 10_000
	maxConcurrency       = 100
)

// checker validates a configuration after decoding.
type checker struct {
	*errorList
	options Options
}

// check adds an error to list for every invalid value of c.
func check(c *Config, list *errorList, options Options) {
	k := checker{list, options}
	if len(c.Projects)+len(c.Accounts) == 0 {
		k.add("projects", "missing, and so is accounts; configure at least one project or account")
	}
	for i := range c.Projects {
		k.project(fmt.Sprintf("projects[%d]", i), &c.Projects[i])
	}
	for i := range c.Accounts {
		k.account(fmt.Sprintf("accounts[%d]", i), &c.Accounts[i])
	}
	k.names(c)
	k.duplicates(c)
	k.policies(c)
	k.metrics(&c.Metrics)
	k.refresh(&c.Refresh)
	k.changes(&c.Changes)
	k.state(&c.State)
}

func (k *checker) project(path string, p *Project) {
	k.name(path+".name", p.Name)
	k.region(path+".region", p.Region, p.Endpoint == "", "set "+path+".endpoint")
	k.projectID(path+".project_id", p.ProjectID)
	k.endpoint(path+".endpoint", p.Endpoint)
	k.endpoint(path+".iam_endpoint", p.IAMEndpoint)
	k.credentials(path+".credentials", &p.Credentials)
	k.desktops(path+".desktops", &p.Desktops)
	k.http(path+".http", &p.HTTP)
	k.limits(path+".limits", p.Limits)
}

// region checks the ID of a region. If needsKnown is true, the region must have
// an endpoint in the SDK; remedy is the alternative that the error suggests.
func (k *checker) region(path, region string, needsKnown bool, remedy string) {
	switch {
	case region == "":
		k.add(path, "missing; set the ID of a region, such as la-north-2")
	case !tokenPattern.MatchString(region):
		k.add(path, "invalid region ID %q; use an ID such as la-north-2, without spaces", region)
	case needsKnown && k.options.KnownRegion != nil && !k.options.KnownRegion(region):
		k.add(path, "unknown region %q; check the spelling, or %s", region, remedy)
	}
}

func (k *checker) projectID(path, id string) {
	if id != "" && !tokenPattern.MatchString(id) {
		k.add(path, "invalid project ID %q; copy the ID from My Credentials in the console", id)
	}
}

func (k *checker) account(path string, a *Account) {
	k.name(path+".name", a.Name)
	if strings.Contains(a.Name, "/") {
		k.add(path+".name", "%q contains a slash; remove it, because projects of the account are named NAME/PROJECT", a.Name)
	}
	k.positiveDuration(path+".project_refresh", a.ProjectRefresh)
	for _, region := range slices.Sorted(maps.Keys(a.Endpoints)) {
		endpointPath := keyPath(path+".endpoints", region)
		switch {
		case a.Endpoints[region] == "":
			k.add(endpointPath, "empty; set the endpoint of the region, or remove the key")
		case !a.Regions.MatchString(region):
			k.add(endpointPath, "region is not selected by %s.regions; change one of the two", path)
		}
		k.endpoint(endpointPath, a.Endpoints[region])
	}
	k.endpoint(path+".iam_endpoint", a.IAMEndpoint)
	k.credentials(path+".credentials", &a.Credentials)
	if len(a.Desktops.IDs) > 0 {
		k.add(path+".desktops.ids", "not supported for accounts, because a desktop belongs to one project; configure that project under projects")
	}
	k.desktops(path+".desktops", &a.Desktops)
	k.http(path+".http", &a.HTTP)
	k.limits(path+".limits", a.Limits)
}

func (k *checker) name(path, name string) {
	switch {
	case name == "":
		k.add(path, "missing; set a name of your choice")
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		k.add(path, "invalid name %q; use printable characters, without leading or trailing spaces", name)
	}
}

// names checks that the names of projects and accounts are unique: they are the
// targets of /probe.
func (k *checker) names(c *Config) {
	pathByName := make(map[string]string)
	unique := func(path, name string) {
		if name == "" {
			return
		}
		if other, ok := pathByName[name]; ok {
			k.add(path+".name", "duplicate name %q, also used by %s.name; use unique names", name, other)
			return
		}
		pathByName[name] = path
	}
	for i, p := range c.Projects {
		unique(fmt.Sprintf("projects[%d]", i), p.Name)
	}
	for i, a := range c.Accounts {
		unique(fmt.Sprintf("accounts[%d]", i), a.Name)
	}
	for i, p := range c.Projects {
		account, _, found := strings.Cut(p.Name, "/")
		if other, ok := pathByName[account]; found && ok && strings.HasPrefix(other, "accounts") {
			k.add(fmt.Sprintf("projects[%d].name", i), "%q is reserved for a project of %s; use another name", p.Name, other)
		}
	}
}

// duplicates checks that no two entries export the same objects.
func (k *checker) duplicates(c *Config) {
	pathByFingerprint := make(map[string]string)
	unique := func(path, remedy string, entry any) {
		key := fingerprint(entry)
		if other, ok := pathByFingerprint[key]; ok {
			k.add(path, "selects the same desktops as %s; %s", other, remedy)
			return
		}
		pathByFingerprint[key] = path
	}
	for i, p := range c.Projects {
		entry := Project{Region: p.Region, ProjectID: p.ProjectID, Desktops: p.Desktops.normalized()}
		if p.ProjectID == "" {
			// The credentials decide which account's project it is.
			entry.Credentials, entry.IAMEndpoint = p.Credentials, p.IAMEndpoint
		}
		unique(fmt.Sprintf("projects[%d]", i), "change its project_id or desktops, or remove it", entry)
	}
	for i, a := range c.Accounts {
		entry := Account{
			Regions: a.Regions, Projects: a.Projects, Desktops: a.Desktops.normalized(),
			Credentials: a.Credentials, IAMEndpoint: a.IAMEndpoint,
		}
		unique(fmt.Sprintf("accounts[%d]", i), "change its regions, projects or desktops, or remove it", entry)
	}
}

// normalized returns d with sorted lists, for comparison.
func (d Desktops) normalized() Desktops {
	d.IDs, d.PoolIDs = slices.Sorted(slices.Values(d.IDs)), slices.Sorted(slices.Values(d.PoolIDs))
	return d
}

// endpoint checks the URL of an endpoint, which may be absent.
func (k *checker) endpoint(path, endpoint string) {
	if endpoint == "" {
		return
	}
	if err := ValidateEndpoint(endpoint); err != nil {
		k.add(path, "%v", err)
	} else if isPlainHTTP(endpoint) {
		k.add(path, "plain http can be intercepted and is allowed for loopback addresses only; use https")
	}
}

// tokenPattern matches values that need no escaping in a path, a query or a host.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func (k *checker) desktops(path string, d *Desktops) {
	k.ids(path+".ids", d.IDs)
	k.ids(path+".pool_ids", d.PoolIDs)
	if len(d.IDs) > 0 {
		for key, set := range map[string]bool{
			"enterprise_project_id": d.EnterpriseProjectID != "", "pool_ids": len(d.PoolIDs) > 0, "tags": len(d.Tags) > 0,
			"subnet_id": d.SubnetID != "", "status": d.Status != "",
		} {
			if set {
				k.add(path+"."+key, "no effect together with ids, which are read without listing desktops; remove one of the two")
			}
		}
	}
	for key, value := range map[string]string{
		"enterprise_project_id": d.EnterpriseProjectID, "subnet_id": d.SubnetID, "status": d.Status,
	} {
		if value != "" && !tokenPattern.MatchString(value) {
			k.add(path+"."+key, "invalid value %q; use letters, digits and hyphens only", value)
		}
	}
	for key, value := range d.Tags {
		switch {
		case strings.TrimSpace(key) == "":
			k.add(path+".tags", "empty tag key; set a key")
		case strings.ContainsAny(key, ",=") || strings.Contains(value, ","):
			k.add(keyPath(path+".tags", key), "contains a comma or an equals sign, which the API uses as separators; filter by another tag")
		}
	}
}

func (k *checker) ids(path string, ids []string) {
	indexByID := make(map[string]int, len(ids))
	for i, id := range ids {
		idPath := fmt.Sprintf("%s[%d]", path, i)
		if !tokenPattern.MatchString(id) {
			k.add(idPath, "invalid ID %q; use letters, digits and hyphens only", id)
		} else if other, ok := indexByID[id]; ok {
			k.add(idPath, "duplicate ID %q, also in %s[%d]; remove one", id, path, other)
		} else {
			indexByID[id] = i
		}
	}
	if k.isSet(path) && ids != nil && len(ids) == 0 {
		k.add(path, "empty list, which matches no desktop; add an ID, or remove the key")
	}
}

func (k *checker) limits(path string, l Limits) {
	if l.RequestsPerMinute < 1 || l.RequestsPerMinute > maxRequestsPerMinute {
		k.add(path+".requests_per_minute", "%d is out of range; use 1 to %d (the API itself allows 200)", l.RequestsPerMinute, maxRequestsPerMinute)
	}
	if l.Concurrency < 1 || l.Concurrency > maxConcurrency {
		k.add(path+".concurrency", "%d is out of range; use 1 to %d", l.Concurrency, maxConcurrency)
	}
}

func (k *checker) metrics(m *Metrics) {
	k.uniqueStrings("metrics.disable", m.Disable, "set the name of a metric family")
	for i, family := range m.Disable {
		path := fmt.Sprintf("metrics.disable[%d]", i)
		short := strings.TrimPrefix(family, "huaweicloud_workspace_")
		switch {
		case k.options.Families == nil || slices.Contains(k.options.Families, family):
		case slices.Contains(k.options.Families, short):
			k.add(path, "%q contains the prefix of all metrics; use %s", family, short)
		default:
			k.add(path, "unknown metric family %q; use one of: %s", family,
				strings.Join(slices.Sorted(slices.Values(k.options.Families)), ", "))
		}
	}
	k.uniqueStrings("metrics.tags", m.Tags, "set the key of a tag")
}

// uniqueStrings checks that no text is empty or in the list twice; remedy is for
// an empty one.
func (k *checker) uniqueStrings(path string, texts []string, remedy string) {
	indexByText := make(map[string]int, len(texts))
	for i, text := range texts {
		textPath := fmt.Sprintf("%s[%d]", path, i)
		if strings.TrimSpace(text) == "" {
			k.add(textPath, "empty; %s", remedy)
		} else if other, ok := indexByText[text]; ok {
			k.add(textPath, "duplicate value %q, also in %s[%d]; remove one", text, path, other)
		} else {
			indexByText[text] = i
		}
	}
}

func (k *checker) refresh(r *Refresh) {
	k.positiveDuration("refresh.timeout", r.Timeout)
	if r.MaxStaleness < r.Timeout {
		k.add("refresh.max_staleness", "%s is shorter than refresh.timeout (%s); use at least the timeout, or values expire during the refresh that renews them",
			r.MaxStaleness, r.Timeout)
	}
}

func (k *checker) positiveDuration(path string, d model.Duration) {
	if d <= 0 {
		k.add(path, "%s is too short; use a longer duration, such as 2m", d)
	}
}
