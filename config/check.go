// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"
)

const (
	maxRequestsPerMinute = 10_000
	maxConcurrency       = 100
)

// checker looks for everything that is wrong with a configuration.
type checker struct {
	*errorList
	options Options
}

// check adds to r all faults of c.
func check(c *Config, r *errorList, options Options) {
	k := checker{r, options}
	if len(c.Projects)+len(c.Accounts) == 0 {
		k.add("projects", "is missing, and so is accounts; name at least one project or account")
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

// region checks a region's ID. Where the cloud's own endpoint is needed, the
// region must be known, or remedy tells how to make it so.
func (k *checker) region(path, region string, needed bool, remedy string) {
	switch {
	case region == "":
		k.add(path, "is missing; set it to a region's ID, such as la-north-2")
	case !tokenPattern.MatchString(region):
		k.add(path, "is %q, which is not the ID of a region; write it like la-north-2, without spaces", region)
	case needed && k.options.KnownRegion != nil && !k.options.KnownRegion(region):
		k.add(path, "is %q, whose endpoint is not known; check the spelling, or %s", region, remedy)
	}
}

func (k *checker) projectID(path, id string) {
	if id != "" && !tokenPattern.MatchString(id) {
		k.add(path, "is %q, which is not the ID of a project; copy it from My Credentials in the console", id)
	}
}

func (k *checker) account(path string, a *Account) {
	k.name(path+".name", a.Name)
	if strings.Contains(a.Name, "/") {
		k.add(path+".name", "must not hold a slash; its projects are named NAME/PROJECT")
	}
	k.positiveDuration(path+".project_refresh", a.ProjectRefresh)
	for _, region := range slices.Sorted(maps.Keys(a.Endpoints)) {
		at := keyPath(path+".endpoints", region)
		switch {
		case a.Endpoints[region] == "":
			k.add(at, "is empty; set the region's endpoint, or remove the key")
		case !a.Regions.MatchString(region):
			k.add(at, "is for a region that %s.regions leaves out; change one of the two", path)
		}
		k.endpoint(at, a.Endpoints[region])
	}
	k.endpoint(path+".iam_endpoint", a.IAMEndpoint)
	k.credentials(path+".credentials", &a.Credentials)
	if len(a.Desktops.IDs) > 0 {
		k.add(path+".desktops.ids", "is not for accounts, as each desktop is in one project; list that one under projects")
	}
	k.desktops(path+".desktops", &a.Desktops)
	k.http(path+".http", &a.HTTP)
	k.limits(path+".limits", a.Limits)
}

func (k *checker) name(path, name string) {
	switch {
	case name == "":
		k.add(path, "is missing; set it to a name of your choice")
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		k.add(path, "is %q; use printable characters, and no space at the ends", name)
	}
}

// names finds names that are used twice: they are what /probe asks for.
func (k *checker) names(c *Config) {
	first := make(map[string]string)
	taken := func(path, name string) {
		if name == "" {
			return
		}
		if other, ok := first[name]; ok {
			k.add(path+".name", "is %q, as is %s.name; names must differ", name, other)
			return
		}
		first[name] = path
	}
	for i, p := range c.Projects {
		taken(fmt.Sprintf("projects[%d]", i), p.Name)
	}
	for i, a := range c.Accounts {
		taken(fmt.Sprintf("accounts[%d]", i), a.Name)
	}
	for i, p := range c.Projects {
		account, _, found := strings.Cut(p.Name, "/")
		if other, ok := first[account]; found && ok && strings.HasPrefix(other, "accounts") {
			k.add(fmt.Sprintf("projects[%d].name", i), "is %q, which a project of %s may get; use another name", p.Name, other)
		}
	}
}

// duplicates finds entries that would export the same objects twice.
func (k *checker) duplicates(c *Config) {
	first := make(map[string]string)
	twin := func(path, remedy string, of any) {
		key := fingerprint(of)
		if other, ok := first[key]; ok {
			k.add(path, "reads the same desktops as %s; %s", other, remedy)
			return
		}
		first[key] = path
	}
	for i, p := range c.Projects {
		of := Project{Region: p.Region, ProjectID: p.ProjectID, Desktops: p.Desktops.normalized()}
		if p.ProjectID == "" {
			// Then the key decides whose project it is.
			of.Credentials, of.IAMEndpoint = p.Credentials, p.IAMEndpoint
		}
		twin(fmt.Sprintf("projects[%d]", i), "change its project_id or its desktops, or remove it", of)
	}
	for i, a := range c.Accounts {
		of := Account{
			Regions: a.Regions, Projects: a.Projects, Desktops: a.Desktops.normalized(),
			Credentials: a.Credentials, IAMEndpoint: a.IAMEndpoint,
		}
		twin(fmt.Sprintf("accounts[%d]", i), "change its regions, projects or desktops, or remove it", of)
	}
}

// normalized gives the same filters, whatever order they were written in.
func (d Desktops) normalized() Desktops {
	d.IDs, d.PoolIDs = slices.Sorted(slices.Values(d.IDs)), slices.Sorted(slices.Values(d.PoolIDs))
	return d
}

// endpoint checks a URL that may be absent. It is not quoted: it may hold a
// password by mistake.
func (k *checker) endpoint(path, endpoint string) {
	if endpoint == "" {
		return
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		k.add(path, "must be a URL like https://workspace.example.com")
	case u.User != nil:
		k.add(path, "must not hold a user or a password; requests are signed with the key in credentials")
	case u.Scheme != "https" && u.Scheme != "http":
		k.add(path, "has the scheme %q; use https", u.Scheme)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		k.add(path, "is plain http, which anyone on the way can read and change; use https (http is for loopback addresses)")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(endpoint, "?#"):
		k.add(path, "must end after the host or its port; the SDK drops a path, a query and a fragment")
	case !hasValidPort(u):
		k.add(path, "has a port that does not exist; use one from 1 to 65535")
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

func hasValidPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port >= 1 && port <= 65535
}

// tokenPattern is what goes into a path, a query or a host unchanged.
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
				k.add(path+"."+key, "has no effect beside ids, which are read without discovery; remove one of the two")
			}
		}
	}
	for key, value := range map[string]string{
		"enterprise_project_id": d.EnterpriseProjectID, "subnet_id": d.SubnetID, "status": d.Status,
	} {
		if value != "" && !tokenPattern.MatchString(value) {
			k.add(path+"."+key, "is %q; use letters, digits and hyphens only", value)
		}
	}
	for key, value := range d.Tags {
		at := keyPath(path+".tags", key)
		switch {
		case strings.TrimSpace(key) == "":
			k.add(path+".tags", "has an empty key; name the tag")
		case strings.ContainsAny(key, ",=") || strings.Contains(value, ","):
			k.add(at, "holds a comma or an equals sign, by which the API tells tags apart; narrow by another tag")
		}
	}
}

