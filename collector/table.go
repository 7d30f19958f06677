// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package collector says what is known of a fleet. One table lists every
// metric; the prometheus.Collector, the fast exposition and the documentation
// are all made from it.
package collector

import (
	"slices"
	"strings"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

const (
	prefix    = "huaweicloud_workspace_"
	ownPrefix = prefix + "exporter_"

	// Every series of a project begins with these.
	labelRegion  = "region"
	labelProject = "project_id"
)

// Type is the type of a metric as the exposition formats spell it.
type Type string

// The types in use.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Histogram Type = "histogram"
)

// Metric is one row of the table: one metric family as people see it.
type Metric struct {
	Name   string
	Help   string
	Type   Type
	Labels []string // in the order of the documentation; the wire has them by name
	OptIn  string   // the configuration key that brings it; "": there by default
	Own    bool     // of the exporter itself, not of a project
}

// Choice is what the operator wants said, by the metrics and policies of the
// configuration, and whom to ask for what snapshots do not hold.
type Choice struct {
	Disable []string // families left out, named without prefix
	Tags    []string // keys of desktop_tags_info; none: no such family
	Users   bool     // desktop_user_info

	Policies int    // how many there are
	Expect   Expect // desktop_eip_expected; nil: no such family

	// Changes tells how many changes of each kind were noticed in a project; nil:
	// none could be yet. Absent: desktop_changes_total says nothing.
	Changes func(inventory.Project) map[inventory.ChangeKind]uint64
}

// Expect tells whether a desktop should have an EIP, and by which policy; ok is
// false where nothing is said. It must depend on what it is given alone: its
// answer is kept as long as the record lives.
type Expect func(inventory.Project, *inventory.Record) (policy string, expected, ok bool)

// family is a Metric of a project with the one function that says it: of a
// desktop, of the objects that desktops share, or of the project as a whole.
type family struct {
	Metric
	desktop func(*emitter, *inventory.Record)
	objects func(*emitter, *inventory.Snapshot)
	project func(*emitter, *scope)
}

// Table lists every metric that there can be, the opt-in ones included, in the
// order of the documentation. Tag labels, which the configuration makes, are
// shown as tag_KEY.
func Table() []Metric {
	var all []Metric
	for _, f := range projects(Choice{}) {
		all = append(all, f.Metric)
	}
	return append(all, own()...)
}

// FamilyNames gives the names that the configuration may switch off.
func FamilyNames() []string {
	var names []string
	for _, f := range projects(Choice{}) {
		names = append(names, strings.TrimPrefix(f.Name, prefix))
	}
	return names
}

// familySet is what a choice leaves of the table, by name, and the indexes in
// it of the two kinds that are kept from scrape to scrape.
type familySet struct {
	all               []family
	desktops, objects []int
}

func newFamilySet(c Choice) *familySet {
	fs := &familySet{all: slices.DeleteFunc(projects(c), func(f family) bool {
		return slices.Contains(c.Disable, strings.TrimPrefix(f.Name, prefix)) ||
			f.OptIn == optTags && len(c.Tags) == 0 ||
			f.OptIn == optUsers && !c.Users ||
			f.OptIn == optPolicies && c.Expect == nil
	})}
	slices.SortFunc(fs.all, func(a, b family) int { return strings.Compare(a.Name, b.Name) })
	for i, f := range fs.all {
		switch {
		case f.desktop != nil:
			fs.desktops = append(fs.desktops, i)
		case f.objects != nil:
			fs.objects = append(fs.objects, i)
		}
	}
	return fs
}

const (
	optTags     = "metrics.tags"
	optUsers    = "metrics.users"
	optPolicies = "policies"
)

