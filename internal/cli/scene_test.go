// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	gocmp "github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
)

const (
	projectA = "0123456789abcdef0123456789abcdef"
	projectB = "fedcba9876543210fedcba9876543210"
	secret   = "CANARYSECRETKEY"
)

// office is the configuration of most scenes.
const office = `
projects:
  - name: office
    region: la-north-2
    project_id: ` + projectA + `
    endpoint: http://127.0.0.1
    iam_endpoint: http://127.0.0.1
    credentials: {access_key: AKOFFICE, secret_key: ` + secret + `}
`

// scene is the whole exporter before a simulated cloud, over the real SDK and
// a wire in memory, so that it can run in virtual time.
type scene struct {
	*testing.T
	cloud   *simulator.Cloud
	x       *exporter
	handler http.Handler
	log     *lockedBuffer
	yaml    string
	dial    dialer
	others  map[string]dialer // by address; all others are the cloud
	close   func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newScene sets up a scene with the desktops of one project, and starts it. It
// must be called in a synctest bubble, which its end cleans up.
func newScene(t *testing.T, yaml string, desktops ...simulator.Desktop) *scene {
	t.Helper()
	s := prepareScene(t, yaml, desktops...)
	s.start()
	return s
}

// prepareScene sets up a scene in which nothing has been asked yet.
func prepareScene(t *testing.T, yaml string, desktops ...simulator.Desktop) *scene {
	t.Helper()
	s := &scene{T: t, cloud: simulator.New(simulator.Options{Seed: 1}), log: &lockedBuffer{}, yaml: yaml, others: map[string]dialer{}}
	s.cloud.AddProject(simulator.Project{ID: projectA, Name: "la-north-2", Region: "la-north-2"})
	s.cloud.AddProject(simulator.Project{ID: projectB, Name: "ap-southeast-3", Region: "ap-southeast-3"})
	s.cloud.AddKey(simulator.Key{AccessKey: "AKOFFICE", SecretKey: secret})
	s.cloud.SetDesktops(projectA, desktops)
	cloud, stop := s.cloud.StartInMemory()
	s.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if other := s.others[address]; other != nil {
			return other(ctx, network, address)
		}
		return cloud(ctx, network, address)
	}
	s.open()
	s.close = func() {
		s.x.close()
		s.cloud.Close()
		stop()
	}
	t.Cleanup(s.close)
	return s
}

// open makes the exporter, which has asked nothing yet.
func (s *scene) open() {
	s.x = newExporter(log.NewLogfmtLogger(s.log), func() (*config.Config, error) {
		return config.Parse("scene.yml", []byte(s.yaml), config.Options{Families: collector.FamilyNames()})
	}, s.dial)
	s.x.keep()
	s.handler = s.x.handler(web.Options{TelemetryPath: "/metrics", TimeoutOffset: 500 * time.Millisecond})
}

// restart stops the exporter and starts another one after a while.
func (s *scene) restart(away time.Duration) {
	s.Helper()
	s.x.close()
	time.Sleep(away)
	s.open()
	s.start()
}

// start loads the configuration and waits for the first refresh, which nobody
// asked for.
func (s *scene) start() {
	s.Helper()
	if err := s.x.reload(); err != nil {
		s.Fatal(err)
	}
	synctest.Wait()
	s.cloud.ResetCounters()
}

