// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package collector

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// edition keeps what was said in one dialect and encoding, to be said again
// as it is while the fleet does not change. A project's desktops are cut into
// chunks; what the families say of a chunk is kept while its records are the
// same ones.
type edition struct {
	families *familySet
	dialect  dialect
	encoding encoding

	asked time.Time // guarded by the Exposition

	mu       sync.Mutex
	sections map[string]*section

	presses chan press // idle ones
}

// section is the part of an edition that one scope has.
type section struct {
	used     time.Time
	samplers []sampler // by family
	chunks   []*chunk
	objects  *objects
}

// chunk is a run of records and what is said of them. It is immutable once it
// is made.
type chunk struct {
	records []*inventory.Record
	sealed
}

// objects are a project's VPCs, subnets, groups and findings and what is said of
// them.
type objects struct {
	vpcs     []inventory.VPC
	subnets  []inventory.SubnetUsage
	groups   []inventory.SecurityGroup
	checked  []inventory.FindingReason
	findings []inventory.Finding
	sealed
}

// sealed holds one span for each family of a kind, one after the other.
type sealed struct {
	data  []byte
	marks []mark
}

// mark is the end of a span in the data of a sealed, and its sum.
type mark struct {
	end int
	sum
}

func (s *sealed) span(i int) span {
	start := 0
	if i > 0 {
		start = s.marks[i-1].end
	}
	return span{s.data[start:s.marks[i].end], s.marks[i].sum}
}

// chunkSize is how many desktops a chunk has when it is made: fewer make the
// change of one cheaper, more compress better.
const chunkSize = 32

// maxWorkers bounds how many cores one scrape takes.
const maxWorkers = 8

func newEdition(fs *familySet, d dialect, e encoding) *edition {
	return &edition{
		families: fs, dialect: d, encoding: e,
		sections: make(map[string]*section), presses: make(chan press, maxWorkers),
	}
}

// view is what an edition says of a scope, as it was at one moment.
type view struct {
	scope    *scope
	samplers []sampler // by family
	chunks   []*chunk
	objects  *objects
}

// page makes a page of what the edition says of scopes, or of the families of
// these names. The caller has to release its press.
func (ed *edition) page(scopes []*scope, names []string, now time.Time) *page {
	p := &page{encoding: ed.encoding, press: ed.press(), views: ed.views(scopes, now)}
	var desktops, objects int
	for i := range ed.families.all {
		f := &ed.families.all[i]
		var body func(view, func(span))
		switch {
		case f.desktop != nil:
			body = desktopsBody(desktops)
			desktops++
		case f.objects != nil:
			body = objectsBody(objects)
			objects++
		}
		if !wanted(names, f.Name) {
			continue
		}
		if body != nil {
			p.family(ed.dialect, &f.Metric, body)
		} else {
			p.append(ed.project(i, p.views))
		}
	}
	return p
}

// project says a family of projects as wholes. It is never kept: this is what
// changes from scrape to scrape.
func (ed *edition) project(i int, views []view) []byte {
	f := &ed.families.all[i]
	var rows []byte
	for _, v := range views {
		f.project(newEmitter(v.scope, func(row []string, value float64) {
			rows = v.samplers[i].append(rows, row, value)
		}), v.scope)
	}
	if len(rows) == 0 {
		return nil
	}
	return append(ed.dialect.header(&f.Metric, len(rows)), rows...)
}

// views brings the edition up to date and gives what it says of each scope.
func (ed *edition) views(scopes []*scope, now time.Time) []view {
	ed.mu.Lock()
	defer ed.mu.Unlock()
	for key, sec := range ed.sections {
		if now.Sub(sec.used) > idle {
			delete(ed.sections, key)
		}
	}
	var jobs []job
	var all []view
	for _, s := range scopes {
		sec := ed.section(s, now)
		var fresh []*chunk
		sec.chunks, fresh = divide(sec.chunks, s.Records)
		for _, c := range fresh {
			jobs = append(jobs, job{scope: s, section: sec, chunk: c})
		}
		if !sec.objects.of(s.Snapshot) {
			sec.objects = &objects{vpcs: s.VPCs, subnets: s.Subnets, groups: s.SecurityGroups, checked: s.CheckedReasons, findings: s.Findings}
			jobs = append(jobs, job{scope: s, section: sec, objects: sec.objects})
		}
		all = append(all, view{s, sec.samplers, sec.chunks, sec.objects})
	}
	ed.run(jobs)
	return all
}

