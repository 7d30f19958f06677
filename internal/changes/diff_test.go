// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

var office = inventory.Project{Name: "office", Region: "r", ID: "p"}

// nic makes an interface from words: an address, and what else it has, such as
// eip=1.1.1.1, subnet=ID/NAME, sg=ID/NAME or port=ID.
func nic(words string) inventory.Interface {
	var i inventory.Interface
	for word := range strings.FieldsSeq(words) {
		key, value, found := strings.Cut(word, "=")
		if !found {
			i.PrivateIP = key
			continue
		}
		id, name, _ := strings.Cut(value, "/")
		switch key {
		case "eip":
			i.EIP = inventory.EIP{ID: "id-" + value, Address: value}
		case "eipid":
			i.EIP = inventory.EIP{ID: value}
		case "subnet":
			i.Subnet = inventory.Subnet{ID: id, Name: name}
		case "sg":
			i.SecurityGroups = append(i.SecurityGroups, inventory.SecurityGroup{ID: id, Name: name})
		case "port":
			i.PortID = value
		default:
			panic(key)
		}
	}
	return i
}

// record makes what is known of a desktop: its name in the list, and one text
// for each interface; none at all: its networks are not known.
func record(id, name string, nics ...string) *inventory.Record {
	r := &inventory.Record{Listed: true, Desktop: inventory.Desktop{ID: id, Name: name}}
	for _, words := range nics {
		if r.Networks == nil {
			r.Networks = &inventory.Networks{}
		}
		if words != "-" {
			r.Networks.Interfaces = append(r.Networks.Interfaces, nic(words))
		}
	}
	return r
}

// named gives a record's networks a name of their own.
func named(r *inventory.Record, name string) *inventory.Record {
	r.Networks = &inventory.Networks{Name: name}
	return r
}

func snapshot(records ...*inventory.Record) *inventory.Snapshot {
	return &inventory.Snapshot{Project: office, Records: records, Health: inventory.Health{Refreshed: true, Listed: true, ListComplete: true}}
}

func incomplete(records ...*inventory.Record) *inventory.Snapshot {
	s := snapshot(records...)
	s.Health.ListComplete = false
	return s
}

// outage is what is left when nothing could be listed for too long.
func outage() *inventory.Snapshot {
	return &inventory.Snapshot{Project: office, Health: inventory.Health{Refreshed: true}}
}

// told gives changes in a line each.
func told(changes []inventory.Change) []string {
	var lines []string
	for _, c := range changes {
		line := fmt.Sprintf("%s %s %s", c.DesktopID, c.DesktopName, c.Kind)
		if c.Before+c.After != "" {
			line += fmt.Sprintf(" %q to %q", c.Before, c.After)
		}
		lines = append(lines, line)
	}
	return lines
}

func history() *History { return New(Options{Logger: log.NewNopLogger(), Limit: 1000}) }

