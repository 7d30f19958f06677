// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	admission "k8s.io/pod-security-admission/api"
	security "k8s.io/pod-security-admission/policy"
)

// check checks the rules for every rendering, independent of options.
// External lists the ConfigMaps and Secrets that the operator provides.
func (m manifests) check(t *testing.T, external ...string) {
	t.Helper()
	m.checkNames(t)
	m.checkDeployment(t)
	m.checkSelectors(t)
	m.checkPorts(t)
	m.checkVolumes(t, external)
	m.checkConfigMaps(t)
	m.checkScraping(t)
}

// checkNames checks for objects that would replace each other.
func (m manifests) checkNames(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range m {
		key := reflectKind(o) + " " + o.GetNamespace() + "/" + o.GetName()
		if seen[key] {
			t.Errorf("duplicate object %s", key)
		}
		seen[key] = true
	}
}

// checkDeployment checks that the pod is secure and that at most one pod runs,
// because of the API quota.
func (m manifests) checkDeployment(t *testing.T) {
	t.Helper()
	d := one[*apps.Deployment](t, m)
	if r := d.Spec.Replicas; r == nil || *r != 1 {
		t.Errorf("replicas: %v, want 1: two would use the quota twice", r)
	}
	if d.Spec.Strategy.Type != apps.RecreateDeploymentStrategyType {
		t.Errorf("strategy %q allows two pods at the same time", d.Spec.Strategy.Type)
	}
	pod := d.Spec.Template.Spec
	checkPod(t, pod)
	if s := pod.TerminationGracePeriodSeconds; s == nil || *s <= 15 {
		t.Errorf("terminationGracePeriodSeconds: %v, but running scrapes may take 15", s)
	}
	c := m.container(t)
	for name, p := range map[string]*core.Probe{"liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		switch {
		case p == nil:
			t.Errorf("%s probe is missing", name)
		case name == "liveness" && p.HTTPGet != nil && !strings.HasSuffix(p.HTTPGet.Path, "/-/healthy"):
			t.Errorf("the exporter is restarted when %s fails", p.HTTPGet.Path)
		case p.HTTPGet == nil && (p.Exec == nil || !slices.Contains(p.Exec.Command, "--healthcheck")):
			t.Errorf("the %s probe has no action", name)
		}
	}
	if len(c.Resources.Requests) == 0 || c.Resources.Limits.Memory().IsZero() || !c.Resources.Limits.Cpu().IsZero() {
		t.Errorf("resources are %v, want requests and a memory limit only", c.Resources)
	}
}

// checkPod checks a pod with the admission library of Kubernetes against the
// standard "restricted", and checks what this standard does not cover.
func checkPod(t *testing.T, pod core.PodSpec) {
	t.Helper()
	standard, err := security.NewEvaluator(security.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := admission.LevelVersion{Level: admission.LevelRestricted, Version: admission.LatestVersion()}
	if result := security.AggregateCheckResults(standard.EvaluatePod(restricted, &meta.ObjectMeta{}, &pod)); !result.Allowed {
		t.Errorf("%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
	}
	// The kubelet can verify that a user is not root only by a numeric ID.
	if s := pod.SecurityContext; s == nil || s.RunAsUser == nil || *s.RunAsUser == 0 || s.RunAsGroup == nil || *s.RunAsGroup == 0 {
		t.Error("the pod's user and group are not numeric, or are root's")
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod mounts a service account token, which it does not need")
	}
	for _, c := range pod.Containers {
		if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.Capabilities == nil || len(s.Capabilities.Add) > 0 {
			t.Errorf("%s may write to its root file system, or has capabilities", c.Name)
		}
		if !regexp.MustCompile(`.[:@][\w.:-]*\d[\w.:-]*$`).MatchString(c.Image) {
			t.Errorf("the image %q has no version", c.Image)
		}
	}
}

// checkSelectors checks that every selector of pods matches the exporter's pod.
func (m manifests) checkSelectors(t *testing.T) {
	t.Helper()
	d := one[*apps.Deployment](t, m)
	pod := d.Spec.Template.Labels
	selects := func(what string, selector, labels map[string]string) {
		t.Helper()
		if len(selector) == 0 {
			t.Errorf("%s has an empty selector", what)
		}
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s selects %s=%s, but the label is %q", what, key, value, labels[key])
			}
		}
	}
	selects("the deployment", d.Spec.Selector.MatchLabels, pod)
	service := one[*core.Service](t, m)
	selects("the service", service.Spec.Selector, pod)
	for _, p := range all[*networking.NetworkPolicy](m) {
		selects("the network policy", p.Spec.PodSelector.MatchLabels, pod)
		if !slices.Equal(p.Spec.PolicyTypes, []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress}) {
			t.Errorf("the network policy types are %v, want ingress and egress", p.Spec.PolicyTypes)
		}
	}
	for _, b := range all[*policy.PodDisruptionBudget](m) {
		selects("the disruption budget", b.Spec.Selector.MatchLabels, pod)
		if b.Spec.MinAvailable != nil || b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() != 1 {
			t.Error("the disruption budget blocks the drain of a node permanently")
		}
	}
	for _, s := range all[*monitoring.ServiceMonitor](m) {
		selects("the service monitor", s.Spec.Selector.MatchLabels, service.Labels)
	}
	// Selectors that use some of the labels must not match the test pod.
	for _, p := range all[*core.Pod](m) {
		if selected(d.Spec.Selector, p.Labels) {
			t.Errorf("the selector of the exporter matches the pod %s", p.Name)
		}
		checkPod(t, p.Spec)
	}
	account := d.Spec.Template.Spec.ServiceAccountName
	if some := all[*core.ServiceAccount](m); len(some) > 0 && some[0].Name != account {
		t.Errorf("the pod uses the service account %q, want %q", account, some[0].Name)
	}
}

