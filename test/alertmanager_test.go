// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

const alertmanagerVersion = "v0.28.1"

// alertmanager builds the real Alertmanager, unless the cache of the checks'
// tools has it, and returns the path of its binary. It takes minutes of all cores.
func alertmanager(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "huaweicloud_workspace_exporter-ci", "bin")
	path := filepath.Join(dir, "alertmanager-"+alertmanagerVersion+"-"+runtime.Version())
	if _, err := os.Stat(path); err == nil {
		return path
	}
	fresh := filepath.Join(dir, fmt.Sprintf("build.%d", os.Getpid()))
	defer func() { _ = os.RemoveAll(fresh) }()
	build := exec.CommandContext(t.Context(), "go", "install", "-trimpath", "-tags", "builtinassets",
		"github.com/prometheus/alertmanager/cmd/alertmanager@"+alertmanagerVersion)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOBIN="+fresh, "GOFLAGS=-mod=mod")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build Alertmanager: %v\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(fresh, "alertmanager"), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// haste is how much faster time runs in the rules than it should: a minute takes
// two seconds.
const haste = 30

// shortenedAlerts returns the shipped alerts with shortened durations.
func shortenedAlerts(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rulesDir, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`\b(\d+)([mh])\b`).ReplaceAllStringFunc(string(data), func(d string) string {
		n, err := strconv.Atoi(d[:len(d)-1])
		if err != nil {
			t.Fatal(err)
		}
		if d[len(d)-1] == 'h' {
			n *= 60
		}
		return fmt.Sprintf("%ds", n*60/haste)
	})
	for _, change := range [][2]string{
		{"20 * 60 +", fmt.Sprintf("20 * %d +", 60/haste)},
		{"> 0.8 * 200\n", fmt.Sprintf("> 0.8 * %d\n", 200*haste)},
	} {
		if strings.Count(text, change[0]) != 1 {
			t.Fatalf("alerts.yml must hold %q once", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return text
}

// notification is the notification of one alert.
type notification struct {
	Status      string
	Labels      map[string]string
	Annotations map[string]string
}

func (n notification) String() string {
	return strings.TrimSpace(n.Status + " " + strings.TrimPrefix(n.Labels["alertname"], "HuaweiCloudWorkspace") + " " + n.Labels["desktop_id"])
}

// webhookReceiver stores the notifications that Alertmanager sends.
type webhookReceiver struct {
	mu            sync.Mutex
	notifications []notification
}

// ServeHTTP takes the call of a webhook.
func (p *webhookReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call struct{ Alerts []notification }
	if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notifications = append(p.notifications, call.Alerts...)
}

// received returns the notifications received so far.
func (p *webhookReceiver) received() []notification {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.notifications)
}

// newDesktop returns a desktop with an EIP, unless its address is "".
func newDesktop(id, name, address string) simulator.Desktop {
	d := simulator.GenerateDesktops(1, 1)[0]
	d.ID, d.Name = id, name
	d.Interfaces[0].EIP = nil
	if address != "" {
		d.Interfaces[0].EIP = &simulator.EIP{ID: "eip-" + id, Address: address}
	}
	d.Interfaces = d.Interfaces[:1]
	d.Interfaces[0].PortID, d.Interfaces[0].PrivateIP = "port-"+id, "10.0.0."+strings.TrimPrefix(id, "d")
	return d
}

// TestAlertmanagerNotifiesReceiver goes the whole way, from the cloud over the exporter and the
// real Prometheus to the real Alertmanager, with the shipped alerts.
func TestAlertmanagerNotifiesReceiver(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three minutes, and builds Alertmanager the first time")
	}
	binary := alertmanager(t) // before any test that measures runs beside it
	t.Parallel()
	cloud, yaml := startCloud(t, 0, fmt.Sprintf("limits: {requests_per_minute: %d}", 180*haste))
	cloud.SetDesktops(projectID, []simulator.Desktop{
		newDesktop("d1", "sales-1", "203.0.113.1"), newDesktop("d2", "sales-2", "203.0.113.2"), newDesktop("d3", "kiosk-3", ""), newDesktop("d4", "spare-4", ""),
	})
	x := exporterWithConfig(t, yaml+fmt.Sprintf(`
policies:
  - {name: sales, eip: required, desktop_names: sales-.*}
  - {name: kiosks, eip: forbidden, desktop_names: kiosk-.*}
refresh: {timeout: 2s, max_staleness: %ds}
`, 15*60/haste))

	pager := &webhookReceiver{}
	hook := httptest.NewServer(pager)
	t.Cleanup(hook.Close)
	manager := serve(t, binary, "--storage.path="+t.TempDir(), "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
		"--config.file="+file(t, "alertmanager.yml", fmt.Sprintf(`
route: {receiver: pager, group_by: [...], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: pager, webhook_configs: [{url: "%s"}]}]
`, hook.URL)))
	prometheus := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s}