func TestWhatIsAChange(t *testing.T) {
	t.Parallel()
	type snapshots = []*inventory.Snapshot
	d1 := record("d1", "ana", "10.0.0.1 eip=1.1.1.1 subnet=s1/floor sg=g1/web")
	for _, tt := range []struct {
		name string
		s    snapshots
		want []string
	}{
		{"the first reading", snapshots{snapshot(d1)}, nil},
		{"nothing", snapshots{snapshot(d1), snapshot(d1), snapshot(d1)}, nil},
		{
			"other content, equal in all that counts",
			snapshots{snapshot(d1), snapshot(record("d1", "ana", "10.0.0.1 eip=1.1.1.1 subnet=s1/renamed sg=g1/renamed port=other"))},
			nil,
		},
		{"appears", snapshots{snapshot(), snapshot(d1)}, []string{"d1 ana appeared"}},
		{
			"appears, and is read later",
			snapshots{snapshot(), snapshot(record("d1", "ana")), snapshot(d1)},
			[]string{"d1 ana appeared"},
		},
		{"vanishes", snapshots{snapshot(d1), snapshot()}, []string{"d1 ana vanished"}},
		{"vanishes and comes back", snapshots{snapshot(d1), snapshot(), snapshot(d1)}, []string{"d1 ana vanished", "d1 ana appeared"}},
		{
			"some come, some go, some stay",
			snapshots{
				snapshot(record("a", "a"), record("c", "c"), record("d", "d"), record("x", "x")),
				snapshot(record("b", "b"), record("c", "c2"), record("e", "e"), record("x", "x")),
				snapshot(record("a", "a"), record("x", "x2")),
			},
			[]string{
				"a a vanished", "b b appeared", `c c2 renamed "c" to "c2"`, "d d vanished", "e e appeared",
				"a a appeared", "b b vanished", "c c2 vanished", "e e vanished", `x x2 renamed "x" to "x2"`,
			},
		},
		{
			"an incomplete list proves nothing",
			snapshots{snapshot(d1, record("d2", "eva")), incomplete(d1), incomplete(), incomplete(record("d3", "new")), incomplete(d1)},
			[]string{"d3 new appeared"},
		},
		{
			"a complete list proves it later",
			snapshots{snapshot(d1, record("d2", "eva")), incomplete(d1), snapshot(d1), snapshot(d1)},
			[]string{"d2 eva vanished"},
		},
		{
			"a complete list finds it again, changed",
			snapshots{snapshot(record("d0", "z"), d1), incomplete(record("d0", "z")), snapshot(record("d0", "z"), record("d1", "eva"))},
			[]string{`d1 eva renamed "ana" to "eva"`},
		},
		{
			"who was missed by the first lists is not new",
			snapshots{incomplete(d1), incomplete(d1, record("d2", "eva")), snapshot(d1, record("d2", "eva"), record("d3", "kim"))},
			nil,
		},
		{"an outage", snapshots{snapshot(d1), outage(), outage(), snapshot(d1)}, nil},
		{
			"what happened meanwhile",
			snapshots{snapshot(d1, record("d2", "eva")), outage(), snapshot(record("d1", "ana", "10.0.0.1 subnet=s1 sg=g1"), record("d3", "kim"))},
			[]string{`d1 ana eip_unbound "1.1.1.1" to ""`, "d2 eva vanished", "d3 kim appeared"},
		},
		{
			"an outage that ends with an incomplete list",
			snapshots{snapshot(d1, record("d2", "eva")), outage(), incomplete(d1), snapshot(d1, record("d2", "eva"))},
			nil,
		},
		{"networks unknown for a while", snapshots{snapshot(d1), snapshot(record("d1", "ana")), snapshot(d1)}, nil},
		{
			"networks change while they are unknown",
			snapshots{snapshot(d1), snapshot(record("d1", "ana")), snapshot(record("d1", "ana", "10.0.0.2 eip=1.1.1.1 subnet=s1 sg=g1"))},
			[]string{`d1 ana address_changed "10.0.0.1" to "10.0.0.2"`},
		},
		{"networks known at last", snapshots{snapshot(record("d1", "ana")), snapshot(d1)}, nil},
		{
			"EIP bound, swapped, unbound",
			snapshots{snapshot(record("d", "n", "a")), snapshot(record("d", "n", "a eip=1.1.1.1")), snapshot(record("d", "n", "a eip=2.2.2.2")), snapshot(record("d", "n", "a"))},
			[]string{`d n eip_bound "" to "1.1.1.1"`, `d n eip_swapped "1.1.1.1" to "2.2.2.2"`, `d n eip_unbound "2.2.2.2" to ""`},
		},
		{
			"a second EIP comes, another goes, an interface passes it on",
			snapshots{
				snapshot(record("d", "n", "a eip=1.1.1.1", "b")), snapshot(record("d", "n", "a eip=1.1.1.1", "b eip=2.2.2.2")),
				snapshot(record("d", "n", "a eip=3.3.3.3", "b eip=1.1.1.1")), snapshot(record("d", "n", "a eip=1.1.1.1", "b eip=3.3.3.3")), snapshot(record("d", "n", "a", "b eip=3.3.3.3")),
			},
			[]string{
				`d n eip_bound "1.1.1.1" to "1.1.1.1,2.2.2.2"`, `d n eip_swapped "1.1.1.1,2.2.2.2" to "1.1.1.1,3.3.3.3"`,
				`d n eip_unbound "1.1.1.1,3.3.3.3" to "3.3.3.3"`,
			},
		},
		{"an EIP known by its ID alone", snapshots{snapshot(record("d", "n", "a")), snapshot(record("d", "n", "a eipid=e1"))}, []string{`d n eip_bound "" to "e1"`}},
		{
			"moves to another subnet",
			snapshots{snapshot(record("d", "n", "10.0.0.1 subnet=s1/floor")), snapshot(record("d", "n", "10.0.1.1 subnet=s2/roof"))},
			[]string{`d n subnet_changed "floor" to "roof"`, `d n address_changed "10.0.0.1" to "10.0.1.1"`},
		},
		{
			"two subnets of one name",
			snapshots{snapshot(record("d", "n", "a subnet=s1/floor")), snapshot(record("d", "n", "a subnet=s2/floor"))},
			[]string{`d n subnet_changed "s1" to "s2"`},
		},
		{
			"an interface comes and goes",
			snapshots{snapshot(record("d", "n", "a subnet=s1/floor sg=g1")), snapshot(record("d", "n", "a subnet=s1/floor sg=g1", "b subnet=s2 sg=g1")), snapshot(record("d", "n", "-"))},
			[]string{
				`d n subnet_changed "floor" to "floor,s2"`, `d n address_changed "a" to "a,b"`,
				`d n subnet_changed "floor,s2" to ""`, `d n address_changed "a,b" to ""`, `d n security_groups_changed "g1" to ""`,
			},
		},
		{
			"groups",
			snapshots{snapshot(record("d", "n", "a sg=g1/web sg=g2/base")), snapshot(record("d", "n", "a sg=g2/base sg=g3/db")), snapshot(record("d", "n", "a sg=g3/db", "- sg=g2/base"))},
			[]string{`d n security_groups_changed "base,web" to "base,db"`, `d n address_changed "a" to "-,a"`},
		},
		{
			"all at once, in order",
			snapshots{snapshot(d1), snapshot(record("d1", "eva", "10.1.0.1 eip=2.2.2.2 subnet=s2/roof sg=g2/db"))},
			[]string{
				`d1 eva renamed "ana" to "eva"`, `d1 eva eip_swapped "1.1.1.1" to "2.2.2.2"`, `d1 eva subnet_changed "floor" to "roof"`,
				`d1 eva address_changed "10.0.0.1" to "10.1.0.1"`, `d1 eva security_groups_changed "web" to "db"`,
			},
		},
		{
			"the list's name counts",
			snapshots{snapshot(named(record("d", "list"), "n1")), snapshot(named(record("d", "list"), "n2")), snapshot(named(record("d", "list2"), "n2"))},
			[]string{`d list2 renamed "list" to "list2"`},
		},
		{
			"the networks' name where there is no other",
			snapshots{snapshot(named(record("d", ""), "n1")), snapshot(record("d", "")), snapshot(named(record("d", ""), "n2"))},
			[]string{`d n2 renamed "n1" to "n2"`},
		},
		{
			"a name that the list leaves out for a while",
			snapshots{snapshot(named(record("d", "list"), "n")), snapshot(named(record("d", ""), "n")), snapshot(named(record("d", "list"), "n"))},
			nil,
		},
		{"a name from another source", snapshots{snapshot(named(record("d", ""), "n")), snapshot(named(record("d", "list"), "n"))}, nil},
		{"a first name", snapshots{snapshot(record("d", "")), snapshot(record("d", "list"))}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := history()
			o := h.Observer("r", "p", "")
			for _, s := range tt.s {
				o.Observe(s)
				o.Observe(s) // which is no news
			}
			changes := h.Changes()
			slices.Reverse(changes)
			if diff := cmp.Diff(tt.want, told(changes)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			counts := map[inventory.ChangeKind]uint64{}
			for _, c := range changes {
				counts[c.Kind]++
			}
			if diff := cmp.Diff(counts, h.Count(office)); diff != "" {
				t.Errorf("counted (-want +got)\n%s", diff)
			}
		})
	}
}

