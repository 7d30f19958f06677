// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

const docsBegin = `<!-- Written by: go test ./config -run TestDocs -update -->

# Configuration

One YAML file, named by ` + "`--config.file`" + `; [an annotated example](huaweicloud_workspace_exporter.example.yml)
shows every key. Without it, [the environment](#without-a-file) is enough for one project.

- Unknown keys, keys given twice and a second document are refused. All that is wrong is reported at once, one
  line for each fault, with file, line, path and remedy. ` + "`--config.check`" + ` does just that.
- A key without a value counts as absent.
- Durations are written as in Prometheus: ` + "`30s`, `5m`, `1h30m`" + `.
- Names of files are relative to the folder of the configuration file. Each must be readable when the
  configuration is loaded.
- YAML's anchors, aliases and merges work. Environment variables in the file are not expanded.
- Secrets are shown nowhere: ` + "`/config`" + ` and errors say ` + "`<secret>`" + `, and ` + "`xxxxx`" + ` for a proxy's password.
- The file may have up to 8 MiB, and 250,000 values.
`

const docsEnd = `
## Without a file

Environment variables alone configure one project, named after its region. All but the first are those of the
Huawei Cloud SDK.

| variable | meaning |
| --- | --- |
| ` + "`" + envRegion + "`" + ` | the region, required; the flag ` + "`--region`" + ` comes first |
| ` + "`" + EnvAccessKey + "`, `" + EnvSecretKey + "`" + ` | the key, both or none |
| ` + "`" + EnvSecurityToken + "`" + ` | the security token of a temporary key |
| ` + "`" + EnvIDPID + "`, `" + EnvIDTokenFile + "`" + ` | an identity provider (OIDC) and the file with its token, both or none; they come before a key |
| ` + "`" + envProjectID + "`" + ` | the project; absent: the region's main project, asked of IAM |
| ` + "`" + EnvIAMEndpoint + "`" + ` | where IAM is; ` + "`https://`" + ` may be left out |
| ` + "`" + envEndpoint + "REGION`" + ` | where Workspace is, such as ` + "`" + envEndpoint + "NA_MEXICO_1`" + `; for regions that the SDK does not know |

Where neither a key nor an identity provider is given, the profile file, the ECS agency and the pod identity are
tried in this order.
`

// sections are the parts of the document: a title, a type with its defaults,
// and what stands above the table.
var sections = []struct {
	title  string
	target any
	intro  string
}{
	{"The file", &Config{}, "At least one project or account is needed."},
	{"projects", &Project{}, "A list. Two entries must not read the same desktops: what tells them apart is `region`, `project_id` and `desktops`."},
	{"accounts", &Account{}, "A list. Each entry stands for all projects that its key can see, but for those where Workspace is not enabled."},
	{"credentials", &Credentials{}, "Each key belongs to one source; what belongs to another is refused. Changed files are read again without a reload."},
	{"desktops", &Desktops{}, "Which desktops of a project are read; absent: all. Where several filters are given, all must apply."},
	{"http", &HTTP{}, "How the API is reached; names as in Prometheus' HTTP client configuration."},
	{"tls_config", &promconfig.TLSConfig{}, "Part of `http`. Certificates and keys are in PEM."},
	{"limits", &Limits{}, ""},
	{"policies", &Policy{}, "A list. Of each desktop, the first policy that selects it says whether it should have an EIP; where several keys are given, all must apply. `desktop_eip_expected` tells it, and [the alerts](../deploy/prometheus) on missing and forbidden EIPs follow it. Where something is not known that a policy selects by, such as the VPC of a desktop whose networks were not read yet, nothing is said of the desktop. Without any policy, the alert on missing EIPs is for all desktops."},
	{"metrics", &Metrics{}, "What is said."},
	{"refresh", &Refresh{}, "How long reading may take, and how long what was read is good."},
	{"changes", &Changes{}, "What happened to desktops is [told](changes.md) to the log, by a metric, on a page, and to a webhook."},
	{"webhook", &Webhook{}, "Part of `changes`. Without `url` and `url_file` there is none. [Its format](changes.md#webhook) is CloudEvents."},
	{"authorization", &Authorization{}, "Part of `webhook`: a header of that name."},
	{"state", &State{}, "A file that lets a restart keep [what it would forget](changes.md#state-file). Without `file` there is none."},
}