func (k *checker) ids(path string, ids []string) {
	first := make(map[string]int, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !tokenPattern.MatchString(id) {
			k.add(at, "is %q, which is not an ID; use letters, digits and hyphens only", id)
		} else if other, ok := first[id]; ok {
			k.add(at, "is %s, as is %s[%d]; remove one", id, path, other)
		} else {
			first[id] = i
		}
	}
	if k.isSet(path) && ids != nil && len(ids) == 0 {
		k.add(path, "is an empty list, which no desktop matches; fill it in or remove it")
	}
}

func (k *checker) limits(path string, l Limits) {
	if l.RequestsPerMinute < 1 || l.RequestsPerMinute > maxRequestsPerMinute {
		k.add(path+".requests_per_minute", "is %d; use 1 to %d (the API's own limit is 200)", l.RequestsPerMinute, maxRequestsPerMinute)
	}
	if l.Concurrency < 1 || l.Concurrency > maxConcurrency {
		k.add(path+".concurrency", "is %d; use 1 to %d", l.Concurrency, maxConcurrency)
	}
}

func (k *checker) metrics(m *Metrics) {
	k.uniqueStrings("metrics.disable", m.Disable, "name a family of metrics")
	for i, family := range m.Disable {
		at := fmt.Sprintf("metrics.disable[%d]", i)
		short := strings.TrimPrefix(family, "huaweicloud_workspace_")
		switch {
		case k.options.Families == nil || slices.Contains(k.options.Families, family):
		case slices.Contains(k.options.Families, short):
			k.add(at, "is %q; write it without the prefix: %s", family, short)
		default:
			k.add(at, "is %q, which is not a family of metrics; use some of: %s", family,
				strings.Join(slices.Sorted(slices.Values(k.options.Families)), ", "))
		}
	}
	k.uniqueStrings("metrics.tags", m.Tags, "name the key of a tag")
}

func (k *checker) uniqueStrings(path string, texts []string, remedy string) {
	first := make(map[string]int, len(texts))
	for i, text := range texts {
		at := fmt.Sprintf("%s[%d]", path, i)
		if strings.TrimSpace(text) == "" {
			k.add(at, "is empty; %s", remedy)
		} else if other, ok := first[text]; ok {
			k.add(at, "is %q, as is %s[%d]; remove one", text, path, other)
		} else {
			first[text] = i
		}
	}
}

func (k *checker) refresh(r *Refresh) {
	k.positiveDuration("refresh.timeout", r.Timeout)
	if r.MaxStaleness < r.Timeout {
		k.add("refresh.max_staleness", "is %s, shorter than the timeout of %s; use at least that, or values end while the refresh that renews them still runs",
			r.MaxStaleness, r.Timeout)
	}
}

func (k *checker) positiveDuration(path string, d model.Duration) {
	if d <= 0 {
		k.add(path, "is %s; use a longer duration, such as 2m", d)
	}
}
