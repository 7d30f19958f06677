// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"regexp"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// manifests are the Kubernetes objects of one rendering.
type manifests []meta.Object

// kinds are the supported kinds of objects, by apiVersion and kind.
var kinds = map[string]func() meta.Object{
	"v1/ConfigMap":                   func() meta.Object { return &core.ConfigMap{} },
	"v1/Namespace":                   func() meta.Object { return &core.Namespace{} },
	"v1/Pod":                         func() meta.Object { return &core.Pod{} },
	"v1/Secret":                      func() meta.Object { return &core.Secret{} },
	"v1/Service":                     func() meta.Object { return &core.Service{} },
	"v1/ServiceAccount":              func() meta.Object { return &core.ServiceAccount{} },
	"apps/v1/Deployment":             func() meta.Object { return &apps.Deployment{} },
	"monitoring.coreos.com/v1/Probe": func() meta.Object { return &monitoring.Probe{} },
	"monitoring.coreos.com/v1/PrometheusRule": func() meta.Object { return &monitoring.PrometheusRule{} },
	"monitoring.coreos.com/v1/ServiceMonitor": func() meta.Object { return &monitoring.ServiceMonitor{} },
	"networking.k8s.io/v1/Ingress":            func() meta.Object { return &networking.Ingress{} },
	"networking.k8s.io/v1/NetworkPolicy":      func() meta.Object { return &networking.NetworkPolicy{} },
	"policy/v1/PodDisruptionBudget":           func() meta.Object { return &policy.PodDisruptionBudget{} },
}

var separator = regexp.MustCompile(`(?m)^---\s*$`)

// decode decodes documents as types of Kubernetes and the Prometheus operator.
// Unknown fields are errors.
func decode(t testing.TB, text string) manifests {
	t.Helper()
	var all manifests
	for _, document := range separator.Split(text, -1) {
		var is meta.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &is); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		if is == (meta.TypeMeta{}) && strings.TrimSpace(strings.ReplaceAll(document, "\n", "")) == "" {
			continue
		}
		fresh := kinds[is.APIVersion+"/"+is.Kind]
		if fresh == nil {
			t.Fatalf("unexpected kind %s of %s:\n%s", is.Kind, is.APIVersion, document)
		}
		object := fresh()
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%s: %v:\n%s", is.Kind, err, document)
		}
		all = append(all, object)
	}
	return all
}

// all returns the objects of one kind.
func all[T meta.Object](m manifests) (some []T) {
	for _, object := range m {
		if o, ok := object.(T); ok {
			some = append(some, o)
		}
	}
	return some
}

// only returns the only object of a kind.
func one[T meta.Object](t testing.TB, m manifests) T {
	t.Helper()
	some := all[T](m)
	if len(some) != 1 {
		t.Fatalf("%d objects of %T, want one", len(some), *new(T))
	}
	return some[0]
}

// named reports whether there is an object of a kind with a name.
func named[T meta.Object](m manifests, name string) bool {
	for _, o := range all[T](m) {
		if o.GetName() == name {
			return true
		}
	}
	return false
}

// container returns the container of the exporter.
func (m manifests) container(t testing.TB) core.Container {
	t.Helper()
	containers := one[*apps.Deployment](t, m).Spec.Template.Spec.Containers
	if len(containers) != 1 {
		t.Fatalf("%d containers, want the exporter only", len(containers))
	}
	return containers[0]
}