const (
	required = "**required**"
	section  = "see "
)

// meanings holds, for each key, what a reader needs beyond its name. A text in
// braces is a default that no zero value shows.
var meanings = map[string]string{
	"projects": "single projects", "accounts": "whole accounts", "policies": "which desktops should have an EIP", "metrics": "what is said", "refresh": "how it is read",
	"changes": "where changes are told", "state": "what outlives a restart",

	"projects.name":         "{required} unique among projects and accounts; also the target of `/probe`",
	"projects.region":       "{required} the ID of the region, such as `la-north-2`",
	"projects.project_id":   "{the region's main project} its ID; without it, IAM is asked once. Sub-projects need it",
	"projects.endpoint":     "{the region's} where Workspace is, without a path; required for a region that the SDK does not know. Plain http is for loopback addresses only",
	"projects.iam_endpoint": "{the SDK's choice} where IAM is, as for `endpoint`",
	"projects.credentials":  "who asks", "projects.desktops": "which desktops", "projects.http": "how the API is reached", "projects.limits": "how much is asked",
	"projects.eips": "read the list of EIPs as well, so that a change of an EIP shows earlier, and contradictions with it [are found](metrics.md#findings). Without permission for it, the rest works as before",

	"accounts.name":            "{required} unique among projects and accounts, without a slash; its projects are named `NAME/PROJECT`",
	"accounts.project_refresh": "how often IAM is asked for the projects",
	"accounts.regions":         "{all} which regions, by their IDs; it must match the whole",
	"accounts.projects":        "{all} which projects, by their names in IAM; it must match the whole",
	"accounts.endpoints":       "{each region's} where Workspace is, by region, as for `projects[].endpoint`",
	"accounts.iam_endpoint":    "{the SDK's choice} where IAM is",
	"accounts.credentials":     "who asks", "accounts.desktops": "which desktops, without `ids`", "accounts.http": "how the API is reached",
	"accounts.limits": "how much is asked", "accounts.eips": "as for projects",

	"credentials.source":              "{told from the other keys; `chain` without any} `static`: a key, inline or from files. `oidc`: an identity provider. `profile`: the SDK's profile file. `environment`: the SDK's variables. `ecs_agency`: the agency of the ECS that this runs on. `pod_identity`: the pod identity of CCE. `chain`: environment, profile, ECS agency and pod identity, the first that is there",
	"credentials.access_key":          "with `static`, this or the next is required",
	"credentials.access_key_file":     "the file that holds it",
	"credentials.secret_key":          "with `static`, this or the next is required",
	"credentials.secret_key_file":     "the file that holds it",
	"credentials.security_token":      "with `static` and a temporary key",
	"credentials.security_token_file": "the file that holds it",
	"credentials.profile_file":        "{`HUAWEICLOUD_SDK_CREDENTIALS_FILE`, or `~/.huaweicloud/credentials`} with `profile`",
	"credentials.idp_id":              "with `oidc`: the identity provider's ID in IAM; required there",
	"credentials.id_token_file":       "with `oidc`: the file that holds the provider's ID token; required there",

	"desktops.ids":                   "just these desktops: nothing is listed then, and other filters are refused",
	"desktops.enterprise_project_id": "those of an enterprise project; `0` is the default one",
	"desktops.pool_ids":              "those of some desktop pools",
	"desktops.tags":                  "those with all of these tags, value by key",
	"desktops.subnet_id":             "those of a subnet",
	"desktops.status":                "those in a status, such as `ACTIVE`",

	"http.proxy_url":              "the proxy: http, https, socks5 or socks5h, with user and password if it wants them",
	"http.no_proxy":               "with `proxy_url`: hosts, domains and networks that are reached without it, separated by commas",
	"http.proxy_from_environment": "{true without `proxy_url`} whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count",
	"http.proxy_connect_header":   "headers for the proxy, a list of secrets by name",
	"http.tls_config":             "how the API's certificate is checked",
	"http.enable_http2":           "use HTTP/2 where the API offers it",

	"tls_config.ca": "{the system's} certificates of the authorities that are trusted", "tls_config.ca_file": "the file that holds them",
	"tls_config.cert": "the client certificate", "tls_config.cert_file": "the file that holds it",
	"tls_config.key": "the client certificate's key", "tls_config.key_file": "the file that holds it",
	"tls_config.server_name":          "{the endpoint's host} the name that the certificate must bear",
	"tls_config.insecure_skip_verify": "do not check the certificate: anyone on the way can pose as the cloud. A warning and a metric tell",
	"tls_config.min_version":          "{`TLS12`} `TLS10`, `TLS11`, `TLS12` or `TLS13`",
	"tls_config.max_version":          "{`TLS13`} as `min_version`",

	"limits.requests_per_minute": "1 to 10000, in any sliding minute, for each API; projects with the same key and endpoint share it. The cloud's own limit is 200 a user",
	"limits.concurrency":         "1 to 100 requests at once",

	"policies.name":          "{required} unique among policies; the label `policy`",
	"policies.eip":           "{required} `required`, `allowed` or `forbidden`",
	"policies.projects":      "{all} which projects, by their names here, those of accounts by `NAME/PROJECT`; it must match the whole",
	"policies.vpc_ids":       "{all} those with an interface in one of these VPCs",
	"policies.subnet_ids":    "{all} those with an interface in one of these subnets",
	"policies.pool_ids":      "{all} those of one of these desktop pools",
	"policies.tags":          "{all} those with all of these tags, value by key. The tags are read then, whether `metrics.tags` shows them or not",
	"policies.desktop_names": "{all} those of such names; it must match the whole",

	"metrics.disable": "families of metrics that are left out, by name without `huaweicloud_workspace_`",
	"metrics.tags":    "keys of tags that `desktop_tags_info` shows; without any, there is no such family",
	"metrics.users":   "whether there is `desktop_user_info`, which is personal data",

	"refresh.timeout":       "of one refresh, however long a scrape waits for it",
	"refresh.max_staleness": "how long the last good value of a desktop is shown, from the first try on that failed; at least `timeout`",
	"refresh.min_interval":  "a snapshot younger than this is served without a refresh",

	"changes.keep":    "how many of the newest are kept for the page `/changes`, 0 to 1000000",
	"changes.webhook": "who is sent each change",

	"webhook.url":           "where changes are POSTed to; a secret, as many receivers know their senders by it alone. http and https",
	"webhook.url_file":      "the file that holds it; read again for each change",
	"webhook.authorization": "who sends", "webhook.http": "how the receiver is reached",
	"webhook.headers": "further headers, their values by name",
	"webhook.timeout": "of one request",
	"webhook.queue":   "how many changes wait for a receiver that is down, 1 to 1000000; the oldest go first",

	"authorization.type":             "such as `Basic`, with user and password in base64 as credentials",
	"authorization.credentials":      "what stands behind the type, such as a token",
	"authorization.credentials_file": "the file that holds it; read again for each change",

	"state.file":    "where; the folder must be there, and the exporter may write in it",
	"state.max_age": "a file that is older is not used",
}

