// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package config reads what the operator wrote: the configuration file, or the
// SDK's environment variables alone. It imports no other room.
package config

import (
	"slices"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// Config is a whole configuration as written. Load and FromEnvironment return
// it validated, with every default filled in.
type Config struct {
	Projects []Project `yaml:"projects,omitempty"`
	Accounts []Account `yaml:"accounts,omitempty"`
	Policies []Policy  `yaml:"policies,omitempty"` // of each desktop, the first that selects it counts
	Metrics  Metrics   `yaml:"metrics"`
	Refresh  Refresh   `yaml:"refresh"`
	Changes  Changes   `yaml:"changes"`
	State    State     `yaml:"state,omitempty"`
}

// Project is one project of one region.
type Project struct {
	Name        string      `yaml:"name"`
	Region      string      `yaml:"region"`
	ProjectID   string      `yaml:"project_id,omitempty"` // "": asked of IAM
	Endpoint    string      `yaml:"endpoint,omitempty"`   // "": the region's
	IAMEndpoint string      `yaml:"iam_endpoint,omitempty"`
	Credentials Credentials `yaml:"credentials"`
	Desktops    Desktops    `yaml:"desktops,omitempty"`
	EIPs        bool        `yaml:"eips"`
	HTTP        HTTP        `yaml:"http"`
	Limits      Limits      `yaml:"limits"`
}

// Account stands for all projects that its key can see: they are asked of IAM
// every ProjectRefresh. Account.Project makes a Project of one of them.
type Account struct {
	Name           string            `yaml:"name"`
	ProjectRefresh model.Duration    `yaml:"project_refresh"`
	Regions        Regexp            `yaml:"regions,omitempty"`   // of region IDs, anchored
	Projects       Regexp            `yaml:"projects,omitempty"`  // of IAM project names, anchored
	Endpoints      map[string]string `yaml:"endpoints,omitempty"` // by region; absent: the region's
	IAMEndpoint    string            `yaml:"iam_endpoint,omitempty"`
	Credentials    Credentials       `yaml:"credentials"`
	Desktops       Desktops          `yaml:"desktops,omitempty"` // no IDs here
	EIPs           bool              `yaml:"eips"`
	HTTP           HTTP              `yaml:"http"`
	Limits         Limits            `yaml:"limits"`
}

// Selects says whether the account's projects of this region and IAM name are
// asked for.
func (a Account) Selects(region, iamProject string) bool {
	return a.Regions.MatchString(region) && a.Projects.MatchString(iamProject)
}

// Project gives one of the account's projects as if it were configured by
// itself, with the name ACCOUNT/IAMPROJECT.
func (a Account) Project(region, iamProject, projectID string) Project {
	return Project{
		Name:        a.Name + "/" + iamProject,
		Region:      region,
		ProjectID:   projectID,
		Endpoint:    a.Endpoints[region],
		IAMEndpoint: a.IAMEndpoint,
		Credentials: a.Credentials,
		Desktops:    a.Desktops,
		EIPs:        a.EIPs,
		HTTP:        a.HTTP,
		Limits:      a.Limits,
	}
}

// Source says where credentials come from.
type Source string

// The sources. SourceChain tries environment, profile, ECS agency and pod
// identity in this order.
const (
	SourceChain       Source = "chain"
	SourceStatic      Source = "static" // access_key and secret_key, inline or from files
	SourceEnvironment Source = "environment"
	SourceProfile     Source = "profile"
	SourceECSAgency   Source = "ecs_agency"
	SourcePodIdentity Source = "pod_identity"
	SourceOIDC        Source = "oidc"
)

// Credentials is how the exporter proves who it is. An absent Source is told
// from what stands beside it: SourceStatic where a key or a token is given,
// SourceOIDC for an identity provider, SourceProfile for a profile file, and
// SourceChain where nothing is.
type Credentials struct {
	Source            Source `yaml:"source,omitempty"`
	AccessKey         string `yaml:"access_key,omitempty"`
	AccessKeyFile     string `yaml:"access_key_file,omitempty"`
	SecretKey         Secret `yaml:"secret_key,omitempty"`
	SecretKeyFile     string `yaml:"secret_key_file,omitempty"`
	SecurityToken     Secret `yaml:"security_token,omitempty"`
	SecurityTokenFile string `yaml:"security_token_file,omitempty"`
	ProfileFile       string `yaml:"profile_file,omitempty"` // "": HUAWEICLOUD_SDK_CREDENTIALS_FILE, then the SDK's place
	IDPID             string `yaml:"idp_id,omitempty"`
	IDTokenFile       string `yaml:"id_token_file,omitempty"`
}

// Desktops narrows a project to some of its desktops.
type Desktops struct {
	IDs                 []string          `yaml:"ids,omitempty"` // just these; no discovery then
	EnterpriseProjectID string            `yaml:"enterprise_project_id,omitempty"`
	PoolIDs             []string          `yaml:"pool_ids,omitempty"`
	Tags                map[string]string `yaml:"tags,omitempty"`
	SubnetID            string            `yaml:"subnet_id,omitempty"`
	Status              string            `yaml:"status,omitempty"`
}

// Key names the choice. It stays the same from version to version, for state
// files hold it: what is absent is not part of it.
func (d Desktops) Key() string {
	text, err := yaml.Marshal(d)
	if err != nil {
		panic(err) // texts, lists and mappings of texts always have a spelling
	}
	return string(text)
}

// HTTP is how the API is reached: Prometheus' own HTTP client options, as far
// as they make sense for a signed API. Authorization has no place in it. Where
// no proxy is configured, ProxyFromEnvironment is set.
type HTTP struct {
	promconfig.ProxyConfig `yaml:",inline"`
	TLS                    promconfig.TLSConfig `yaml:"tls_config,omitempty"`
	EnableHTTP2            bool                 `yaml:"enable_http2"`
}

// Limits bounds what the API is asked.
type Limits struct {
	RequestsPerMinute int `yaml:"requests_per_minute"` // in any sliding minute, for each API, endpoint and access key
	Concurrency       int `yaml:"concurrency"`
}

// Policy says of some desktops whether they should have an EIP. What is absent
// selects every desktop; what is given must all apply.
type Policy struct {
	Name         string            `yaml:"name"`
	EIP          Expectation       `yaml:"eip"`
	Projects     Regexp            `yaml:"projects,omitempty"` // of names in this configuration, anchored
	VPCIDs       []string          `yaml:"vpc_ids,omitempty"`
	SubnetIDs    []string          `yaml:"subnet_ids,omitempty"`
	PoolIDs      []string          `yaml:"pool_ids,omitempty"`
	Tags         map[string]string `yaml:"tags,omitempty"`
	DesktopNames Regexp            `yaml:"desktop_names,omitempty"` // anchored
}

// SelectsAll says whether the policy is for every desktop that no policy before
// it selects.
func (p *Policy) SelectsAll() bool {
	return p.Projects.IsZero() && len(p.VPCIDs)+len(p.SubnetIDs)+len(p.PoolIDs)+len(p.Tags) == 0 && p.DesktopNames.IsZero()
}

// Expectation says whether a desktop should have an EIP.
type Expectation string

// The expectations.
const (
	Required  Expectation = "required"
	Allowed   Expectation = "allowed"
	Forbidden Expectation = "forbidden"
)

// Metrics chooses what is said.
type Metrics struct {
	Disable []string `yaml:"disable,omitempty"` // names without prefix
	Tags    []string `yaml:"tags,omitempty"`
	Users   bool     `yaml:"users"`
}

// Refresh says how long a refresh may take and what is still good.
type Refresh struct {
	Timeout      model.Duration `yaml:"timeout"`
	MaxStaleness model.Duration `yaml:"max_staleness"`
	MinInterval  model.Duration `yaml:"min_interval"`
}

// Changes says where it is told what happened to desktops, besides the log, the
// metrics and the page.
type Changes struct {
	Keep    int     `yaml:"keep"` // for the page
	Webhook Webhook `yaml:"webhook,omitempty"`
}

// Webhook is who is sent each change; nobody without a URL.
type Webhook struct {
	URL           Secret            `yaml:"url,omitempty"` // many receivers know their senders by it alone
	URLFile       string            `yaml:"url_file,omitempty"`
	Authorization Authorization     `yaml:"authorization,omitempty"`
	Headers       map[string]Secret `yaml:"headers,omitempty"`
	HTTP          HTTP              `yaml:"http"`
	Timeout       model.Duration    `yaml:"timeout"` // of one request
	Queue         int               `yaml:"queue"`   // changes that wait
}

// IsZero says that there is no webhook.
func (w Webhook) IsZero() bool { return w.URL.IsZero() && w.URLFile == "" }

// Fingerprint identifies the webhook with all of its options, as that of a Project.
func (w Webhook) Fingerprint() string { return fingerprint(w) }

// Authorization is a header that proves who the exporter is.
type Authorization struct {
	Type            string `yaml:"type"`
	Credentials     Secret `yaml:"credentials,omitempty"`
	CredentialsFile string `yaml:"credentials_file,omitempty"`
}

// IsZero says that there is no authorization.
func (a Authorization) IsZero() bool { return a.Credentials.IsZero() && a.CredentialsFile == "" }

// State says whether and where the exporter remembers what a restart would
// make it forget.
type State struct {
	File   string         `yaml:"file,omitempty"`
	MaxAge model.Duration `yaml:"max_age"`
}

// IsZero says that nothing is remembered.
func (s State) IsZero() bool { return s.File == "" }

// NeedsTags says whether tags of desktops have to be read.
func (c *Config) NeedsTags() bool {
	return len(c.Metrics.Tags) > 0 || slices.ContainsFunc(c.Policies, func(p Policy) bool { return len(p.Tags) > 0 })
}

// Duration gives d for the standard library.
func Duration(d model.Duration) time.Duration { return time.Duration(d) }
