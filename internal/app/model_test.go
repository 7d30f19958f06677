// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

var (
	modelSeed  = flag.Uint64("model.seed", 0, "run the model test with this seed alone")
	modelSteps = flag.Int("model.steps", 100, "steps of the model test for each seed")
)

// TestModel changes a fleet at random while the cloud fails at random, and
// after each scrape compares the exposition with the history of the fleet:
//   - a desktop's networks were true at some time since the oldest data that the
//     exporter reports, and within max_staleness;
//   - a desktop has series only if it existed within max_staleness;
//   - every change is reported exactly once, and no other (see expectedFleet),
//     although the exporter is restarted now and then, with a state file;
//   - the counts agree with the series, and unknown values have none;
//   - after some time without faults, the exposition is exactly the truth.
func TestModel(t *testing.T) {
	t.Parallel()
	// With the long seeds a restart once restored a rename and a removal that
	// were reported only by the next refresh.
	seeds := []uint64{1, 2, 3, 4, 1796078967366412135, 1796078967366911032}
	if *modelSeed != 0 {
		seeds = []uint64{*modelSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				yaml, _ := withState(t, apptest.OfficeYAML)
				s := newScenario(t, yaml)
				m := &fleetModel{scenario: s, rng: rand.New(rand.NewPCG(seed, 0)), lives: map[string][]period{}, shadow: expectedFleet{desktops: map[string]*expectedDesktop{}}}
				for range 120 {
					m.create()
				}
				for step := range *modelSteps {
					m.step = step
					for range m.rng.IntN(4) {
						m.change()
					}
					switch step % 25 {
					case 24:
						m.settleDown()
					case 6, 18:
						m.outage()
					case 9, 21:
						m.restart()
					default:
						m.injectFaults()
						m.check()
					}
					if t.Failed() {
						t.Fatalf("replay with -run TestModel -model.seed=%d -model.steps=%d", seed, *modelSteps)
					}
					time.Sleep(time.Duration(m.rng.IntN(120)) * time.Second)
				}
			})
		})
	}
}

// period is a time in which something was true of a desktop.
type period struct {
	from, to time.Time // to is zero if it has not ended
	text     string    // its interfaces, as in Exposition.Desktops
	exists   bool

	name, address, eip string
}

// fleetModel is a simulated fleet with its whole history.
type fleetModel struct {
	*scenario
	rng    *rand.Rand
	next   int
	step   int
	lives  map[string][]period
	shadow expectedFleet
	heal   []func()

	away, back time.Time // the last time without an exporter
}

// Data may be older than max_staleness by the time until an attempt fails: by the
// pause until the next scrape, and by a refresh whose first request is late.
const staleness, slack = 15 * time.Minute, 2*time.Minute + 10*time.Second + 2*time.Minute

// oldestAllowed returns how old exposed data may be. An exporter that is away for
// less than max_staleness keeps what it had.
func (m *fleetModel) oldestAllowed(at time.Time) time.Time {
	since := at.Add(-staleness - slack)
	if since.Before(m.back) && !at.Before(m.back) {
		return since.Add(-min(m.back.Sub(m.away), staleness))
	}
	return since
}

// record records what is true of a desktop from now on.
func (m *fleetModel) record(id string) {
	now := time.Now()
	lives := m.lives[id]
	if n := len(lives); n > 0 {
		lives[n-1].to = now
	}
	d, exists := m.Cloud.Desktop(apptest.ProjectA, id)
	l := period{from: now, exists: exists, name: d.Name}
	for _, nic := range d.Interfaces {
		l.text, l.address = " "+nic.PrivateIP, nic.PrivateIP
		if nic.EIP != nil {
			l.text, l.eip = l.text+"/"+nic.EIP.Address, nic.EIP.Address
		}
	}
	m.lives[id] = append(lives, l)
}

func (m *fleetModel) create() {
	m.next++
	id := fmt.Sprintf("d%04d", m.next)
	d := apptest.Desktop(id, "")
	d.Interfaces[0].PrivateIP = fmt.Sprintf("10.0.%d.%d", m.next/250, m.next%250+1)
	if m.rng.IntN(2) == 0 {
		d.Interfaces[0].EIP = m.eip()
	}
	m.Cloud.PutDesktop(apptest.ProjectA, d)
	m.record(id)
}

