// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

// TestChartAndKustomizeAgree compares the objects of the chart with those of
// kustomize for the same configuration.
func TestChartAndKustomizeAgree(t *testing.T) {
	k := overlay(t, "prometheus-operator", "scrape-annotations")
	h := render(t, `
existingConfigMap: huaweicloud-workspace-exporter
credentials: {existingSecret: huaweicloud-workspace-exporter}
serviceMonitor: {enabled: true}
prometheusRule: {enabled: true}
scrapeAnnotations: true
`)
	same := func(what string, a, b any) {
		t.Helper()
		if a, b := show(t, a), show(t, b); a != b {
			t.Errorf("%s differs, with kustomize:\n%s\nwith the chart:\n%s", what, a, b)
		}
	}
	spec := func(m manifests) *apps.DeploymentSpec {
		s := one[*apps.Deployment](t, m).Spec.DeepCopy()
		s.Selector, s.Template.Labels = nil, nil
		s.Template.Spec.Containers[0].ImagePullPolicy = ""
		return s
	}
	same("the deployment", spec(k), spec(h))
	service := func(m manifests) any {
		s := one[*core.Service](t, m)
		return []any{s.Name, s.Annotations, s.Spec.Ports}
	}
	same("the service", service(k), service(h))
	network := func(m manifests) *networking.NetworkPolicySpec {
		s := one[*networking.NetworkPolicy](t, m).Spec.DeepCopy()
		s.PodSelector.MatchLabels = nil
		s.Ingress[0].From = s.Ingress[0].From[:1] // the chart also admits its test pod
		return s
	}
	same("the network policy", network(k), network(h))
	budget := func(m manifests) any {
		s := one[*policy.PodDisruptionBudget](t, m).Spec
		return []any{s.MaxUnavailable, s.UnhealthyPodEvictionPolicy}
	}
	same("the disruption budget", budget(k), budget(h))
	same("the rules", one[*monitoring.PrometheusRule](t, k).Spec, one[*monitoring.PrometheusRule](t, h).Spec)
	endpoint := func(m manifests) monitoring.Endpoint {
		e := one[*monitoring.ServiceMonitor](t, m).Spec.Endpoints[0]
		e.Scheme = nil
		return e
	}
	same("the scrape", endpoint(k), endpoint(h))
}

func show(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestVersionsAgree checks that all manifests use the same image version.
func TestVersionsAgree(t *testing.T) {
	var chart struct{ Version, AppVersion string }
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/huaweicloud-workspace-exporter/Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]manifests{
		"the base": overlay(t), "the example": kustomize(t, kubernetes+"/overlays/example"), "the chart": render(t, "demo: true"),
	} {
		if _, tag, _ := strings.Cut(m.container(t).Image, ":"); tag != chart.AppVersion {
			t.Errorf("%s has the image %s, the chart has %s", name, m.container(t).Image, chart.AppVersion)
		}
	}
}

// TestResourcesMatchSizingGuide compares requests and limits with what
// docs/sizing.md recommends for 50,000 desktops, as the comments state.
func TestResourcesMatchSizingGuide(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| 50,000 \|.*$`).FindString(read(t, "docs/sizing.md"))
	memory := regexp.MustCompile(`\| (\d+) MB \|`).FindStringSubmatch(row)
	processor := regexp.MustCompile(`\| ([\d.]+) s \| [\d,]+ \|`).FindStringSubmatch(row)
	if memory == nil || processor == nil {
		t.Fatalf("docs/sizing.md has no valid row for 50,000 desktops: %q", row)
	}
	resident, seconds := number(t, memory[1])*1e6, number(t, processor[1])
	c := overlay(t).container(t)
	request, limit := c.Resources.Requests.Memory().AsApproximateFloat64(), c.Resources.Limits.Memory().AsApproximateFloat64()
	if resident > request*1.1 {
		t.Errorf("memory request is %s, but 50,000 desktops need %.0f bytes", c.Resources.Requests.Memory(), resident)
	}
	if limit < 1.5*resident {
		t.Errorf("memory limit %s is too low for %.0f bytes", c.Resources.Limits.Memory(), resident)
	}
	if cores := c.Resources.Requests.Cpu().AsApproximateFloat64(); cores < seconds/60 {
		t.Errorf("CPU request is %s, but 50,000 desktops need %.1f s a minute", c.Resources.Requests.Cpu(), seconds)
	}
	goLimit, err := resource.ParseQuantity(strings.TrimSuffix(c.Env[0].Value, "B"))
	if err != nil || c.Env[0].Name != "GOMEMLIMIT" {
		t.Fatalf("%v: %v", c.Env, err)
	}
	if share := goLimit.AsApproximateFloat64() / limit; share < 0.85 || share > 0.95 {
		t.Errorf("GOMEMLIMIT is %s of the limit", fmt.Sprintf("%.0f %%", 100*share))
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
