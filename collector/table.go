// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package collector defines which metrics exist and which samples each of them
// has. One table lists every metric; each family in it has one emit function.
// The prometheus.Collector, the fast encoder of package exposition, the
// documentation and the tests of dashboards and rules all use this table, so
// that every exposition format has the same samples.
package collector

import (
	"strings"
)

const (
	prefix         = "huaweicloud_workspace_"
	exporterPrefix = prefix + "exporter_"
)

// Labels that every series of a project has, in this order, before the labels
// of its family.
const (
	LabelRegion    = "region"
	LabelProjectID = "project_id"
)

// Type is the type of a metric as the exposition formats spell it.
type Type string

// The types in use.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Histogram Type = "histogram"
)

// Metric is one row of the table: a metric family without its samples.
type Metric struct {
	Name   string
	Help   string
	Type   Type
	Labels []string // in the order of the documentation; the formats sort them by name
	OptIn  string   // configuration key that enables it; "": enabled by default
	Own    bool     // describes the exporter itself, not a project
}

// Table returns every metric, including the opt-in ones, in the order of the
// documentation. The labels of desktop_tags_info, which depend on the
// configuration, are represented by tag_KEY.
func Table() []Metric {
	var all []Metric
	for _, f := range projectFamilies(Options{}) {
		all = append(all, f.Metric)
	}
	return append(all, exporterMetrics()...)
}

// FamilyNames returns the names of the families that the configuration can
// disable, without their common prefix.
func FamilyNames() []string {
	var names []string
	for _, f := range projectFamilies(Options{}) {
		names = append(names, strings.TrimPrefix(f.Name, prefix))
	}
	return names
}

const (
	optTags     = "metrics.tags"
	optUsers    = "metrics.users"
	optPolicies = "policies"
)

// projectFamilies returns the table of the metrics of projects. Without tags,
// desktop_tags_info has the placeholder of the documentation as label.
func projectFamilies(o Options) []Family {
	tags := tagLabels(o.Tags)
	tagNames := []string{"tag_KEY"}
	if len(tags) > 0 {
		tagNames = tagNames[:0]
		for _, t := range tags {
			tagNames = append(tagNames, t.name)
		}
	}
	table := []Family{
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
		}, desktop: desktopEIPExpected(o.Expect)},

		{Metric: Metric{
			Name:   "vpc_info",
			Help:   "A VPC that desktops are in; the value is always 1.",
			Labels: []string{"vpc_id", "vpc_name", "vpc_cidr"},
		}, shared: vpcInfo},
		{Metric: Metric{
			Name:   "subnet_info",
			Help:   "A subnet that desktops are in, with its VPC; the value is always 1.",
			Labels: []string{"subnet_id", "subnet_name", "subnet_cidr", "vpc_id"},
		}, shared: subnetInfo},
		{Metric: Metric{
			Name:   "security_group_info",
			Help:   "A security group that desktops are in; the value is always 1.",
			Labels: []string{"security_group_id", "security_group_name"},
		}, shared: securityGroupInfo},
		{Metric: Metric{
			Name:   "subnet_network_interfaces",
			Help:   "Network interfaces of desktops in a subnet.",
			Labels: []string{"subnet_id"},
		}, shared: subnetNetworkInterfaces},
		{Metric: Metric{
			Name:   "subnet_addresses",
			Help:   "IPv4 addresses of a subnet that tenants can use: its CIDR less the five that the VPC service reserves.",
			Labels: []string{"subnet_id"},
		}, shared: subnetAddresses},
		{Metric: Metric{
			Name:   "findings",
			Help:   "Contradictions in what the cloud says, by reason. Absent where they could not be looked for.",
			Labels: []string{"reason"},
		}, shared: findings},
		{Metric: Metric{
			Name:   "finding_info",
			Help:   "A contradiction in what the cloud says, by the IDs of what it is about; the value is always 1. At most 1000 of a reason.",
			Labels: []string{"reason", "subject_id", "other_id", "value"},
		}, shared: findingInfo},

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
		}, project: desktopChanges(o.Changes)},
		{Metric: Metric{
			Name: "policies",
			Help: "Policies on EIPs in the configuration, whichever desktops they select. Without any, the alerts expect an EIP of every desktop.",
		}, project: policies(o.Policies)},
	}
	for i := range table {
		m := &table[i].Metric
		m.Name, m.Type = prefix+m.Name, Gauge
		if strings.HasSuffix(m.Name, "_total") {
			m.Type = Counter
		}
		m.Labels = append([]string{LabelRegion, LabelProjectID}, m.Labels...)
	}
	return table
}

// exporterMetrics returns the table of the exporter's own metrics. Those of the
// Go runtime and of the process, which client_golang defines, are not in it.
func exporterMetrics() []Metric {
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
		table[i].Name, table[i].Own = exporterPrefix+table[i].Name, true
	}
	return table
}