func selected(selector *meta.LabelSelector, labels map[string]string) bool {
	for key, value := range selector.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// checkPorts checks that every port refers to the port of the exporter.
func (m manifests) checkPorts(t *testing.T) {
	t.Helper()
	c := m.container(t)
	ports := map[intstr.IntOrString]bool{}
	for _, p := range c.Ports {
		ports[intstr.FromString(p.Name)], ports[intstr.FromInt32(p.ContainerPort)] = true, true
	}
	if len(c.Ports) != 1 || c.Ports[0].ContainerPort != 10045 {
		t.Errorf("the container's ports are %v, want 10045 only", c.Ports)
	}
	service := one[*core.Service](t, m)
	offered := map[string]bool{}
	for _, p := range service.Spec.Ports {
		offered[p.Name] = true
		if !ports[p.TargetPort] {
			t.Errorf("the service has the target port %v, which the container does not expose", p.TargetPort)
		}
		if a, ok := service.Annotations["prometheus.io/port"]; ok && a != fmt.Sprint(c.Ports[0].ContainerPort) {
			// Prometheus scrapes the pod behind the service at that port.
			t.Errorf("the annotation has port %s, the container port %d", a, c.Ports[0].ContainerPort)
		}
	}
	for _, p := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if p.HTTPGet != nil && !ports[p.HTTPGet.Port] {
			t.Errorf("a probe requests port %v, which the container does not expose", p.HTTPGet.Port)
		}
	}
	for _, p := range all[*networking.NetworkPolicy](m) {
		for _, rule := range p.Spec.Ingress {
			if len(rule.From) == 0 || len(rule.Ports) == 0 {
				t.Error("the network policy allows all peers")
			}
			for _, port := range rule.Ports {
				if port.Port == nil || !ports[*port.Port] {
					t.Errorf("the network policy allows the port %v, which the container does not expose", port.Port)
				}
			}
		}
	}
	for _, s := range all[*monitoring.ServiceMonitor](m) {
		for _, e := range s.Spec.Endpoints {
			if !offered[e.Port] {
				t.Errorf("the service monitor scrapes port %q, which the service does not have", e.Port)
			}
		}
	}
	for _, i := range all[*networking.Ingress](m) {
		backend := i.Spec.Rules[0].HTTP.Paths[0].Backend.Service
		if backend.Name != service.Name || !offered[backend.Port.Name] {
			t.Errorf("the ingress backend is %s:%s", backend.Name, backend.Port.Name)
		}
	}
}

