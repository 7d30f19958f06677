// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
)

// template renders all templates of the chart as a release with the given name in
// the namespace desktops.
func template(release, values string) (map[string]string, error) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	v, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.32.0", Major: "1", Minor: "32"}
	all, err := chartutil.ToRenderValues(chart, v, chartutil.ReleaseOptions{
		Name: release, Namespace: "desktops", Revision: 1, IsInstall: true,
	}, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

// text joins the rendered templates, without the notes.
func text(rendered map[string]string) string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasSuffix(name, ".yaml") && strings.TrimSpace(rendered[name]) != "" {
			fmt.Fprintf(&all, "---\n%s\n", strings.Trim(rendered[name], "\n"))
		}
	}
	return all.String()
}

// render renders the chart as the release huaweicloud-workspace-exporter.
func render(t testing.TB, values string) manifests {
	t.Helper()
	rendered, err := template("huaweicloud-workspace-exporter", values)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text(rendered))
}

// project is the configuration of most renderings.
const project = `
config:
  projects:
    - name: office
      region: la-north-2
      credentials:
        access_key_file: /run/secrets/huaweicloud_workspace_exporter/access_key
        secret_key_file: /run/secrets/huaweicloud_workspace_exporter/secret_key
credentials: {existingSecret: keys}
`

// TestChartLints runs the checks of `helm lint --strict`.
func TestChartLints(t *testing.T) {
	values, err := chartutil.ReadValues([]byte(project))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]map[string]any{"without values": {}, "with a project": values} {
		for _, m := range lint.AllWithKubeVersion(chartDir, v, "desktops", &chartutil.DefaultCapabilities.KubeVersion).Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

// TestChart renders the chart with each option, and with all options together.
func TestChart(t *testing.T) {
	for _, c := range []struct {
		name, values string
		external     []string
		look         func(*testing.T, manifests)
	}{
		{"a project", project, []string{"keys"}, func(t *testing.T, m manifests) {
			if n := len(m); n != 7 {
				t.Errorf("%d objects, want ConfigMap, ServiceAccount, Deployment, Service, NetworkPolicy, PodDisruptionBudget and the test", n)
			}
			if image := m.container(t).Image; image != "ghcr.io/huaweicloud-exporters/huaweicloud_workspace_exporter:0.1.0" {
				t.Errorf("image %s", image)
			}
		}},
		{"a demonstration", "demo: true", nil, func(t *testing.T, m manifests) {
			if len(m.container(t).VolumeMounts)+len(all[*core.ConfigMap](m)) != 0 {
				t.Error("the demo mounts volumes")
			}
		}},
		{"a ConfigMap of one's own", "existingConfigMap: mine", []string{"mine"}, func(t *testing.T, m manifests) {
			if n := len(all[*core.ConfigMap](m)); n != 0 {
				t.Errorf("%d ConfigMaps", n)
			}
		}},
		{"pod identity", `
config: {projects: [{name: office, region: la-north-2, credentials: {source: pod_identity}}]}
serviceAccount: {name: desktops-reader, annotations: {example.com/agency: reader}}
`, nil, func(t *testing.T, m manifests) {
			a := one[*core.ServiceAccount](t, m)
			if a.Name != "desktops-reader" || a.Annotations["example.com/agency"] != "reader" {
				t.Errorf("the service account is %s with %v", a.Name, a.Annotations)
			}
		}},
		{"a service account that is there", "demo: true\nserviceAccount: {create: false, name: mine}", nil, func(t *testing.T, m manifests) {
			if n := len(all[*core.ServiceAccount](m)); n != 0 {
				t.Errorf("%d service accounts", n)
			}
			if got := one[*apps.Deployment](t, m).Spec.Template.Spec.ServiceAccountName; got != "mine" {
				t.Errorf("the pod uses the service account %q", got)
			}
		}},
		{"an account, a webhook and a state", `
config:
  accounts:
    - name: brazil
      regions: sa-.*
      credentials: {access_key: AKEXAMPLE, secret_key_file: /run/secrets/huaweicloud_workspace_exporter/secret_key}
      http: {proxy_url: "http://proxy:3128"}
  changes: {webhook: {url_file: /run/secrets/huaweicloud_workspace_exporter/hook}}
  state: {file: /var/lib/huaweicloud_workspace_exporter/state.json}
credentials: {existingSecret: keys}
state: {existingClaim: state}
networkPolicy: {extraEgress: [{ports: [{port: 3128, protocol: TCP}]}]}
`, []string{"keys"}, func(t *testing.T, m manifests) {
			egress := one[*networking.NetworkPolicy](t, m).Spec.Egress
			if p := egress[len(egress)-1].Ports[0].Port.IntValue(); p != 3128 || len(egress) != 3 {
				t.Errorf("the last of %d egress rules allows port %d", len(egress), p)
			}
		}},
		{"another image", `
demo: true
image: {repository: swr.example.com/tools/exporter, digest: "sha256:` + strings.Repeat("0", 64) + `", pullPolicy: Always}
imagePullSecrets: [{name: registry}]
`, nil, func(t *testing.T, m manifests) {
			c := m.container(t)
			if c.Image != "swr.example.com/tools/exporter@sha256:"+strings.Repeat("0", 64) || c.ImagePullPolicy != core.PullAlways {
				t.Errorf("image %s, %s", c.Image, c.ImagePullPolicy)
			}
			if s := one[*apps.Deployment](t, m).Spec.Template.Spec.ImagePullSecrets; len(s) != 1 || s[0].Name != "registry" {
				t.Errorf("image pull secrets are %v", s)
			}
		}},
		{"for the Prometheus operator", project + `
serviceMonitor:
  enabled: true
  namespace: monitoring
  labels: {release: prometheus}
  interval: 2m
  scrapeTimeout: 45s
  relabelings: [{action: labeldrop, regex: pod}]
  metricRelabelings: [{action: drop, sourceLabels: [__name__], regex: go_.*}]
prometheusRule:
  enabled: true
  labels: {release: prometheus}
  alertLabels: {team: desktops}
  disabledAlerts: [HuaweiCloudWorkspaceDesktopMissesEIP, HuaweiCloudWorkspaceDesktopLostEIP]
`, []string{"keys"}, func(t *testing.T, m manifests) {
			s := one[*monitoring.ServiceMonitor](t, m)
			e := s.Spec.Endpoints[0]
			if s.Namespace != "monitoring" || s.Labels["release"] != "prometheus" || e.Interval != "2m" || e.ScrapeTimeout != "45s" ||
				len(e.RelabelConfigs) != 1 || len(e.MetricRelabelConfigs) != 1 || !slices.Equal(s.Spec.NamespaceSelector.MatchNames, []string{"desktops"}) {
				t.Errorf("the service monitor is %+v", s)
			}
			r := one[*monitoring.PrometheusRule](t, m)
			promtool(t, r)
			var alerts []string
			for _, g := range r.Spec.Groups {
				for _, rule := range g.Rules {
					if rule.Alert != "" {
						alerts = append(alerts, rule.Alert)
						if rule.Labels["team"] != "desktops" || rule.Labels["severity"] == "" || rule.Annotations["runbook_url"] == "" {
							t.Errorf("%s has the labels %v", rule.Alert, rule.Labels)
						}
					} else if len(rule.Labels) > 0 {
						t.Errorf("%s has the labels %v", rule.Record, rule.Labels)
					}
				}
			}
			if want := strings.Count(read(t, "deploy/prometheus/alerts.yml"), "- alert: ") - 2; len(alerts) != want ||
				slices.Contains(alerts, "HuaweiCloudWorkspaceDesktopMissesEIP") {
				t.Errorf("the alerts are %q, want %d", alerts, want)
			}
		}},
		{"dashboards", "demo: true\ndashboards: {enabled: true, namespace: grafana, annotations: {grafana_folder: Desktops}}", nil, func(t *testing.T, m manifests) {
			checkDashboards(t, m)
			for _, c := range all[*core.ConfigMap](m) {
				if c.Namespace != "grafana" || c.Annotations["grafana_folder"] != "Desktops" {
					t.Errorf("%s is in %s with %v", c.Name, c.Namespace, c.Annotations)
				}
			}
		}},
		{"an ingress with a password", project + `
ingress: {enabled: true, className: nginx, host: desktops.example.com, tlsSecret: certificate, annotations: {a: b}}
extraArgs: ["--web.max-requests=10"]
web: {externalUrl: "https://desktops.example.com/exporter/", config: {basic_auth_users: {prometheus: $2a$04$iKzUNZymx/agvZSfmJokUeHtSpIDZspjmeJgV4HCRy9riU40aEoc6}}}
`, []string{"keys"}, func(t *testing.T, m manifests) {
			i := one[*networking.Ingress](t, m).Spec
			if *i.IngressClassName != "nginx" || i.Rules[0].Host != "desktops.example.com" || i.Rules[0].HTTP.Paths[0].Path != "/exporter" ||
				i.TLS[0].SecretName != "certificate" {
				t.Errorf("the ingress is %+v", i)
			}
			if s := one[*core.Secret](t, m); !strings.Contains(s.StringData["web.yml"], "$2a$04$") {
				t.Errorf("the secret contains %v", s.StringData)
			}
		}},
		{"a web configuration of one's own", "demo: true\nweb: {existingSecret: web}", []string{"web"}, func(t *testing.T, m manifests) {
			if n := len(all[*core.Secret](m)); n != 0 {
				t.Errorf("%d secrets", n)
			}
		}},
		{"without extras", project + "networkPolicy: {enabled: false}\npodDisruptionBudget: {enabled: false}\n", []string{"keys"}, func(t *testing.T, m manifests) {
			if len(all[*networking.NetworkPolicy](m))+len(all[*policy.PodDisruptionBudget](m)) != 0 {
				t.Error("disabled objects are rendered")
			}
		}},
		{"what goes through", project + `
nameOverride: vdi-huaweicloud-workspace
commonLabels: {owner: it}
log: {level: debug, format: logfmt}
extraEnv: [{name: HTTPS_PROXY, valueFrom: {secretKeyRef: {name: proxy, key: url}}}]
extraEnvFrom: [{configMapRef: {name: proxies}}]
extraVolumes: [{name: ca, configMap: {name: ca}}]
extraVolumeMounts: [{name: ca, mountPath: /etc/ca, readOnly: true}]
podLabels: {sidecar.istio.io/inject: "false"}
podAnnotations: {checksum: abc}
nodeSelector: {kubernetes.io/arch: arm64}
tolerations: [{key: infra, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
priorityClassName: important
service: {type: NodePort, port: 80, annotations: {a: b}}
scrapeAnnotations: true
`, []string{"keys", "ca"}, func(t *testing.T, m manifests) {
			pod := one[*apps.Deployment](t, m).Spec.Template
			for key, ok := range map[string]bool{
				"commonLabels":       pod.Labels["owner"] == "it",
				"podLabels":          pod.Labels["sidecar.istio.io/inject"] == "false",
				"podAnnotations":     pod.Annotations["checksum"] == "abc",
				"nodeSelector":       pod.Spec.NodeSelector["kubernetes.io/arch"] == "arm64",
				"tolerations":        len(pod.Spec.Tolerations) == 1,
				"affinity":           pod.Spec.Affinity != nil,
				"priorityClassName":  pod.Spec.PriorityClassName == "important",
				"extraEnv":           len(pod.Spec.Containers[0].Env) == 2,
				"extraEnvFrom":       len(pod.Spec.Containers[0].EnvFrom) == 1,
				"log.level":          slices.Contains(pod.Spec.Containers[0].Args, "--log.level=debug"),
				"service.type":       one[*core.Service](t, m).Spec.Type == core.ServiceTypeNodePort,
				"service.annotation": one[*core.Service](t, m).Annotations["a"] == "b",
				"scrapeAnnotations":  one[*core.Service](t, m).Annotations["prometheus.io/port"] == "10045",
				"nameOverride":       one[*core.Service](t, m).Name == "huaweicloud-workspace-exporter-vdi-huaweicloud-workspace",
			} {
				if !ok {
					t.Errorf("%s has no effect", key)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := render(t, c.values)
			m.check(t, c.external...)
			for _, o := range m {
				if o.GetNamespace() == "" {
					t.Errorf("%s %s has no namespace", reflectKind(o), o.GetName())
				}
			}
			if args := m.container(t).Args; !slices.Contains(args, "--demo") {
				m.arguments(t)
			}
			c.look(t, m)
		})
	}
}

// TestChartGolden compares the chart rendered with minimal values with a golden file.
func TestChartGolden(t *testing.T) {
	rendered, err := template("desktops", project)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "chart.golden"), text(rendered))
}

// TestNotes checks the notes that are printed after the installation.
func TestNotes(t *testing.T) {
	notes := func(values string) string {
		t.Helper()
		rendered, err := template("desktops", values)
		if err != nil {
			t.Fatal(err)
		}
		return rendered["huaweicloud-workspace-exporter/templates/NOTES.txt"]
	}
	for _, c := range []struct {
		values string
		has    []string
		lacks  []string
	}{
		{
			project,
			[]string{"port-forward svc/desktops-huaweicloud-workspace-exporter 10045:10045", "http://localhost:10045/status", "serviceMonitor.enabled", "prometheusRule.enabled"},
			[]string{"simulated", "No Secret", "No NetworkPolicy"},
		},
		{
			"demo: true\nserviceMonitor: {enabled: true}\nprometheusRule: {enabled: true}\nnetworkPolicy: {enabled: false}",
			[]string{"simulated", "No NetworkPolicy"},
			[]string{"serviceMonitor", "prometheusRule"},
		},
		{"config: {projects: [{name: a, region: b}]}", []string{"No Secret"}, nil},
	} {
		got := notes(c.values)
		for _, text := range c.has {
			if !strings.Contains(got, text) {
				t.Errorf("the notes do not contain %q:\n%s", text, got)
			}
		}
		for _, text := range c.lacks {
			if strings.Contains(got, text) {
				t.Errorf("the notes contain %q:\n%s", text, got)
			}
		}
	}
}

// TestChartPackages checks that the chart directory is complete and contains no
// symbolic links or other files.
func TestChartPackages(t *testing.T) {
	err := filepath.WalkDir(chartDir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type()&os.ModeSymlink != 0 {
			t.Errorf("%s is a symbolic link, which helm package does not fully support", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	path, err := chartutil.Save(chart, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed.Files) != len(chart.Files) || len(packed.Templates) != len(chart.Templates) || packed.Schema == nil {
		t.Errorf("%d files and %d templates are packed, want %d and %d", len(packed.Files), len(packed.Templates), len(chart.Files), len(chart.Templates))
	}
	// Helm stores a release in a Secret, which is limited to 1 MiB.
	if info, err := os.Stat(path); err != nil || info.Size() > 300<<10 {
		t.Errorf("the packed chart has %d bytes: %v", info.Size(), err)
	}
}
