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
// after each scrape holds what is said against what may be said:
//   - what is said of a desktop's networks was true at some time since the
//     oldest data that the exporter claims, and within max_staleness;
//   - a desktop is shown only if it existed within max_staleness;
//   - every change is told exactly once, and none that was not (see shadow),
//     though the exporter is restarted now and then, with a state file;
//   - the counts agree with the series, and the unknown has no number;
//   - when the cloud is calm for a while, exactly the truth is said.
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
				m := &modelFleet{scenario: s, rng: rand.New(rand.NewPCG(seed, 0)), lives: map[string][]life{}, shadow: shadow{desktops: map[string]*image{}}}
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
						m.calm()
					case 6, 18:
						m.outage()
					case 9, 21:
						m.pause()
					default:
						m.weather()
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

// life is what was true of a desktop from a time to another.
type life struct {
	from, to time.Time // to is zero while it goes on
	text     string    // its interfaces, as exposition.fleet spells them
	exists   bool

	name, address, eip string
}

// modelFleet knows the whole history of a simulated fleet.
type modelFleet struct {
	*scenario
	rng    *rand.Rand
	next   int
	step   int
	lives  map[string][]life
	shadow shadow
	heal   []func()

	away, back time.Time // when the exporter did not run last
}

// Data may be older than max_staleness by the time until a try fails: by the
// pause until the next scrape, and by a refresh that comes to its first question
// late.
const staleness, slack = 15 * time.Minute, 2*time.Minute + 10*time.Second + 2*time.Minute

// oldest is how old anything may be that is said at a time. Who is away for
// less than max_staleness holds what was known before.
func (m *modelFleet) oldest(at time.Time) time.Time {
	since := at.Add(-staleness - slack)
	if since.Before(m.back) && !at.Before(m.back) {
		return since.Add(-min(m.back.Sub(m.away), staleness))
	}
	return since
}

// note writes down what is true of a desktop from now on.
func (m *modelFleet) note(id string) {
	now := time.Now()
	lives := m.lives[id]
	if n := len(lives); n > 0 {
		lives[n-1].to = now
	}
	d, exists := m.Cloud.Desktop(apptest.ProjectA, id)
	l := life{from: now, exists: exists, name: d.Name}
	for _, nic := range d.Interfaces {
		l.text, l.address = " "+nic.PrivateIP, nic.PrivateIP
		if nic.EIP != nil {
			l.text, l.eip = l.text+"/"+nic.EIP.Address, nic.EIP.Address
		}
	}
	m.lives[id] = append(lives, l)
}

func (m *modelFleet) create() {
	m.next++
	id := fmt.Sprintf("d%04d", m.next)
	d := apptest.Desktop(id, "")
	d.Interfaces[0].PrivateIP = fmt.Sprintf("10.0.%d.%d", m.next/250, m.next%250+1)
	if m.rng.IntN(2) == 0 {
		d.Interfaces[0].EIP = m.eip()
	}
	m.Cloud.PutDesktop(apptest.ProjectA, d)
	m.note(id)
}

func (m *modelFleet) eip() *simulator.EIP {
	m.next++
	return &simulator.EIP{ID: fmt.Sprint("e", m.next), Address: fmt.Sprintf("100.%d.%d.1", m.next/250, m.next%250)}
}

// change makes one thing happen to the fleet.
func (m *modelFleet) change() {
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
	m.note(id)
}

// weather puts up to three faults in place of those before.
func (m *modelFleet) weather() {
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

// holes takes some desktops out of lists, whose total still counts them.
func (m *modelFleet) holes() func([]byte) []byte {
	digit := fmt.Sprint(m.rng.IntN(10))
	return func(body []byte) []byte {
		var answer struct {
			Desktops []map[string]any `json:"desktops"`
			Total    int              `json:"total_count"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return body // another fault's
		}
		answer.Desktops = slices.DeleteFunc(answer.Desktops, func(d map[string]any) bool {
			return strings.HasSuffix(d["desktop_id"].(string), digit)
		})
		body, _ = json.Marshal(answer)
		return body
	}
}

// outage lets one operation fail for longer than anything may be held, while
// the fleet changes and is scraped every minute.
func (m *modelFleet) outage() {
	f := simulator.Fault{Operation: []string{list, networks}[m.rng.IntN(2)]}
	if n := m.rng.IntN(6); n == 5 {
		f = simulator.Fault{Operation: list, RewriteBody: m.holes()}
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

// pause restarts the exporter while the fleet changes and the weather stays.
func (m *modelFleet) pause() {
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

// calm lets the cloud be well for as long as any pause lasts, and then expects
// the truth.
func (m *modelFleet) calm() {
	for _, heal := range m.heal {
		heal()
	}
	m.heal = nil
	time.Sleep(time.Hour + time.Minute)
	m.Scrape()
	time.Sleep(2 * time.Minute)
	e := m.Scrape()
	m.may(e)
	m.toldAll()
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

func (m *modelFleet) check() {
	m.may(m.Scrape())
	m.follow()
}

// shown gives the interfaces of each desktop whose networks are shown.
func (m *modelFleet) shown(e apptest.Exposition) map[string]string {
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

// may holds what is said against what may be said.
func (m *modelFleet) may(e apptest.Exposition) {
	now := time.Now()
	since := m.oldest(now)
	oldest := since
	if seconds := e.Sum("oldest_data_timestamp_seconds"); seconds > 0 {
		if claimed := time.UnixMilli(int64(seconds * 1000)).Add(-time.Second); claimed.After(oldest) {
			oldest = claimed
		}
	}
	shown := m.shown(e)
	for id, text := range shown {
		if !m.was(id, oldest, func(l life) bool { return l.exists && l.text == text }) {
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
		if !m.was(id, since, func(l life) bool { return l.exists }) {
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

// was tells whether something was true of a desktop at some time since then.
func (m *modelFleet) was(id string, since time.Time, what func(life) bool) bool {
	for _, l := range m.lives[id] {
		if (l.to.IsZero() || !l.to.Before(since)) && what(l) {
			return true
		}
	}
	return false
}