func (m *fleetModel) eip() *simulator.EIP {
	m.next++
	return &simulator.EIP{ID: fmt.Sprint("e", m.next), Address: fmt.Sprintf("100.%d.%d.1", m.next/250, m.next%250)}
}

// change makes one random change to the fleet.
func (m *fleetModel) change() {
	desktops := m.Cloud.Desktops(apptest.ProjectA)
	if len(desktops) == 0 || len(desktops) < 200 && m.rng.IntN(4) == 0 {
		m.create()
		return
	}
	id := desktops[m.rng.IntN(len(desktops))].ID
	if m.rng.IntN(4) == 0 {
		m.Cloud.DeleteDesktop(apptest.ProjectA, id)
	} else {
		m.next++
		m.Cloud.UpdateDesktop(apptest.ProjectA, id, func(d *simulator.Desktop) {
			nic := &d.Interfaces[0]
			switch m.rng.IntN(4) {
			case 0:
				d.Name = fmt.Sprint("renamed", m.next)
			case 1:
				nic.EIP = nil
			case 2:
				nic.EIP = m.eip()
			case 3:
				nic.PrivateIP = fmt.Sprintf("10.1.%d.%d", m.next/250, m.next%250+1)
			}
		})
	}
	m.record(id)
}

// injectFaults replaces the faults by up to three new ones.
func (m *fleetModel) injectFaults() {
	for _, heal := range m.heal {
		heal()
	}
	m.heal = nil
	for range m.rng.IntN(4) {
		f := simulator.Fault{
			Operation:   []string{list, networks}[m.rng.IntN(2)],
			Probability: []float64{0.1, 0.5, 1}[m.rng.IntN(3)],
		}
		switch m.rng.IntN(14) {
		case 0:
			f.Status = []int{400, 404, 409, 500, 502, 503, 504}[m.rng.IntN(7)]
		case 1:
			f.Status, f.Header = 429, http.Header{"Retry-After": {fmt.Sprint(m.rng.IntN(90))}}
		case 2:
			f.Latency = time.Duration(m.rng.IntN(40)) * time.Second
		case 3:
			f.HangBeforeHeader = true
		case 4:
			f.HangInBody = true
		case 5:
			f.TruncateBody = true
		case 6:
			f.ResetConnection = true
		case 7:
			f.Status, f.Body = 200, []byte("{}")
		case 8:
			f.TotalCountDelta = m.rng.IntN(9) - 4
		case 9:
			f.EmptyPage = true
		case 10:
			for _, d := range m.Cloud.Desktops(apptest.ProjectA)[:3] {
				f.OmitIDs = append(f.OmitIDs, d.ID)
			}
		case 11:
			f.Status = 403
		case 12:
			f.Status, f.Body = 200, []byte("<html>")
		case 13:
			f.Status, f.Body = 200, simulator.WorkspaceError("WKS.00010110", "无", "", "")
		}
		m.heal = append(m.heal, m.Cloud.AddFault(f))
	}
}

