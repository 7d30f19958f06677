// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// value is a documented value of values.yaml.
type value struct{ key, standard, what string }

// documented returns the values of values.yaml that have a comment starting with
// --. It does not descend into them.
func documented(t *testing.T, prefix string, node *yaml.Node) (values []value) {
	t.Helper()
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, child := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		// A separate paragraph before it can describe the whole file.
		paragraphs := strings.Split(key.HeadComment, "\n\n")
		what, ok := strings.CutPrefix(paragraphs[len(paragraphs)-1], "# -- ")
		switch {
		case ok:
			var standard any
			if err := child.Decode(&standard); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(standard)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value{name, string(text), what})
		case child.Kind == yaml.MappingNode:
			values = append(values, documented(t, name+".", child)...)
		default:
			t.Errorf("values.yaml has no description of %s", name)
		}
	}
	return values
}

// TestChartReadme compares the README's table with values.yaml.
func TestChartReadme(t *testing.T) {
	var file yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/huaweicloud-workspace-exporter/values.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| value | default | what |\n| --- | --- | --- |\n")
	for _, v := range documented(t, "", file.Content[0]) {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", v.key, v.standard, v.what)
	}
	path := filepath.Join(chartDir, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	marks := regexp.MustCompile(`(?s)(<!-- values:begin[^\n]*\n).*(<!-- values:end -->)`)
	if !marks.Match(text) {
		t.Fatal("README.md has no markers for its table")
	}
	golden(t, path, marks.ReplaceAllStringFunc(string(text), func(old string) string {
		m := marks.FindStringSubmatch(old)
		return m[1] + table.String() + m[2]
	}))
}

// TestSchemaDescribesEveryValue checks that values.yaml and its schema have
// the same values.
func TestSchemaDescribesEveryValue(t *testing.T) {
	type node struct {
		Properties           map[string]*node
		AdditionalProperties any
		Type                 any
	}
	var schema node
	if err := json.Unmarshal([]byte(read(t, "deploy/helm/huaweicloud-workspace-exporter/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/huaweicloud-workspace-exporter/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	ours := []string{"config", "web.config", "resources", "dashboards.labels"} // arbitrary content
	var compare func(string, *node, map[string]any)
	compare = func(path string, n *node, child map[string]any) {
		if n.AdditionalProperties != false {
			t.Errorf("the schema allows anything in %q", path)
		}
		for key, v := range child {
			name := strings.TrimPrefix(path+"."+key, ".")
			below, ok := n.Properties[key]
			if !ok {
				t.Errorf("the schema does not describe %s", name)
				continue
			}
			if inner, ok := v.(map[string]any); ok && below.Properties != nil && !slices.Contains(ours, name) {
				compare(name, below, inner)
			}
		}
		for key := range n.Properties {
			if _, ok := child[key]; !ok && key != "global" {
				t.Errorf("the schema describes %s.%s, which has no default", path, key)
			}
		}
	}
	compare("", &schema, values)
}

// TestChartRejectsInvalidValues renders the chart with invalid values and with values that would expose secrets.
func TestChartRejectsInvalidValues(t *testing.T) {
	key := func(line string) string {
		return "config: {projects: [{name: office, region: la-north-2, " + line + "}]}"
	}
	for values, want := range map[string]string{
		"{}":                                "nothing to export",
		"demo: true" + project:              "demo excludes config",
		project + "existingConfigMap: mine": "config and existingConfigMap exclude each other",
		key("credentials: {access_key: AK, secret_key: SK}"):                       "config.projects[0].credentials.secret_key: a ConfigMap must not contain a secret; use secret_key_file",
		key("credentials: {security_token: T}"):                                    "config.projects[0].credentials.security_token: a ConfigMap must not contain",
		key("http: {tls_config: {key: K}}"):                                        "config.projects[0].http.tls_config.key: a ConfigMap must not contain",
		key(`http: {proxy_url: "http://a:b@proxy:1"}`):                             "config.projects[0].http.proxy_url: a ConfigMap must not contain",
		key(`http: {proxy_connect_header: {A: [b]}}`):                              "config.projects[0].http.proxy_connect_header: a ConfigMap must not contain",
		"config: {accounts: [{name: a, credentials: {secret_key: SK}}]}":           "config.accounts[0].credentials.secret_key: a ConfigMap must not contain",
		"config: {changes: {webhook: {url: U}}}":                                   "config.changes.webhook.url: a ConfigMap must not contain",
		"config: {changes: {webhook: {url_file: U, headers: {A: b}}}}":             "config.changes.webhook.headers: a ConfigMap must not contain",
		"config: {changes: {webhook: {authorization: {credentials: C}}}}":          "config.changes.webhook.authorization.credentials: a ConfigMap must not contain",
		"config: {changes: {webhook: {http: {tls_config: {key: K}}}}}":             "config.changes.webhook.http.tls_config.key: a ConfigMap must not contain",
		"demo: true\nweb: {config: {basic_auth_users: {a: b}}, existingSecret: c}": "web.config and web.existingSecret exclude each other",
		"demo: true\nweb: {tlsSecret: a}":                                          "web.tlsSecret needs web.config",
		"demo: true\ningress: {enabled: true}":                                     "ingress.host is missing",
		// Rejected by the schema.
		"demo: true\nreplicaCount: 2":                                "replicaCount",
		"demo: true\nimage: {tags: a}":                               "tags",
		"demo: 1":                                                    "demo",
		"demo: true\nextraArgs: [--web.config.file=/a]":              "extraArgs",
		"demo: true\nextraArgs: [--web.route-prefix=/a]":             "extraArgs",
		"demo: true\nweb: {externalUrl: \"https://a/b?c\"}":          "externalUrl",
		"demo: true\nextraArgs: [--config.file=/a]":                  "extraArgs",
		"demo: true\nlog: {level: loud}":                             "level",
		"demo: true\nservice: {port: 0}":                             "port",
		"demo: true\nserviceMonitor: {interval: often}":              "interval",
		"demo: true\ngoMemLimit: 460Mi":                              "goMemLimit",
		"demo: true\nprometheusRule: {disabledAlerts: [Everything]}": "disabledAlerts",
		"config: {projects: [{name: office}]}":                       "region",
		"config: {projcets: []}":                                     "projcets",
		"config: {accounts: [{name: a/b}]}":                          "name",
	} {
		rendered, err := template("desktops", values)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nis rejected with %v, want %q; rendered: %t", values, err, want, rendered != nil)
		}
	}
}

// TestSchemaDescribesConfiguration compares the top level of the schema's config
// with the documented configuration keys of the exporter.
func TestSchemaDescribesConfiguration(t *testing.T) {
	schema := read(t, "deploy/helm/huaweicloud-workspace-exporter/values.schema.json")
	_, section, _ := strings.Cut(read(t, "docs/configuration.md"), "\n## The file\n")
	section, _, _ = strings.Cut(section, "\n## ")
	n := 0
	for line := range strings.SplitSeq(section, "\n") {
		if key, ok := strings.CutPrefix(line, "| `"); ok {
			n++
			key, _, _ = strings.Cut(key, "`")
			if !strings.Contains(schema, "        \""+key+"\": {") {
				t.Errorf("the schema does not describe config.%s", key)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d keys found", n)
	}
}