// typeName says in a word what a value is.
func typeName(key string, t reflect.Type) string {
	switch v := reflect.New(t).Interface().(type) {
	case *Secret, *promconfig.Secret:
		return "secret"
	case *Regexp:
		return "RE2"
	case *promconfig.URL:
		return "URL"
	case *model.Duration:
		return "duration"
	case *promconfig.ProxyHeader:
		return "mapping"
	case *bool:
		return "boolean"
	case *int:
		return "number"
	case *[]string:
		return "list of texts"
	case *map[string]string:
		return "mapping of texts"
	case *map[string]Secret:
		return "mapping of secrets"
	case *[]Project, *[]Account, *[]Policy, *Metrics, *Refresh, *Changes, *Webhook, *Authorization, *State, *Credentials, *Desktops, *HTTP, *promconfig.TLSConfig, *Limits:
		return section + fmt.Sprintf("[%s](#%[1]s)", key)
	case *Source, *Expectation, *promconfig.TLSVersion:
		return "text"
	case *string:
		switch {
		case strings.HasSuffix(key, "_file"), key == "file":
			return "file"
		case strings.HasSuffix(key, "endpoint"):
			return "URL"
		}
		return "text"
	default:
		panic(fmt.Sprintf("no name for a %T", v))
	}
}

func docs(t *testing.T) string {
	t.Helper()
	left := make(map[string]bool)
	for key := range meanings {
		left[key] = true
	}
	var project Project
	project.setDefaults()
	var b strings.Builder
	b.WriteString(docsBegin)
	for _, s := range sections {
		v := reflect.ValueOf(s.target).Elem()
		setDefaults(v)
		switch target := s.target.(type) {
		case *Limits:
			*target = project.Limits
		case *HTTP:
			*target = project.HTTP
		case *Refresh:
			var c Config
			c.setDefaults()
			*target = c.Refresh
		}
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.intro != "" {
			b.WriteString(s.intro + "\n\n")
		}
		b.WriteString("| key | type | default | meaning |\n| --- | --- | --- | --- |\n")
		for key, field := range fields(v.Type()) {
			path := key
			if s.title != "The file" {
				path = s.title + "." + key
			}
			meaning, ok := meanings[path]
			if !ok {
				t.Errorf("%s has no meaning; give it one in this file", path)
			}
			delete(left, path)
			byDefault := ""
			if rest, found := strings.CutPrefix(meaning, "{"); found {
				byDefault, meaning, _ = strings.Cut(rest, "} ")
				if byDefault == "required" {
					byDefault = required
				}
			} else if shown := fmt.Sprint(v.FieldByIndex(field.Index).Interface()); v.FieldByIndex(field.Index).Kind() != reflect.Struct {
				byDefault = strings.Trim(strings.TrimPrefix(shown, "map"), "[]")
				if byDefault != "" {
					byDefault = "`" + byDefault + "`"
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", key, typeName(key, field.Type), byDefault, meaning)
		}
	}
	for key := range left {
		t.Errorf("%s has a meaning, but is no key", key)
	}
	b.WriteString(docsEnd)
	return b.String()
}

func TestDocs(t *testing.T) {
	golden(t, "../docs/configuration.md", docs(t))
}

// TestExample loads the annotated example, with files where it names some, and
// sees to it that every key is in it.
func TestExample(t *testing.T) {
	t.Parallel()
	const name = "huaweicloud_workspace_exporter.example.yml"
	data, err := os.ReadFile(filepath.Join("../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for to, from := range map[string]string{
		"secrets/access_key": "keys/ak", "secrets/secret_key": "keys/sk", "secrets/token": "keys/token", "secrets/id_token": "keys/token",
		"secrets/profile": "keys/profile", "secrets/hook": "hooks/url", "secrets/hook_token": "hooks/token", "tls/ca.pem": "tls/ca.pem", "tls/client.pem": "tls/client.pem", "tls/client.key": "tls/client.key",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o700); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range c.Projects {
		names = append(names, p.Name+" "+string(p.Credentials.Source))
	}
	for _, a := range c.Accounts {
		names = append(names, a.Name+" "+string(a.Credentials.Source))
	}
	want := []string{"bogota chain", "santiago-finance static", "reception profile", "brazil oidc"}
	if !slices.Equal(names, want) {
		t.Errorf("loaded %q, want %q", names, want)
	}
	words := strings.FieldsFunc(string(data), func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	for path := range meanings {
		key := path[strings.LastIndex(path, ".")+1:]
		if !slices.Contains(words, key) {
			t.Errorf("the example does not show %s", path)
		}
	}
}