// omitFromList removes some desktops from lists whose total still counts them.
func (m *fleetModel) omitFromList() func([]byte) []byte {
	digit := fmt.Sprint(m.rng.IntN(10))
	return func(body []byte) []byte {
		var answer struct {
			Desktops []map[string]any `json:"desktops"`
			Total    int              `json:"total_count"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return body // of another fault
		}
		answer.Desktops = slices.DeleteFunc(answer.Desktops, func(d map[string]any) bool {
			return strings.HasSuffix(d["desktop_id"].(string), digit)
		})
		body, _ = json.Marshal(answer)
		return body
	}
}

// outage makes one operation fail for longer than data may be kept, while the
// fleet changes and is scraped every minute.
func (m *fleetModel) outage() {
	f := simulator.Fault{Operation: []string{list, networks}[m.rng.IntN(2)]}
	if n := m.rng.IntN(6); n == 5 {
		f = simulator.Fault{Operation: list, RewriteBody: m.omitFromList()}
	} else {
		f.Status = []int{403, 404, 429, 500, 502}[n]
	}
	m.heal = append(m.heal, m.Cloud.AddFault(f))
	for range 20 {
		time.Sleep(time.Minute)
		m.change()
		m.check()
	}
}

// restart restarts the exporter while the fleet changes and the faults stay.
func (m *fleetModel) restart() {
	m.App.Close()
	m.away = time.Now()
	for range m.rng.IntN(30) {
		time.Sleep(time.Minute)
		m.change()
	}
	m.back = time.Now()
	m.Open()
	m.Start()
	m.check()
}

// settleDown removes all faults for longer than any backoff, and then expects the
// truth.
func (m *fleetModel) settleDown() {
	for _, heal := range m.heal {
		heal()
	}
	m.heal = nil
	time.Sleep(time.Hour + time.Minute)
	m.Scrape()
	time.Sleep(2 * time.Minute)
	e := m.Scrape()
	m.checkMetrics(e)
	m.checkComplete()
	exist := 0
	shown := m.shown(e)
	for id, lives := range m.lives {
		if now := lives[len(lives)-1]; now.exists {
			exist++
			if shown[id] != now.text {
				m.Errorf("step %d: the cloud is calm, %s is shown as %q and is %q", m.step, id, shown[id], now.text)
			}
		}
	}
	if up := e.Sum("up"); up != 1 || e.Sum("desktops") != float64(exist) || e.Sum("desktops_stale") != 0 {
		m.Errorf("step %d: the cloud is calm, up is %v, %v desktops of %d, %v stale", m.step, up, e.Sum("desktops"), exist, e.Sum("desktops_stale"))
	}
}

func (m *fleetModel) check() {
	m.checkMetrics(m.Scrape())
	m.applyChanges()
}

// shown returns the interfaces of each desktop with networks.
func (m *fleetModel) shown(e apptest.Exposition) map[string]string {
	shown := map[string]string{}
	e.Each("desktop_eips", func(l apptest.Labels, _ float64) { shown[l.Get("desktop_id")] = "" })
	e.Each("desktop_network_info", func(l apptest.Labels, _ float64) {
		text := " " + l.Get("private_ip")
		if l.Get("eip_address") != "" {
			text += "/" + l.Get("eip_address")
		}
		shown[l.Get("desktop_id")] += text
	})
	return shown
}

// checkMetrics compares an exposition with the history.
func (m *fleetModel) checkMetrics(e apptest.Exposition) {
	now := time.Now()
	since := m.oldestAllowed(now)
	oldest := since
	if seconds := e.Sum("oldest_data_timestamp_seconds"); seconds > 0 {
		if claimed := time.UnixMilli(int64(seconds * 1000)).Add(-time.Second); claimed.After(oldest) {
			oldest = claimed
		}
	}
	shown := m.shown(e)
	for id, text := range shown {
		if !m.wasTrue(id, oldest, func(l period) bool { return l.exists && l.text == text }) {
			m.Errorf("step %d: %s is shown as %q, which was not true since %s: %+v", m.step, id, text, oldest, m.lives[id])
		}
	}
	infos, unresolved := 0, 0
	e.Each("desktop_info", func(l apptest.Labels, _ float64) {
		id := l.Get("desktop_id")
		infos++
		if _, ok := shown[id]; !ok {
			unresolved++
		}
		if !m.wasTrue(id, since, func(l period) bool { return l.exists }) {
			m.Errorf("step %d: %s is shown and is gone: %+v", m.step, id, m.lives[id])
		}
	})
	eips := map[string]float64{}
	e.Each("desktop_network_info", func(l apptest.Labels, _ float64) {
		if l.Get("eip_address") != "" {
			eips[l.Get("desktop_id")]++
		}
	})
	e.Each("desktop_eips", func(l apptest.Labels, v float64) {
		if want := eips[l.Get("desktop_id")]; v != want {
			m.Errorf("step %d: %s has %v EIPs and shows %v", m.step, l.Get("desktop_id"), v, want)
		}
	})
	if n := e.Sum("desktops"); n != float64(infos) || e.Sum("desktops_unresolved") != float64(unresolved) {
		m.Errorf("step %d: %v desktops, %v unresolved, and %d, %d by the series", m.step, n, e.Sum("desktops_unresolved"), infos, unresolved)
	}
}

// wasTrue reports whether something was true of a desktop at some time since then.
func (m *fleetModel) wasTrue(id string, since time.Time, what func(period) bool) bool {
	for _, l := range m.lives[id] {
		if (l.to.IsZero() || !l.to.Before(since)) && what(l) {
			return true
		}
	}
	return false
}
