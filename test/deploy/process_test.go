// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reflectKind returns the kind of an object.
func reflectKind(o meta.Object) string { return reflect.TypeOf(o).Elem().Name() }

// podFiles is the environment of a container: its arguments and variables, and its
// files in a directory of the test instead of the root directory.
type podFiles struct {
	root  string
	paths []string
	args  []string
	env   []string
}

// at replaces the paths of the pod's volumes in a text with the test's paths.
func (l *podFiles) at(text string) string {
	for _, p := range l.paths {
		text = strings.ReplaceAll(text, p+"/", filepath.Join(l.root, p)+"/")
	}
	return text
}

// writePodFiles writes the files of the exporter's container, and placeholders for
// the files of Secrets that the operator provides.
func (m manifests) writePodFiles(t *testing.T) *podFiles {
	t.Helper()
	c := m.container(t)
	l := &podFiles{root: t.TempDir()}
	for _, mount := range c.VolumeMounts {
		l.paths = append(l.paths, mount.MountPath)
	}
	for _, mount := range c.VolumeMounts {
		dir := filepath.Join(l.root, mount.MountPath)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range m.volume(t, mount.Name) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(l.at(text)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, a := range c.Args {
		l.args = append(l.args, l.at(a))
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			l.env = append(l.env, e.Name+"="+e.Value)
		}
	}
	return l
}

// volume returns the files of a volume.
func (m manifests) volume(t *testing.T, name string) map[string]string {
	t.Helper()
	volumes := one[*apps.Deployment](t, m).Spec.Template.Spec.Volumes
	v := volumes[slices.IndexFunc(volumes, func(v core.Volume) bool { return v.Name == name })]
	switch {
	case v.ConfigMap != nil:
		for _, c := range all[*core.ConfigMap](m) {
			if c.Name == v.ConfigMap.Name {
				return c.Data
			}
		}
		return map[string]string{"exporter.yml": read(t, "deploy/kubernetes/components/pod-identity/exporter.yml")}
	case v.Secret != nil:
		for _, s := range all[*core.Secret](m) {
			if s.Name == v.Secret.SecretName {
				return s.StringData
			}
		}
		certificate, key := selfSigned(t)
		return map[string]string{
			"access_key": "AKEXAMPLE\n", "secret_key": "SKEXAMPLE\n", "hook": "https://hooks.example.com/1\n",
			"web.yml": "basic_auth_users: {}\n", "tls.crt": certificate, "tls.key": key,
		}
	}
	return nil
}

// selfSigned creates a self-signed certificate.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// arguments runs the configuration check of the real exporter with the arguments
// and files of the pod.
func (m manifests) arguments(t *testing.T) {
	t.Helper()
	l := m.writePodFiles(t)
	if code, said := finish(t, binary(t), append(l.args, "--config.check")...); code != 0 {
		t.Errorf("the exporter exits with %d for %q: %s", code, l.args, said)
	}
}

// startDemo runs the exporter in the same way as the pod, on another address.
func (m manifests) startDemo(t *testing.T) (l *podFiles, url string) {
	t.Helper()
	l = m.writePodFiles(t)
	if !slices.Contains(l.args, "--demo") || !slices.Contains(l.args, "--web.listen-address=:10045") {
		t.Fatalf("the arguments are %q, want a demo that listens on all addresses", l.args)
	}
	l.args = slices.DeleteFunc(l.args, func(a string) bool { return strings.HasPrefix(a, "--web.listen-address=") })
	return l, serve(t, l.env, l.args)
}

// get requests a URL without verifying the certificate.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestDemoManifestsRun runs the exporter with the arguments of the demo pods, and
// sends the requests of the kubelet and Prometheus. Nothing scrapes the exporter
// before it is ready: it must become ready without a scrape.
func TestDemoManifestsRun(t *testing.T) {
	for name, m := range map[string]manifests{
		"kustomize": kustomize(t, kubernetes+"/overlays/demo"),
		"helm":      render(t, "demo: true\nscrapeAnnotations: true\n"),
		"helm, behind a proxy": render(t, `
demo: true
scrapeAnnotations: true
serviceMonitor: {enabled: true}
ingress: {enabled: true, host: desktops.example.com}
web: {externalUrl: "https://desktops.example.com/exporter/"}
`),
		"helm, behind a proxy that takes the path away": render(t, `
demo: true
scrapeAnnotations: true
ingress: {enabled: true, host: desktops.example.com}
web: {externalUrl: "https://desktops.example.com/exporter", routePrefix: /}
`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m.check(t)
			_, url := m.startDemo(t)
			c := m.container(t)
			for _, p := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe} {
				eventually(t, p.HTTPGet.Path, func() bool {
					status, _ := get(t, url+p.HTTPGet.Path)
					return status == http.StatusOK
				})
			}
			path := one[*core.Service](t, m).Annotations["prometheus.io/path"]
			for _, s := range all[*monitoring.ServiceMonitor](m) {
				if s.Spec.Endpoints[0].Path != path {
					t.Errorf("the service monitor scrapes %s, the annotation has %s", s.Spec.Endpoints[0].Path, path)
				}
			}
			for _, i := range all[*networking.Ingress](m) {
				if path := i.Spec.Rules[0].HTTP.Paths[0].Path; path != "/exporter" {
					t.Errorf("the ingress has the path %s", path)
				}
			}
			status, body := get(t, url+path)
			if status != http.StatusOK || !strings.Contains(body, "\nhuaweicloud_workspace_desktops{") {
				t.Errorf("a scrape returns status %d and %d bytes", status, len(body))
			}
		})
	}
}

