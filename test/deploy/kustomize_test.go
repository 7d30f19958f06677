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

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const kubernetes = root + "/deploy/kubernetes"

// kustomize builds a directory in the same way as `kubectl apply -k`.
func kustomize(t testing.TB, dir string) manifests {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, string(text))
}

// overlay builds an overlay of the base with some components.
func overlay(t testing.TB, components ...string) manifests {
	t.Helper()
	dir := t.TempDir()
	relative := func(path string) string {
		absolute, err := filepath.Abs(filepath.Join(kubernetes, path))
		if err != nil {
			t.Fatal(err)
		}
		path, err = filepath.Rel(dir, absolute)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	k := map[string]any{"resources": []string{relative("base")}}
	var some []string
	for _, c := range components {
		some = append(some, relative("components/"+c))
	}
	if len(some) > 0 {
		k["components"] = some
	}
	text, err := yaml.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return kustomize(t, dir)
}

const ourSecret = "huaweicloud-workspace-exporter"

// TestOverlays builds the overlays and checks all objects.
func TestOverlays(t *testing.T) {
	for _, c := range []struct{ name, kinds string }{
		{
			"example",
			"Namespace ServiceAccount ConfigMap ConfigMap ConfigMap ConfigMap ConfigMap ConfigMap Service Deployment " +
				"PodDisruptionBudget PrometheusRule ServiceMonitor NetworkPolicy",
		},
		{"demo", "Namespace ServiceAccount Service Deployment PodDisruptionBudget NetworkPolicy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := kustomize(t, filepath.Join(kubernetes, "overlays", c.name))
			m.check(t, ourSecret)
			var got []string
			for _, o := range m {
				got = append(got, reflectKind(o))
			}
			want := strings.Fields(c.kinds)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("the kinds are %q, want %q", got, want)
			}
			namespace := one[*core.Namespace](t, m)
			if namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
				t.Errorf("the namespace's labels are %v", namespace.Labels)
			}
			for _, o := range m {
				if o.GetNamespace() != namespace.Name && o.GetName() != namespace.Name {
					t.Errorf("%s %s is in the namespace %q", reflectKind(o), o.GetName(), o.GetNamespace())
				}
			}
			m.arguments(t)
		})
	}
}

// TestComponents builds the base with each component separately.
func TestComponents(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(kubernetes, "components"))
	if err != nil {
		t.Fatal(err)
	}
	adds := map[string]func(*testing.T, manifests){
		"prometheus-operator": func(t *testing.T, m manifests) {
			if n := len(all[*monitoring.ServiceMonitor](m)); n != 1 {
				t.Errorf("%d service monitors", n)
			}
			promtool(t, one[*monitoring.PrometheusRule](t, m))
		},
		"scrape-annotations": func(t *testing.T, m manifests) {
			got := fmt.Sprint(one[*core.Service](t, m).Annotations)
			if want := "map[prometheus.io/path:/metrics prometheus.io/port:10045 prometheus.io/scrape:true]"; got != want {
				t.Errorf("annotations %s, want %s", got, want)
			}
		},
		"grafana-dashboards": func(t *testing.T, m manifests) {
			checkDashboards(t, m)
		},
		"pod-identity": func(t *testing.T, m manifests) {
			for _, v := range m.container(t).VolumeMounts {
				if v.Name != "config" {
					t.Errorf("%s is mounted at %s", v.Name, v.MountPath)
				}
			}
			if text := m.data()["exporter.yml"]; !strings.Contains(text, "source: pod_identity") {
				t.Errorf("the configuration is:\n%s", text)
			}
		},
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			m := overlay(t, e.Name())
			var external []string
			if e.Name() != "pod-identity" {
				external = append(external, ourSecret)
			}
			m.check(t, external...)
			m.arguments(t)
			if adds[e.Name()] == nil {
				t.Fatal("unknown component")
			}
			adds[e.Name()](t, m)
		})
	}
	if len(entries) != len(adds) {
		t.Errorf("%d components, want %d", len(entries), len(adds))
	}
}

// checkDashboards checks that every dashboard is in a ConfigMap that Grafana's
// sidecar selects.
func checkDashboards(t *testing.T, m manifests) {
	t.Helper()
	got := map[string]string{}
	for _, c := range all[*core.ConfigMap](m) {
		if c.Labels["grafana_dashboard"] != "1" {
			continue
		}
		for key, text := range c.Data {
			if got[key] != "" {
				t.Errorf("duplicate dashboard %s", key)
			}
			got[key] = text
		}
	}
	for _, name := range dashboards(t) {
		text, ok := got[name]
		if !ok {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
		var is, should any
		if err := json.Unmarshal([]byte(text), &is); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := json.Unmarshal([]byte(read(t, "dashboards", name)), &should); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if fmt.Sprint(is) != fmt.Sprint(should) {
			t.Errorf("%s differs from the original file", name)
		}
	}
	for name := range got {
		t.Errorf("unknown dashboard %s", name)
	}
}

// promtool checks the rules of an object with promtool.
func promtool(t *testing.T, r *monitoring.PrometheusRule) {
	t.Helper()
	text, err := yaml.Marshal(r.Spec)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range r.Spec.Groups {
		n += len(g.Rules)
	}
	code, said := finish(t, "promtool", "check", "rules", path)
	if code != 0 || !strings.Contains(said, fmt.Sprintf("SUCCESS: %d rules found", n)) || n < 20 {
		t.Errorf("promtool exits with %d for %d rules: %s", code, n, said)
	}
}

// TestGuide compares the objects in docs/kubernetes.md with the example overlay.
func TestGuide(t *testing.T) {
	var m manifests
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(read(t, "docs/kubernetes.md"), -1) {
		if strings.Contains(block[1], "\nkind: ") {
			m = append(m, decode(t, block[1])...)
		}
	}
	probe := one[*monitoring.Probe](t, m)
	example := kustomize(t, kubernetes+"/overlays/example")
	service := one[*core.Service](t, example)
	if want := fmt.Sprintf("%s.%s.svc:%d", service.Name, service.Namespace, service.Spec.Ports[0].Port); probe.Spec.ProberSpec.URL != want {
		t.Errorf("the probe requests %s, want %s", probe.Spec.ProberSpec.URL, want)
	}
	for _, project := range probe.Spec.Targets.StaticConfig.Targets {
		if !strings.Contains(example.data()["exporter.yml"], "name: "+project+"\n") {
			t.Errorf("the example has no project %s", project)
		}
	}
	if duration(t, probe.Spec.ScrapeTimeout) > duration(t, probe.Spec.Interval) || probe.Spec.ProberSpec.Path != "/probe" || probe.Spec.Module != "" {
		t.Errorf("the probe is %+v", probe.Spec)
	}
}