// section finds or makes the section of a scope.
func (ed *edition) section(s *scope, now time.Time) *section {
	sec := ed.sections[s.key]
	if sec == nil {
		sec = &section{}
		for _, f := range ed.families.all {
			sec.samplers = append(sec.samplers, ed.dialect.sampler(&f.Metric, s.Project))
		}
		ed.sections[s.key] = sec
	}
	sec.used = now
	return sec
}

// of reports whether these are the objects of a snapshot. It lets go of the
// slices of an older one.
func (o *objects) of(s *inventory.Snapshot) bool {
	if o == nil || !slices.Equal(o.vpcs, s.VPCs) || !slices.Equal(o.subnets, s.Subnets) ||
		!slices.Equal(o.groups, s.SecurityGroups) || !slices.Equal(o.checked, s.CheckedReasons) || !slices.Equal(o.findings, s.Findings) {
		return false
	}
	o.vpcs, o.subnets, o.groups, o.checked, o.findings = s.VPCs, s.Subnets, s.SecurityGroups, s.CheckedReasons, s.Findings
	return true
}

// divide cuts records into chunks where the old ones were cut. It gives all
// the chunks and, of these, those that still have to be sealed. A chunk that
// has grown to twice its size is cut up, one that has shrunk to a quarter is
// joined to the next.
func divide(old []*chunk, records []*inventory.Record) (chunks, fresh []*chunk) {
	add := func(part []*inventory.Record) {
		for n := max(1, len(part)/chunkSize); len(part) > 0; n-- {
			size := len(part) / n
			c := &chunk{records: slices.Clone(part[:size])}
			chunks, fresh = append(chunks, c), append(fresh, c)
			part = part[size:]
		}
	}
	chunks = make([]*chunk, 0, len(old))
	start, end := 0, 0
	for i, c := range old {
		last := i == len(old)-1
		if last {
			end = len(records)
		} else {
			end = until(records, end, len(c.records), old[i+1].records[0])
		}
		part := records[start:end]
		if slices.Equal(part, c.records) {
			chunks = append(chunks, c)
		} else if len(part) >= chunkSize/4 || last {
			add(part)
		} else {
			continue
		}
		start = end
	}
	add(records[start:])
	return chunks, fresh
}

// until gives the index of the first record from start on that does not come
// before bound; it tries start+guess first.
func until(records []*inventory.Record, start, guess int, bound *inventory.Record) int {
	if i := start + guess; i < len(records) && records[i] == bound {
		return i
	}
	i, _ := slices.BinarySearchFunc(records[start:], bound.Desktop.ID, func(r *inventory.Record, id string) int {
		return strings.Compare(r.Desktop.ID, id)
	})
	return start + i
}

// press takes an idle press, or makes one.
func (ed *edition) press() press {
	select {
	case p := <-ed.presses:
		return p
	default:
		return ed.encoding.press()
	}
}

// release gives a press back.
func (ed *edition) release(p press) {
	select {
	case ed.presses <- p:
	default:
	}
}

// job is a chunk, or the objects, of a scope to be sealed.
type job struct {
	scope   *scope
	section *section
	chunk   *chunk
	objects *objects
}

// run does the jobs on all cores.
func (ed *edition) run(jobs []job) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxWorkers, (len(jobs)+3)/4) {
		wg.Go(func() {
			w := writer{edition: ed, press: ed.press()}
			for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
				w.do(jobs[i])
			}
			ed.release(w.press)
		})
	}
	wg.Wait()
}

// writer seals, with buffers that serve for many jobs.
type writer struct {
	edition *edition
	press   press
	raw     []byte
	out     []byte
}

func (w *writer) do(j job) {
	fs := w.edition.families
	if j.objects != nil {
		j.objects.sealed = w.seal(j, fs.objects, func(f *family, e *emitter) { f.objects(e, j.scope.Snapshot) })
		return
	}
	j.chunk.sealed = w.seal(j, fs.desktops, func(f *family, e *emitter) {
		for _, r := range j.chunk.records {
			f.desktop(e, r)
		}
	})
}

// seal says and encodes the given families.
func (w *writer) seal(j job, families []int, say func(*family, *emitter)) sealed {
	s := sealed{marks: make([]mark, 0, len(families))}
	var sampler sampler
	e := newEmitter(j.scope, func(row []string, value float64) {
		w.raw = sampler.append(w.raw, row, value)
	})
	w.out = w.out[:0]
	for _, i := range families {
		w.raw, sampler = w.raw[:0], j.section.samplers[i]
		say(&w.edition.families.all[i], e)
		var total sum
		if len(w.raw) > 0 {
			w.out, total = w.press.seal(w.out, w.raw)
		}
		s.marks = append(s.marks, mark{len(w.out), total})
	}
	s.data = slices.Clone(w.out)
	return s
}