// ask asks the exporter.
func (s *scene) ask(method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, nil)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// get asks the exporter and returns the body of its answer, which must be 200
// and in time.
func (s *scene) get(path string) string {
	s.Helper()
	start := time.Now()
	w := s.ask(http.MethodGet, path)
	if took := time.Since(start); took > 9500*time.Millisecond {
		s.Errorf("%s took %s of 10s", path, took)
	}
	if w.Code != http.StatusOK {
		s.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// exposition is a parsed answer.
type exposition map[string]*dto.MetricFamily

// labels are those of one series.
type labels []*dto.LabelPair

// of gives the value of a label.
func (l labels) of(name string) string {
	for _, pair := range l {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

func parse(t *testing.T, text string) exposition {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the exposition does not parse: %v", err)
	}
	return families
}

// each calls do with the labels and value of each series of a family, which is
// named without prefix.
func (e exposition) each(name string, do func(l labels, value float64)) {
	for _, m := range e["huaweicloud_workspace_"+name].GetMetric() {
		do(m.GetLabel(), cmp.Or(m.GetGauge().GetValue(), m.GetCounter().GetValue()))
	}
}

// sum adds up the series of a family whose labels have the given values.
func (e exposition) sum(name string, pairs ...string) float64 {
	total := 0.0
	e.each(name, func(l labels, value float64) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if l.of(pairs[i]) != pairs[i+1] {
				return
			}
		}
		total += value
	})
	return total
}

// fleet says what an exposition tells of the desktops, one line each: ID, name
// and either the addresses of its interfaces, with EIP and security groups, or
// a question mark. The last line is the health of the project.
func (e exposition) fleet(projectID string) string {
	lines := map[string]string{}
	e.each("desktop_info", func(l labels, _ float64) {
		if l.of("project_id") == projectID {
			lines[l.of("desktop_id")] = l.of("desktop_id") + " " + l.of("desktop_name") + ":"
		}
	})
	known := map[string]bool{}
	e.each("desktop_eips", func(l labels, _ float64) { known[l.of("desktop_id")] = true })
	var interfaces []string
	e.each("desktop_network_info", func(l labels, _ float64) {
		if l.of("project_id") != projectID {
			return
		}
		text := " " + l.of("private_ip")
		if l.of("eip_address") != "" {
			text += "/" + l.of("eip_address")
		}
		e.each("desktop_security_group_info", func(g labels, _ float64) {
			if g.of("desktop_id") == l.of("desktop_id") && g.of("port_id") == l.of("port_id") {
				text += "+" + g.of("security_group_name")
			}
		})
		interfaces = append(interfaces, l.of("desktop_id")+"\x00"+text)
	})
	slices.Sort(interfaces)
	for _, i := range interfaces {
		id, text, _ := strings.Cut(i, "\x00")
		lines[id] += text
	}
	for id := range lines {
		if !known[id] {
			lines[id] += " ?"
		}
	}
	text := ""
	for _, id := range slices.Sorted(maps.Keys(lines)) {
		text += lines[id] + "\n"
	}
	health := func(name string) string {
		value := "-"
		e.each(name, func(l labels, v float64) {
			if l.of("project_id") == projectID {
				value = fmt.Sprint(v)
			}
		})
		return value
	}
	return text + fmt.Sprintf("up=%s desktops=%s unresolved=%s stale=%s", health("up"), health("desktops"),
		health("desktops_unresolved"), health("desktops_stale"))
}

// scrape scrapes all projects.
func (s *scene) scrape() exposition { s.Helper(); return parse(s.T, s.get("/metrics")) }

// want scrapes and compares what is said of the first project's desktops.
func (s *scene) want(text string) exposition {
	s.Helper()
	e := s.scrape()
	if diff := gocmp.Diff(strings.TrimSpace(text), e.fleet(projectA)); diff != "" {
		s.Errorf("(-want +got)\n%s", diff)
	}
	return e
}

// wantDropped compares the counts of dropped objects by reason.
func wantDropped(t *testing.T, e exposition, want map[string]float64) {
	t.Helper()
	got := map[string]float64{}
	e.each("exporter_objects_dropped_total", func(l labels, v float64) { got[l.of("reason")] = v })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("dropped (-want +got)\n%s", diff)
	}
}

// desktop makes a desktop with one interface; an address is its EIP.
func desktop(id, address string) simulator.Desktop {
	nic := simulator.Interface{
		PortID: "port-" + id, PrivateIP: "10.0.0." + strings.TrimLeft(id, "d"),
		VPC:    simulator.VPC{ID: "vpc1", Name: "main", CIDR: "10.0.0.0/16"},
		Subnet: simulator.Subnet{ID: "subnet1", Name: "floor", CIDR: "10.0.0.0/24"},
		Groups: []simulator.Group{{ID: "sg1", Name: "default"}},
	}
	if address != "" {
		nic.EIP = &simulator.EIP{ID: "eip-" + address, Address: address}
	}
	return simulator.Desktop{ID: id, Name: "n" + id, IP: nic.PrivateIP, Status: "ACTIVE", SubnetID: "subnet1", Interfaces: []simulator.Interface{nic}}
}

func sorted(texts []string) []string { slices.Sort(texts); return texts }