// TestProbesNeedNoPassword runs the exporter with TLS and a password, which the
// kubelet does not have.
func TestProbesNeedNoPassword(t *testing.T) {
	m := render(t, `
demo: true
web:
  routePrefix: /desktops
  tlsSecret: certificate
  config:
    tls_server_config: {cert_file: /run/secrets/tls/tls.crt, key_file: /run/secrets/tls/tls.key}
    basic_auth_users:
      prometheus: $2a$04$iKzUNZymx/agvZSfmJokUeHtSpIDZspjmeJgV4HCRy9riU40aEoc6
`)
	m.check(t, "certificate")
	l, url := m.startDemo(t)
	url = "https" + strings.TrimPrefix(url, "http")
	if status, _ := get(t, url+"/desktops/metrics"); status != http.StatusUnauthorized {
		t.Errorf("a scrape without a password returns status %d", status)
	}
	c := m.container(t)
	for _, p := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if p.HTTPGet != nil {
			t.Fatalf("the kubelet requests %s, which requires a password", p.HTTPGet.Path)
		}
		var args []string
		for _, a := range p.Exec.Command[1:] {
			args = append(args, l.at(a))
		}
		args = append(args, "--web.listen-address="+strings.TrimPrefix(url, "https://"))
		if code, said := finish(t, binary(t), args...); code != 0 {
			t.Errorf("%q exits with %d: %s", p.Exec.Command, code, said)
		}
		args = append(args, "--web.route-prefix=/elsewhere")
		if code, _ := finish(t, binary(t), args...); code != 1 {
			t.Errorf("a probe of an unknown path exits with %d", code)
		}
	}
	// The pod of `helm test` runs the same check with the address of the service.
	var args []string
	service := one[*core.Service](t, m).Name + ":10045"
	for _, a := range one[*core.Pod](t, m).Spec.Containers[0].Args {
		args = append(args, strings.Replace(l.at(a), service, strings.TrimPrefix(url, "https://"), 1))
	}
	if code, said := finish(t, binary(t), args...); code != 0 || !strings.Contains(strings.Join(args, " "), strings.TrimPrefix(url, "https://")) {
		t.Errorf("the test pod exits with %d for %q: %s", code, args, said)
	}
}

// TestConfigMapChangeIsReloaded changes the configuration in the same way as the
// kubelet: a symbolic link is replaced.
func TestConfigMapChangeIsReloaded(t *testing.T) {
	m := overlay(t)
	l := m.writePodFiles(t)
	dir := filepath.Join(l.root, "/etc/huaweicloud_workspace_exporter")
	version := func(name string) string {
		t.Helper()
		folder := "..version_" + name
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("projects:\n  - {name: %s, region: la-north-2, project_id: 0123456789abcdef0123456789abcdef, "+
			"endpoint: \"https://127.0.0.1:1\", credentials: {access_key: AKEXAMPLE, secret_key: SKEXAMPLE}}\n", name)
		if err := os.WriteFile(filepath.Join(dir, folder, "exporter.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	link := func(to, name string) {
		t.Helper()
		fresh := filepath.Join(dir, "..tmp")
		if err := os.Symlink(to, fresh); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(version("before"), "..data")
	link(filepath.Join("..data", "exporter.yml"), "exporter.yml")
	url := serve(t, l.env, l.args)
	if _, body := get(t, url+"/config"); !strings.Contains(body, "name: before") {
		t.Fatalf("the configuration in force is:\n%s", body)
	}
	link(version("after"), "..data")
	eventually(t, "the new configuration in force", func() bool {
		_, body := get(t, url+"/config")
		return strings.Contains(body, "name: after") && !strings.Contains(body, "name: before")
	})
}