// checkVolumes checks that every volume exists, is mounted once and is mounted
// read-only.
func (m manifests) checkVolumes(t *testing.T, external []string) {
	t.Helper()
	pods := map[string]core.PodSpec{"exporter": one[*apps.Deployment](t, m).Spec.Template.Spec}
	for _, p := range all[*core.Pod](m) {
		pods[p.Name] = p.Spec
	}
	for name, pod := range pods {
		volumes := map[string]bool{}
		for _, v := range pod.Volumes {
			volumes[v.Name] = false
			if s := v.Secret; s != nil {
				if !named[*core.Secret](m, s.SecretName) && !slices.Contains(external, s.SecretName) {
					t.Errorf("%s: missing secret %q", name, s.SecretName)
				}
				if s.DefaultMode == nil || *s.DefaultMode != 0o440 {
					t.Errorf("%s: the files of %s are readable by others", name, s.SecretName)
				}
			}
			if c := v.ConfigMap; c != nil && !named[*core.ConfigMap](m, c.Name) && !slices.Contains(external, c.Name) {
				t.Errorf("%s: missing ConfigMap %q", name, c.Name)
			}
		}
		paths := map[string]bool{}
		for _, mount := range pod.Containers[0].VolumeMounts {
			if _, ok := volumes[mount.Name]; !ok {
				t.Errorf("%s: unknown volume %s", name, mount.Name)
			}
			volumes[mount.Name] = true
			if paths[mount.MountPath] {
				t.Errorf("%s: two volumes are mounted at %s", name, mount.MountPath)
			}
			paths[mount.MountPath] = true
			if !mount.ReadOnly && mount.Name != "state" {
				t.Errorf("%s: %s is writable", name, mount.Name)
			}
		}
		for volume, mounted := range volumes {
			if !mounted {
				t.Errorf("%s: %s is not mounted", name, volume)
			}
		}
	}
}

// secret matches secrets that must not be in a ConfigMap.
var secret = regexp.MustCompile(`(?m)^\s*(- )?"?(secret_key|security_token|password|credentials_b64|key)"?: *\S|BEGIN [A-Z ]*PRIVATE KEY|\$2[aby]\$`)

// checkConfigMaps checks that ConfigMaps contain no secrets.
func (m manifests) checkConfigMaps(t *testing.T) {
	t.Helper()
	for _, c := range all[*core.ConfigMap](m) {
		for key, text := range c.Data {
			if key == "exporter.yml" && secret.MatchString(text) {
				t.Errorf("the ConfigMap %s contains a secret:\n%s", c.Name, text)
			}
		}
		// Size limit of a ConfigMap.
		if size := c.Size(); size > 1<<20 {
			t.Errorf("the ConfigMap %s has %d bytes", c.Name, size)
		}
	}
	for _, e := range m.container(t).Env {
		if e.ValueFrom == nil && regexp.MustCompile(`(?i)secret|password|_SK$|_AK$|token`).MatchString(e.Name) {
			t.Errorf("the variable %s contains a secret", e.Name)
		}
	}
}

// checkScraping checks that scrape configuration and rules are consistent.
func (m manifests) checkScraping(t *testing.T) {
	t.Helper()
	for _, s := range all[*monitoring.ServiceMonitor](m) {
		if len(s.Spec.Endpoints) != 1 {
			t.Fatalf("%d endpoints, want one", len(s.Spec.Endpoints))
		}
		e := s.Spec.Endpoints[0]
		interval, timeout := duration(t, e.Interval), duration(t, e.ScrapeTimeout)
		if timeout > interval || interval > 5*time.Minute {
			t.Errorf("scrape interval is %s, scrape timeout %s", interval, timeout)
		}
		// The alerts select the exporter by its job, which is the service name.
		if name := one[*core.Service](t, m).Name; !regexp.MustCompile(`huaweicloud[-_]workspace`).MatchString(name) {
			t.Errorf("no alert matches the job %s", name)
		}
	}
	for _, r := range all[*monitoring.PrometheusRule](m) {
		groups := map[string]bool{}
		for _, g := range r.Spec.Groups {
			if groups[g.Name] {
				t.Errorf("duplicate rule group %s", g.Name)
			}
			groups[g.Name] = true
		}
		if len(groups) == 0 {
			t.Error("there are no rules")
		}
	}
}

func duration(t *testing.T, d monitoring.Duration) time.Duration {
	t.Helper()
	parsed, err := model.ParseDuration(string(d))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(parsed)
}

// data returns the data of all ConfigMaps, by key.
func (m manifests) data() map[string]string {
	every := map[string]string{}
	for _, c := range all[*core.ConfigMap](m) {
		maps.Copy(every, c.Data)
	}
	return every
}