// Every kind is in the table above, in the order of ChangeKinds.
func TestProjectsAreKnownByTheirCounts(t *testing.T) {
	t.Parallel()
	h := history()
	o := h.Observer("r", "", "")
	o.Observe(outage())
	o.Observe(&inventory.Snapshot{Health: inventory.Health{Listed: true}}) // of which project?
	if counts := h.Count(office); counts != nil {
		t.Errorf("an unknown project has the counts %v", counts)
	}
	o.Observe(snapshot())
	if counts := h.Count(office); counts == nil || len(counts) != 0 {
		t.Errorf("a known project has the counts %#v", counts)
	}
	h.Retain(nil)
	if counts := h.Count(office); counts != nil {
		t.Errorf("a project that went has the counts %v", counts)
	}
}

// A reload makes another observer. What was known outlives it, unless other
// desktops are read.
func TestReloads(t *testing.T) {
	t.Parallel()
	h := history()
	a := record("a", "a")
	first := h.Observer("r", "", "all")
	first.Observe(snapshot(a))

	second := h.Observer("r", "p", "all")
	first.Observe(snapshot(a, record("b", "b"))) // still the only one that knows something
	second.Observe(outage())
	second.Observe(snapshot(a, record("c", "c")))
	first.Observe(snapshot(a, record("b", "b"))) // late
	h.Retain([]*Observer{second})
	first.Observe(snapshot()) // later still
	second.Observe(snapshot(a))

	narrow := h.Observer("r", "p", "some")
	h.Retain([]*Observer{narrow})
	if h.Count(office) != nil {
		t.Error("the counts of a project outlive what was read of it")
	}
	narrow.Observe(snapshot(record("x", "x")))
	narrow.Observe(snapshot(record("y", "y")))

	unknown := h.Observer("r", "", "some") // may be the same
	h.Retain([]*Observer{unknown})
	unknown.Observe(snapshot(record("z", "z")))

	changes := h.Changes()
	slices.Reverse(changes)
	want := []string{"b b appeared", "b b vanished", "c c appeared", "c c vanished", "x x vanished", "y y appeared", "y y vanished", "z z appeared"}
	if diff := cmp.Diff(want, told(changes)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	h := New(Options{Logger: log.NewNopLogger(), Limit: 3})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot())
	ids := func() string {
		text := ""
		for _, c := range h.Changes() {
			text += c.DesktopID
		}
		return text
	}
	var records []*inventory.Record
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		records = append(slices.Clone(records), record(id, ""))
		o.Observe(snapshot(records...))
	}
	o.Observe(snapshot(append(slices.Clone(records), record("f", ""), record("g", ""), record("h", ""), record("i", ""))...))
	got := []string{ids()}
	o.Observe(snapshot(records...))
	got = append(got, ids())
	h.Resize(2)
	got = append(got, ids())
	h.Resize(4)
	for _, id := range []string{"j", "k", "l"} {
		records = append(records, record(id, ""))
		o.Observe(incomplete(records...))
		got = append(got, ids())
	}
	h.Resize(0)
	o.Observe(incomplete(append(records, record("m", ""))...))
	got = append(got, ids())
	if diff := cmp.Diff([]string{"ihg", "ihg", "ih", "jih", "kjih", "lkji", ""}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := h.Count(office)[inventory.Appeared]; n != 13 {
		t.Errorf("%d appeared, and 9 did", n)
	}
}