rule_files: ["%s"]
alerting: {alertmanagers: [{static_configs: [{targets: ["%s"]}]}]}
scrape_configs: [{job_name: huaweicloud_workspace, static_configs: [{targets: ["%s"]}]}]
`, file(t, "alerts.yml", shortenedAlerts(t)), strings.TrimPrefix(manager.url, "http://"), strings.TrimPrefix(x.url, "http://")))

	// await waits until the receiver got the expected notifications and no others; it
	// returns the last notification.
	await := func(want ...string) notification {
		t.Helper()
		prometheus.eventually(t, 4*waitTimeout, strings.Join(want, ", "), func() bool { return len(pager.received()) >= len(want) })
		told := pager.received()
		if got := fmt.Sprint(told); got != fmt.Sprint(want) {
			t.Fatalf("the receiver got %s, want %s", got, want)
		}
		return told[len(told)-1]
	}
	prometheus.await(t, waitTimeout, prefix+"desktop_eips", func(all []sample) bool { return len(all) == 4 })

	setEIP := func(eip *simulator.EIP) {
		cloud.UpdateDesktop(projectID, "d1", func(d *simulator.Desktop) { d.Interfaces[0].EIP = eip })
	}
	setEIP(nil)
	missing := await("firing DesktopMissesEIP d1")
	if want := "Desktop sales-1 (d1) misses an EIP"; missing.Annotations["summary"] != want {
		t.Errorf("summary %q, want %q", missing.Annotations["summary"], want)
	}
	if want := "by policy sales"; !strings.Contains(missing.Annotations["description"], want) {
		t.Errorf("description %q, want it to tell %q", missing.Annotations["description"], want)
	}
	const pages = "https://github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/blob/main/"
	page, ok := strings.CutPrefix(missing.Annotations["runbook_url"], pages)
	if _, err := os.Stat(filepath.Join("..", page)); !ok || err != nil {
		t.Errorf("runbook_url %q: %v", missing.Annotations["runbook_url"], err)
	}
	// A new name is news to the pager only when there is news.
	cloud.UpdateDesktop(projectID, "d1", func(d *simulator.Desktop) { d.Name = "sales-one" })
	prometheus.await(t, waitTimeout, `ALERTS{alertstate="firing"} and on (desktop_id) `+prefix+`desktop_info{desktop_name="sales-one"}`,
		func(all []sample) bool { return len(all) == 1 })
	setEIP(&simulator.EIP{ID: "eip-9", Address: "203.0.113.9"})
	await("firing DesktopMissesEIP d1", "resolved DesktopMissesEIP d1")

	// The cloud fails, just as an EIP goes: until long after all is forgotten that
	// was known, only one alert may report it.
	cloud.UpdateDesktop(projectID, "d2", func(d *simulator.Desktop) { d.Interfaces[0].EIP = nil })
	prometheus.await(t, waitTimeout, prefix+"desktop_eips == 0", func(all []sample) bool { return len(all) == 3 })
	heal := cloud.AddFault(simulator.Fault{Status: http.StatusInternalServerError})
	down := await("firing DesktopMissesEIP d1", "resolved DesktopMissesEIP d1", "firing ProjectDown")
	if want := "Project office (la-north-2) cannot be read"; down.Annotations["summary"] != want {
		t.Errorf("summary %q, want %q", down.Annotations["summary"], want)
	}
	prometheus.await(t, 3*waitTimeout, prefix+"desktop_eips or vector(-1)", func(all []sample) bool { return len(all) == 1 })
	cloud.UpdateDesktop(projectID, "d2", func(d *simulator.Desktop) { d.Interfaces[0].EIP = &simulator.EIP{ID: "eip-8", Address: "203.0.113.8"} })
	time.Sleep(35 * time.Minute / haste) // the longest for there is, and some more
	await("firing DesktopMissesEIP d1", "resolved DesktopMissesEIP d1", "firing ProjectDown")
	heal()
	const rest = 20 * time.Minute / haste // as long as it takes an alert on a desktop
	await("firing DesktopMissesEIP d1", "resolved DesktopMissesEIP d1", "firing ProjectDown", "resolved ProjectDown")
	time.Sleep(rest)
	await("firing DesktopMissesEIP d1", "resolved DesktopMissesEIP d1", "firing ProjectDown", "resolved ProjectDown")
}
