// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

const composeDir = root + "/deploy/compose"

// compose loads Compose files in the same way as `docker compose`.
func compose(t *testing.T, files ...string) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(composeDir)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, filepath.Join(dir, f))
	}
	options, err := cli.NewProjectOptions(paths, cli.WithWorkingDirectory(dir), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// TestCompose checks the Compose files with the simulated and with a real cloud.
func TestCompose(t *testing.T) {
	keys := []string{"access_key", "secret_key"} // files that the user creates
	for _, c := range []struct {
		files []string
		demo  bool
	}{
		{[]string{"compose.yaml"}, true},
		{[]string{"compose.yaml", "compose.cloud.yaml"}, false},
	} {
		project := compose(t, c.files...)
		if names := strings.Join(project.ServiceNames(), " "); names != "alertmanager exporter grafana prometheus" {
			t.Errorf("the services are %s", names)
		}
		ports := map[string]string{}
		for name, s := range project.Services {
			if s.Build == nil && !regexp.MustCompile(`:v?\d+\.\d+\.\d+$`).MatchString(s.Image) {
				t.Errorf("%s: the image %s has no version", name, s.Image)
			}
			if s.Build != nil {
				if _, err := os.Stat(filepath.Join(s.Build.Context, "Dockerfile")); err != nil {
					t.Errorf("%s cannot be built: %v", name, err)
				}
			}
			if s.Privileged || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
				t.Errorf("%s has unnecessary privileges", name)
			}
			for _, p := range s.Ports {
				if p.HostIP != "127.0.0.1" {
					t.Errorf("%s: port %s is published on all addresses", name, p.Published)
				}
				if other := ports[p.Published]; other != "" {
					t.Errorf("%s and %s both publish the port %s", name, other, p.Published)
				}
				ports[p.Published] = name
			}
			for _, v := range s.Volumes {
				if v.Type != types.VolumeTypeBind {
					continue
				}
				if !v.ReadOnly {
					t.Errorf("%s mounts %s writable", name, v.Source)
				}
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		for name, s := range project.Secrets {
			if !slices.Contains(keys, name) || filepath.Base(s.File) != name || !strings.Contains(read(t, "deploy/compose/.gitignore"), "\n/"+name) &&
				!strings.HasPrefix(read(t, "deploy/compose/.gitignore"), "/"+name) {
				t.Errorf("the file %s of the secret %s could be committed", s.File, name)
			}
		}
		args := []string(project.Services["exporter"].Command)
		if slices.Contains(args, "--demo") != c.demo {
			t.Errorf("%q runs the exporter with %q", c.files, args)
		}
	}
}

// TestComposeExporter runs the real exporter with the configuration check of the
// Compose file for a real cloud, and with the arguments of the simulated cloud.
func TestComposeExporter(t *testing.T) {
	s := compose(t, "compose.yaml", "compose.cloud.yaml").Services["exporter"]
	dir := t.TempDir()
	config := read(t, "deploy/compose/exporter/exporter.yml")
	for _, secret := range s.Secrets {
		if err := os.WriteFile(filepath.Join(dir, secret.Source), []byte("EXAMPLE\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config = strings.ReplaceAll(config, "/run/secrets/", dir+"/")
	if err := os.WriteFile(filepath.Join(dir, "exporter.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, a := range s.Command {
		for _, v := range s.Volumes {
			a = strings.ReplaceAll(a, v.Target+"/", dir+"/")
		}
		args = append(args, a)
	}
	if code, said := finish(t, binary(t), append(args, "--config.check")...); code != 0 {
		t.Errorf("the exporter exits with %d for %q: %s", code, args, said)
	}
	demo := []string(compose(t, "compose.yaml").Services["exporter"].Command)
	if i := slices.Index(demo, "--web.listen-address=:10045"); i < 0 {
		t.Errorf("other services cannot reach the exporter with the arguments %q", demo)
	} else {
		serve(t, nil, slices.Delete(demo, i, i+1))
	}
}

// TestComposePrometheus compares the configuration with the services, the files
// that are mounted, and promtool.
func TestComposePrometheus(t *testing.T) {
	project := compose(t, "compose.yaml")
	dir := t.TempDir()
	mounted := 0
	for _, v := range project.Services["prometheus"].Volumes {
		name, ok := strings.CutPrefix(v.Target, "/etc/prometheus/")
		if !ok {
			continue
		}
		mounted++
		data, err := os.ReadFile(v.Source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, said := finish(t, "promtool", "check", "config", filepath.Join(dir, "prometheus.yml"))
	if code != 0 || strings.Count(said, "SUCCESS") != 4 || mounted != 3 {
		t.Errorf("promtool exits with %d for %d files: %s", code, mounted, said)
	}
	text := read(t, "deploy/compose/prometheus.yml")
	for _, target := range regexp.MustCompile(`targets: \[([\w.-]+):(\d+)\]`).FindAllStringSubmatch(text, -1) {
		service, ok := project.Services[target[1]]
		if target[1] == "localhost" {
			service, ok = project.Services["prometheus"]
		}
		if !ok || len(service.Ports) != 1 || service.Ports[0].Published != target[2] {
			t.Errorf("no service listens at %s:%s", target[1], target[2])
		}
	}
}

// TestComposeGrafana compares the provisioning with the fields that Grafana
// supports, the services, and the dashboards that are mounted.
func TestComposeGrafana(t *testing.T) {
	var sources struct {
		APIVersion  int `json:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool              `json:"isDefault"`
			JSONData                     map[string]string `json:"jsonData"`
		} `json:"datasources"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/compose/grafana/provisioning/datasources/prometheus.yaml")), &sources); err != nil {
		t.Fatal(err)
	}
	if s := sources.Datasources; sources.APIVersion != 1 || len(s) != 1 || s[0].Type != "prometheus" || s[0].URL != "http://prometheus:9090" || !s[0].IsDefault {
		t.Errorf("the data sources are %+v", sources)
	}
	var providers struct {
		APIVersion int `json:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type string
			DisableDeletion    bool `json:"disableDeletion"`
			AllowUIUpdates     bool `json:"allowUiUpdates"`
			Options            struct{ Path string }
		} `json:"providers"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/compose/grafana/provisioning/dashboards/workspace.yaml")), &providers); err != nil {
		t.Fatal(err)
	}
	if len(providers.Providers) != 1 || providers.Providers[0].Type != "file" {
		t.Fatalf("the providers are %+v", providers)
	}
	grafana := compose(t, "compose.yaml").Services["grafana"]
	var mounted []string
	for _, v := range grafana.Volumes {
		if filepath.Dir(v.Target) == providers.Providers[0].Options.Path {
			if filepath.Base(v.Source) != filepath.Base(v.Target) {
				t.Errorf("%s is mounted as %s", v.Source, v.Target)
			}
			mounted = append(mounted, filepath.Base(v.Target))
		}
	}
	slices.Sort(mounted)
	if want := dashboards(t); !slices.Equal(mounted, want) {
		t.Errorf("the dashboards are %q, want %q", mounted, want)
	}
	if home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; home == nil || !slices.Contains(mounted, filepath.Base(*home)) {
		t.Error("the home dashboard is not mounted")
	}
}