func TestLogOfChanges(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h := New(Options{Logger: log.NewLogfmtLogger(log.NewSyncWriter(&b)), Limit: 3})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot(record("d", "ana", "a")))
	o.Observe(snapshot(record("d", "eva \"x\"\nlevel=error", "a eip=1.1.1.1")))
	h.Close()
	want := `level=info msg="Desktop changed" kind=renamed project=office desktop_id=d desktop_name="eva \"x\"\nlevel=error" before=ana after="eva \"x\"\nlevel=error"
level=info msg="Desktop changed" kind=eip_bound project=office desktop_id=d desktop_name="eva \"x\"\nlevel=error" before= after=1.1.1.1
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b.Reset()
	var many []*inventory.Record
	for i := range 250 {
		many = append(many, record(fmt.Sprintf("e%03d", i), ""))
	}
	o.Observe(snapshot(many...))
	h.Close()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != maxLinesPerBatch+1 {
		t.Errorf("%d lines for 251 changes", len(lines))
	}
	if last := lines[len(lines)-1]; last != `level=info msg="More desktops changed in the same reading, without a line each" project=office changes=151` {
		t.Errorf("the last line is %s", last)
	}
}

// A log that stands still keeps no reading waiting, and takes a bounded amount
// of memory.
func TestLogThatStandsStill(t *testing.T) {
	t.Parallel()
	w := &gate{open: make(chan struct{})}
	h := New(Options{Logger: log.NewLogfmtLogger(w), Limit: 3})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot(record("d", "0")))
	const readings = maxPendingBatches + 500
	for i := range readings {
		o.Observe(snapshot(record("d", fmt.Sprint("n", i))))
	}
	if n := h.Count(office)[inventory.Renamed]; n != readings {
		t.Errorf("%d of %d changes counted", n, readings)
	}
	close(w.open)
	h.Close()
	text := w.b.String()
	logged := strings.Count(text, "Desktop changed")
	lost := 0
	if i := strings.Index(text, "too slow\" changes="); i < 0 {
		t.Error("nothing is said of what is lost")
	} else if _, err := fmt.Sscanf(text[i:], "too slow\" changes=%d", &lost); err != nil {
		t.Error(err)
	}
	if logged+lost != readings || logged > maxPendingBatches+1 {
		t.Errorf("%d logged, %d lost of %d", logged, lost, readings)
	}
}

// gate lets nothing through before it is open.
type gate struct {
	open chan struct{}
	b    bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.b.Write(p)
}

func TestTimeOfAChange(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	h := New(Options{Logger: log.NewNopLogger(), Limit: 1, Now: func() time.Time { return at }})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot())
	o.Observe(snapshot(record("d", "n")))
	want := []inventory.Change{{Time: at, Project: office, DesktopID: "d", DesktopName: "n", Kind: inventory.Appeared}}
	if diff := cmp.Diff(want, h.Changes()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// BenchmarkObserve measures what observing costs the engine of 100,000
// desktops, whose lock it holds.
func BenchmarkObserve(b *testing.B) {
	const n = 100_000
	records := make([]*inventory.Record, n)
	for i := range records {
		records[i] = record(fmt.Sprintf("%06d", i), "n", "10.0.0.1 subnet=s1/floor sg=g1/web")
	}
	start := func() *Observer {
		o := history().Observer("r", "p", "")
		o.Observe(snapshot(records...))
		return o
	}
	b.Run("nothing was read anew", func(b *testing.B) {
		o := start()
		s := snapshot(records...)
		for b.Loop() {
			o.Observe(s)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		o := start()
		s := [2]*inventory.Snapshot{snapshot(slices.Clone(records)...), snapshot(slices.Clone(records)...)}
		for i := 0; b.Loop(); i++ {
			o.Observe(s[i%2])
		}
	})
	b.Run("1000 renamed", func(b *testing.B) {
		o := start()
		var s [2]*inventory.Snapshot
		for k := range s {
			changed := slices.Clone(records)
			for i := 0; i < n; i += 100 {
				changed[i] = record(records[i].Desktop.ID, fmt.Sprint(k), "10.0.0.1 subnet=s1/floor sg=g1/web")
			}
			s[k] = snapshot(changed...)
		}
		for i := 0; b.Loop(); i++ {
			o.Observe(s[i%2])
		}
	})
	b.Run("one comes or goes", func(b *testing.B) {
		o := start()
		s := [2]*inventory.Snapshot{snapshot(records[1:]...), snapshot(slices.Clone(records)...)}
		for i := 0; b.Loop(); i++ {
			o.Observe(s[i%2])
		}
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			start()
		}
	})
}