// projects is the table of the metrics of projects. Without tags,
// desktop_tags_info shows the placeholder of the docs.
func projects(c Choice) []family {
	tags := tagLabels(c.Tags)
	tagNames := []string{"tag_KEY"}
	if len(tags) > 0 {
		tagNames = tagNames[:0]
		for _, t := range tags {
			tagNames = append(tagNames, t.name)
		}
	}
	table := []family{
		{Metric: Metric{
			Name:   "desktop_info",
			Help:   "A desktop, with what names and places it; the value is always 1.",
			Labels: []string{"desktop_id", "desktop_name", "desktop_ip", "enterprise_project_id", "pool_id", "availability_zone", "desktop_type"},
		}, desktop: desktopInfo},
		{Metric: Metric{
			Name:   "desktop_network_info",
			Help:   "A network interface of a desktop, with its VPC, subnet, address and EIP (empty: none); the value is always 1.",
			Labels: []string{"desktop_id", "desktop_name", "port_id", "private_ip", "vpc_id", "vpc_name", "vpc_cidr", "subnet_id", "subnet_name", "subnet_cidr", "eip_id", "eip_address"},
		}, desktop: desktopNetworkInfo},
		{Metric: Metric{
			Name:   "desktop_security_group_info",
			Help:   "A security group that a network interface of a desktop is in; the value is always 1.",
			Labels: []string{"desktop_id", "port_id", "security_group_id", "security_group_name"},
		}, desktop: desktopSecurityGroupInfo},
		{Metric: Metric{
			Name:   "desktop_network_interfaces",
			Help:   "Network interfaces that a desktop has. Absent while its networks are unknown.",
			Labels: []string{"desktop_id"},
		}, desktop: desktopNetworkInterfaces},
		{Metric: Metric{
			Name:   "desktop_eips",
			Help:   "EIPs that are bound to a desktop. Absent while its networks are unknown.",
			Labels: []string{"desktop_id"},
		}, desktop: desktopEIPs},
		{Metric: Metric{
			Name:   "desktop_security_groups",
			Help:   "Distinct security groups that a desktop is in. Absent while its networks are unknown.",
			Labels: []string{"desktop_id"},
		}, desktop: desktopSecurityGroups},
		{Metric: Metric{
			Name:   "desktop_status",
			Help:   "The status that a desktop has now; the value is always 1. Only where desktops are discovered.",
			Labels: []string{"desktop_id", "status"},
		}, desktop: desktopStatus},
		{Metric: Metric{
			Name:   "desktop_tags_info",
			Help:   "The chosen tags of a desktop (empty: it lacks the tag); the value is always 1.",
			Labels: append([]string{"desktop_id"}, tagNames...),
			OptIn:  optTags,
		}, desktop: desktopTagsInfo(tags)},
		{Metric: Metric{
			Name:   "desktop_user_info",
			Help:   "A user that a desktop is assigned to; the value is always 1.",
			Labels: []string{"desktop_id", "user_name"},
			OptIn:  optUsers,
		}, desktop: desktopUserInfo},
		{Metric: Metric{
			Name:   "desktop_eip_expected",
			Help:   "Whether a desktop should have an EIP (1) or must not (0), and by which policy. Absent where it may.",
			Labels: []string{"desktop_id", "policy"},
			OptIn:  optPolicies,
		}, desktop: desktopEIPExpected(c.Expect)},

		{Metric: Metric{
			Name:   "vpc_info",
			Help:   "A VPC that desktops are in; the value is always 1.",
			Labels: []string{"vpc_id", "vpc_name", "vpc_cidr"},
		}, objects: vpcInfo},
		{Metric: Metric{
			Name:   "subnet_info",
			Help:   "A subnet that desktops are in, with its VPC; the value is always 1.",
			Labels: []string{"subnet_id", "subnet_name", "subnet_cidr", "vpc_id"},
		}, objects: subnetInfo},
		{Metric: Metric{
			Name:   "security_group_info",
			Help:   "A security group that desktops are in; the value is always 1.",
			Labels: []string{"security_group_id", "security_group_name"},
		}, objects: securityGroupInfo},
		{Metric: Metric{
			Name:   "subnet_network_interfaces",
			Help:   "Network interfaces of desktops in a subnet.",
			Labels: []string{"subnet_id"},
		}, objects: subnetNetworkInterfaces},
		{Metric: Metric{
			Name:   "subnet_addresses",
			Help:   "IPv4 addresses of a subnet that tenants can use: its CIDR less the five that the VPC service reserves.",
			Labels: []string{"subnet_id"},
		}, objects: subnetAddresses},
		{Metric: Metric{
			Name:   "findings",
			Help:   "Contradictions in what the cloud says, by reason. Absent where they could not be looked for.",
			Labels: []string{"reason"},
		}, objects: findings},
		{Metric: Metric{
			Name:   "finding_info",
			Help:   "A contradiction in what the cloud says, by the IDs of what it is about; the value is always 1. At most 1000 of a reason.",
			Labels: []string{"reason", "subject_id", "other_id", "value"},
		}, objects: findingInfo},

		{Metric: Metric{
			Name: "up",
			Help: "Whether the last refresh of the project met no failure (1) or did (0). Waiting for API quota is no failure, and no recovery.",
		}, project: up},
		{Metric: Metric{
			Name:   "project_info",
			Help:   "A project by its name in the configuration; the value is always 1.",
			Labels: []string{"project"},
		}, project: projectInfo},
		{Metric: Metric{
			Name: "desktops",
			Help: "Desktops of the project, as far as the configuration chooses them.",
		}, project: desktops},
		{Metric: Metric{
			Name: "desktops_unresolved",
			Help: "Desktops whose networks are not known.",
		}, project: desktopsUnresolved},
		{Metric: Metric{
			Name: "desktops_stale",
			Help: "Desktops whose networks are those of an earlier refresh, since the last try to read them failed.",
		}, project: desktopsStale},
		{Metric: Metric{
			Name: "refresh_duration_seconds",
			Help: "How long the last refresh of the project took.",
		}, project: refreshDuration},
		{Metric: Metric{
			Name: "refresh_last_success_timestamp_seconds",
			Help: "When the last refresh that met no failure ended, in Unix time.",
		}, project: refreshLastSuccess},
		{Metric: Metric{
			Name: "oldest_data_timestamp_seconds",
			Help: "When the oldest networks among those shown were read, in Unix time.",
		}, project: oldestData},
		{Metric: Metric{
			Name:   "desktop_changes_total",
			Help:   "What happened to desktops since the exporter knows the project, by kind of change. An outage or a restart is no change.",
			Labels: []string{"kind"},
		}, project: desktopChanges(c.Changes)},
		{Metric: Metric{
			Name: "policies",
			Help: "Policies on EIPs in the configuration, whichever desktops they select. Without any, the alerts expect an EIP of every desktop.",
		}, project: policies(c.Policies)},
	}
	for i := range table {
		m := &table[i].Metric
		m.Name, m.Type = prefix+m.Name, Gauge
		if strings.HasSuffix(m.Name, "_total") {
			m.Type = Counter
		}
		m.Labels = append([]string{labelRegion, labelProject}, m.Labels...)
	}
	return table
}

