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
	Name     string
	Help     string
	Type     Type
	Labels   []string // in the order of the documentation; the formats sort them by name
	OptIn    string   // configuration key that enables it; "": enabled by default
	Exporter bool     // describes the exporter itself, not a project
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
			Help:   "Desktop identity and placement, always 1.",
			Labels: []string{"desktop_id", "desktop_name", "desktop_ip", "enterprise_project_id", "pool_id", "availability_zone", "desktop_type"},
		}, desktop: desktopInfo},
		{Metric: Metric{
			Name:   "desktop_network_info",
			Help:   "Network interface of a desktop with its VPC, subnet, private IP and EIP (empty if none), always 1.",
			Labels: []string{"desktop_id", "desktop_name", "port_id", "private_ip", "vpc_id", "vpc_name", "vpc_cidr", "subnet_id", "subnet_name", "subnet_cidr", "eip_id", "eip_address"},
		}, desktop: desktopNetworkInfo},
		{Metric: Metric{
			Name:   "desktop_security_group_info",
			Help:   "Security group of a network interface of a desktop, always 1.",
			Labels: []string{"desktop_id", "port_id", "security_group_id", "security_group_name"},
		}, desktop: desktopSecurityGroupInfo},
		{Metric: Metric{
			Name:   "desktop_network_interfaces",
			Help:   "Number of network interfaces of a desktop; absent while its networks are unknown.",
			Labels: []string{"desktop_id"},
		}, desktop: desktopNetworkInterfaces},
		{Metric: Metric{
			Name:   "desktop_eips",
			Help:   "Number of EIPs bound to a desktop; absent while its networks are unknown.",
			Labels: []string{"desktop_id"},
		}, desktop: desktopEIPs},
		{Metric: Metric{
			Name:   "desktop_security_groups",
			Help:   "Number of distinct security groups of a desktop; absent while they are unknown.",
			Labels: []string{"desktop_id"},
		}, desktop: desktopSecurityGroups},
		{Metric: Metric{
			Name:   "desktop_status",
			Help:   "Current status of a discovered desktop, always 1.",
			Labels: []string{"desktop_id", "status"},
		}, desktop: desktopStatus},
		{Metric: Metric{
			Name:   "desktop_tags_info",
			Help:   "Selected tags of a desktop (empty if it lacks the tag), always 1.",
			Labels: append([]string{"desktop_id"}, tagNames...),
			OptIn:  optTags,
		}, desktop: desktopTagsInfo(tags)},
		{Metric: Metric{
			Name:   "desktop_user_info",
			Help:   "User assigned to a desktop, always 1.",
			Labels: []string{"desktop_id", "user_name"},
			OptIn:  optUsers,
		}, desktop: desktopUserInfo},
		{Metric: Metric{
			Name:   "desktop_eip_expected",
			Help:   "1 if a policy requires an EIP for a desktop, 0 if it forbids one; absent if neither.",
			Labels: []string{"desktop_id", "policy"},
			OptIn:  optPolicies,
		}, desktop: desktopEIPExpected(o.Expect)},

		{Metric: Metric{
			Name:   "vpc_info",
			Help:   "VPC that contains desktops, always 1.",
			Labels: []string{"vpc_id", "vpc_name", "vpc_cidr"},
		}, shared: vpcInfo},
		{Metric: Metric{
			Name:   "subnet_info",
			Help:   "Subnet that contains desktops, with its VPC, always 1.",
			Labels: []string{"subnet_id", "subnet_name", "subnet_cidr", "vpc_id"},
		}, shared: subnetInfo},
		{Metric: Metric{
			Name:   "security_group_info",
			Help:   "Security group of desktops, always 1.",
			Labels: []string{"security_group_id", "security_group_name"},
		}, shared: securityGroupInfo},
		{Metric: Metric{
			Name:   "subnet_network_interfaces",
			Help:   "Number of network interfaces of desktops in a subnet.",
			Labels: []string{"subnet_id"},
		}, shared: subnetNetworkInterfaces},
		{Metric: Metric{
			Name:   "subnet_addresses",
			Help:   "Number of usable IPv4 addresses of a subnet: its CIDR minus the five addresses that the VPC service reserves.",
			Labels: []string{"subnet_id"},
		}, shared: subnetAddresses},
		{Metric: Metric{
			Name:   "findings",
			Help:   "Number of inconsistencies in the data of the API by reason; absent if the reason could not be checked.",
			Labels: []string{"reason"},
		}, shared: findings},
		{Metric: Metric{
			Name:   "finding_info",
			Help:   "Inconsistency in the data of the API with the IDs of the objects involved, at most 1000 per reason, always 1.",
			Labels: []string{"reason", "subject_id", "other_id", "value"},
		}, shared: findingInfo},

		{Metric: Metric{
			Name: "up",
			Help: "1 if the last refresh of the project succeeded, 0 if it failed; waiting for API quota does not change the value.",
		}, project: up},
		{Metric: Metric{
			Name:   "project_info",
			Help:   "Name of a project in the configuration, always 1.",
			Labels: []string{"project"},
		}, project: projectInfo},
		{Metric: Metric{
			Name: "desktops",
			Help: "Number of desktops of the project that the configuration selects.",
		}, project: desktops},
		{Metric: Metric{
			Name: "desktops_unresolved",
			Help: "Number of desktops with unknown networks.",
		}, project: desktopsUnresolved},
		{Metric: Metric{
			Name: "desktops_stale",
			Help: "Number of desktops with networks from an earlier refresh because the last attempt to read them failed.",
		}, project: desktopsStale},
		{Metric: Metric{
			Name: "refresh_duration_seconds",
			Help: "Duration of the last refresh of the project in seconds.",
		}, project: refreshDuration},
		{Metric: Metric{
			Name: "refresh_last_success_timestamp_seconds",
			Help: "Unix time in seconds at which the last successful refresh ended.",
		}, project: refreshLastSuccess},
		{Metric: Metric{
			Name: "oldest_data_timestamp_seconds",
			Help: "Unix time in seconds at which the oldest exported networks were read.",
		}, project: oldestData},
		{Metric: Metric{
			Name:   "desktop_changes_total",
			Help:   "Number of changes of desktops by kind since the exporter first read the project; outages and restarts do not count.",
			Labels: []string{"kind"},
		}, project: desktopChanges(o.Changes)},
		{Metric: Metric{
			Name: "policies",
			Help: "Number of EIP policies in the configuration, whichever desktops they select; if 0, the alerts expect an EIP for every desktop.",
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
			Help:   "Version of the exporter and of the toolchain that built it, always 1.",
			Type:   Gauge,
			Labels: []string{"version", "revision", "branch", "goversion", "goos", "goarch", "tags"},
		},
		{
			Name:   apiRequests,
			Help:   "Number of cloud API requests, including retries, by operation and HTTP status code (error if there was no response).",
			Type:   Counter,
			Labels: []string{"region", "operation", "code"},
		},
		{
			Name:   apiDuration,
			Help:   "Duration of cloud API requests in seconds, with each retry counted separately.",
			Type:   Histogram,
			Labels: []string{"region", "operation"},
		},
		{
			Name:   apiRetries,
			Help:   "Number of cloud API requests that were retries.",
			Type:   Counter,
			Labels: []string{"region", "operation"},
		},
		{
			Name:   apiThrottleWait,
			Help:   "Time in seconds that cloud API requests waited for quota.",
			Type:   Counter,
			Labels: []string{"region", "operation"},
		},
		{
			Name:   objectsDropped,
			Help:   "Number of objects in API responses that were dropped, by reason.",
			Type:   Counter,
			Labels: []string{"reason"},
		},
		{
			Name: labelsSanitized,
			Help: "Number of strings in API responses that were not valid UTF-8 and were sanitized.",
			Type: Counter,
		},
		{
			Name:   tlsVerificationDisabled,
			Help:   "Project, account or webhook (changes.webhook) whose TLS certificate verification is disabled, always 1.",
			Type:   Gauge,
			Labels: []string{"project"},
		},
		{
			Name: webhookSent,
			Help: "Number of changes delivered to the webhook receiver.",
			Type: Counter,
		},
		{
			Name: webhookFailures,
			Help: "Number of failed attempts to deliver a change to the webhook receiver, including rejections.",
			Type: Counter,
		},
		{
			Name:   webhookDropped,
			Help:   "Number of changes dropped without delivery to the webhook receiver, by reason.",
			Type:   Counter,
			Labels: []string{"reason"},
		},
		{
			Name: webhookQueue,
			Help: "Number of changes waiting for delivery to the webhook receiver.",
			Type: Gauge,
		},
		{
			Name: reloadSuccessful,
			Help: "1 if the last load of the configuration succeeded, 0 if it failed.",
			Type: Gauge,
		},
		{
			Name: reloadTime,
			Help: "Unix time in seconds of the last successful load of the configuration.",
			Type: Gauge,
		},
		{
			Name: saveSuccessful,
			Help: "1 if the last write of the state file succeeded, 0 if it failed; absent without a state file.",
			Type: Gauge,
		},
		{
			Name: saveTime,
			Help: "Unix time in seconds of the last successful write of the state file; absent without a state file.",
			Type: Gauge,
		},
	}
	for i := range table {
		table[i].Name, table[i].Exporter = exporterPrefix+table[i].Name, true
	}
	return table
}