// own is the table of the exporter's own metrics. Beside them there are those
// of the Go runtime and of the process, which client_golang names.
func own() []Metric {
	table := []Metric{
		{
			Name:   buildInfo,
			Help:   "The version of the exporter and what it was built with; the value is always 1.",
			Type:   Gauge,
			Labels: []string{"version", "revision", "branch", "goversion", "goos", "goarch", "tags"},
		},
		{
			Name:   apiRequests,
			Help:   "Calls of the cloud API, by the SDK's name of the call and HTTP status (error: no answer came).",
			Type:   Counter,
			Labels: []string{"region", "operation", "code"},
		},
		{
			Name:   apiDuration,
			Help:   "How long calls of the cloud API took, retries apart.",
			Type:   Histogram,
			Labels: []string{"region", "operation"},
		},
		{
			Name:   apiRetries,
			Help:   "Calls of the cloud API that were made again after a failure.",
			Type:   Counter,
			Labels: []string{"region", "operation"},
		},
		{
			Name:   apiThrottleWait,
			Help:   "Time that calls of the cloud API waited for quota.",
			Type:   Counter,
			Labels: []string{"region", "operation"},
		},
		{
			Name:   objectsDropped,
			Help:   "Objects of the cloud's answers that were left out, by reason.",
			Type:   Counter,
			Labels: []string{"reason"},
		},
		{
			Name: labelsSanitized,
			Help: "Texts of the cloud's answers that were no valid UTF-8 and had to be cleaned.",
			Type: Counter,
		},
		{
			Name:   tlsVerificationDisabled,
			Help:   "A project, an account or the webhook (changes.webhook) whose configuration switches the verification of TLS certificates off; the value is always 1.",
			Type:   Gauge,
			Labels: []string{"project"},
		},
		{
			Name: webhookSent,
			Help: "Changes that the receiver of the webhook has taken.",
			Type: Counter,
		},
		{
			Name: webhookFailures,
			Help: "Tries to send a change to the receiver of the webhook that failed, refusals included.",
			Type: Counter,
		},
		{
			Name:   webhookDropped,
			Help:   "Changes that the receiver of the webhook will never get, by reason.",
			Type:   Counter,
			Labels: []string{"reason"},
		},
		{
			Name: webhookQueue,
			Help: "Changes that wait for the receiver of the webhook.",
			Type: Gauge,
		},
		{
			Name: reloadSuccessful,
			Help: "Whether the last attempt to load the configuration succeeded (1) or not (0).",
			Type: Gauge,
		},
		{
			Name: reloadTime,
			Help: "When the configuration was last loaded with success, in Unix time.",
			Type: Gauge,
		},
		{
			Name: saveSuccessful,
			Help: "Whether the last attempt to write the state file succeeded (1) or not (0). No series without a state file.",
			Type: Gauge,
		},
		{
			Name: saveTime,
			Help: "When the state file was last written with success, in Unix time. No series without a state file.",
			Type: Gauge,
		},
	}
	for i := range table {
		table[i].Name, table[i].Own = ownPrefix+table[i].Name, true
	}
	return table
}
